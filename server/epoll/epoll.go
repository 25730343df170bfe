// Package epoll carries connections over gnet's event loops. It is the only
// package that knows gnet.
//
// # Order of calls
//
// New starts the loops and tests them. Listen, any number of times, has a
// goroutine accept from a listener: it asks admit, and hands what is let in to
// a loop, in turn. On that loop the acceptor is called with a server.Socket
// and answers with the server.Receiver that is told what the peer does. Attach does
// the same with a connection that somebody has opened. StopAccepting closes the listeners; what was accepted lives on. Stop ends
// everything, and returns when every goroutine has ended and every descriptor
// is closed.
//
// # What is gnet's and what is not
//
// gnet polls, reads, and calls back. Everything else is done here, because of
// what gnet 2.10 does instead, and the version is pinned for that reason:
//
//   - Accepting. gnet's own ends all of its loops when descriptors run out,
//     cannot be given a listener, and allocates before anyone can refuse.
//   - Output. gnet buffers without bound and closes a connection inside a
//     failing Write. A Socket sends by raw non-blocking system calls, keeps a
//     copy of what one Write could not send, and learns of room through an
//     epoll set of its own for each loop. gnet's outbound buffer stays empty.
//     A raw system call does not tell the Go scheduler, which is half of what
//     a small write costs; it is made only where it cannot block.
//   - Pausing, which gnet cannot do: the events of the descriptor in gnet's
//     own epoll set are changed behind its back. gnet changes them itself
//     only for output, which it never has. The build tag poll_opt, with which
//     gnet keeps pointers in its epoll sets, is refused (pollopt.go).
//   - Tasks, wake-ups and timers; loop.go and wheel.go say why.
//   - Lingering. gnet closes as soon as it reads EOF, also when the peer has
//     only half-closed and output waits: the descriptor is then duplicated,
//     and the rest goes out without gnet.
//
// # Details
//
// RemoteAddr of an IPv4 client on an IPv6 socket is its IPv4 address; the
// zone of a link-local address is dropped (gnet would recycle the memory of
// its name). A Unix-domain client has the zero AddrPort.
//
// Lost is told: the Receiver's own error when Receive returned one; nil after
// our own Close, os.ErrDeadlineExceeded (wrapped) when its linger ran out
// first; io.EOF when the peer closed or half-closed; a system call's error
// when it reset, or a write failed; ErrStopped from Stop.
//
// TCP_NODELAY is on, as Go sets it. Keep-alive probes are off: WebSocket pings
// do the same from end to end, and 15 s of Go's default would be 6,700 packets
// a second with 100,000 idle connections.
//
// # What it does not do
//
// It knows nothing of WebSockets, TLS or PROXY headers; those are carried by
// it. It limits neither the number of connections nor their time: its callers
// do, in admit and with timers. It leaves the limit of open files as it is.
// It does not recover from panics in what it calls.
package epoll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"lapps/server"

	"github.com/panjf2000/gnet/v2"
)

// ErrStopped is what Lost is told when the carrier stops.
var ErrStopped = errors.New("epoll: the carrier has stopped")

// A Config says how a Carrier is to be. The zero Config is fine.
type Config struct {
	// Loops is the number of event loops; 0 means half of GOMAXPROCS, at
	// least 1: services need the other half, and a loop more than needed
	// costs 1.3 µs of each round trip on two cores.
	Loops int

	Log *slog.Logger // nil means slog.Default()
}

// A Carrier owns event loops, listeners and their connections. Its methods
// may be called from any goroutine, but for the loops' own: StopAccepting and
// Stop wait for those.
type Carrier struct {
	// Immutable once New has returned.
	start  time.Time
	log    *slog.Logger
	client *gnet.Client
	loops  []*loop

	stopping chan struct{} // closed when accepting is to end
	stopped  chan struct{} // closed when all has ended
	stopOnce sync.Once
	counts   acceptCounters
	next     atomic.Uint64 // counts the loops that were given connections

	mu        sync.Mutex // guards the fields below
	listeners []net.Listener
	accepting sync.WaitGroup // goroutines of listeners, and Attach; added to with mu held
	closed    bool           // stopping is closed
}

// New starts the event loops, and tests on each that a wake-up arrives and
// that a paused descriptor is not read.
func New(cfg Config) (*Carrier, error) {
	if cfg.Loops < 0 {
		return nil, fmt.Errorf("epoll: Config.Loops: must be 0 or more, not %d", cfg.Loops)
	}
	if cfg.Loops == 0 {
		cfg.Loops = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	c := &Carrier{
		start:    time.Now(),
		log:      cfg.Log,
		stopping: make(chan struct{}),
		stopped:  make(chan struct{}),
	}
	var err error
	c.client, err = gnet.NewClient(&events{}, gnet.WithNumEventLoop(cfg.Loops), gnet.WithLogger(logger{c.log}))
	if err != nil {
		return nil, fmt.Errorf("epoll: make %d loops: %w", cfg.Loops, err)
	}
	if err := c.client.Start(); err != nil {
		return nil, fmt.Errorf("epoll: start %d loops: %w", cfg.Loops, err)
	}
	for i := range cfg.Loops {
		l, err := c.newLoop()
		if err != nil {
			c.shutdown()
			return nil, fmt.Errorf("epoll: loop %d of %d: %w", i, cfg.Loops, err)
		}
		c.loops = append(c.loops, l)
	}
	return c, nil
}

// Loops returns the event loops, always the same in the same order.
func (c *Carrier) Loops() []server.Loop {
	loops := make([]server.Loop, len(c.loops))
	for i, l := range c.loops {
		loops[i] = l
	}
	return loops
}

// StopAccepting closes the listeners and waits until their goroutines have
// ended and all that was accepted or attached is with its loop. A Listen after it
// closes its listener at once, and an Attach its connection.
func (c *Carrier) StopAccepting() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.stopping)
		for _, ln := range c.listeners {
			ln.Close() // fails only when it is closed already
		}
	}
	c.mu.Unlock()
	c.accepting.Wait()
}

// Stop ends the carrier: StopAccepting, then every connection that is left is
// aborted and its Receiver told ErrStopped, then the loops end. What the
// Receivers post meanwhile is run; timers are not. Nothing but a Receiver or
// acceptor that blocks can hold it up; when ctx ends first Stop returns its
// error, and the rest happens in the background. A second Stop waits for the
// first.
func (c *Carrier) Stop(ctx context.Context) error {
	c.stopOnce.Do(func() { go c.stop() })
	select {
	case <-c.stopped:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("epoll: stop: %w", ctx.Err())
	}
}

func (c *Carrier) stop() {
	c.StopAccepting()
	c.shutdown()
	close(c.stopped)
}

// shutdown ends the loops. gnet calls OnClose for what is open only after a
// loop has polled for the last time, so that this goroutine then stands in
// for the loops.
func (c *Carrier) shutdown() {
	if err := c.client.Stop(); err != nil {
		c.log.Error("epoll: a loop has ended early", "err", err)
	}
	for _, l := range c.loops {
		l.finish()
	}
}
