package grants

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// names are what the resolver of the tests knows.
var names = map[string][]string{
	"public.test": {"203.0.113.7", "2001:db8::7"}, "mixed.test": {"10.0.0.1", "203.0.113.7", "::1", "::ffff:127.0.0.1"},
	"loop.test": {"127.0.0.1"}, "mapped.test": {"::ffff:127.0.0.1"}, "any.test": {"0.0.0.0", "::"}, "six.test": {"::1"},
	"cloud.test": {"169.254.169.254"}, "nat64.test": {"64:ff9b::7f00:1"}, "ula.test": {"fd00::1"}, "cgnat.test": {"100.64.1.1"},
	"group.test": {"224.0.0.1", "ff02::1"}, "lan.test": {"192.168.1.1", "172.31.0.1", "10.1.2.3"}, "none.test": {},
	"zone.test": {"fe80::1%lo"}, "db.lan.test": {"10.1.2.3"}, "sub.public.test": {"203.0.113.8"},
}

func lookup(_ context.Context, host string) (all []netip.Addr, err error) {
	list, ok := names[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	for _, a := range list {
		all = append(all, netip.MustParseAddr(a))
	}
	return all, nil
}

// granting makes grants of network and private ranges.
func granting(t *testing.T, network, private string) *Grants {
	t.Helper()
	c := Config{Network: strings.Fields(network), Lookup: lookup}
	for _, p := range strings.Fields(private) {
		c.Private = append(c.Private, netip.MustParsePrefix(p))
	}
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestAddresses is about which addresses are connected to.
func TestAddresses(t *testing.T) {
	for _, c := range []struct{ network, private, to, want string }{
		{"public.test:443", "", "public.test:443", "203.0.113.7 2001:db8::7"},
		{"public.test:443", "", "PUBLIC.test.:443", "203.0.113.7 2001:db8::7"},
		{"public.test:443", "", "public.test:444", "no entry"},
		{"public.test:443", "", "sub.public.test:443", "no entry"},
		{"*.public.test:443", "", "sub.public.test:443", "203.0.113.8"},
		{"*.public.test:443", "", "public.test:443", "no entry"},
		{"*.ublic.test:443", "", "public.test:443", "no entry"},
		{"public.test:443", "", "203.0.113.7:443", "no entry"},
		{"public.test:8000-8100", "", "public.test:7999", "no entry"},
		{"public.test:8000-8100", "", "public.test:8000", "203.0.113.7 2001:db8::7"},
		{"public.test:8000-8100", "", "public.test:8100", "203.0.113.7 2001:db8::7"},
		{"public.test:8000-8100", "", "public.test:8101", "no entry"},
		{"*:443", "", "public.test:443", "203.0.113.7 2001:db8::7"},
		{"*:443", "", "203.0.113.9:443", "203.0.113.9"},
		{"*:*", "", "[2001:db8::1]:1", "2001:db8::1"},
		{"203.0.113.0/24:1", "", "203.0.113.9:1", "203.0.113.9"},
		{"203.0.113.0/24:1", "", "[::ffff:203.0.113.9]:1", "203.0.113.9"},
		{"203.0.113.0/24:1", "", "public.test:1", "no entry"},
		{"[2001:db8::/32]:1", "", "[2001:db8::1]:1", "2001:db8::1"},
		{"203.0.113.7:1", "", "203.0.113.8:1", "no entry"},

		{"*:*", "", "mixed.test:80", "203.0.113.7"},
		{"*:*", "", "loop.test:80", "127.0.0.1 is private"},
		{"*:*", "", "mapped.test:80", "127.0.0.1 is private"},
		{"*:*", "", "any.test:80", "0.0.0.0 is private"},
		{"*:*", "", "six.test:80", "::1 is private"},
		{"*:*", "", "cloud.test:80", "169.254.169.254 is private"},
		{"*:*", "", "nat64.test:80", "64:ff9b::7f00:1 is private"},
		{"*:*", "", "ula.test:80", "fd00::1 is private"},
		{"*:*", "", "cgnat.test:80", "100.64.1.1 is private"},
		{"*:*", "", "group.test:80", "224.0.0.1 is private"},
		{"*:*", "", "lan.test:80", "192.168.1.1 is private"},
		{"*:*", "", "zone.test:80", "fe80::1%lo is private"},
		{"*:*", "", "127.0.0.1:80", "127.0.0.1 is private"},
		{"*:*", "", "[::ffff:127.0.0.1]:80", "127.0.0.1 is private"},
		{"*:*", "", "[::ffff:7f00:1]:80", "127.0.0.1 is private"},
		{"*:*", "", "[::7f00:1]:80", "::7f00:1 is private"},
		{"*:*", "", "[2002:7f00:1::]:80", "2002:7f00:1:: is private"},
		{"*:*", "", "0.0.0.0:80", "0.0.0.0 is private"},
		{"*:*", "", "[::]:80", ":: is private"},
		{"*:*", "", "255.255.255.255:80", "255.255.255.255 is private"},
		{"0.0.0.0/0:*", "", "127.0.0.1:80", "127.0.0.1 is private"},

		{"*:*", "", "2130706433:80", "must be a name or an IP address"},
		{"*:*", "", "127.1:80", "must be a name or an IP address"},
		{"*:*", "", "0x7f000001:80", "must be a name or an IP address"},
		{"*:*", "", "0x7f.1:80", "must be a name or an IP address"},
		{"*:*", "", "0177.0.0.1:80", "must be a name or an IP address"},
		{"*:*", "", "[fe80::1%lo]:80", "must be without a zone"},
		{"*:*", "", ":80", "must be a name or an IP address"},
		{"*:*", "", "a b:80", "must be a name or an IP address"},
		{"*:*", "", "unknown.test:80", "no such host"},
		{"*:*", "", "none.test:80", "the name has no addresses"},
		{"*:*", "", "public.test:0", "must be host:port"},
		{"*:*", "", "public.test:65616", "must be host:port"},
		{"*:*", "", "public.test:http", "must be host:port"},
		{"*:*", "", "public.test", "must be host:port"},

		{"db.lan.test:5432", "10.0.0.0/8", "db.lan.test:5432", "10.1.2.3"},
		{"db.lan.test:5432", "10.0.0.0/16", "db.lan.test:5432", "10.1.2.3 is private"},
		{"db.lan.test:5432 10.1.0.0/16:5432", "", "db.lan.test:5432", "10.1.2.3"},
		{"db.lan.test:5432 10.1.0.0/16:80", "", "db.lan.test:5432", "10.1.2.3 is private"},
		{"10.1.0.0/16:5432", "", "10.1.2.3:5432", "10.1.2.3"},
		{"lan.test:80", "10.0.0.0/8 172.16.0.0/12", "lan.test:80", "172.31.0.1 10.1.2.3"},
		{"*:80", "127.0.0.0/8", "mapped.test:80", "127.0.0.1"},
		{"*:80", "127.0.0.0/8", "mixed.test:80", "203.0.113.7 127.0.0.1"},
		{"nat64.test:80", "127.0.0.0/8", "nat64.test:80", "64:ff9b::7f00:1"},
	} {
		host, digits, _ := net.SplitHostPort(c.to)
		var got string
		if digits != "" && strings.Trim(digits, "0123456789") == "" && len(digits) < 5 && digits != "0" {
			port := uint16(0)
			for _, d := range digits {
				port = port*10 + uint16(d-'0')
			}
			addrs, err := granting(t, c.network, c.private).addresses(t.Context(), host, port, c.to)
			got = text(err)
			for i, a := range addrs {
				got += strings.Repeat(" ", min(i, 1)) + a.String()
			}
		} else {
			_, err := granting(t, c.network, c.private).Dial(t.Context(), "tcp", c.to)
			got = text(err)
		}
		if got != c.want && (strings.Trim(c.want, "0123456789abcdef:. ") == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%s (%s) to %s:\n got %s\nwant %s", c.network, c.private, c.to, got, c.want)
		}
	}
}

func TestDialErrors(t *testing.T) {
	g := granting(t, "loop.test:80", "")
	for _, c := range []struct{ network, to, want string }{
		{"tcp", "public.test:80", `network: to connect to public.test:80 is not granted: the service's "grants.network" has no entry for it`},
		{"tcp", "loop.test:80", `network: to connect to loop.test:80 is not granted: 127.0.0.1 is private, and neither the service's "grants.private_ranges" nor a prefix in its "grants.network" has it`},
		{"udp", "loop.test:80", `network: "udp": must be tcp, tcp4 or tcp6`},
		{"unix", "/run/x", `network: "unix": must be tcp, tcp4 or tcp6`},
	} {
		if _, err := g.Dial(t.Context(), c.network, c.to); text(err) != c.want {
			t.Errorf("%s %s:\n got %v\nwant %s", c.network, c.to, err, c.want)
		}
	}
}

// TestDial connects to real listeners: to the address that was looked at, whatever the name stands for
// later, and to the next where one does not answer.
func TestDial(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	asked := 0
	g, err := New(Config{
		Network: []string{"db.test:" + port}, Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("127.0.0.3/32")},
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			asked++
			if asked > 1 { // rebound
				return []netip.Addr{netip.MustParseAddr("127.0.0.2")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3"), netip.MustParseAddr("::ffff:127.0.0.1")}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := g.Dial(t.Context(), "tcp", "db.test:"+port)
	if err != nil {
		t.Fatal(err)
	}
	if got := conn.RemoteAddr().String(); got != ln.Addr().String() || asked != 1 {
		t.Errorf("connected to %s, the name was looked up %d times", got, asked)
	}
	conn.Close()
	var no *Denied
	if _, err := g.Dial(t.Context(), "tcp", "db.test:"+port); !errors.As(err, &no) {
		t.Error("the name stands for an address that is not granted:", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	open := granting(t, "127.0.0.1:"+port, "")
	if _, err := open.Dial(ctx, "tcp", "127.0.0.1:"+port); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestParseDestinationRefuses(t *testing.T) {
	for _, s := range []string{
		"", "a", "a:", ":1", "a:0", "a:65536", "a:2-1", "a:1-", "a:-1", "a:1-2-3", "*.:1", "*a:1", "a.*:1", "10.0.0.1/8:1", "10.0.0.0/33:1",
		"[10.0.0.1]:1", "::1:1", "2001:db8::/32:1", "[::1:1", "10.0.0:1", "*.10.0.0.1:1", "wss://a:1", "a b:1", "é:1", "[fe80::1%lo]:1", "a:+1",
	} {
		if d, err := ParseDestination(s); err == nil {
			t.Errorf("%q is %+v", s, d)
		}
	}
	if _, err := New(Config{Network: []string{"a"}}); text(err) != `grants: "a": must be host:port` {
		t.Error(err)
	}
	if _, err := New(Config{Private: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}); text(err) != `grants: 0.0.0.0/0 does not lie within the addresses that are private` {
		t.Error(err)
	}
}
