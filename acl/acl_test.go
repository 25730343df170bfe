package acl_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"lapps/acl"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mustParse(t testing.TB, policy string, exclude ...string) *acl.List {
	t.Helper()
	l, err := acl.Parse(policy, exclude)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAllows(t *testing.T) {
	tests := []struct {
		name    string
		policy  string
		exclude string // separated by spaces
		allowed string
		refused string
	}{
		{"allow all", "allow", "", "192.0.2.1 ::1 0.0.0.0 :: 255.255.255.255", ""},
		{"deny all", "deny", "", "", "192.0.2.1 ::1 127.0.0.1 ::ffff:192.0.2.1"},
		{"allow but a network", "allow", "10.0.0.0/8", "9.255.255.255 11.0.0.0 ::", "10.0.0.0 10.255.255.255"},
		{"deny but a network", "deny", "10.0.0.0/8", "10.0.0.0 10.255.255.255", "9.255.255.255 11.0.0.0 ::"},
		{"IPv6", "deny", "2001:db8::/32 ::1", "2001:db8::1 2001:db8:ffff::1 ::1", "2001:db9::1 :: ::2 1.2.3.4"},
		{"IPv6 zones are ignored at the door", "deny", "fe80::/10", "fe80::1%eth0 fe80::1", "fec0::1%eth0"},
		{"mapped peer, IPv4 list", "allow", "10.0.0.0/8", "::ffff:11.0.0.1", "::ffff:10.0.0.1"},
		{"mapped list, IPv4 peer", "deny", "::ffff:10.0.0.0/104 ::ffff:192.0.2.1", "10.1.2.3 ::ffff:10.1.2.3 192.0.2.1", "11.0.0.0 192.0.2.2"},
		{"all of IPv6 is not IPv4", "allow", "::/0", "1.2.3.4 ::ffff:1.2.3.4", ":: ::1 2001:db8::1"},
		{"all of mapped is all of IPv4", "allow", "::ffff:0.0.0.0/96", ":: ::1", "0.0.0.0 1.2.3.4"},
		{"duplicates", "deny", "10.0.0.1 10.0.0.1/32 10.0.0.1", "10.0.0.1", "10.0.0.2"},

		// What the predecessor got wrong.
		{"LAppS: no mask means one address, class A", "allow", "10.1.2.3", "10.1.2.4 10.0.0.0 10.255.0.1", "10.1.2.3"},
		{"LAppS: no mask means one address, class B", "allow", "172.16.1.1", "172.16.1.2 172.16.0.0", "172.16.1.1"},
		{"LAppS: no mask means one address, class C", "allow", "192.168.1.5", "192.168.1.77 192.168.1.0", "192.168.1.5"},
		{"LAppS: no mask on a network address", "allow", "10.0.0.0", "10.0.0.1", "10.0.0.0"},
		{"LAppS: loopback is one address", "deny", "127.0.0.1", "127.0.0.1", "127.0.0.2"},
		{"LAppS: /32 is one address", "allow", "192.168.1.5/32", "192.168.1.4 192.168.1.6", "192.168.1.5"},
		{"LAppS: /0 matches all of IPv4", "deny", "0.0.0.0/0", "0.0.0.0 1.2.3.4 255.255.255.255", "::1"},
		{"LAppS: a later network hid an earlier address", "allow", "203.0.113.9 213.5.0.0/16", "203.0.113.10 213.6.0.1", "203.0.113.9 213.5.1.1"},
		{"LAppS: of these two it kept one", "allow", "127.0.0.1/32 192.168.0.0/16", "127.0.0.2 192.169.0.1", "127.0.0.1 192.168.0.1"},
		{"LAppS: a network in a network hid the outer", "allow", "10.1.0.0/16 10.0.0.0/8", "11.0.0.1", "10.1.0.1 10.2.0.1 10.255.255.255"},
		{"LAppS: IPv6 peers bypassed an allow list", "allow", "2001:db8::1", "2001:db8::2", "2001:db8::1"},
		{"LAppS: IPv6 peers bypassed a deny list", "deny", "127.0.0.1", "127.0.0.1", "::1 2001:db8::1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := mustParse(t, tt.policy, strings.Fields(tt.exclude)...)
			for _, s := range strings.Fields(tt.allowed) {
				if !l.Allows(netip.MustParseAddr(s)) {
					t.Errorf("%s: refuses %s", l, s)
				}
			}
			for _, s := range strings.Fields(tt.refused) {
				if l.Allows(netip.MustParseAddr(s)) {
					t.Errorf("%s: allows %s", l, s)
				}
			}
		})
	}
}

func TestZeroAndUnknown(t *testing.T) {
	tests := []struct {
		name        string
		list        *acl.List
		addr        bool // 192.0.2.1 is allowed
		unknown     bool // the zero Addr is allowed
		description string
	}{
		{"nil", nil, true, true, "allow all"},
		{"zero", new(acl.List), true, true, "allow all"},
		{"New", acl.New(acl.Allow), true, true, "allow all"},
		{"allow", mustParse(t, "allow"), true, true, "allow all"},
		{"deny", mustParse(t, "deny"), false, false, "deny all"},
		{"allow but", mustParse(t, "allow", "10.0.0.0/8"), true, false, "allow all but 10.0.0.0/8"},
		{"deny but", mustParse(t, "deny", "::1", "192.0.2.1", "10.0.0.0/8"), true, false, "deny all but 10.0.0.0/8, 192.0.2.1/32, ::1/128"},
		{
			"deny but many",
			mustParse(t, "deny", "10.0.0.9", "10.0.0.8", "10.0.0.7", "10.0.0.6", "10.0.0.5", "10.0.0.4", "10.0.0.3", "10.0.0.2", "10.0.0.1", "10.0.0.0"),
			false, false,
			"deny all but 10.0.0.0/32, 10.0.0.1/32, 10.0.0.2/32, 10.0.0.3/32, 10.0.0.4/32, 10.0.0.5/32, 10.0.0.6/32, 10.0.0.7/32 and 2 more",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.list.Allows(netip.MustParseAddr("192.0.2.1")); got != tt.addr {
				t.Errorf("192.0.2.1: got %t, want %t", got, tt.addr)
			}
			if got := tt.list.Allows(netip.Addr{}); got != tt.unknown {
				t.Errorf("the zero Addr: got %t, want %t", got, tt.unknown)
			}
			if got := tt.list.String(); got != tt.description {
				t.Errorf("String:\n got %s\nwant %s", got, tt.description)
			}
		})
	}
}

func TestParseReportsEveryMistake(t *testing.T) {
	_, err := acl.Parse("Deny", []string{"10.0.0.1", "example.org", "10.0.0.1/8", "", "::1", "fe80::1%eth0"})
	if err == nil {
		t.Fatal("no error")
	}
	want := `acl: policy must be "allow" or "deny", not "Deny"
acl: exclude[1] "example.org": must be an IP address or a prefix, like 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32
acl: exclude[2] "10.0.0.1/8": host bits are set: write 10.0.0.0/8 for the network, or 10.0.0.1 for the one address
acl: exclude[3] "": must be an IP address or a prefix, like 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32
acl: exclude[5] "fe80::1%eth0": must be without the zone "eth0"`
	if got := err.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var e *acl.EntryError
	wantEntry := &acl.EntryError{
		Index: 1, Entry: "example.org",
		Msg: "must be an IP address or a prefix, like 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32",
	}
	if !errors.As(err, &e) || !reflect.DeepEqual(e, wantEntry) {
		t.Errorf("first *EntryError: got %+v, want %+v", e, wantEntry)
	}
}

func TestNewRefusesWhatParsePrefixNeverReturns(t *testing.T) {
	for _, p := range []netip.Prefix{
		{},
		netip.MustParsePrefix("10.0.0.1/8"),
		netip.MustParsePrefix("::ffff:10.0.0.0/104"),
	} {
		t.Run(p.String(), func(t *testing.T) {
			defer func() {
				if want := "acl: New: bad prefix " + p.String(); recover() != want {
					t.Errorf("no panic %q", want)
				}
			}()
			acl.New(acl.Allow, p)
		})
	}
}

// linear is the slow twin of List: every exception, one after the other.
type linear struct {
	deny    bool
	exclude []netip.Prefix
}

func (l linear) allows(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range l.exclude {
		if p.Contains(a) {
			return l.deny
		}
	}
	return !l.deny
}

// randomAddr returns an IPv4, IPv6 or v4-mapped address. Few bits vary, so
// that prefixes nest and addresses meet them.
func randomAddr(r *rand.Rand) netip.Addr {
	var b [16]byte
	for i := range b {
		b[i] = byte(r.UintN(3)) << (r.UintN(2) * 6)
	}
	switch r.UintN(3) {
	case 0:
		return netip.AddrFrom4([4]byte(b[:4]))
	case 1:
		a := netip.AddrFrom4([4]byte(b[:4])).As16()
		return netip.AddrFrom16(a) // v4-mapped
	}
	return netip.AddrFrom16(b)
}

func randomPrefix(r *rand.Rand) netip.Prefix {
	a := randomAddr(r).Unmap()
	p, _ := a.Prefix(r.IntN(a.BitLen() + 1))
	return p
}

func TestAgainstLinearSearch(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		slow := linear{deny: seed%2 == 1}
		for range r.IntN(40) {
			slow.exclude = append(slow.exclude, randomPrefix(r))
		}
		fast := acl.New(acl.Policy(slow.deny), slow.exclude...)
		for range 200 {
			a := randomAddr(r)
			if got, want := fast.Allows(a), slow.allows(a); got != want {
				t.Fatalf("seed %d: %s, deny %t, exclude %s: got %t, want %t", seed, a, slow.deny, slow.exclude, got, want)
			}
		}
		// The edges of every exception, where an off-by-one would be.
		for _, p := range slow.exclude {
			for _, a := range []netip.Addr{p.Addr(), p.Addr().Prev(), last(p), last(p).Next()} {
				if got, want := fast.Allows(a), slow.allows(a); a.IsValid() && got != want {
					t.Fatalf("seed %d: %s, deny %t, exclude %s: got %t, want %t", seed, a, slow.deny, slow.exclude, got, want)
				}
			}
		}
	}
}

// last returns the last address of p.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func TestAllowsAllocatesNothing(t *testing.T) {
	l := mustParse(t, "deny", "10.0.0.0/8", "2001:db8::/32", "192.0.2.1")
	for _, s := range []string{"10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", "fe80::1%eth0", "192.0.2.2"} {
		a := netip.MustParseAddr(s)
		if n := testing.AllocsPerRun(100, func() { l.Allows(a) }); n != 0 {
			t.Errorf("%s: %v allocations", s, n)
		}
	}
}

func BenchmarkAllows(b *testing.B) {
	for _, n := range []int{10, 1000, 10000} {
		r := rand.New(rand.NewPCG(uint64(n), 2))
		slow := linear{deny: true}
		for range n {
			a := netip.AddrFrom4([4]byte{byte(r.UintN(224)), byte(r.UintN(256)), byte(r.UintN(256)), byte(r.UintN(256))})
			p, _ := a.Prefix(16 + r.IntN(17))
			slow.exclude = append(slow.exclude, p)
		}
		fast := acl.New(acl.Deny, slow.exclude...)
		addrs := make([]netip.Addr, 1024)
		for i := range addrs {
			addrs[i] = netip.AddrFrom4([4]byte{byte(r.UintN(224)), byte(r.UintN(256)), byte(r.UintN(256)), byte(r.UintN(256))})
		}
		for _, way := range []struct {
			name   string
			allows func(netip.Addr) bool
		}{{"list", fast.Allows}, {"linear", slow.allows}} {
			b.Run(fmt.Sprintf("%s/%d", way.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					way.allows(addrs[i%len(addrs)])
				}
			})
		}
	}
}
