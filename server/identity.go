package server

import (
	"crypto/x509"
	"net/netip"

	"lapps/services"
)

// An identity is what is known of a client besides its socket's address. It is complete
// before the service is asked for a seat, and does not change afterwards: any goroutine
// may read it then.
type identity struct {
	addr        netip.AddrPort    // where the head names it; invalid: it is the socket's
	certificate *x509.Certificate // verified; nil: none
}

// identify finds out whose connection it is, where a proxy has written it into
// the head.
func (c *conn) identify() error {
	if !c.listener.forwards(c.sock.RemoteAddr().Addr()) {
		return nil // known since enter
	}
	client, err := c.listener.clientOf(c.sock.RemoteAddr(), c.head.request)
	if err != nil {
		return err
	}
	c.identity = &identity{addr: client}
	return c.identified()
}

// noteCertificate keeps the client's certificate: later only the loop may ask the
// socket for it.
func (c *conn) noteCertificate() {
	sock, ok := c.sock.(Certified)
	if !ok {
		return
	}
	certificate := sock.PeerCertificate()
	if certificate == nil {
		return
	}
	if c.identity == nil {
		c.identity = &identity{}
	}
	c.identity.certificate = certificate
}

// client is the client's address.
func (c *conn) client() netip.AddrPort {
	if c.identity != nil && c.identity.addr.IsValid() {
		return c.identity.addr
	}
	return c.sock.RemoteAddr()
}

// Info implements services.Peer.
func (c *conn) Info() services.PeerInfo {
	_, encrypted := c.sock.(Certified)
	info := services.PeerInfo{RemoteAddr: c.client(), TLS: encrypted}
	if c.identity != nil {
		info.Certificate = c.identity.certificate
	}
	return info
}
