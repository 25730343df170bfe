package secure

import (
	"net"
	"net/netip"
	"time"
)

// A transport is what a tls.Conn takes for its net.Conn: the conn below it,
// under another name, for a conn's own methods are those of a Socket.
type transport conn

var _ net.Conn = (*transport)(nil)

// Read gives what is left of one record. During the handshake it waits for
// one; later it says errNothing, and the tls.Conn can be asked again.
func (t *transport) Read(b []byte) (int, error) {
	if h := t.shake; h != nil {
		return h.read(b)
	}
	c := t.scratch
	if len(c.record) == 0 {
		return 0, errNothing
	}
	n := copy(b, c.record)
	c.record = c.record[n:]
	return n, nil
}

// Write keeps what the tls.Conn writes until the conn sends it. It never fails:
// a tls.Conn would not get over it.
func (t *transport) Write(b []byte) (int, error) {
	if h := t.shake; h != nil {
		h.out = append(h.out, b...)
	} else {
		t.scratch.out = append(t.scratch.out, b...)
	}
	return len(b), nil
}

func (t *transport) Close() error         { return nil }
func (t *transport) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(netip.AddrPort{}) }
func (t *transport) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(t.Socket.RemoteAddr()) }

func (t *transport) SetDeadline(time.Time) error      { return nil }
func (t *transport) SetReadDeadline(time.Time) error  { return nil }
func (t *transport) SetWriteDeadline(time.Time) error { return nil }

// errNothing says that there is nothing to read now. crypto/tls keeps its state
// over a net.Error that is temporary.
var errNothing net.Error = nothing{}

type nothing struct{}

func (nothing) Error() string   { return "secure: nothing to read now" }
func (nothing) Timeout() bool   { return false }
func (nothing) Temporary() bool { return true }
