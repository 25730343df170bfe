package proxied

import (
	"errors"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"lapps/server"
)

// A Layer reads the PROXY headers of connections. Its fields are set before the
// first connection and not changed afterwards. The zero Layer trusts nobody and
// passes everything through. Its methods may be called from any goroutine.
type Layer struct {
	// Required has a connection aborted that does not begin with a header
	// from a trusted proxy.
	Required bool

	// Trusted says which addresses are those of proxies; nil: none is. It is
	// called on the loops, with IPv4 addresses unmapped, and must not block.
	// The zero Addr is a Unix socket's.
	Trusted func(netip.Addr) bool

	// Timeout is how long a trusted proxy may take until its header is
	// complete, or is seen not to come; then the connection is aborted. 0
	// means no limit.
	Timeout time.Duration

	// Exceed is called, on the loops, for each connection whose Timeout is
	// over, and says whether it is to be aborted; nil means yes.
	Exceed func() (enforced bool)

	// Log is told, at debug, of connections that are aborted; nil means
	// nobody is.
	Log *slog.Logger

	untrusted, malformed, late atomic.Uint64
}

// Stats count connections that a Layer has aborted.
type Stats struct {
	Untrusted uint64 // a header was required, and the address is no proxy's
	Malformed uint64 // the header was broken, too long or cut off, or required and missing
	Late      uint64 // the header was not complete in time
}

// Stats are those since the first connection.
func (l *Layer) Stats() Stats {
	return Stats{Untrusted: l.untrusted.Load(), Malformed: l.malformed.Load(), Late: l.late.Load()}
}

var (
	errUntrusted = errors.New("proxied: want a trusted proxy: a PROXY header is required")
	errLate      = errors.New("proxied: want the PROXY header in time")
	errCutOff    = errors.New("proxied: want a whole PROXY header before the end")
)

// Accept makes an Acceptor that asks next once it is known where a connection
// comes from. The Socket that next is given says so.
func (l *Layer) Accept(next server.Acceptor) server.Acceptor {
	return func(sock server.Socket) (server.Receiver, error) {
		trusted := l.Trusted != nil && l.Trusted(sock.RemoteAddr().Addr().Unmap())
		switch {
		case trusted:
			return l.wait(sock, next), nil
		case l.Required:
			l.refused(&l.untrusted, sock, errUntrusted)
			return nil, errUntrusted
		}
		return next(sock)
	}
}

// refused counts a connection that is aborted.
func (l *Layer) refused(count *atomic.Uint64, sock server.Socket, err error) {
	count.Add(1)
	if l.Log != nil {
		l.Log.Debug("connection refused", "proxy_addr", sock.RemoteAddr(), "err", err)
	}
}
