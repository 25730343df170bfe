package config_test

import (
	"encoding/json"
	"net/netip"
	"path/filepath"
	"testing"

	"lapps/config"
	"lapps/services/grants"
)

// parseGrants parses a file whose one service has these grants.
func parseGrants(t testing.TB, given map[string]any) (*config.Config, error) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"services": map[string]any{"a": map[string]any{"grants": given}}})
	if err != nil {
		t.Fatal(err)
	}
	return config.Parse("/etc/lapps.json", text)
}

// FuzzDestination: what config lets pass, grants takes. Only the test knows both.
func FuzzDestination(f *testing.F) {
	for _, s := range []string{
		"", "a", "a:", ":1", "*:*", "*:443", "a:0", "a:1", "a:65535", "a:65536", "a:2-1", "a:1-2", "a:1-", "a:0-2", "a:1-70000", "*.a:1", "*.:1", "*a:1",
		"a.*:1", "A.b-c_d.:1", "10.0.0.0/8:1", "10.0.0.1/8:1", "10.0.0.0/33:1", "10.0.0.1:1", "010.0.0.1:1", "[10.0.0.1]:1", "[::1]:1", "[::1]/128:1",
		"[2001:db8::/32]:1-*", "[2001:db8::/32]:1", "[2001:db8::1/32]:1", "::1:1", "[::1:1", "10.0.0:1", "1:1", "*.1:1", "a..b:1", ".:1", "..:1",
		"[::ffff:10.0.0.0/104]:1", "[::ffff:10.0.0.1]:1", "[:]:1", "a:00080", "-:1", "_:1", "2130706433:1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, ours := parseGrants(t, map[string]any{"network": []string{s}})
		if _, theirs := grants.ParseDestination(s); ours == nil && theirs != nil {
			t.Errorf("%q: config takes it, grants says %v", s, theirs)
		}
	})
}

// TestPrivateRanges has both rooms mean the same by private.
func TestPrivateRanges(t *testing.T) {
	takes := func(p netip.Prefix) bool {
		_, ours := parseGrants(t, map[string]any{"private_ranges": []string{p.String()}})
		_, theirs := grants.New(grants.Config{Private: []netip.Prefix{p}})
		if (ours == nil) != (theirs == nil) {
			t.Errorf("%s: config says %v, grants says %v", p, ours, theirs)
		}
		return ours == nil
	}
	for _, p := range grants.PrivateRanges() {
		if !takes(p) {
			t.Errorf("%s is refused", p)
		}
		takes(netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked())
		takes(netip.PrefixFrom(p.Addr(), p.Addr().BitLen()))
		if before := p.Addr().Prev(); before.IsValid() {
			takes(netip.PrefixFrom(before, before.BitLen()))
		}
	}
	if takes(netip.MustParsePrefix("0.0.0.0/0")) || takes(netip.MustParsePrefix("203.0.113.0/24")) {
		t.Error("what is not private is accepted")
	}
}

func TestGrants(t *testing.T) {
	c, err := parseGrants(t, map[string]any{
		"files": []any{map[string]any{"path": "data", "access": "read"}, map[string]any{"path": "/srv/out", "access": "write"}}, "environment": []string{"HOME"},
	})
	if err != nil {
		t.Fatal(err)
	}
	g := c.Services["a"].Grants
	if g.Files[0] != (config.FileGrant{Path: filepath.Join("/etc", "data"), Access: "read"}) || g.Files[1].Path != "/srv/out" || g.Network == nil || g.Modules == nil {
		t.Errorf("%+v", g)
	}
	if c.Directory() != "/etc" {
		t.Error(c.Directory())
	}
}
