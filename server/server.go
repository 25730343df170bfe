package server

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"lapps/acl"
	"lapps/protocol/wire"
	"lapps/services"
)

// A Server joins peers and services. Its fields are set before the first
// Accept and not changed afterwards. Its methods may be called from any
// goroutine.
type Server struct {
	// Services is asked for the service at each request's path.
	Services *services.Registry

	// Access says which addresses may connect to any service: the peers', and
	// those of the clients they are proxies for.
	Access *acl.List

	// MaxConns is how many connections there may be; 0 means no limit. The
	// next ones are refused with 503.
	MaxConns int

	// Head bounds an opening handshake; zeros mean wire's defaults.
	Head wire.HeadLimits

	Timeouts Timeouts

	// Limits are those of the server as a whole, besides MaxConns.
	Limits Limits

	// Log is where connections are logged; nil means nowhere.
	Log *slog.Logger

	exceedings exceedings
	relief     relief
	refusing   atomic.Bool // see Refuse

	accepts  pace
	taken    atomic.Int64 // connections that MaxConns let in
	shaking  atomic.Int64 // opening handshakes under way
	prefixes prefixes

	bareOnce sync.Once
	bare     Listener // one without settings

	ids     atomic.Uint64
	scratch sync.Map // Loop to *scratch

	mu       sync.Mutex // guards the fields below; nothing is called with it held
	conns    conn       // a ring of all connections; conns itself is its anchor
	open     int
	draining bool
	drained  chan struct{} // closed when draining and no connection is left
}

// Timeouts bound how long a connection may be in a state. 0 means for ever,
// but for Close.
type Timeouts struct {
	Handshake time.Duration // until the service has admitted the peer; then 408 or 503
	Idle      time.Duration // nothing at all received, no pong either; then 1008
	Ping      time.Duration // nothing received, before the server sends a ping
	Pong      time.Duration // after that ping, until anything is received; then 1008
	Message   time.Duration // between the first byte of a message and its last; then 1008
	Busy      time.Duration // no progress: the service does not keep up and the peer is not read, or the peer does not read; then 1013
	Close     time.Duration // for what was accepted, before our Close frame; and again for the peer to go, before the connection is aborted; 0 means 5 s
}

// errDraining aborts connections that arrive during Shutdown.
var errDraining = errors.New("server: shutting down")

// Admit is that of a Listener without settings.
func (s *Server) Admit(a netip.AddrPort) bool { return s.listener().Admit(a) }

// Accept is that of a Listener without settings.
func (s *Server) Accept(sock Socket) (Receiver, error) { return s.listener().Accept(sock) }

// listener is a Listener without settings.
func (s *Server) listener() *Listener {
	s.bareOnce.Do(func() { s.bare.Server = s })
	return &s.bare
}

// Open is how many connections there are, those in their handshake included.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// ContextBytes is how many bytes all connections hold for context takeover
// (RFC 7692).
func (s *Server) ContextBytes() int64 {
	var sum int64
	s.scratch.Range(func(_, known any) bool {
		sum += known.(*scratch).flate.Held()
		return true
	})
	return sum
}

// Shutdown tells every peer 1001, going away, after what it sent has been
// answered, and waits until all connections have gone. New ones are aborted.
// When ctx ends first, it aborts what is left, waits for those, but for no
// more than a second, in case a service does not answer to a peer that is
// joining, and returns ctx's error. The loops must run. A second Shutdown waits
// as well.
func (s *Server) Shutdown(ctx context.Context) error {
	drained := s.drain()
	s.each((*conn).goAway)
	select {
	case <-drained:
		s.relief.wg.Wait() // nobody is left who would need another one
		return nil
	case <-ctx.Done():
	}
	s.each((*conn).abort)
	select {
	case <-drained:
	case <-time.After(time.Second):
	}
	return ctx.Err()
}

// drain refuses new connections; the channel is closed when none is left.
func (s *Server) drain() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.draining = true
		s.drained = make(chan struct{})
		if s.open == 0 {
			close(s.drained)
		}
	}
	return s.drained
}

// each has f called for each connection, on its loop.
func (s *Server) each(f func(*conn)) {
	for _, c := range s.all() {
		c.sock.Loop().Post(func() { f(c) })
	}
}

// all returns all connections.
func (s *Server) all() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*conn, 0, s.open)
	for c := s.conns.next; c != nil && c != &s.conns; c = c.next {
		all = append(all, c)
	}
	return all
}

// enter puts c on the ring.
func (s *Server) enter(c *conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return errDraining
	}
	if s.conns.next == nil {
		s.conns.next, s.conns.prev = &s.conns, &s.conns
	}
	c.next, c.prev = &s.conns, s.conns.prev
	c.prev.next, c.next.prev = c, c
	s.open++
	return nil
}

// exit forgets c.
func (s *Server) exit(c *conn) {
	c.giveBack()
	s.mu.Lock()
	defer s.mu.Unlock()
	c.prev.next, c.next.prev = c.next, c.prev
	c.next, c.prev = nil, nil
	s.open--
	if s.draining && s.open == 0 {
		close(s.drained)
	}
}

// log is the server's logger.
func (s *Server) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}
