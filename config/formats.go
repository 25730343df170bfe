package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// A format is a kind of string. Its pattern is in the schema too, and so
// within what JavaScript's and Go's expressions have in common.
type format struct {
	pattern *regexp.Regexp
	want    string                      // completes "must be", where the pattern does not match
	check   func(s string) (mis string) // what a pattern cannot say, of what it matches; may be nil
}

const aPrefix = "an IP address or a prefix, like 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32"

var (
	serviceName = &format{
		pattern: regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`),
		want:    "a letter or _ and at most 63 letters, digits, _ and -, since it names a Lua global and a directory",
	}
	requestTarget = &format{
		pattern: regexp.MustCompile(`^/[!"$->@-~]*$`),
		want:    "a path of visible ASCII characters that starts with / and has no ? and no #",
	}
	moduleName = &format{
		pattern: regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`),
		want:    "the name of a module: a letter or _ and at most 63 letters, digits and _",
	}
	headerName = &format{
		pattern: regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
		want:    "a token (RFC 9110, section 5.6.2)",
		check:   checkHeaderName,
	}
	headerValue = &format{
		pattern: regexp.MustCompile(`^[^\x00-\x1f\x7f]*$`),
		want:    "without line breaks and control characters",
	}
	// Not headerName's pattern: formats are found by theirs.
	subprotocol = &format{
		pattern: regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,255}$"),
		want:    "a token (RFC 9110, section 5.6.2) of at most 255 characters",
	}
	origin = &format{
		pattern: regexp.MustCompile(`^(null|[a-z][a-z0-9+.-]*://(\*\.)?([0-9a-z._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?)$`),
		want:    "scheme://host or scheme://host:port in lower case and without a path, like https://example.com, https://*.example.com or http://localhost:8080, or null",
		check:   checkOrigin,
	}
	listenAddress = &format{
		pattern: regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+(%[0-9A-Za-z._-]+)?\]|[0-9A-Za-z._-]*):[0-9]{1,5}$`),
		want:    "host:port, like 127.0.0.1:5083, [::1]:5083, localhost:5083 or :5083",
		check:   checkListenAddress,
	}
	prefix = &format{
		pattern: regexp.MustCompile(`^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$`),
		want:    aPrefix,
		check:   checkPrefix,
	}
	filePath = &format{
		pattern: regexp.MustCompile(`^[^\x00]+$`),
		want:    "a path: not empty, and without NUL",
	}
	optionalPath = &format{
		pattern: regexp.MustCompile(`^[^\x00]*$`),
		want:    "a path without NUL",
	}
)

// formats are all of them by pattern, as the schema refers to them.
var formats = func() map[string]*format {
	m := make(map[string]*format)
	for _, f := range []*format{
		serviceName, requestTarget, moduleName, headerName, headerValue, subprotocol, origin,
		listenAddress, prefix, filePath, optionalPath, destination, variable, grantedModule,
		lappsHost, lappsTarget, lappsPrefix,
	} {
		m[f.pattern.String()] = f
	}
	return m
}()

// mistake returns what is wrong with s, or "".
func (f *format) mistake(s string) string {
	if !f.pattern.MatchString(s) {
		return fmt.Sprintf("must be %s, not %s", f.want, quote(s))
	}
	if f.check == nil {
		return ""
	}
	return f.check(s)
}

// checkHeaderName refuses the fields that the opening handshake's answer has
// of itself or must not have (RFC 6455 section 4.2.2, RFC 9110 section 8.6).
func checkHeaderName(s string) string {
	lower := strings.ToLower(s)
	switch lower {
	case "connection", "upgrade", "content-length", "transfer-encoding", "trailer":
	default:
		if !strings.HasPrefix(lower, "sec-websocket-") {
			return ""
		}
	}
	return fmt.Sprintf("must not be %s: that field is the handshake's own", quote(s))
}

// checkOrigin refuses what no browser names as an origin (RFC 6454 section
// 6.1), of origin's pattern. Only of the web's own schemes is it known what a
// host is.
func checkOrigin(s string) string {
	scheme, host, ok := strings.Cut(s, "://")
	if !ok {
		return "" // null
	}
	if end := strings.LastIndexByte(host, ']') + 1; strings.Contains(host[end:], ":") {
		colon := strings.LastIndexByte(host, ':')
		if port, _ := strconv.Atoi(host[colon+1:]); port > 65535 || host[colon+1] == '0' {
			return fmt.Sprintf("the port must be between 1 and 65535, not %s", host[colon+1:])
		}
		host = host[:colon]
	}
	host, wildcard := strings.CutPrefix(host, "*.")
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	switch v6 := strings.HasPrefix(host, "["); {
	case err == nil && wildcard:
		return fmt.Sprintf("must be a name after *., not %s", quote(host))
	case err == nil && v6 == ip.Is6() && ip.String() != strings.Trim(host, "[]"):
		return fmt.Sprintf("the host must be written [%s], as browsers do", ip)
	case err == nil && v6 == ip.Is6():
		return ""
	case v6 || (scheme == "http" || scheme == "https") && !isName(host):
		return fmt.Sprintf("the host must be an IP address or a name, not %s", quote(host))
	}
	return ""
}

func checkListenAddress(s string) string {
	_, mis := canonicalAddress(s)
	return mis
}

// canonicalAddress returns s, of listenAddress's pattern, in the one spelling
// that all addresses have that mean the same. Names are not resolved. The
// mistake is "" where there is none.
func canonicalAddress(s string) (canonical, mis string) {
	colon := strings.LastIndexByte(s, ':')
	host, digits := s[:colon], s[colon+1:]
	port, _ := strconv.Atoi(digits) // five digits at most
	if port > 65535 {
		return "", fmt.Sprintf("the port must be between 0 and 65535, not %s", digits)
	}
	v6 := strings.HasPrefix(host, "[")
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	switch {
	case host == "":
		host = "::" // net.Listen takes "" for this one
	case err == nil && v6 == ip.Is6():
		host = ip.Unmap().String()
	case v6 || !isName(host):
		return "", fmt.Sprintf("the host must be an IP address, a name or nothing, not %s", quote(host))
	default:
		host = strings.ToLower(host)
	}
	return fmt.Sprintf("%s %d", host, port), ""
}

// isName reports whether host can be a name: its last label is not a number,
// which keeps misspelt IPv4 addresses out.
func isName(host string) bool {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 {
			return false
		}
	}
	last := labels[len(labels)-1][0]
	return last < '0' || last > '9'
}

// checkPrefix holds the rules of acl.ParsePrefix, which this room does not
// know: an entry that passes here must not fail there, without a line number.
func checkPrefix(s string) string {
	p, mis := parsePrefix(s)
	if mis == "" && p != p.Masked() {
		return fmt.Sprintf("%s has host bits set: write %s for the network, or %s for the one address", p, p.Masked(), p.Addr())
	}
	return mis
}

// parsePrefix returns the prefix that s, of prefix's pattern, is, with its
// host bits; an address is one of full length. The mistake is "" where there
// is none.
func parsePrefix(s string) (p netip.Prefix, mis string) {
	addr, length, isPrefix := strings.Cut(s, "/")
	a, err := netip.ParseAddr(addr)
	switch {
	case err != nil:
		return p, fmt.Sprintf("must be %s, not %s", aPrefix, quote(s))
	case !isPrefix:
		return netip.PrefixFrom(a, a.BitLen()), ""
	}
	low := 0
	if a.Is4In6() {
		low = 96 // the IPv4 address follows
	}
	p, err = netip.ParsePrefix(s)
	if err != nil || p.Bits() < low {
		return p, fmt.Sprintf("the prefix length must be between %d and %d, not %.40s", low, a.BitLen(), length)
	}
	return p, ""
}

// quote returns s in quotes, escaped, shortened and fit for one line.
func quote(s string) string {
	const most = 40 // characters
	short := fmt.Sprintf("%.*s", most, s)
	if len(short) < len(s) {
		return strconv.Quote(short) + "…"
	}
	return strconv.Quote(short)
}
