package services

import (
	"crypto/x509"
	"errors"
	"net/netip"

	"lapps/protocol/wire"
)

// A Peer is what a service needs of a connection. Its methods may be called
// from any goroutine and do not block.
type Peer interface {
	// ID is unique in the process's life and at most 2^53: it is the number
	// that Lua calls the handler.
	ID() uint64

	// Send queues f behind what was sent before and returns how many bytes
	// wait now. It goes out after Waker().Wake(). The error is ErrGone, or,
	// where the peer reads too slowly and there is no room for f,
	// ErrBackpressure, and the connection is closed, or ErrDropped, and it is
	// not. Config.SlowConsumer says which; with Latest f may have taken the
	// place of another.
	Send(f wire.Frame) (queued int, err error)

	// SendAll sends frames as Send does, one after the other, to a peer that is one
	// of many. bundle is all of them in one: see wire.Bundle. It keeps neither frames
	// nor their array. The error is ErrGone, where the peer has gone before; what
	// becomes of each frame is not told.
	SendAll(frames []wire.Frame, bundle wire.Frame) error

	// Buffered is how many bytes wait for the peer to read, as
	// Config.OutboxBytes counts them. The error is ErrGone.
	Buffered() (n int, err error)

	// Close sends a Close frame behind what was sent before and ends the
	// connection, after Waker().Wake(). A second Close does nothing.
	Close(code wire.Code, reason string)

	// Depart ends the connection with a Close frame once what the peer has sent so far
	// has been answered. After Close it does nothing.
	Depart(code wire.Code, reason string)

	// Full reports whether much waits for the peer to read: its own messages
	// should wait, too. Seat.Drained is called when it has read, or is closed.
	Full() bool

	// Resume says that a Deliver that returned ErrBusy may be tried again.
	Resume()

	// Info says what is known of the connection's other end. It always says the same.
	Info() PeerInfo

	// Waker is woken once at the end of a turn in which peers of it were
	// sent something: it then writes to all of them.
	Waker() Waker
}

// A PeerInfo is what a Peer knows of its other end.
type PeerInfo struct {
	// RemoteAddr is the client's address and port, as in its Request.
	RemoteAddr netip.AddrPort

	// TLS says that we speak TLS with the peer, which may be a proxy.
	TLS bool

	// Certificate is the client's, verified; nil: it has shown none.
	Certificate *x509.Certificate
}

// A Waker is the event loop of some peers. It is comparable.
type Waker interface {
	// Wake has it write what was queued for its peers.
	Wake()

	// Later has f called once the loop has received what it has at hand, which
	// may be at once. f does not block. It is called by the loop.
	Later(f func())
}

// A Loop is an event loop of peers. It is comparable, and the Waker of these.
type Loop interface {
	Waker

	// Post has f called by the loop, soon. Any goroutine.
	Post(f func())
}

// Errors of Peer.Send. Lua sees their texts.
var (
	ErrGone         = errors.New("no such connection")
	ErrBackpressure = errors.New("backpressure")
	ErrDropped      = errors.New("dropped")
)

// A Request is the opening handshake of a peer.
type Request struct {
	*wire.Request

	// RemoteAddr is the client's address and port.
	RemoteAddr netip.AddrPort

	// Subprotocol is what was agreed on; "" is none.
	Subprotocol string

	// Certificate is the client's, verified; nil: it has shown none.
	Certificate *x509.Certificate

	// Surplus has the peer seated although the service has MaxConns already.
	Surplus bool
}
