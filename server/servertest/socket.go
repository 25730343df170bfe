package servertest

import (
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"lapps/server"
)

// A socket is the server's end of a connection. Owned by the loop.
type socket struct {
	carrier  *Carrier
	addr     netip.AddrPort
	in, out  *pipe
	receiver server.Receiver
	backlog  []byte
	paused   bool
	closing  bool // Close was called
	lost     bool
	linger   server.Timer
}

var _ server.Socket = (*socket)(nil)

// accept begins the life of the socket.
func (s *socket) accept() error {
	loop := s.carrier.loop
	s.in.moved = func() { loop.Post(s.readable) }
	s.out.moved = func() { loop.Post(s.writable) }
	s.linger.F = func() { s.Close(0) }
	r, err := s.carrier.Accept(s)
	if err != nil {
		s.in.reset(err)
		s.out.reset(err)
		return err
	}
	s.receiver = r
	s.carrier.mu.Lock()
	s.carrier.socks[s] = true
	s.carrier.mu.Unlock()
	return nil
}

// readable receives what has come.
func (s *socket) readable() {
	for !s.lost {
		if s.paused { // an abort is noticed all the same
			if _, _, err := s.in.take(0); err != nil {
				s.end(err)
			}
			return
		}
		b, eof, err := s.in.take(s.carrier.chunk(1 << 30))
		switch {
		case err != nil:
			s.end(err)
		case eof && len(b) == 0:
			s.eof()
		case len(b) == 0:
		case !s.closing:
			if err := s.receiver.Receive(b); err != nil {
				s.in.reset(syscall.ECONNRESET)
				s.out.reset(syscall.ECONNRESET)
				s.end(err)
			}
		}
		if len(b) == 0 {
			return
		}
	}
}

// eof is the peer's half-close.
func (s *socket) eof() {
	if s.closing && len(s.backlog) > 0 {
		return // the backlog is written first; the linger bounds it
	}
	if s.closing {
		s.end(nil)
		return
	}
	s.out.end()
	s.end(io.EOF)
}

// writable writes the backlog.
func (s *socket) writable() {
	if s.lost || len(s.backlog) == 0 {
		return
	}
	n := s.out.offer(s.backlog)
	s.backlog = s.backlog[n:]
	if len(s.backlog) > 0 {
		return
	}
	if s.closing {
		s.out.end()
		s.readable()
		return
	}
	s.receiver.Writable()
}

// end is the end of the connection.
func (s *socket) end(err error) {
	if s.lost {
		return
	}
	s.lost = true
	s.carrier.loop.Stop(&s.linger)
	s.carrier.mu.Lock()
	delete(s.carrier.socks, s)
	s.carrier.mu.Unlock()
	s.receiver.Lost(err)
}

// Write implements server.Socket.
func (s *socket) Write(p [][]byte) (backlog int, err error) {
	if err := s.out.broken(); err != nil {
		return 0, err // readable tells Lost
	}
	for _, b := range p {
		n := 0
		if len(s.backlog) == 0 {
			n = s.out.offer(b)
		}
		s.backlog = append(s.backlog, b[n:]...)
	}
	return len(s.backlog), nil
}

// Pause implements server.Socket.
func (s *socket) Pause(on bool) {
	s.paused = on
	if !on {
		s.carrier.loop.Post(s.readable)
	}
}

// Close implements server.Socket.
func (s *socket) Close(linger time.Duration) {
	if s.lost || s.closing && linger > 0 {
		return
	}
	s.closing = true
	loop := s.carrier.loop
	if linger == 0 {
		s.in.reset(syscall.ECONNRESET)
		s.out.reset(syscall.ECONNRESET)
		loop.Post(func() { s.end(nil) })
		return
	}
	if len(s.backlog) == 0 {
		s.out.end()
	}
	loop.Arm(&s.linger, linger)
	s.Pause(false)
}

// RemoteAddr implements server.Socket.
func (s *socket) RemoteAddr() netip.AddrPort { return s.addr }

// Loop implements server.Socket.
func (s *socket) Loop() server.Loop { return s.carrier.loop }

// A client is the other end: a net.Conn.
type client struct{ s *socket }

var _ net.Conn = (*client)(nil)

func (c *client) Read(b []byte) (int, error)  { return c.s.out.read(b) }
func (c *client) Write(b []byte) (int, error) { return c.s.in.write(b) }

// CloseWrite half-closes, as (*net.TCPConn).CloseWrite does.
func (c *client) CloseWrite() error {
	c.s.in.end()
	c.s.carrier.loop.Post(c.s.readable)
	return nil
}

// Close closes: what the server writes from now on is discarded.
func (c *client) Close() error {
	c.s.in.end()
	c.s.out.end()
	c.s.in.stopDeadlines()
	c.s.out.stopDeadlines()
	c.s.carrier.loop.Post(c.s.writable)
	c.s.carrier.loop.Post(c.s.readable)
	return nil
}

// Reset aborts the connection, as a host that vanishes does.
func (c *client) Reset() {
	c.s.in.reset(syscall.ECONNRESET)
	c.s.out.reset(syscall.ECONNRESET)
	c.s.carrier.loop.Post(c.s.readable)
}

func (c *client) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.s.addr) }
func (c *client) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 80} }

func (c *client) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *client) SetReadDeadline(t time.Time) error {
	c.s.out.setDeadline(reader, t)
	return nil
}

func (c *client) SetWriteDeadline(t time.Time) error {
	c.s.in.setDeadline(writer, t)
	return nil
}
