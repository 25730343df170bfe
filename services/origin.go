package services

import "strings"

// An origin is where a web page comes from (RFC 6454), in a form that can be
// compared: in lower case, and without the scheme's default port. That of a page
// without one, null, has no scheme.
type origin struct{ scheme, host, port string }

// An originPattern is an origin, or all those whose host is within a domain,
// but not the domain itself. Its host then begins with a dot.
type originPattern struct {
	origin
	within bool
}

// parseOriginPattern reads scheme://host[:port], *. in front of a domain's
// sub-domains, or null.
func parseOriginPattern(s string) (p originPattern, ok bool) {
	scheme, domain, within := strings.Cut(s, "://*.")
	if within {
		s = scheme + "://" + domain
	}
	if p.origin, ok = parseOrigin(s); ok && within {
		p.host, p.within = "."+p.host, true
		ok = p.host[1] != '['
	}
	return p, ok
}

// matches reports whether o is what p says.
func (p originPattern) matches(o origin) bool {
	if p.scheme != o.scheme || p.port != o.port {
		return false
	}
	if p.within {
		return strings.HasSuffix(o.host, p.host)
	}
	return o.host == p.host
}

// parseOrigin reads the value of an Origin header. What is not an origin a
// browser would send is not ok: it cannot match.
func parseOrigin(s string) (o origin, ok bool) {
	if s == "null" {
		return origin{host: s}, true
	}
	scheme, rest, found := strings.Cut(s, "://")
	host, port := rest, ""
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, ']') {
		if host, port = rest[:i], rest[i+1:]; !isPort(port) {
			return origin{}, false
		}
	}
	if !found || !isAll(scheme, isSchemeByte) || !isOriginHost(host) {
		return origin{}, false
	}
	o = origin{strings.ToLower(scheme), strings.ToLower(host), port}
	if defaultPorts[o.scheme] == o.port {
		o.port = ""
	}
	return o, true
}

var defaultPorts = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443"}

// isOriginHost says whether s is a name of labels, none of them empty, or an
// IPv6 address in brackets. Names in other scripts are sent as ASCII (RFC 5891).
func isOriginHost(s string) bool {
	if v6, found := strings.CutPrefix(s, "["); found {
		v6, found = strings.CutSuffix(v6, "]")
		return found && isAll(v6, isAddressByte)
	}
	return isAll(s, isNameByte) && s[0] != '.' && !strings.Contains(s, "..")
}

func isPort(s string) bool { return len(s) <= 5 && isAll(s, isDigit) && s[0] != '0' }

// isAll says whether s consists of such bytes, and is not empty.
func isAll(s string, such func(byte) bool) bool {
	for i := range len(s) {
		if !such(s[i]) {
			return false
		}
	}
	return s != ""
}

func isDigit(c byte) bool      { return c >= '0' && c <= '9' }
func isAlpha(c byte) bool      { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isSchemeByte(c byte) bool { return isAlpha(c) || isDigit(c) || c == '+' || c == '-' || c == '.' }
func isNameByte(c byte) bool   { return isAlpha(c) || isDigit(c) || c == '-' || c == '.' || c == '_' }
func isAddressByte(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' || c == ':' || c == '.'
}
