package generator

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"time"
)

// An exchange is where the records of a worker's connections are between their
// sockets and their tls.Conns. One at a time uses it: out is empty whenever the
// worker turns to another connection.
type exchange struct {
	in    []byte // came, and is not read yet
	out   []byte // written, and not sent yet
	plain []byte // what one Read takes
}

// A transport is what a tls.Conn takes for its net.Conn. During the handshakes
// it is the socket, waiting; later it is the exchange, where Read says "nothing
// now" by a temporary error, over which crypto/tls keeps its state.
type transport struct {
	socket   io.ReadWriter // nil after the handshakes
	exchange *exchange
}

var _ net.Conn = (*transport)(nil)

// Read implements net.Conn.
func (t *transport) Read(p []byte) (int, error) {
	if t.socket != nil {
		return t.socket.Read(p)
	}
	if len(t.exchange.in) == 0 {
		return 0, errNothing
	}
	n := copy(p, t.exchange.in)
	t.exchange.in = t.exchange.in[n:]
	return n, nil
}

// Write implements net.Conn. After the handshakes it cannot fail.
func (t *transport) Write(p []byte) (int, error) {
	if t.socket != nil {
		return t.socket.Write(p)
	}
	t.exchange.out = append(t.exchange.out, p...)
	return len(p), nil
}

// The rest is not for a transport: who owns the socket closes it and keeps its
// deadlines.
func (t *transport) Close() error                     { return nil }
func (t *transport) LocalAddr() net.Addr              { return (*net.TCPAddr)(nil) }
func (t *transport) RemoteAddr() net.Addr             { return (*net.TCPAddr)(nil) }
func (t *transport) SetDeadline(time.Time) error      { return nil }
func (t *transport) SetReadDeadline(time.Time) error  { return nil }
func (t *transport) SetWriteDeadline(time.Time) error { return nil }

// errNothing says that there is nothing to read now.
var errNothing net.Error = nothing{}

type nothing struct{}

func (nothing) Error() string   { return "generator: nothing to read now" }
func (nothing) Timeout() bool   { return false }
func (nothing) Temporary() bool { return true }

// tlsOf returns how to speak TLS as asked for: whole handshakes, and what is
// written at once in as few records as can be.
func tlsOf(asked *tls.Config) *tls.Config {
	if asked == nil {
		return nil
	}
	c := asked.Clone()
	c.ClientSessionCache = nil
	c.DynamicRecordSizingDisabled = true
	return c
}

// secure makes TLS's handshake over carrier, where cfg is not nil.
func secure(carrier net.Conn, cfg *tls.Config) (*tls.Conn, error) {
	c := tls.Client(carrier, cfg)
	if err := c.Handshake(); err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return c, nil
}

// describe says what TLS was agreed on: "TLS 1.3, X25519".
func describe(c *tls.Conn) string {
	s := c.ConnectionState()
	return fmt.Sprintf("%s, %v", tls.VersionName(s.Version), s.CurveID)
}

// seal returns what to send for p on c. With TLS it lies in the exchange, behind
// what the tls.Conn had to say already, until sent resets it.
func (w *worker) seal(c *conn, p []byte) []byte {
	if c.tls == nil {
		return p
	}
	if _, err := c.tls.Write(p); err != nil {
		// It has told the peer of a fatal error before: reading will say so.
		w.err = fmt.Errorf("generator: connection %d: TLS: %w", c.id, err)
	}
	return w.exchange.out
}

// decrypt gives p to c's tls.Conn, and takes what is in it.
func (w *worker) decrypt(c *conn, p []byte) {
	x := &w.exchange
	x.in = p
	for !c.failed {
		n, err := c.tls.Read(x.plain)
		if n > 0 {
			w.take(c, x.plain[:n])
		}
		if err == errNothing {
			break
		}
		switch {
		case c.failed || err == nil:
		case err == io.EOF:
			w.fail(c, Closed, "end of TLS without a close frame")
		default:
			w.fail(c, BadTLS, "%v", err)
		}
	}
	x.in = nil
	if len(x.out) > 0 && !c.failed {
		// The tls.Conn has answered by itself, such as a KeyUpdate.
		c.out = append(c.out, x.out...)
		x.out = x.out[:0]
		w.pump(c)
	}
	x.out = x.out[:0]
}
