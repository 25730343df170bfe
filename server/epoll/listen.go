package epoll

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"lapps/server"

	"golang.org/x/sys/unix"
)

const (
	// inFlight is how many connections of a listener are on their way to a
	// loop: there each needs a second descriptor, so that few should be there
	// when descriptors run out; a busy loop should not hold up accepting either.
	inFlight = 16

	minBackOff = 5 * time.Millisecond
	maxBackOff = time.Second

	// calm is how long nothing must have failed for a failure to be logged.
	// Without descriptors, each client that leaves lets another one in.
	calm = 10 * time.Second
)

// A listener accepts from ln until that is closed.
//
// Accepting may fail for want of descriptors or memory, and so may the way to
// a loop, on which gnet duplicates the descriptor. Neither ends a listener:
// it waits, from 5 ms to 1 s, and tries again. The first failure is logged, the
// others are counted.
type listener struct {
	// Immutable.
	carrier *Carrier
	ln      net.Listener
	admit   func(netip.AddrPort) bool
	accept  server.Acceptor

	enrolments chan enrolment // closed by run
	failed     chan error     // from settle to run; holds the first, the others are only counted
	settled    chan struct{}  // closed when settle has ended

	// Owned by run.
	backOff time.Duration // the last one; 0 after a success
	failure time.Time     // the last one
}

// Listen has connections accepted from ln, which must be a *net.TCPListener or
// *net.UnixListener, or yield what those do. The carrier owns ln from now on.
// admit is asked first, on the listener's goroutine, and must not block; nil
// lets everyone in. accept is called on the loop for those that are let in.
// A net.ListenConfig with KeepAlive -1 saves a few system calls for each.
func (c *Carrier) Listen(ln net.Listener, admit func(netip.AddrPort) bool, accept server.Acceptor) {
	l := &listener{
		carrier:    c,
		ln:         ln,
		admit:      admit,
		accept:     accept,
		enrolments: make(chan enrolment, inFlight),
		failed:     make(chan error, 1),
		settled:    make(chan struct{}),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		ln.Close()
		return
	}
	c.listeners = append(c.listeners, ln)
	c.accepting.Go(l.run)
}

// run accepts until the listener is closed.
func (l *listener) run() {
	go l.settle()
	for {
		conn, err := l.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err == nil {
			l.take(conn)
			err = l.unsettled()
		}
		if !l.pace(err) {
			break
		}
	}
	close(l.enrolments)
	<-l.settled
}

// unsettled is an error that settle has met.
func (l *listener) unsettled() error {
	select {
	case err := <-l.failed:
		return err
	default:
		return nil
	}
}

// take sends a connection to a loop, if it is let in.
func (l *listener) take(conn net.Conn) {
	addr, err := remoteAddr(conn)
	if err != nil {
		conn.Close()
		l.fail(err)
		return
	}
	if l.admit != nil && !l.admit(addr) {
		l.carrier.counts.refused.Add(1)
		conn.Close()
		return
	}
	e, err := l.carrier.enrol(conn, addr, l.accept)
	if err != nil {
		l.fail(err)
		return
	}
	l.enrolments <- e
}

// settle waits for the enrolments, and reports those that failed.
func (l *listener) settle() {
	defer close(l.settled)
	for e := range l.enrolments {
		if err := e.wait(); err != nil {
			l.fail(err)
		}
	}
}

// fail passes an error on to run, unless it has one to see to.
func (l *listener) fail(err error) {
	select {
	case l.failed <- err:
	default:
		l.carrier.counts.count(err)
	}
}

// pace waits after an error, twice as long as after the one before. It
// returns false when accepting is to end.
func (l *listener) pace(err error) bool {
	if err == nil {
		l.backOff = 0
		return true
	}
	l.carrier.counts.count(err)
	now := time.Now()
	if now.Sub(l.failure) > calm {
		l.carrier.log.Error("epoll: cannot accept, will try again", "listener", l.ln.Addr().String(), "err", err)
	}
	l.failure = now
	l.backOff = min(max(2*l.backOff, minBackOff), maxBackOff)
	t := time.NewTimer(l.backOff)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.carrier.stopping:
		return false
	}
}

// count counts an error by its kind.
func (c *acceptCounters) count(err error) {
	switch {
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		c.files.Add(1)
	case errors.Is(err, unix.ENOMEM), errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOSPC):
		c.memory.Add(1)
	default:
		c.other.Add(1)
	}
}

// nextLoop is each loop in turn.
func (c *Carrier) nextLoop() *loop {
	return c.loops[c.next.Add(1)%uint64(len(c.loops))]
}

var errNoAddress = errors.New("the connection has no address any more")

// remoteAddr is the client's address, as the package comment says. It makes
// conn fit for gnet.
func remoteAddr(conn net.Conn) (netip.AddrPort, error) {
	switch conn := conn.(type) {
	case *net.TCPConn:
		remote, ok := conn.RemoteAddr().(*net.TCPAddr)
		if !ok {
			return netip.AddrPort{}, errNoAddress
		}
		local, ok := conn.LocalAddr().(*net.TCPAddr)
		if !ok {
			return netip.AddrPort{}, errNoAddress
		}
		// gnet puts the names of zones, which are shared, into a pool of
		// buffers when it closes the connection.
		remote.Zone, local.Zone = "", ""
		conn.SetKeepAlive(false) // a connection can do without
		addr := remote.AddrPort()
		return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()), nil
	case *net.UnixConn:
		return netip.AddrPort{}, nil
	}
	return netip.AddrPort{}, fmt.Errorf("want a *net.TCPConn or *net.UnixConn, not a %T", conn)
}
