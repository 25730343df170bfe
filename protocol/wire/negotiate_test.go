package wire

import (
	"fmt"
	"strings"
	"testing"
)

// What a client offers, what a server with the settings answers ("" declines),
// and what both then keep to.
func TestNegotiate(t *testing.T) {
	off := Compression{}                     // no context takeover
	on := Compression{ContextTakeover: true} //
	small := Compression{ContextTakeover: true, WindowBits: 10}
	smallOff := Compression{WindowBits: 10}
	const both = "; server_no_context_takeover; client_no_context_takeover"
	for _, tt := range []struct {
		name     string // begins with the section of RFC 7692
		settings Compression
		offers   string
		answer   string // without "permessage-deflate"; "declined"
		kept     string // see keeps
	}{
		{"7.1 nothing asked", on, "permessage-deflate", "", "s15+ c15+"},
		{"7.1 nothing asked, no takeover", off, "permessage-deflate", both, "s15 c15"},
		{"7.1 what browsers offer", on, browserOffer, "", "s15+ c15+"},
		{"7.1 what browsers offer, no takeover", off, browserOffer, both, "s15 c15"},
		{"7.1.1.1 server", on, "permessage-deflate; server_no_context_takeover", "; server_no_context_takeover", "s15 c15+"},
		{"7.1.1.2 client", on, "permessage-deflate; client_no_context_takeover", "; client_no_context_takeover", "s15+ c15"},
		{"7.1.1 both", off, "permessage-deflate; client_no_context_takeover; server_no_context_takeover", both, "s15 c15"},
		{"7.1.2.1 server, smallest", on, "permessage-deflate; server_max_window_bits=8", "; server_max_window_bits=8", "s8+ c15+"},
		{"7.1.2.1 server, 10", on, "permessage-deflate; server_max_window_bits=10", "; server_max_window_bits=10", "s10+ c15+"},
		{"7.1.2.1 server, largest", on, "permessage-deflate; server_max_window_bits=15", "; server_max_window_bits=15", "s15+ c15+"},
		{"7.1.2.1 server, quoted", on, `permessage-deflate; server_max_window_bits="1\0"`, "; server_max_window_bits=10", "s10+ c15+"},
		{"7.1.2.1 server, ours is less", small, "permessage-deflate; server_max_window_bits=12; client_max_window_bits", "; server_max_window_bits=10; client_max_window_bits=10", "s10+ c10+"},
		{"7.1.2.1 server, ours is more", small, "permessage-deflate; server_max_window_bits=9; client_max_window_bits", "; server_max_window_bits=9; client_max_window_bits=10", "s9+ c10+"},
		{"7.1.2.1 server, not asked", smallOff, "permessage-deflate; client_max_window_bits", both + "; server_max_window_bits=10; client_max_window_bits=10", "s10 c10"},
		{"7.1.2.2 client, with a value", on, "permessage-deflate; client_max_window_bits=11", "", "s15+ c11+"},
		{"7.1.2.2 client, smallest", on, "permessage-deflate; client_max_window_bits=8", "", "s15+ c8+"},
		{"7.1.2.2 client, ours is less", small, "permessage-deflate; client_max_window_bits=15", "; server_max_window_bits=10; client_max_window_bits=10", "s10+ c10+"},
		{"7.1.2.2 client, ours is more: 8 is never answered", small, "permessage-deflate; client_max_window_bits=8", "; server_max_window_bits=10", "s10+ c8+"},
		{"7.1.2.2 client cannot be told: its context is not kept", small, "permessage-deflate", "; client_no_context_takeover; server_max_window_bits=10", "s10+ c15"},
		{"5 another extension before", on, "x-other; a=b, permessage-deflate", "", "s15+ c15+"},
		{"5 the first that will do", on, "permessage-deflate; server_max_window_bits=10, permessage-deflate", "; server_max_window_bits=10", "s10+ c15+"},
		{"5 the second will do", on, "permessage-deflate; unknown, permessage-deflate; server_no_context_takeover", "; server_no_context_takeover", "s15 c15+"},
		{"5 empty elements", on, ", ,permessage-deflate,", "", "s15+ c15+"},
		{"5.1 unknown parameter", on, "permessage-deflate; x", "declined", ""},
		{"5.1 the same parameter twice", on, "permessage-deflate; server_no_context_takeover; server_no_context_takeover", "declined", ""},
		{"5.1 window bits twice", on, "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", "declined", ""},
		{"5.1 client bits twice", on, "permessage-deflate; client_max_window_bits; client_max_window_bits=10", "declined", ""},
		{"7.1.1.1 with a value", on, "permessage-deflate; server_no_context_takeover=1", "declined", ""},
		{"7.1.1.2 with a value", on, "permessage-deflate; client_no_context_takeover=true", "declined", ""},
		{"7.1.2.1 without a value", on, "permessage-deflate; server_max_window_bits", "declined", ""},
		{"7.1.2.1 7", on, "permessage-deflate; server_max_window_bits=7", "declined", ""},
		{"7.1.2.1 16", on, "permessage-deflate; server_max_window_bits=16", "declined", ""},
		{"7.1.2.1 leading zero", on, "permessage-deflate; server_max_window_bits=09", "declined", ""},
		{"7.1.2.1 sign", on, "permessage-deflate; server_max_window_bits=+9", "declined", ""},
		{"7.1.2.1 not a number", on, "permessage-deflate; server_max_window_bits=ten", "declined", ""},
		{"7.1.2.1 a large number", on, "permessage-deflate; server_max_window_bits=99999999999999999999", "declined", ""},
		{"7.1.2.2 16", on, "permessage-deflate; client_max_window_bits=16", "declined", ""},
		{"7.1.2.2 0", on, "permessage-deflate; client_max_window_bits=0", "declined", ""},
		{"5 name in capitals is another extension", on, "Permessage-Deflate", "declined", ""},
		{"5 another extension", on, "permessage-bzip2, x-webkit-deflate-frame", "declined", ""},
		{"5 none", on, "", "declined", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, ok := tt.settings.Negotiate(tt.offers)
			answer := "declined"
			if ok {
				answer = strings.TrimPrefix(a.Extension(), "permessage-deflate")
			}
			if answer != tt.answer || ok && keeps(a) != tt.kept {
				t.Errorf("got %q, %s\nwant %q, %s", answer, keeps(a), tt.answer, tt.kept)
			}
			if tt.offers != "" && !checkExtensions(tt.offers) {
				t.Errorf("%q is not well-formed", tt.offers)
			}
		})
	}
}

// keeps is the window bits of the server and of the client, + for takeover.
func keeps(a Agreement) string {
	side := func(name string, bits int, takeover bool) string {
		if takeover {
			return fmt.Sprintf("%s%d+", name, bits)
		}
		return fmt.Sprintf("%s%d", name, bits)
	}
	return side("s", a.ServerBits, a.ServerTakeover) + " " + side("c", a.ClientBits, a.ClientTakeover)
}

// RFC 6455, section 9.1: what is not of this form fails the handshake.
func TestExtensionsSyntax(t *testing.T) {
	for _, tt := range []struct {
		list string
		want bool
	}{
		{"a", true},
		{"a, b;c;d=e , f ; g = \"h\"", true},
		{",a,, b,", true},
		{`a; b="c\d"`, true},
		{"", false},
		{" , ,", false},
		{"a b", false},
		{"a;", false},
		{"a; ", false},
		{"a;;b", false},
		{"a; b;", false},
		{"a; =b", false},
		{"a; b=", false},
		{"a; b=c d", false},
		{`a; b=""`, false},
		{`a; b="c d"`, false},
		{`a; b="c`, false},
		{`a; b="c,d"`, false},
		{`a; b="\"`, false},
		{"a=b", false},
		{"a; b=c=d", false},
		{"é", false},
		{"a; b, ;c", false},
		{"good, b@d", false},
	} {
		if got := checkExtensions(tt.list); got != tt.want {
			t.Errorf("%q: got %v, want %v", tt.list, got, tt.want)
		}
		_, _, err := shake(HeadLimits{}, also("Sec-WebSocket-Extensions: "+tt.list))
		want := ""
		if !tt.want {
			want = "wire: 400 Bad Request: Sec-WebSocket-Extensions is not a list of extensions"
		}
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("handshake with %q: got %q, want %q", tt.list, got, want)
		}
	}
}
