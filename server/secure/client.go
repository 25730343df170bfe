package secure

import (
	"crypto/tls"
	"crypto/x509"
	"strings"

	"lapps/server"
)

// A Secured is a Receiver that wants to know when the handshake of its connection
// is done: what it writes before is discarded. Secured is called on the loop, before
// the first Receive. Where the handshake fails it is not called, and Lost is told
// why.
type Secured interface{ Secured() }

// ClientConfig is what a client needs for a server of that name, which may be an IP
// address: TLS 1.2 or later, the name in the ClientHello, and a certificate for it
// from one of roots; nil means the system's. There is none without verification.
func ClientConfig(server string, roots *x509.CertPool) *tls.Config {
	return &tls.Config{
		ServerName:                  strings.TrimSuffix(server, "."),
		RootCAs:                     roots,
		MinVersion:                  tls.VersionTLS12,
		DynamicRecordSizingDisabled: true,
	}
}

// Connect returns the Acceptor for a connection that we have opened: it is encrypted
// as a client's, as config says, and next gets it in plain text. next is called at once,
// before the handshake, so that its timeout includes it; its Receiver should be
// Secured. Handshakes are not told apart in Stats from those of peers. config is not
// modified.
func (l *Layer) Connect(config *tls.Config, next server.Acceptor) server.Acceptor {
	return func(sock server.Socket) (server.Receiver, error) {
		s := &conn{Socket: sock, scratch: l.scratchOf(sock.Loop())}
		recv, err := next(s)
		if err != nil {
			return nil, err
		}
		s.recv = recv
		if s.state == silent { // next has not closed it
			s.state = waiting
			s.shake = newHandshake(s)
			s.shake.client = config
			s.shake.queued = sock.Loop().Now()
			l.slots.enter(s.shake)
		}
		return s, nil
	}
}
