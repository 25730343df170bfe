package server

import (
	"crypto/x509"
	"net/netip"
	"sync/atomic"
	"time"

	"lapps/acl"
	"lapps/protocol/wire"
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

	open atomic.Int64 // connections that MaxConns let in
}

// Admit reports whether a connection from a may be accepted at all. A carrier
// asks it before it allocates anything, once for each connection: those that
// may are counted against Limits.Accepts.
func (l *Listener) Admit(a netip.AddrPort) bool {
	s := l.Server
	if !l.trusts(a.Addr()) && !s.Access.Allows(a.Addr()) {
		return false
	}
	rate := s.Limits.Accepts
	return rate == 0 || s.accepts.allows(time.Now(), rate) || !s.Exceed(LimitAccepts)
}

// Accept is an Acceptor: it makes a connection of sock. It is called on the
// socket's loop. A connection over a limit is told so and closed; that is not
// an error.
func (l *Listener) Accept(sock Socket) (Receiver, error) {
	s := l.Server
	c := &conn{
		srv:      s,
		listener: l,
		sock:     sock,
		scratch:  s.scratchOf(sock.Loop()),
		id:       s.ids.Add(1),
		head:     s.newHead(),

		joinEnded: true,
	}
	if err := s.enter(c); err != nil {
		return nil, err
	}
	c.start()
	return c, nil
}

// Open is how many connections of this listener there are, without those that
// were refused for being too many.
func (l *Listener) Open() int { return int(l.open.Load()) }

// trusts reports whether a is a proxy's address.
func (l *Listener) trusts(a netip.Addr) bool { return l.Trusted != nil && l.Trusted.Allows(a) }

// forwards reports whether the peer at a is a proxy that names its client in
// the head of the request.
func (l *Listener) forwards(a netip.Addr) bool { return l.ForwardedHops > 0 && l.trusts(a) }

// clientOf is the client behind remote, whose request is r. The error is a
// *wire.Refusal.
func (l *Listener) clientOf(remote netip.AddrPort, r *wire.Request) (netip.AddrPort, error) {
	return wire.ClientAddr(remote, r.Header, l.ForwardedHeader, l.ForwardedHops, l.trusts)
}

// Certified is a Socket of TLS: it knows its peer's certificate.
type Certified interface {
	// PeerCertificate is the certificate that the peer has shown, verified;
	// nil: none.
	PeerCertificate() *x509.Certificate
}
