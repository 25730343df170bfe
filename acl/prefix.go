package acl

import (
	"fmt"
	"net/netip"
	"strings"
)

// An EntryError is one bad entry of a list given to Parse.
type EntryError struct {
	Index int    // in exclude, from 0
	Entry string // as given
	Msg   string // what is wrong with it
}

// Error names the entry, its place and the mistake.
func (e *EntryError) Error() string {
	return fmt.Sprintf("acl: exclude[%d] %.64q: %s", e.Index, e.Entry, e.Msg)
}

// ParsePrefix reads an address ("192.0.2.1", which is 192.0.2.1/32) or a
// prefix ("192.0.2.0/24", "2001:db8::/32"). A v4-mapped one becomes IPv4:
// "::ffff:10.0.0.0/104" is 10.0.0.0/8. Host bits that are set, zones and
// anything else are errors, which say what to write instead.
func ParsePrefix(s string) (netip.Prefix, error) {
	p, msg := parsePrefix(s)
	if msg != "" {
		return p, fmt.Errorf("acl: %.64q: %s", s, msg)
	}
	return p, nil
}

// mappedBits is how much of a v4-mapped address comes before the IPv4 address.
const mappedBits = 96

// parsePrefix is ParsePrefix with the mistake in words, "" where there is none.
func parsePrefix(s string) (p netip.Prefix, mistake string) {
	addr, _, prefix := strings.Cut(s, "/")
	a, err := netip.ParseAddr(addr)
	switch {
	case err != nil:
		return p, "must be an IP address or a prefix, like 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32"
	case a.Zone() != "":
		return p, fmt.Sprintf("must be without the zone %.64q", a.Zone())
	case !prefix:
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), ""
	}
	p, err = netip.ParsePrefix(s)
	low := 0
	if a.Is4In6() {
		low = mappedBits
	}
	switch {
	case err != nil || p.Bits() < low:
		return netip.Prefix{}, fmt.Sprintf("the prefix length must be between %d and %d", low, a.BitLen())
	case p != p.Masked():
		return netip.Prefix{}, fmt.Sprintf("host bits are set: write %s for the network, or %s for the one address", p.Masked(), a)
	}
	return netip.PrefixFrom(a.Unmap(), p.Bits()-low), ""
}
