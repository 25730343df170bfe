package grants

import (
	"net/netip"
	"slices"
)

// privateRanges are the addresses that names on the internet have no business to
// stand for: of the machine itself, of networks that are not routed there, of groups, and of
// those of IPv6 that have IPv4 addresses within.
var privateRanges = prefixes(
	"0.0.0.0/8",       // this network (RFC 791)
	"10.0.0.0/8",      // private (RFC 1918)
	"100.64.0.0/10",   // behind a carrier's NAT (RFC 6598)
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local (RFC 3927), and where clouds keep their secrets
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocols (RFC 6890)
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks (RFC 2544)
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, and broadcast
	"::/96",           // unspecified, loopback, IPv4-compatible
	"::ffff:0:0:0/96", // IPv4-translated (RFC 2765)
	"64:ff9b:1::/48",  // NAT64 of a local network (RFC 8215)
	"100::/64",        // to be discarded (RFC 6666)
	"2001::/32",       // Teredo
	"2002::/16",       // 6to4
	"fc00::/7",        // unique local (RFC 4193)
	"fe80::/10",       // link-local
	"fec0::/10",       // site-local, as it once was
	"ff00::/8",        // multicast
)

// nat64 is the prefix of NAT64 on the internet (RFC 6052); an IPv4 address follows.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// PrivateRanges returns what counts as private. IPv4 addresses that are written as
// IPv6, v4-mapped or of NAT64, count as what they are. The slice belongs to the caller.
func PrivateRanges() []netip.Prefix { return slices.Clone(privateRanges) }

func prefixes(all ...string) (ps []netip.Prefix) {
	for _, p := range all {
		ps = append(ps, netip.MustParsePrefix(p))
	}
	return ps
}

// plain is a as the address that a packet to it ends at.
func plain(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) {
		bytes := a.As16()
		return netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return a
}

// isPrivate reports whether all of p is private.
func isPrivate(p netip.Prefix) bool {
	return slices.ContainsFunc(privateRanges, func(r netip.Prefix) bool { return r.Bits() <= p.Bits() && r.Contains(p.Addr()) })
}

// contains reports whether one of ps has a.
func contains(ps []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(ps, func(p netip.Prefix) bool { return p.Contains(a) })
}
