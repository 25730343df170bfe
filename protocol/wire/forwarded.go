package wire

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// ClientAddr is the client's address, as far as trusted proxies tell. remote
// is the socket's. While that, and then each address that is found, is trusted,
// the next element of header is taken, from the end, where the nearest proxy has
// written whom it speaks for; hops times at most. What is further to the left
// anybody may have written: it is not read.
//
// header is "Forwarded" (RFC 7239), or a list of addresses as X-Forwarded-For
// is: "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80". Its lines
// count as one list. The port is 0 where none is given. IPv4-mapped addresses
// become IPv4. An element that says "unknown", or "_" and a name, or does not
// say, is the end: the address is that of the proxy that wrote it.
//
// An element that is malformed, or empty, is an error, a *Refusal; the address
// is then what was known before.
func ClientAddr(remote netip.AddrPort, h http.Header, header string, hops int, trusted func(netip.Addr) bool) (netip.AddrPort, error) {
	node := forwardedNode
	if !strings.EqualFold(header, "Forwarded") {
		node = listedNode
	}
	client, trail := remote, trail{lines: h.Values(header)}
	for ; hops > 0 && trusted(client.Addr()); hops-- {
		element, ok := trail.last()
		if !ok {
			break
		}
		name, ok := node(element)
		if !ok {
			return client, badRequest("%s: %.60q is malformed", header, element)
		}
		next, ok := parseNode(name)
		if !ok {
			return client, badRequest("%s: %.60q is not an address, with or without a port", header, name)
		}
		if !next.IsValid() {
			break
		}
		client = next
	}
	return client, nil
}

// A trail is what is left of a header to which proxies append.
type trail struct {
	lines []string
	line  string // what is left of the line behind those
	more  bool   // something is
}

// last takes the last element off.
func (t *trail) last() (element string, ok bool) {
	if !t.more {
		n := len(t.lines) - 1
		if n < 0 {
			return "", false
		}
		t.line, t.lines = t.lines[n], t.lines[:n]
	}
	t.line, element, t.more = cutLast(t.line)
	return element, true
}

// cutLast takes the last element off a list. It reads from the end, so that a
// quote further to the left does not matter. Within quotes a comma is none.
func cutLast(list string) (rest, last string, more bool) {
	quoted := false
	for i := len(list) - 1; i >= 0; i-- {
		switch c := list[i]; {
		case c == '"' && !(quoted && escaped(list[:i])):
			quoted = !quoted
		case c == ',' && !quoted:
			return list[:i], trim(list[i+1:]), true
		}
	}
	return "", trim(list), false
}

// escaped says whether s ends in a backslash that escapes what comes next.
func escaped(s string) bool {
	return (len(s)-len(strings.TrimRight(s, `\`)))%2 == 1
}

// listedNode is an element of X-Forwarded-For as RFC 7239 would write it.
func listedNode(element string) (node string, ok bool) {
	if strings.Count(element, ":") > 1 && element[0] != '[' {
		element = "[" + element + "]"
	}
	return element, element != ""
}

// forwardedNode finds the parameter for of an element such as
//
//	for="[2001:db8::1]:80";proto=https
//
// (RFC 7239, section 4). Without one the node is "unknown". White space around
// a semicolon is tolerated: there are proxies that write it.
func forwardedNode(element string) (node string, ok bool) {
	for rest := element; rest != ""; {
		var pair string
		if pair, rest = cutPair(rest); pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if value, ok = parseValue(value); !ok || !isTokens(name) {
			return "", false
		}
		if len(name) == len("for") && strings.EqualFold(name, "for") {
			if node != "" {
				return "", false // each comes once
			}
			node = value
		}
	}
	if node == "" {
		node = "unknown"
	}
	return node, element != ""
}

// cutPair takes the first parameter off an element. Within quotes a semicolon
// is none.
func cutPair(element string) (pair, rest string) {
	quoted := false
	for i := 0; i < len(element); i++ {
		switch c := element[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ';' && !quoted:
			return trim(element[:i]), element[i+1:]
		}
	}
	return trim(element), ""
}

// parseValue reads a token or a quoted string that is not empty (RFC 9110,
// sections 5.6.2 and 5.6.4).
func parseValue(s string) (value string, ok bool) {
	if isTokens(s) {
		return s, true
	}
	last := len(s) - 1
	if last < 2 || s[0] != '"' || s[last] != '"' {
		return "", false
	}
	for i := 1; i < last; i++ {
		if s[i] == '\\' {
			i++
		} else if s[i] == '"' {
			return "", false
		}
		if i == last {
			return "", false // the last quote is escaped
		}
	}
	return unquote(s), true
}

// parseNode reads a node identifier (RFC 7239, section 6). addr is the zero
// AddrPort where it hides who that is.
func parseNode(node string) (addr netip.AddrPort, ok bool) {
	name, rest, six := node, "", strings.HasPrefix(node, "[")
	if six {
		if name, rest, ok = strings.Cut(node[1:], "]"); !ok {
			return addr, false
		}
	} else if i := strings.IndexByte(node, ':'); i >= 0 {
		name, rest = node[:i], node[i:]
	}
	port, ok := parseNodePort(rest)
	if !ok {
		return addr, false
	}
	if !six && (strings.EqualFold(name, "unknown") || isObfuscated(name)) {
		return addr, true
	}
	a, err := netip.ParseAddr(name)
	if err != nil || a.Is6() != six || a.Zone() != "" {
		return addr, false
	}
	return netip.AddrPortFrom(a.Unmap(), port), true
}

// parseNodePort reads what follows the address: nothing, or ":" and a port. The
// port is 0 where it is hidden.
func parseNodePort(s string) (port uint16, ok bool) {
	if s == "" {
		return 0, true
	}
	if s[0] != ':' {
		return 0, false
	}
	if s = s[1:]; isObfuscated(s) {
		return 0, true
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil && len(s) <= len("65535")
}

// isObfuscated says whether s is a name that a proxy has made up (section 6.3).
func isObfuscated(s string) bool {
	if len(s) < 2 || s[0] != '_' {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
