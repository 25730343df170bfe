package acl_test

import (
	"net/netip"
	"strings"
	"testing"

	"lapps/acl"
)

const notAnAddress = "must be an IP address or a prefix, like 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32"

// prefixes are entries with what they mean, or with the mistake in them.
var prefixes = []struct{ in, want, mistake string }{
	{"192.0.2.1", "192.0.2.1/32", ""},
	{"192.0.2.0/24", "192.0.2.0/24", ""},
	{"192.0.2.1/32", "192.0.2.1/32", ""},
	{"0.0.0.0/0", "0.0.0.0/0", ""},
	{"10.0.0.0", "10.0.0.0/32", ""}, // LAppS: 10.0.0.0/8
	{"2001:db8::1", "2001:db8::1/128", ""},
	{"2001:db8::/32", "2001:db8::/32", ""},
	{"2001:DB8:0:0::/32", "2001:db8::/32", ""},
	{"::/0", "::/0", ""},
	{"::ffff:10.0.0.1", "10.0.0.1/32", ""},
	{"::ffff:a00:1", "10.0.0.1/32", ""},
	{"::ffff:10.0.0.0/104", "10.0.0.0/8", ""},
	{"::ffff:0.0.0.0/96", "0.0.0.0/0", ""},
	{"::ffff:10.0.0.1/128", "10.0.0.1/32", ""},

	{"", "", notAnAddress},
	{" 10.0.0.1", "", notAnAddress},
	{"10.0.0.1 ", "", notAnAddress},
	{"localhost", "", notAnAddress},
	{"10.0.0", "", notAnAddress},
	{"10.0.0.0.0", "", notAnAddress},
	{"10.0.0.256", "", notAnAddress},
	{"010.0.0.1", "", notAnAddress}, // octal to some, decimal to others
	{"10.0.0.1:80", "", notAnAddress},
	{"[::1]", "", notAnAddress},
	{"10.0.0.0-10.0.0.9", "", notAnAddress},
	{"/8", "", notAnAddress},
	{"192.168.1.5/24", "", "host bits are set: write 192.168.1.0/24 for the network, or 192.168.1.5 for the one address"},
	{"2001:db8::1/32", "", "host bits are set: write 2001:db8::/32 for the network, or 2001:db8::1 for the one address"},
	{"::ffff:10.0.0.1/104", "", "host bits are set: write ::ffff:10.0.0.0/104 for the network, or ::ffff:10.0.0.1 for the one address"},
	{"1.2.3.4/0", "", "host bits are set: write 0.0.0.0/0 for the network, or 1.2.3.4 for the one address"},
	{"10.0.0.0/", "", "the prefix length must be between 0 and 32"}, // LAppS: /0
	{"10.0.0.0/ab", "", "the prefix length must be between 0 and 32"},
	{"10.0.0.0/33", "", "the prefix length must be between 0 and 32"},
	{"10.0.0.0/-1", "", "the prefix length must be between 0 and 32"},
	{"10.0.0.0/+8", "", "the prefix length must be between 0 and 32"},
	{"10.0.0.0/08", "", "the prefix length must be between 0 and 32"},
	{"10.0.0.0/8/8", "", "the prefix length must be between 0 and 32"},
	{"10.0.0.0/255.0.0.0", "", "the prefix length must be between 0 and 32"},
	{"10.0.0.0/99999999999999999999", "", "the prefix length must be between 0 and 32"},
	{"2001:db8::/129", "", "the prefix length must be between 0 and 128"},
	{"::ffff:10.0.0.0/8", "", "the prefix length must be between 96 and 128"},
	{"fe80::1%eth0", "", `must be without the zone "eth0"`},
	{"fe80::1%eth0/64", "", `must be without the zone "eth0"`},
	{"fe80::%25/64", "", `must be without the zone "25"`},
}

func TestParsePrefix(t *testing.T) {
	for _, tt := range prefixes {
		t.Run(tt.in, func(t *testing.T) {
			got, err := acl.ParsePrefix(tt.in)
			switch {
			case tt.mistake == "" && (err != nil || got.String() != tt.want):
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			case tt.mistake != "":
				want := `acl: "` + tt.in + `": ` + tt.mistake
				if err == nil || err.Error() != want || got.IsValid() {
					t.Errorf("got %s, %v\nwant %s", got, err, want)
				}
			}
		})
	}
}

func TestErrorsShortenTheInput(t *testing.T) {
	_, err := acl.ParsePrefix("fe80::1%" + strings.Repeat("z", 1<<20))
	if err == nil || len(err.Error()) > 300 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}

// FuzzParsePrefix holds what every accepted prefix must be: canonical, read
// back as itself, and matching just the addresses the input means.
func FuzzParsePrefix(f *testing.F) {
	for _, tt := range prefixes {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := acl.ParsePrefix(s)
		if err != nil {
			if p.IsValid() {
				t.Fatalf("%q: %s and %v", s, p, err)
			}
			return
		}
		if p != p.Masked() || p.Addr().Is4In6() || p.Addr().Zone() != "" {
			t.Fatalf("%q: %s is not canonical", s, p)
		}
		if again, err := acl.ParsePrefix(p.String()); err != nil || again != p {
			t.Fatalf("%q: %s reads back as %s, %v", s, p, again, err)
		}
		plain, _, _ := strings.Cut(s, "/")
		a, err := netip.ParseAddr(plain)
		if err != nil || p.Addr() != a.Unmap() {
			t.Fatalf("%q: %s begins elsewhere", s, p)
		}
		if !acl.New(acl.Deny, p).Allows(a) {
			t.Fatalf("%q: %s does not match its own address", s, p)
		}
	})
}
