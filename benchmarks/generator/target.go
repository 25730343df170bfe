package generator

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
)

// A Target is where the server is. The zero Target is no target.
type Target struct {
	Addr netip.AddrPort // resolved
	Host string         // for the Host header
	Path string         // the request target, with query; "/" at least

	// TLS is how to speak wss; nil means ws. ParseTarget sets the server's
	// name, the caller whom to trust and which key exchange to offer. It is
	// not modified. Each connection has a full handshake: a
	// ClientSessionCache is not looked at.
	TLS *tls.Config
}

// ParseTarget parses a URL such as ws://127.0.0.1:5083/echo or
// wss://localhost/ and resolves its host. Unless remote is set, a host that is
// not on the loopback is refused: a load generator aimed at somebody else's
// machine is an attack.
func ParseTarget(ctx context.Context, text string, remote bool) (Target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Target{}, fmt.Errorf("generator: %w", err)
	}
	port, ok := map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
	if !ok || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return Target{}, fmt.Errorf("generator: url %q: expected ws://host:port/path or wss://host:port/path", text)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return Target{}, fmt.Errorf("generator: url %q: %w", text, err)
	}
	// IPv4 first: "localhost" is both, and most servers are told 127.0.0.1.
	first := max(0, slices.IndexFunc(ips, func(a netip.Addr) bool { return a.Unmap().Is4() }))
	addr, err := netip.ParseAddrPort(net.JoinHostPort(ips[first].Unmap().String(), port))
	if err != nil {
		return Target{}, fmt.Errorf("generator: url %q: %w", text, err)
	}
	if !addr.Addr().IsLoopback() && !remote {
		return Target{}, fmt.Errorf("generator: url %q: %v is not on the loopback; loading another machine has to be asked for (-remote)",
			text, addr.Addr())
	}
	t := Target{Addr: addr, Host: u.Host, Path: u.RequestURI()}
	if u.Scheme == "wss" {
		t.TLS = &tls.Config{ServerName: u.Hostname()}
	}
	return t, nil
}
