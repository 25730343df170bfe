package wire

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestAccept is about a server's answers to what a client offers.
func TestAccept(t *testing.T) {
	for _, c := range []struct {
		answer   string
		takeover bool
		want     Agreement
		ok       bool
	}{
		{"permessage-deflate; server_no_context_takeover; client_no_context_takeover", false, Agreement{ServerBits: 15, ClientBits: 15}, true},
		{"permessage-deflate", false, Agreement{ServerTakeover: true, ServerBits: 15, ClientBits: 15}, true},
		{"permessage-deflate", true, Agreement{ServerTakeover: true, ClientTakeover: true, ServerBits: 15, ClientBits: 15}, true},
		{"permessage-deflate; client_no_context_takeover", true, Agreement{ServerTakeover: true, ServerBits: 15, ClientBits: 15}, true},
		{"permessage-deflate; server_max_window_bits=10", false, Agreement{ServerTakeover: true, ServerBits: 10, ClientBits: 15}, true},
		{` permessage-deflate ; server_max_window_bits="8" `, false, Agreement{ServerTakeover: true, ServerBits: 8, ClientBits: 15}, true},
		{"permessage-deflate; client_max_window_bits=10", false, Agreement{}, false}, // it was not offered
		{"permessage-deflate; server_max_window_bits=16", false, Agreement{}, false},
		{"permessage-deflate; server_max_window_bits", false, Agreement{}, false},
		{"permessage-deflate; server_no_context_takeover; server_no_context_takeover", false, Agreement{}, false},
		{"permessage-deflate; x", false, Agreement{}, false},
		{"permessage-deflate, permessage-deflate", false, Agreement{}, false},
		{"permessage-deflate, x", false, Agreement{}, false},
		{"x-webkit-deflate-frame", false, Agreement{}, false},
		{"permessage-deflate;", false, Agreement{}, false},
		{"", false, Agreement{}, false},
	} {
		got, ok := (&Compression{ContextTakeover: c.takeover}).accept(c.answer)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%q: %+v, %v", c.answer, got, ok)
		}
	}
}

// TestClientHandshakeCompression has a client and a server agree.
func TestClientHandshakeCompression(t *testing.T) {
	for _, takeover := range []bool{false, true} {
		h := ClientHandshake{Key: Key([16]byte{1}), Compression: &Compression{ContextTakeover: takeover}}
		var s Handshake
		r, _, err := s.Feed(h.AppendRequest(nil, "example.com", "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		a, ok := (&Compression{ContextTakeover: true}).Negotiate(r.Extensions)
		if !ok || a.ServerTakeover != takeover || a.ClientTakeover != takeover {
			t.Errorf("the server: %+v, %v", a, ok)
		}
		answer, _, err := h.Feed(r.AppendAccept(nil, "", a.Extension(), nil))
		if err != nil || answer.Agreement == nil || answer.Agreement.ServerTakeover != takeover || answer.Agreement.ClientTakeover != takeover {
			t.Errorf("the client: %+v, %v", answer, err)
		}
	}
	h := ClientHandshake{Key: Key([16]byte{1}), Compression: new(Compression)}
	var s Handshake
	r, _, err := s.Feed(h.AppendRequest(nil, "example.com", "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = h.Feed(r.AppendAccept(nil, "", "x-other", nil))
	if want := "wire: the server's answer: Sec-WebSocket-Extensions is not what was offered"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestClientDeflate has messages go from a client to a server and back, compressed.
func TestClientDeflate(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, a := range []Agreement{
		{ServerBits: 15, ClientBits: 15},
		{ServerTakeover: true, ServerBits: 15, ClientBits: 15},
		{ServerTakeover: true, ClientTakeover: true, ServerBits: 10, ClientBits: 15},
		{ClientTakeover: true, ServerBits: 8, ClientBits: 15},
	} {
		settings := &Compression{ContextTakeover: true}
		near, far := NewClientDeflate(settings, a, new(Flate)), NewDeflate(settings, a, new(Flate))
		client, server := Decoder{Role: Client, Deflate: near}, Decoder{Deflate: far}
		for i := range 50 {
			f := Frame{Op: Text, Payload: strings.Repeat("one message after the other. ", 1+random.IntN(10_000)) + string(rune('a'+i%26))}
			var wire []byte
			for from := 0; from < len(f.Payload); {
				var key [4]byte
				key[0] = byte(random.Uint32())
				end := 0
				if wire, end = near.AppendMaskedPiece(wire, f, from, key); end == 0 {
					t.Fatal("it did not become smaller")
				}
				from = end
			}
			if got := decodeAll(t, &server, wire); got != f.Payload {
				t.Fatalf("%+v: the server got something else", a)
			}
			wire = wire[:0]
			for from := 0; from < len(f.Payload); {
				wire, from = far.AppendPiece(wire, f, from)
			}
			if got := decodeAll(t, &client, wire); got != f.Payload {
				t.Fatalf("%+v: the client got something else", a)
			}
		}
	}
}

// decodeAll is the one message in p.
func decodeAll(t *testing.T, d *Decoder, p []byte) string {
	t.Helper()
	var got string
	for {
		m, rest, err := d.Next(p)
		if err != nil {
			t.Fatal(err)
		}
		if m.Op == 0 && !d.Inflating() {
			return got
		}
		got += string(m.Payload)
		p = rest
	}
}

// TestMaskedHeader: header and payload apart are what AppendMasked makes.
func TestMaskedHeader(t *testing.T) {
	key := [4]byte{1, 2, 3, 4}
	for _, n := range []int{0, 1, 125, 126, 65535, 65536} {
		f := Frame{Op: Binary, Payload: strings.Repeat("x", n)}
		got := f.AppendMaskedHeader(nil, key)
		at := len(got)
		for from := 0; from < n; from += 7 {
			end := min(from+7, n)
			got = append(got, f.Payload[from:end]...)
			Mask(got[at+from:], key, from)
		}
		if string(got) != string(f.AppendMasked(nil, key)) {
			t.Errorf("%d bytes", n)
		}
	}
}

func TestSendableFields(t *testing.T) {
	for f, want := range map[HeaderField]bool{
		{"X-A", "b"}: true, {"Origin", "http://x"}: true, {"Authorization", ""}: true, {"x", "a\tb"}: true,
		{"", "b"}: false, {"X A", "b"}: false, {"X-A", "b\r\nc"}: false, {"X-A", "b\x00"}: false, {"X:", "b"}: false,
		{"host", "x"}: false, {"CONNECTION", "x"}: false, {"Sec-WebSocket-Key", "x"}: false, {"content-length", "1"}: false,
	} {
		if f.Sendable() != want {
			t.Errorf("%q: %v", f, !want)
		}
	}
	for s, want := range map[string]bool{"chat": true, "a.b-c_1": true, "": false, "a b": false, "a,b": false, "é": false} {
		if IsSubprotocol(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}
