package grants

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"lapps/acl"
)

// A Destination is what may be connected to. It is immutable.
type Destination struct {
	name      string       // in lower case; "" is a prefix, or all
	below     bool         // the names below it
	all       bool         // any host
	prefix    netip.Prefix // of addresses
	low, high uint16       // ports
}

// ParseDestination reads host:port. The host is a name; *. and a name, for all names
// below it but not itself; an IP address or a prefix, in brackets where it is IPv6; or *, for
// all hosts. The port is a number, two with a - between, or * for all.
func ParseDestination(s string) (d Destination, err error) {
	bad := func(what string) (Destination, error) {
		return Destination{}, fmt.Errorf("grants: %.64q: %s", s, what)
	}
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return bad("must be host:port")
	}
	if d.low, d.high, err = parsePorts(s[colon+1:]); err != nil {
		return bad(err.Error())
	}
	host := s[:colon]
	if host == "*" {
		d.all = true
		return d, nil
	}
	inner, v6 := host, strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]")
	if v6 {
		inner = host[1 : len(host)-1]
	}
	if p, perr := acl.ParsePrefix(inner); perr == nil && v6 == strings.Contains(inner, ":") {
		d.prefix = p
		return d, nil
	}
	name, below := strings.CutPrefix(host, "*.")
	if !isName(name) {
		return bad("the host must be an IP address or prefix, a name or *")
	}
	d.name, d.below = canonical(name), below
	return d, nil
}

func parsePorts(s string) (low, high uint16, err error) {
	if s == "*" {
		return 1, 65535, nil
	}
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	from, err1 := strconv.ParseUint(first, 10, 16)
	to, err2 := strconv.ParseUint(last, 10, 16)
	if err1 != nil || err2 != nil || from == 0 || to < from {
		return 0, 0, fmt.Errorf("the port must be 1 to 65535, a range of them, or *")
	}
	return uint16(from), uint16(to), nil
}

// canonical is a name in lower case, without the dot that ends a full one.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// isName reports whether host can be a name: its last label does not begin with a digit. So numbers that some
// resolvers take for addresses (127.1, 2130706433, 0x7f000001) are none.
func isName(host string) bool {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || strings.ContainsFunc(l, func(r rune) bool {
			return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		}) {
			return false
		}
	}
	last := labels[len(labels)-1][0]
	return len(host) <= 254 && (last < '0' || last > '9')
}

// hasPort reports whether d has a port.
func (d Destination) hasPort(port uint16) bool { return d.low <= port && port <= d.high }

// hasName reports whether d has a canonical name.
func (d Destination) hasName(name string) bool {
	switch {
	case d.all:
		return true
	case d.below:
		return strings.HasSuffix(name, "."+d.name)
	}
	return d.name == name && name != ""
}

// hasAddr reports whether d has an address, by its prefix or as one of all.
func (d Destination) hasAddr(a netip.Addr) bool {
	return d.all || d.prefix.IsValid() && d.prefix.Contains(a)
}

// names reports whether d names an address that is private: with a prefix that is.
func (d Destination) names(a netip.Addr) bool {
	return d.prefix.IsValid() && isPrivate(d.prefix) && d.prefix.Contains(a)
}
