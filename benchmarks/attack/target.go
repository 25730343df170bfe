package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
)

// A target is the server.
type target struct {
	addr      string // resolved, with port
	host      string // for the Host header
	name      string // of the host, without port
	path      string // the request target
	encrypted bool
}

// parseTarget parses a URL such as wss://127.0.0.1:5083/echo and resolves its
// host, which must be on the loopback unless remote is set.
func parseTarget(ctx context.Context, text string, remote bool) (target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return target{}, fmt.Errorf("attack: %w", err)
	}
	port, known := map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
	if !known || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return target{}, fmt.Errorf("attack: url %q: expected ws://host:port/path or wss://host:port/path", text)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return target{}, fmt.Errorf("attack: url %q: %w", text, err)
	}
	// IPv4 first: "localhost" is both, and most servers are told 127.0.0.1.
	ip := ips[max(0, slices.IndexFunc(ips, func(a netip.Addr) bool { return a.Unmap().Is4() }))].Unmap()
	if !ip.IsLoopback() && !remote {
		return target{}, fmt.Errorf("attack: url %q: %v is not on the loopback; attacking another machine has to be asked for (-remote)", text, ip)
	}
	return target{
		addr:      net.JoinHostPort(ip.String(), port),
		host:      u.Host,
		name:      u.Hostname(),
		path:      u.RequestURI(),
		encrypted: u.Scheme == "wss",
	}, nil
}
