package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"

	"lapps/acl"
	"lapps/config"
	"lapps/server"
	"lapps/server/proxied"
	"lapps/server/secure"
)

// A listener is one of the configuration's: a port, and what a connection
// goes through before it is the server's.
type listener struct {
	// Immutable.
	address string
	keys    *secure.Keys   // nil: it is not encrypted
	layer   *secure.Layer  // nil: likewise
	proxy   *proxied.Layer // nil: it reads no PROXY headers
	door    *server.Listener
	accept  server.Acceptor

	ln net.Listener // nil until it listens
}

// newListener makes the listener that c describes, and opens nothing. keys
// are those of c's certificates, or nil; slots those of TLS handshakes.
func newListener(cfg *config.Config, c config.Listener, keys *secure.Keys, slots *secure.Slots, srv *server.Server, log *slog.Logger) (*listener, error) {
	proxies, err := trusted(c.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("listener %s: trusted_proxies: %w", c.Address, err)
	}
	l := &listener{address: c.Address, keys: keys, door: &server.Listener{
		Server:          srv,
		MaxConns:        c.Connections,
		Trusted:         proxies,
		ForwardedHops:   c.ForwardedHops,
		ForwardedHeader: c.ForwardedHeader,
	}}
	l.accept = l.door.Accept
	if keys != nil {
		l.layer = secure.New(secure.Config{Keys: keys, Slots: slots, Log: log})
		l.accept = l.layer.Accept(l.accept)
	}
	if c.ProxyProtocol == "required" || c.ProxyProtocol == "optional" {
		p := &proxied.Layer{
			Required: c.ProxyProtocol == "required",
			Timeout:  cfg.Timeouts.Handshake.Duration(),
			Exceed:   func() bool { return srv.Exceed(server.LimitHandshakeTime) },
			Log:      log,
		}
		if proxies != nil { // a nil list would allow everyone
			p.Trusted = proxies.Allows
		}
		l.proxy = p
		l.accept = p.Accept(l.accept) // its header comes before encryption
	}
	return l, nil
}

// trusted is the list that allows these prefixes alone; nil where there are
// none.
func trusted(prefixes []string) (*acl.List, error) {
	if len(prefixes) == 0 {
		return nil, nil
	}
	return acl.Parse("deny", prefixes)
}

// listen opens the port.
func (l *listener) listen() (err error) {
	lc := net.ListenConfig{KeepAlive: -1} // the server's pings do it
	if l.ln, err = lc.Listen(context.Background(), "tcp", l.address); err != nil {
		return fmt.Errorf("cannot listen on %s: %w", l.address, err)
	}
	return nil
}

// close closes the port, if it is open.
func (l *listener) close() error {
	if l.ln == nil {
		return nil
	}
	return l.ln.Close()
}

// scheme is that of the URLs that lead here.
func (l *listener) scheme() string {
	if l.keys != nil {
		return "wss"
	}
	return "ws"
}

// stop waits for what encryption has running, once the carrier has stopped.
func (l *listener) stop(ctx context.Context) error {
	if l.layer == nil {
		return nil
	}
	return l.layer.Stop(ctx)
}

// listen opens the ports of all listeners, or none: a port that is taken is
// told before any service starts.
func (d *daemon) listen() error {
	for _, l := range d.listeners {
		if err := l.listen(); err != nil {
			return errors.Join(err, d.closeListeners())
		}
	}
	return nil
}

func (d *daemon) closeListeners() error {
	var errs []error
	for _, l := range d.listeners {
		errs = append(errs, l.close())
	}
	return errors.Join(errs...)
}

// Addrs are the addresses that the daemon listens on.
func (d *daemon) Addrs() []net.Addr {
	var all []net.Addr
	for _, l := range d.listeners {
		all = append(all, l.ln.Addr())
	}
	return all
}

// dryRun are the limits of these names.
func dryRun(names []string) (limits []server.Limit) {
	for _, l := range server.AllLimits() {
		if slices.Contains(names, l.String()) {
			limits = append(limits, l)
		}
	}
	return limits
}
