package server

import (
	"crypto/x509"
	"net/netip"
	"sync/atomic"

	"lapps/acl"
)

// A Listener is one of the places where peers connect to a Server. Its fields
// are set before the first Accept and not changed afterwards. Its methods may
// be called from any goroutine.
type Listener struct {
	Server *Server

	// MaxConns is how many connections of this listener there may be; 0
	// means no limit. The next ones are refused with 503.
	MaxConns int

	// Trusted says which addresses are those of proxies; nil: none is. A
	// proxy is let in whatever Server.Access says: that is asked about its
	// client.
	Trusted *acl.List

	// ForwardedHops is how many trusted proxies in a row have written the
	// client's address to ForwardedHeader; 0: the header is not read.
	ForwardedHops int

	// ForwardedHeader is X-Forwarded-For or Forwarded (RFC 7239).
	ForwardedHeader string

	open atomic.Int64
}

// Admit reports whether a connection from a may be accepted at all. A carrier
// asks it before it allocates anything.
func (l *Listener) Admit(a netip.AddrPort) bool { return l.Server.Admit(a) }

// Accept is an Acceptor: it makes a connection of sock. It is called on the
// socket's loop.
func (l *Listener) Accept(sock Socket) (Receiver, error) { return l.Server.Accept(sock) }

// Certified is a Socket that knows its peer's certificate.
type Certified interface {
	// PeerCertificate is the certificate that the peer has shown, verified;
	// nil: none.
	PeerCertificate() *x509.Certificate
}
