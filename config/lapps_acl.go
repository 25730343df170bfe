package config

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/tailscale/hujson"
)

// masked returns a without host bits in its entries, which LAppS allows. The
// entries have been checked.
func (a ACL) masked() ACL {
	for i, entry := range a.Exclude {
		if p, _ := parsePrefix(entry); p != p.Masked() {
			a.Exclude[i] = p.Masked().String()
		}
	}
	return a
}

// noteEntries notes what the entries of the ACL v, which is at path, mean
// here, where they meant something else in LAppS or might have.
func (c *checker) noteEntries(path string, v *hujson.Value) {
	exclude, ok := valueOf(v, "exclude").(*hujson.Array)
	if !ok {
		return
	}
	for i := 0; i < len(exclude.Elements) && !c.noted(); i++ {
		e := &exclude.Elements[i]
		entry, ok := text(e)
		if !ok || lappsPrefix.mistake(entry) != "" {
			continue
		}
		if msg := entryNotice(entry); msg != "" {
			c.note(e.StartOffset, fmt.Sprintf("%s.exclude[%d]", path, i), "%s", msg)
		}
	}
}

// entryNotice returns how an entry is read, where that is not evident, or "".
func entryNotice(entry string) string {
	p, _ := parsePrefix(entry)
	network := classful(p.Addr())
	switch {
	case p.Addr().Is4() && p.Bits() == 0:
		return fmt.Sprintf("read as %s, every IPv4 address; in LAppS it was none", p.Masked())
	case p != p.Masked():
		return fmt.Sprintf("read as %s", p.Masked())
	case !strings.Contains(entry, "/") && network.IsValid() && network == network.Masked():
		return fmt.Sprintf("read as this one address; in LAppS it was a network: write %s for that", network)
	}
	return ""
}

// classful returns an address with the prefix length of its class, or the
// zero Prefix where it has no class. LAppS takes it for addresses without one.
func classful(a netip.Addr) netip.Prefix {
	if !a.Is4() {
		return netip.Prefix{}
	}
	switch first := a.As4()[0]; {
	case first < 128:
		return netip.PrefixFrom(a, 8)
	case first < 192:
		return netip.PrefixFrom(a, 16)
	case first < 224:
		return netip.PrefixFrom(a, 24)
	}
	return netip.Prefix{}
}
