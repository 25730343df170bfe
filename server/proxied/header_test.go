package proxied

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/pires/go-proxyproto"
)

// version2 is a header of version 2 with the given bytes behind its length.
func version2(command, family byte, rest string) string {
	b := append([]byte(signature2), command, family)
	return string(binary.BigEndian.AppendUint16(b, uint16(len(rest)))) + rest
}

// value is a type-length-value.
func value(kind byte, v string) string {
	return string(binary.BigEndian.AppendUint16([]byte{kind}, uint16(len(v)))) + v
}

// summed puts the checksum of a header in place of the four bytes "####".
func summed(header string) string {
	zero := strings.Replace(header, "####", "\x00\x00\x00\x00", 1)
	sum := crc32.Checksum([]byte(zero), crc32.MakeTable(crc32.Castagnoli))
	return strings.Replace(header, "####", string(binary.BigEndian.AppendUint32(nil, sum)), 1)
}

// The addresses of 203.0.113.7:56324, or 2001:db8::7, to port 443.
const (
	addresses4  = "\xCB\x00\x71\x07" + "\xC0\x00\x02\x01" + "\xDC\x04\x01\xBB"
	source6     = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07"
	addresses6  = source6 + source6 + "\xDC\x04\x01\xBB"
	mapped      = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xFF\xFF\xCB\x00\x71\x07"
	client4     = "203.0.113.7:56324"
	client6     = "[2001:db8::7]:56324"
	line4       = "PROXY TCP4 203.0.113.7 192.0.2.1 56324 443\r\n"
	longUnknown = "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"
)

// none is a header that names no client: the socket's address stays.
const none = "none"

// vectors are headers as the specification has them. Each is complete, or
// wrong, with its last byte: what is wrong from its beginning on is cut there.
var vectors = []struct {
	name, header string
	client, err  string // one of them; err is part of the error
}{
	// Section 2.1.
	{"TCP4", line4, client4, ""},
	{"TCP6", "PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n", client6, ""},
	{"TCP6, mapped", "PROXY TCP6 ::ffff:203.0.113.7 ::ffff:192.0.2.1 56324 443\r\n", client4, ""},
	{"TCP4, longest", "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535", ""},
	{"port 0", "PROXY TCP4 203.0.113.7 192.0.2.1 0 0\r\n", "203.0.113.7:0", ""},
	{"UNKNOWN", "PROXY UNKNOWN\r\n", none, ""},
	{"UNKNOWN, longest", longUnknown, none, ""},
	{"UNKNOWN and anything", "PROXY UNKNOWN \x00\xFF junk \r\r\n", none, ""},
	{"too long", longUnknown[:105] + "5\r", "", "at most 107 bytes"},
	{"LF only", "PROXY TCP4 203.0.113.7 192.0.2.1 56324 443\n", "", "CRLF"},
	{"nothing", "PROXY \n", "", "CRLF"},
	{"no family", "PROXY \r\n", "", `"PROXY TCP4" or "TCP6"`},
	{"another family", "PROXY UDP4 203.0.113.7 192.0.2.1 56324 443\r\n", "", `"PROXY TCP4" or "TCP6"`},
	{"lower case", "PROXY tcp4 203.0.113.7 192.0.2.1 56324 443\r\n", "", `"PROXY TCP4" or "TCP6"`},
	{"two spaces", "PROXY TCP4  203.0.113.7 192.0.2.1 56324 443\r\n", "", "two addresses"},
	{"space at the end", "PROXY TCP4 203.0.113.7 192.0.2.1 56324 443 \r\n", "", "two addresses"},
	{"no ports", "PROXY TCP4 203.0.113.7 192.0.2.1\r\n", "", "two addresses"},
	{"a name", "PROXY TCP4 localhost 192.0.2.1 56324 443\r\n", "", `family TCP4, not "localhost"`},
	{"leading zero", "PROXY TCP4 203.0.113.07 192.0.2.1 56324 443\r\n", "", "family TCP4"},
	{"IPv6 in TCP4", "PROXY TCP4 2001:db8::7 192.0.2.1 56324 443\r\n", "", "family TCP4"},
	{"IPv4 in TCP6", "PROXY TCP6 203.0.113.7 2001:db8::1 56324 443\r\n", "", "family TCP6"},
	{"wrong destination", "PROXY TCP4 203.0.113.7 2001:db8::1 56324 443\r\n", "", "family TCP4"},
	{"zone", "PROXY TCP6 fe80::7%eth0 2001:db8::1 56324 443\r\n", "", "family TCP6"},
	{"port too large", "PROXY TCP4 203.0.113.7 192.0.2.1 65536 443\r\n", "", `65535, not "65536"`},
	{"port with zero", "PROXY TCP4 203.0.113.7 192.0.2.1 0443 443\r\n", "", `not "0443"`},
	{"port with sign", "PROXY TCP4 203.0.113.7 192.0.2.1 +443 443\r\n", "", `not "+443"`},
	{"wrong second port", "PROXY TCP4 203.0.113.7 192.0.2.1 443 x\r\n", "", `not "x"`},

	// Section 2.2.
	{"v2 TCP over IPv4", version2(0x21, 0x11, addresses4), client4, ""},
	{"v2 UDP over IPv4", version2(0x21, 0x12, addresses4), client4, ""},
	{"v2 TCP over IPv6", version2(0x21, 0x21, addresses6), client6, ""},
	{"v2 UDP over IPv6", version2(0x21, 0x22, addresses6), client6, ""},
	{"v2 mapped", version2(0x21, 0x21, mapped+addresses6[16:]), client4, ""},
	{"v2 Unix stream", version2(0x21, 0x31, strings.Repeat("/", 216)), none, ""},
	{"v2 Unix datagram", version2(0x21, 0x32, strings.Repeat("/", 216)), none, ""},
	{"v2 unspecified", version2(0x21, 0x00, ""), none, ""},
	{"v2 unspecified and anything", version2(0x21, 0x00, "anything"), none, ""},
	{"v2 LOCAL", version2(0x20, 0x00, ""), none, ""},
	{"v2 LOCAL with addresses", version2(0x20, 0x11, addresses4), none, ""},
	{"v2 LOCAL and anything", version2(0x20, 0xFF, "anything"), none, ""},
	{"v2 version 1", signature2 + "\x11\x11\x00\x0C", "", "not 0x11"},
	{"v2 command 2", signature2 + "\x22\x11\x00\x0C", "", "not 0x22"},
	{"v2 family 4", signature2 + "\x21\x41\x00\x0C", "", "not 0x41"},
	{"v2 family without transport", signature2 + "\x21\x10\x00\x0C", "", "not 0x10"},
	{"v2 transport without family", signature2 + "\x21\x01\x00\x0C", "", "not 0x01"},
	{"v2 transport 3", signature2 + "\x21\x13\x00\x0C", "", "not 0x13"},
	{"v2 short IPv4", signature2 + "\x21\x11\x00\x0B", "", "12 bytes of addresses or more for 0x11, not 11"},
	{"v2 short IPv6", signature2 + "\x21\x21\x00\x23", "", "36 bytes of addresses"},
	{"v2 short Unix", signature2 + "\x21\x31\x00\xD7", "", "216 bytes of addresses"},
	{"v2 longest", version2(0x21, 0x11, addresses4+value(0x04, strings.Repeat("\x00", 4096-12-3))), client4, ""},
	{"v2 too long", signature2 + "\x21\x11\x10\x01", "", "at most 4096 bytes behind the first 16, not 4097"},
	{"v2 LOCAL too long", signature2 + "\x20\x00\xFF\xFF", "", "not 65535"},

	// Section 2.2.
	{"v2 values", version2(0x21, 0x11, addresses4+value(0x01, "h2")+value(0x02, "host")+value(0xE0, "")), client4, ""},
	{"v2 value cut off", version2(0x21, 0x11, addresses4+value(0x01, "h2")[:4]), "", "where the header does"},
	{"v2 no room for a value", version2(0x21, 0x11, addresses4+"\x04\x00"), "", "where the header does"},
	{"v2 checksum", summed(version2(0x21, 0x11, addresses4+value(0x01, "h2")+value(0x03, "####")+value(0x02, "host"))), client4, ""},
	{"v2 checksum, IPv6", summed(version2(0x21, 0x21, addresses6+value(0x03, "####"))), client6, ""},
	{"v2 wrong checksum", version2(0x21, 0x11, addresses4+value(0x03, "####")), "", "CRC32C that is right"},
	{"v2 short checksum", version2(0x21, 0x11, addresses4+value(0x03, "###")), "", "CRC32C of 4 bytes"},
	{"v2 two checksums", summed(version2(0x21, 0x11, addresses4+value(0x03, "####")+value(0x03, "abcd"))), "", "one CRC32C"},

	{"HTTP", "G", "", errNone.Error()},
	{"TLS", "\x16", "", errNone.Error()},
	{"another method", "PROP", "", errNone.Error()},
	{"no space", "PROXY\t", "", errNone.Error()},
	{"almost version 2", "\r\n\r\n\x00\r\nQUIT\r", "", errNone.Error()},
}

// TestVectors parses each header whole, with bytes behind it, and cut off at
// every place: then more is needed.
func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			for i := range len(v.header) {
				if client, size, err := parseHeader([]byte(v.header[:i])); client.IsValid() || size != 0 || err != nil {
					t.Fatalf("the first %d bytes: %v, %d, %v", i, client, size, err)
				}
			}
			for _, behind := range []string{"", "\n", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("x", 5000)} {
				client, size, err := parseHeader([]byte(v.header + behind))
				switch {
				case v.err != "":
					if err == nil || !strings.Contains(err.Error(), v.err) {
						t.Errorf("error %v, want %q", err, v.err)
					}
				case err != nil || size != len(v.header):
					t.Errorf("%d bytes, error %v, want %d", size, err, len(v.header))
				case client != parseClient(v.client):
					t.Errorf("client %v, want %s", client, v.client)
				}
			}
		})
	}
}

func parseClient(s string) netip.AddrPort {
	if s == none {
		return netip.AddrPort{}
	}
	return netip.MustParseAddrPort(s)
}

// FuzzHeader compares any cut of the bytes with one piece, and the result with
// that of another parser.
func FuzzHeader(f *testing.F) {
	for _, v := range vectors {
		f.Add([]byte(v.header), uint16(len(v.header)/2))
		f.Add([]byte(v.header+"GET / HTTP/1.1\r\n"), uint16(13))
	}
	f.Fuzz(func(t *testing.T, p []byte, cut uint16) {
		client, size, err := parseHeader(p)
		if size < 0 || size > min(len(p), prefixSize+maxVersion2) {
			t.Fatalf("%d bytes of %d", size, len(p))
		}
		if err == nil && size == 0 && len(p) >= prefixSize+maxVersion2 {
			t.Fatal("more is wanted than a header may have")
		}
		i := min(int(cut), len(p))
		switch c, s, e := parseHeader(p[:i]); {
		case s == 0 && e == nil: // more is needed
		case c != client || s != size || (e == nil) != (err == nil) || e != nil && e.Error() != err.Error():
			t.Fatalf("the first %d bytes: %v, %d, %v; all: %v, %d, %v", i, c, s, e, client, size, err)
		}
		if err == nil && size > 0 && !client.IsValid() {
			return // they refuse what names no client
		}
		compare(t, p, client, size, err)
	})
}

// compare has go-proxyproto parse p. It does not look at type-length-values.
func compare(t *testing.T, p []byte, client netip.AddrPort, size int, err error) {
	r := bufio.NewReaderSize(bytes.NewReader(p), 1<<16)
	theirs, theirErr := proxyproto.Read(r)
	if theirErr != nil {
		if err == nil && size > 0 {
			t.Fatalf("ours: %v; theirs: %v", client, theirErr)
		}
		return
	}
	var ip net.IP
	var port int
	switch a := theirs.SourceAddr.(type) {
	case *net.TCPAddr:
		ip, port = a.IP, a.Port
	case *net.UDPAddr:
		ip, port = a.IP, a.Port
	}
	addr, _ := netip.AddrFromSlice(ip)
	switch want := netip.AddrPortFrom(addr.Unmap(), uint16(port)); {
	case err != nil && bytes.HasPrefix(p, []byte(signature2)) && theirs.TransportProtocol != proxyproto.UNSPEC && verifies(err):
	case err != nil || size == 0 || client != want:
		t.Fatalf("ours: %v, %d, %v; theirs: %v", client, size, err, want)
	}
}

// verifies says whether err is one of type-length-values.
func verifies(err error) bool { return err == errValues || strings.Contains(err.Error(), "CRC32C") }

func BenchmarkHeader(b *testing.B) {
	for _, v := range []struct{ name, header string }{
		{"v1", line4},
		{"v2", version2(0x21, 0x11, addresses4)},
		{"v2 checksum", summed(version2(0x21, 0x11, addresses4+value(0x03, "####")))},
	} {
		b.Run(v.name, func(b *testing.B) {
			b.ReportAllocs()
			p := []byte(v.header)
			for b.Loop() {
				if _, _, err := parseHeader(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
