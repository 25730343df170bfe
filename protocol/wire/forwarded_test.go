package wire

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// Whom the tests trust.
var proxies = netip.MustParsePrefix("10.0.0.0/8")

const (
	listed    = "X-Forwarded-For"
	forwarded = "Forwarded"
)

// The socket's address, of a proxy.
var socketAddr = netip.MustParseAddrPort("10.0.0.1:1000")

var clientAddrTests = []struct {
	name, header string
	hops         int
	lines        []string
	want         string
	err          string // part of the reason
}{
	{"no header", listed, 1, nil, "10.0.0.1:1000", ""},
	{"not read", listed, 0, []string{"192.0.2.7"}, "10.0.0.1:1000", ""},
	{"IPv4", listed, 1, []string{"192.0.2.7"}, "192.0.2.7:0", ""},
	{"IPv4 and port", listed, 1, []string{"192.0.2.7:80"}, "192.0.2.7:80", ""},
	{"IPv6", listed, 1, []string{"2001:db8::7"}, "[2001:db8::7]:0", ""},
	{"IPv6 in brackets", listed, 1, []string{"[2001:db8::7]"}, "[2001:db8::7]:0", ""},
	{"IPv6 and port", listed, 1, []string{"[2001:db8::7]:80"}, "[2001:db8::7]:80", ""},
	{"mapped", listed, 1, []string{"::ffff:192.0.2.7"}, "192.0.2.7:0", ""},
	{"mapped, with port", listed, 1, []string{"[::ffff:192.0.2.7]:80"}, "192.0.2.7:80", ""},
	{"white space", listed, 1, []string{"6.6.6.6,\t 192.0.2.7 \t"}, "192.0.2.7:0", ""},
	{"port 65535", listed, 1, []string{"192.0.2.7:65535"}, "192.0.2.7:65535", ""},

	{"one hop", listed, 1, []string{"6.6.6.6, 10.0.0.3, 10.0.0.2"}, "10.0.0.2:0", ""},
	{"two hops", listed, 2, []string{"6.6.6.6, 10.0.0.3, 10.0.0.2"}, "10.0.0.3:0", ""},
	{"three hops", listed, 3, []string{"6.6.6.6, 10.0.0.3, 10.0.0.2"}, "6.6.6.6:0", ""},
	{"as many as there are", listed, 9, []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3:0", ""},
	{"as far as is trusted", listed, 9, []string{"6.6.6.6, 192.0.2.7, 10.0.0.2"}, "192.0.2.7:0", ""},
	{"mapped proxies", listed, 9, []string{"192.0.2.7, ::ffff:10.0.0.2"}, "192.0.2.7:0", ""},
	{"lines", listed, 9, []string{"6.6.6.6, 192.0.2.7", "10.0.0.3", "10.0.0.2, 10.0.0.1"}, "192.0.2.7:0", ""},
	{"junk to the left", listed, 1, []string{"\"junk,,,", "junk, \", 192.0.2.7"}, "192.0.2.7:0", ""},
	{"junk that is not reached", listed, 9, []string{"junk, 192.0.2.7, 10.0.0.2"}, "192.0.2.7:0", ""},
	{"unknown", listed, 9, []string{"6.6.6.6, unknown, 10.0.0.2"}, "10.0.0.2:0", ""},
	{"obfuscated", listed, 9, []string{"6.6.6.6, _x"}, "10.0.0.1:1000", ""},
	{"another header", "X-Real-Ip", 1, []string{"192.0.2.7"}, "192.0.2.7:0", ""},

	{"empty", listed, 1, []string{""}, "", `"" is malformed`},
	{"empty element", listed, 1, []string{"192.0.2.7,"}, "", "is malformed"},
	{"empty element, reached", listed, 2, []string{"6.6.6.6,, 10.0.0.2"}, "", "is malformed"},
	{"a name", listed, 1, []string{"localhost"}, "", `X-Forwarded-For: "localhost" is not an address`},
	{"junk that is reached", listed, 9, []string{"junk, 10.0.0.2"}, "", `"junk"`},
	{"zone", listed, 1, []string{"fe80::1%eth0"}, "", "not an address"},
	{"zone and port", listed, 1, []string{"[fe80::1%eth0]:80"}, "", "not an address"},
	{"leading zero", listed, 1, []string{"192.0.2.07"}, "", "not an address"},
	{"no port", listed, 1, []string{"192.0.2.7:"}, "", "not an address"},
	{"port too large", listed, 1, []string{"192.0.2.7:65536"}, "", "not an address"},
	{"port too long", listed, 1, []string{"192.0.2.7:000080"}, "", "not an address"},
	{"port with sign", listed, 1, []string{"192.0.2.7:+80"}, "", "not an address"},
	{"IPv4 in brackets", listed, 1, []string{"[192.0.2.7]"}, "", "not an address"},
	{"unknown in brackets", listed, 1, []string{"[unknown]"}, "", "not an address"},
	{"open bracket", listed, 1, []string{"[2001:db8::7"}, "", "not an address"},
	{"behind the bracket", listed, 1, []string{"[2001:db8::7]80"}, "", "not an address"},
	{"quotes", listed, 1, []string{`"192.0.2.7"`}, "", "not an address"},
	{"two in one", listed, 1, []string{"192.0.2.7 192.0.2.8"}, "", "not an address"},
	{"only an underscore", listed, 1, []string{"_"}, "", "not an address"},
	{"long junk", listed, 1, []string{strings.Repeat("x", 5000)}, "", `"` + strings.Repeat("x", 60) + `"`},

	// RFC 7239, sections 4, 6 and 7.1.
	{"for", forwarded, 1, []string{"for=192.0.2.7"}, "192.0.2.7:0", ""},
	{"in any case", "forwarded", 1, []string{"FoR=192.0.2.7"}, "192.0.2.7:0", ""},
	{"quoted", forwarded, 1, []string{`for="192.0.2.7:80"`}, "192.0.2.7:80", ""},
	{"quoted IPv6", forwarded, 1, []string{`For="[2001:db8::7]:80"`}, "[2001:db8::7]:80", ""},
	{"quoted IPv6 without port", forwarded, 1, []string{`for="[2001:db8::7]"`}, "[2001:db8::7]:0", ""},
	{"escapes", forwarded, 1, []string{`for="192\.0.2.7\:80"`}, "192.0.2.7:80", ""},
	{"parameters", forwarded, 1, []string{`for=192.0.2.7;proto=http;by=203.0.113.43`}, "192.0.2.7:0", ""},
	{"parameters before", forwarded, 1, []string{`proto=http;by="_x";for=192.0.2.7`}, "192.0.2.7:0", ""},
	{"white space around ;", forwarded, 1, []string{`proto=http ; for=192.0.2.7`}, "192.0.2.7:0", ""},
	{"empty parameters", forwarded, 1, []string{`;for=192.0.2.7;;`}, "192.0.2.7:0", ""},
	{"quoted separators", forwarded, 1, []string{`for=6.6.6.6, for=192.0.2.7;host="a,b;for=6.6.6.6,"`}, "192.0.2.7:0", ""},
	{"quoted quotes", forwarded, 1, []string{`for=6.6.6.6, for=192.0.2.7;host="a\",b\\"`}, "192.0.2.7:0", ""},
	{"elements", forwarded, 2, []string{`for=6.6.6.6, for="10.0.0.2:5"`, `for=10.0.0.3`}, "10.0.0.2:5", ""},
	{"no for", forwarded, 9, []string{"for=6.6.6.6, proto=https"}, "10.0.0.1:1000", ""},
	{"for=unknown", forwarded, 9, []string{"for=6.6.6.6, for=Unknown"}, "10.0.0.1:1000", ""},
	{"for=unknown with port", forwarded, 9, []string{`for="unknown:80"`}, "10.0.0.1:1000", ""},
	{"for=_obfuscated", forwarded, 9, []string{"for=6.6.6.6, for=_SEVKISEK"}, "10.0.0.1:1000", ""},
	{"obfuscated port", forwarded, 1, []string{`for="192.0.2.7:_a.b-c"`}, "192.0.2.7:0", ""},
	{"a quote to the left", forwarded, 1, []string{`for="6.6.6.6, for="[2001:db8::7]:80"`}, "[2001:db8::7]:80", ""},

	{"not an element", forwarded, 1, []string{"192.0.2.7"}, "", `Forwarded: "192.0.2.7" is malformed`},
	{"empty Forwarded", forwarded, 1, []string{""}, "", "is malformed"},
	{"for twice", forwarded, 1, []string{"for=192.0.2.7;for=192.0.2.7"}, "", "is malformed"},
	{"for twice, in any case", forwarded, 1, []string{"for=192.0.2.7;FOR=unknown"}, "", "is malformed"},
	{"empty value", forwarded, 1, []string{"for="}, "", "is malformed"},
	{"empty quotes", forwarded, 1, []string{`for=""`}, "", "is malformed"},
	{"IPv6 without quotes", forwarded, 1, []string{"for=[2001:db8::7]"}, "", "is malformed"},
	{"port without quotes", forwarded, 1, []string{"for=192.0.2.7:80"}, "", "is malformed"},
	{"IPv6 without brackets", forwarded, 1, []string{`for="2001:db8::7"`}, "", "not an address"},
	{"zone in Forwarded", forwarded, 1, []string{`for="[fe80::1%eth0]"`}, "", "not an address"},
	{"open quote", forwarded, 1, []string{`for="192.0.2.7`}, "", "is malformed"},
	{"open quote elsewhere", forwarded, 1, []string{`for=192.0.2.7;host="x`}, "", "is malformed"},
	{"escaped quote at the end", forwarded, 1, []string{`for="192.0.2.7\"`}, "", "is malformed"},
	{"quote in a value", forwarded, 1, []string{`for="192.0.2.7"x"`}, "", "is malformed"},
	{"space before =", forwarded, 1, []string{"for =192.0.2.7"}, "", "is malformed"},
	{"space behind =", forwarded, 1, []string{"for= 192.0.2.7"}, "", "is malformed"},
	{"a name in Forwarded", forwarded, 1, []string{"for=localhost"}, "", `"localhost" is not an address`},
	{"no name", forwarded, 1, []string{"=192.0.2.7"}, "", "is malformed"},
}

func TestClientAddr(t *testing.T) {
	for _, tt := range clientAddrTests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{http.CanonicalHeaderKey(tt.header): tt.lines}
			got, err := ClientAddr(socketAddr, h, tt.header, tt.hops, proxies.Contains)
			var refusal *Refusal
			switch {
			case tt.err == "" && (err != nil || got.String() != tt.want):
				t.Errorf("got %v, %v, want %s", got, err, tt.want)
			case tt.err != "" && !errors.As(err, &refusal):
				t.Errorf("got %v, %v, want a refusal", got, err)
			case tt.err != "" && (refusal.Status != http.StatusBadRequest || !strings.Contains(refusal.Reason, tt.err)):
				t.Errorf("refused with %d, %s, want 400, %s", refusal.Status, refusal.Reason, tt.err)
			case tt.err != "" && !proxies.Contains(got.Addr()):
				t.Errorf("refused, but the client is %v", got)
			}
			stranger := netip.MustParseAddrPort("198.51.100.9:1")
			if got, err := ClientAddr(stranger, h, tt.header, tt.hops, proxies.Contains); got != stranger || err != nil {
				t.Errorf("from a stranger: %v, %v", got, err)
			}
		})
	}
}

// TestForwardedElements writes random elements, with all that quotes may hold,
// and takes them off again.
func TestForwardedElements(t *testing.T) {
	const letters = `ab ,;="\:[]_`
	random := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		var elements []string
		for range 1 + random.IntN(5) {
			value := make([]byte, 1+random.IntN(6))
			for i := range value {
				value[i] = letters[random.IntN(len(letters))]
			}
			escapes := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
			element := `host="` + escapes.Replace(string(value)) + `"`
			for range random.IntN(3) {
				element += fmt.Sprintf(";p%d=%d", random.IntN(9), random.IntN(9))
			}
			elements = append(elements, element)
			if got, ok := parseValue(strings.Split(element, `;p`)[0][len("host="):]); !ok || got != string(value) {
				t.Fatalf("%s: got %q, %v, want %q", element, got, ok, value)
			}
		}
		trail := trail{lines: []string{strings.Join(elements, " , ")}}
		for i := len(elements) - 1; i >= 0; i-- {
			if got, ok := trail.last(); got != elements[i] || !ok {
				t.Fatalf("got %s of %s", got, elements)
			}
			if node, ok := forwardedNode(elements[i]); node != "unknown" || !ok {
				t.Fatalf("%s: got %q, %v", elements[i], node, ok)
			}
		}
		if got, ok := trail.last(); ok {
			t.Fatalf("got %s behind all of %s", got, elements)
		}
	}
}

// FuzzClientAddr checks that what stands to the left of what the proxies have
// written changes nothing, and that both headers read addresses the same way.
func FuzzClientAddr(f *testing.F) {
	for _, tt := range clientAddrTests {
		f.Add(tt.header == forwarded, strings.Join(tt.lines, ","), "junk", byte(tt.hops))
	}
	f.Fuzz(func(t *testing.T, isForwarded bool, value, junk string, hops byte) {
		header := listed
		if isForwarded {
			header = forwarded
		}
		all := func(netip.Addr) bool { return true }
		ask := func(hops int, lines ...string) (netip.AddrPort, error) {
			return ClientAddr(socketAddr, http.Header{header: lines}, header, hops, all)
		}
		got, err := ask(int(hops), value)
		if a := got.Addr(); !a.IsValid() || a.Zone() != "" || a.Is4In6() {
			t.Fatalf("%q: %v", value, got)
		}
		if err != nil && !errors.As(err, new(*Refusal)) {
			t.Fatal(err)
		}
		if one, err := ask(1, value); err == nil {
			for _, lines := range [][]string{{junk + "," + value}, {junk, value}} {
				if again, err := ask(1, lines...); again != one || err != nil {
					t.Fatalf("%q: %v, %v; alone %v", lines, again, err, one)
				}
			}
		}
		if whole, ok := parseNode(value); ok && whole.IsValid() {
			quoted, err := ClientAddr(socketAddr, http.Header{forwarded: {`for="` + value + `"`}}, forwarded, 1, all)
			if err != nil || quoted != whole {
				t.Fatalf("%q in quotes: %v, %v, want %v", value, quoted, err, whole)
			}
		}
	})
}

func BenchmarkClientAddr(b *testing.B) {
	for _, v := range []struct{ header, value string }{
		{listed, strings.Repeat("junk,", 1000) + "192.0.2.7"},
		{forwarded, strings.Repeat("junk,", 1000) + `for="[2001:db8::7]:80";proto=https`},
	} {
		b.Run(v.header, func(b *testing.B) {
			b.ReportAllocs()
			h := http.Header{v.header: {v.value}}
			for b.Loop() {
				if _, err := ClientAddr(socketAddr, h, v.header, 1, proxies.Contains); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
