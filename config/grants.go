package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/tailscale/hujson"
)

var (
	destination = &format{
		pattern: regexp.MustCompile(`^(\*|(\*\.)?[0-9A-Za-z._-]+|[0-9.]+/[0-9]{1,2}|\[[0-9A-Fa-f:.]+(/[0-9]{1,3})?\]):(\*|[0-9]{1,5}(-[0-9]{1,5})?)$`),
		want:    "host:port, like example.com:443, *.example.org:8000-8100, 10.0.0.0/8:5432, [2001:db8::/32]:443 or *:443",
		check:   checkDestination,
	}
	variable = &format{
		pattern: regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`),
		want:    "the name of an environment variable: letters, digits and _",
	}
	grantedModule = &format{
		pattern: regexp.MustCompile(`^(\*|[A-Za-z_][A-Za-z0-9_]{0,63})$`),
		want:    "the name of a module, or *",
	}
)

func constrainGrants(s *jsonschema.Schema) {
	p := s.Properties
	file := p["files"].Items
	file.Required = []string{"path", "access"}
	formatted(file.Properties["path"], filePath)
	file.Properties["access"].Enum = words([]string{"read", "write"})
	for key, f := range map[string]*format{"network": destination, "private_ranges": prefix, "environment": variable, "modules": grantedModule} {
		p[key].UniqueItems = true
		formatted(p[key].Items, f)
	}
}

// checkDestination holds the rules of grants.ParseDestination, which this room does
// not know: an entry that passes here must not fail there, without a line number.
func checkDestination(s string) string {
	colon := strings.LastIndexByte(s, ':')
	if mis := portsMistake(s[colon+1:]); mis != "" {
		return mis
	}
	host := s[:colon]
	name, wildcard := strings.CutPrefix(host, "*.")
	switch {
	case host == "*" || isName(host) && !strings.ContainsAny(host, "*/["):
		return ""
	case wildcard && isName(name):
		return ""
	case wildcard:
	case strings.HasPrefix(host, "["):
		if inner := strings.Trim(host, "[]"); strings.Contains(inner, ":") {
			return checkPrefix(inner)
		}
	case strings.Contains(host, "/"):
		return checkPrefix(host)
	default:
		if _, err := netip.ParseAddr(host); err == nil {
			return ""
		}
	}
	return fmt.Sprintf("the host must be an IP address or prefix, a name or *, not %s", quote(host))
}

// portsMistake returns what is wrong with a port, a range of ports or *; or "".
func portsMistake(ports string) string {
	if ports == "*" {
		return ""
	}
	first, last, isRange := strings.Cut(ports, "-")
	if !isRange {
		last = first
	}
	for _, digits := range []string{first, last} {
		if n, _ := strconv.Atoi(digits); n < 1 || n > 65535 { // five digits at most
			return fmt.Sprintf("the port must be between 1 and 65535, not %s", digits)
		}
	}
	low, _ := strconv.Atoi(first)
	if high, _ := strconv.Atoi(last); high < low {
		return fmt.Sprintf("the range of ports %s is empty", ports)
	}
	return ""
}

// private are the addresses that no name may stand for unless private_ranges says so. The
// package services/grants has the same, which this room does not know.
var private = func() (all []netip.Prefix) {
	for _, p := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
		"192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
		"::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
	} {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}()

// grants checks what concerns two places of a service's grants, or more than the
// form of one.
func (c *checker) grants(services []serviceNode) {
	for _, s := range services {
		path := join(s.path, "grants")
		grants := member(s.value, "grants")
		c.grantedTwice(path, grants)
		ranges, ok := valueOf(grants, "private_ranges").(*hujson.Array)
		for i := 0; ok && i < len(ranges.Elements) && !c.full(); i++ {
			v := &ranges.Elements[i]
			if entry, isText := text(v); isText && prefix.mistake(entry) == "" && !isPrivate(entry) {
				c.add(v.StartOffset, fmt.Sprintf("%s.private_ranges[%d]", path, i),
					"must lie within the addresses that are private, like 127.0.0.1, 10.0.0.0/8, fd00::/8, not %s", quote(entry))
			}
		}
	}
}

// isPrivate reports whether all addresses of an entry are private.
func isPrivate(entry string) bool {
	p, _ := parsePrefix(entry)
	if p.Addr().Is4In6() {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	for _, r := range private {
		if r.Bits() <= p.Bits() && r.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

// grantedTwice finds directories that are granted more than once.
func (c *checker) grantedTwice(path string, grants *hujson.Value) {
	files, ok := valueOf(grants, "files").(*hujson.Array)
	if !ok {
		return
	}
	lines := make(map[string]int)
	for i := range files.Elements {
		v := member(&files.Elements[i], "path")
		name, ok := text(v)
		if !ok || filePath.mistake(name) != "" {
			continue
		}
		clean := filepath.Clean(name)
		if first := lines[clean]; first > 0 {
			c.add(v.StartOffset, fmt.Sprintf("%s.files[%d].path", path, i), "%s is granted already (line %d)", quote(name), first)
			continue
		}
		lines[clean] = c.line(v.StartOffset)
	}
}
