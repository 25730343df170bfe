package config_test

import (
	"encoding/json"
	"testing"

	"lapps/acl"
	"lapps/config"
)

// FuzzPrefix: what config lets pass, acl takes, and the other way around.
// Only the test knows both.
func FuzzPrefix(f *testing.F) {
	for _, s := range []string{
		"", "/", "10.0.0.1", "10.0.0.0/8", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/", "10.0.0", "010.0.0.1", "10.0.0.1 ",
		"0.0.0.0/0", "::", "::/0", "::1/0", "::1", "2001:DB8::/32", "2001:db8::1/32", "2001:db8::/129", "1:2:3:4:5:6:7:8:9", "fe80::1%eth0",
		"fe80::%e/64", "::ffff:10.0.0.1", "::ffff:a00:1", "::ffff:10.0.0.0/104", "::ffff:10.0.0.1/104", "::ffff:10.0.0.0/8", "::ffff:0.0.0.0/96",
		"1111:2222:3333:4444:5555:6666:255.255.255.255/128", "[::1]", "10.0.0.1:80", "localhost", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, err := json.Marshal(map[string]any{"acl": map[string]any{"exclude": []string{s}}})
		if err != nil {
			t.Fatal(err)
		}
		_, ours := config.Parse("lapps.json", text)
		if _, theirs := acl.ParsePrefix(s); (ours == nil) != (theirs == nil) {
			t.Errorf("%q: config says %v, acl says %v", s, ours, theirs)
		}
	})
}
