package grants

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Dial connects to host:port; network is tcp, tcp4 or tcp6. The host is a name, or an IP
// address, in brackets where it is IPv6. Of a name's addresses those that may be
// connected to are tried one after the other.
func (g *Grants) Dial(ctx context.Context, network, hostport string) (net.Conn, error) {
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil, fmt.Errorf("network: %q: must be tcp, tcp4 or tcp6", network)
	}
	host, digits, err := net.SplitHostPort(hostport)
	port, perr := strconv.ParseUint(digits, 10, 16)
	if err != nil || perr != nil || port == 0 {
		return nil, fmt.Errorf("network: %.100q: must be host:port", hostport)
	}
	addrs, err := g.addresses(ctx, host, uint16(port), hostport)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, a := range addrs {
		conn, err := g.dialer.DialContext(ctx, network, netip.AddrPortFrom(a, uint16(port)).String())
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("network: %s: %w", hostport, errors.Join(errs...))
}

// addresses are those that a host stands for and that may be connected to; at least
// one, where there is no error.
func (g *Grants) addresses(ctx context.Context, host string, port uint16, hostport string) (addrs []netip.Addr, err error) {
	literal, perr := netip.ParseAddr(host)
	switch {
	case perr == nil && literal.Zone() != "":
		return nil, fmt.Errorf("network: %.100q: must be without a zone", hostport)
	case perr != nil && !isName(host):
		return nil, fmt.Errorf("network: %.100q: the host must be a name or an IP address", hostport)
	case !g.grants(host, literal, port):
		return nil, denied("network: to connect to %s is not granted: the service's \"grants.network\" has no entry for it", hostport)
	case perr == nil:
		addrs = []netip.Addr{literal}
	default:
		if addrs, err = g.lookup(ctx, canonical(host)); err != nil {
			return nil, fmt.Errorf("network: %s: %w", hostport, err)
		}
		if len(addrs) == 0 {
			return nil, fmt.Errorf("network: %s: the name has no addresses", hostport)
		}
	}
	var open []netip.Addr
	for _, a := range addrs {
		if g.reaches(a, port) {
			open = append(open, a.Unmap().WithZone(""))
		}
	}
	if len(open) == 0 {
		return nil, denied("network: to connect to %s is not granted: %s is private, and neither the service's \"grants.private_ranges\" nor a prefix in its \"grants.network\" has it", hostport, addrs[0].Unmap())
	}
	return open, nil
}

// grants reports whether there is an entry for what is asked for: an address, or a name
// where that is the zero Addr.
func (g *Grants) grants(host string, literal netip.Addr, port uint16) bool {
	if g == nil {
		return false
	}
	for _, d := range g.destinations {
		if d.hasPort(port) && (literal.IsValid() && d.hasAddr(literal.Unmap()) || !literal.IsValid() && d.hasName(canonical(host))) {
			return true
		}
	}
	return false
}

// reaches reports whether an address may be connected to, of a host that may.
func (g *Grants) reaches(a netip.Addr, port uint16) bool {
	a = plain(a)
	if !contains(privateRanges, a) || contains(g.private, a) {
		return true
	}
	for _, d := range g.destinations {
		if d.hasPort(port) && d.names(a) {
			return true
		}
	}
	return false
}
