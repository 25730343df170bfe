package proxied

import (
	"net/netip"
	"time"

	"lapps/server"
)

// A conn is a connection from a trusted proxy. It is the Receiver of the
// carrier's socket, and the Socket of what is above. Owned by the loop.
type conn struct {
	server.Socket
	remote   netip.AddrPort  // what RemoteAddr says
	receiver server.Receiver // what is above; nil until then
	prelude  *prelude        // until what is above is asked, or the end
	closed   bool            // what is above has called Close
}

// A prelude is what a conn needs until it is known where it comes from.
type prelude struct {
	server.Timer
	layer *Layer
	next  server.Acceptor
	head  []byte // what came in wake-ups before
}

var _ server.Socket = (*conn)(nil)
var _ server.Receiver = (*conn)(nil)

// wait begins the life of a conn.
func (l *Layer) wait(sock server.Socket, next server.Acceptor) *conn {
	c := &conn{
		Socket:  sock,
		remote:  sock.RemoteAddr(),
		prelude: &prelude{layer: l, next: next},
	}
	c.prelude.F = c.expire
	if l.Timeout > 0 {
		sock.Loop().Arm(&c.prelude.Timer, l.Timeout)
	}
	return c
}

// RemoteAddr implements server.Socket.
func (c *conn) RemoteAddr() netip.AddrPort { return c.remote }

// Receive implements server.Receiver.
func (c *conn) Receive(p []byte) error {
	if c.receiver != nil {
		return c.receiver.Receive(p)
	}
	l := c.prelude.layer
	if len(c.prelude.head) > 0 {
		p = append(c.prelude.head, p...)
	}
	client, size, err := parseHeader(p)
	switch {
	case err == errNone && !l.Required:
		return c.pass(p)
	case err != nil:
		c.end()
		l.refused(&l.malformed, c.Socket, err)
		return err
	case size == 0:
		c.prelude.head = append(c.prelude.head[:0], p...)
		return nil
	case client.IsValid():
		c.remote = client
	}
	return c.pass(p[size:])
}

// pass asks what is above, and hands it what has come for it already.
func (c *conn) pass(rest []byte) error {
	next := c.prelude.next
	c.end()
	receiver, err := next(c)
	if err != nil {
		return err
	}
	c.receiver = receiver
	if len(rest) == 0 || c.closed {
		return nil
	}
	return receiver.Receive(rest)
}

// end is the end of the prelude.
func (c *conn) end() {
	c.Loop().Stop(&c.prelude.Timer)
	c.prelude = nil
}

// expire is called when the time for the header is over.
func (c *conn) expire() {
	l := c.prelude.layer
	if l.Exceed != nil && !l.Exceed() {
		return
	}
	c.end()
	l.refused(&l.late, c.Socket, errLate)
	c.Socket.Close(0)
}

// Close implements server.Socket.
func (c *conn) Close(linger time.Duration) {
	c.closed = true
	c.Socket.Close(linger)
}

// Writable implements server.Receiver.
func (c *conn) Writable() { c.receiver.Writable() }

// Lost implements server.Receiver. Who goes without a byte is a health check.
func (c *conn) Lost(err error) {
	switch {
	case c.receiver != nil:
		c.receiver.Lost(err)
	case c.prelude != nil:
		l, began := c.prelude.layer, len(c.prelude.head) > 0
		c.end()
		if began {
			l.refused(&l.malformed, c.Socket, errCutOff)
		}
	}
}
