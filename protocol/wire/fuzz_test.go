package wire

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// pieces cuts s into pieces of sizes that sizes says, over and over; at most
// as many bytes as it says, and 1 at least.
func pieces(s string, sizes []byte) (p []string) {
	if len(sizes) == 0 {
		return []string{s}
	}
	for i := 0; s != ""; i++ {
		n := min(len(s), 1+int(sizes[i%len(sizes)]))
		p, s = append(p, s[:n]), s[n:]
	}
	return p
}

// FuzzDecoder holds the decoder, fed in pieces, against its twin, and against
// itself fed at once.
func FuzzDecoder(f *testing.F) {
	for i, tt := range decodeTests {
		f.Add(tt.in, []byte{byte(i)}, byte(tt.role), uint16(i), uint16(2*i))
	}
	for i, tt := range closeTests {
		f.Add(tt.in, []byte{byte(i % 3)}, byte(tt.role), uint16(0), uint16(0))
	}
	for i, tt := range lengths {
		for role := range byte(2) {
			in := announced(Role(role), 0x82, tt.bits, tt.length) + "\x00\x00\x00\x00payload"
			f.Add(in, []byte{byte(i % 3)}, role, uint16(0), uint16(0))
			f.Add(sent(Role(role), 0x01, "a")+in[:2]+in, []byte{1}, role, uint16(300), uint16(0))
		}
	}
	// A text that ends inside a rune, in pieces; buffers that grow; limits.
	f.Add(masked(0x81, "a\xe2\x82"), []byte{0}, byte(Server), uint16(0), uint16(0))
	f.Add(masked(0x01, strings.Repeat("é", 200))+masked(0x80, strings.Repeat("€", 900)), []byte{99, 255}, byte(Server), uint16(0), uint16(0))
	f.Add(plain(0x82, strings.Repeat("x", 300)), []byte{99}, byte(Client), uint16(299), uint16(300))
	f.Add(plain(0x02, "abc")+plain(0x80, "def"), []byte{2}, byte(Client), uint16(3), uint16(5))
	f.Fuzz(func(t *testing.T, stream string, sizes []byte, role byte, frame, message uint16) {
		r, limits := Role(role%2), Limits{int(frame), int(message)}
		cut := pieces(stream, sizes)
		compareWithTwin(t, r, limits, cut)
		got, want := decode(r, &limits, cut...), decode(r, &limits, stream)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("in pieces:\n got %v\nwhole %v", got, want)
		}
	})
}

// FuzzHandshake feeds a head at once and in pieces, to both roles, and reads
// again what is written for a request that is accepted.
func FuzzHandshake(f *testing.F) {
	for i, tt := range badHandshakes {
		f.Add(tt.in, []byte{byte(i)}, uint16(0))
	}
	for i, tt := range lookalikes {
		f.Add(tt.in, []byte{byte(i)}, uint16(0))
	}
	f.Add(with()+"\x81\x00", []byte{3}, uint16(300))
	f.Add(also("Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Extensions: x"), []byte{0}, uint16(200))
	f.Add("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", []byte{9}, uint16(0))
	// Heads that are too large, in each way, and answers to a client.
	f.Add("GET /"+strings.Repeat("x", 100), []byte{9}, uint16(100))
	f.Add(with(), []byte{9}, uint16(60))
	f.Add("GET / HTTP/1.1\r\n"+strings.Repeat("X:\r\n", 8), []byte{9}, uint16(100))
	f.Add(also("Sec-WebSocket-Protocol: a, b"), []byte{0}, uint16(0))
	f.Add(with("GET ws://example.com?x HTTP/1.1"), []byte{9}, uint16(0))
	for _, answer := range []string{
		"HTTP/1.1 101\r\n\r\n", "HTTP/1.1 101 \r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
		"HTTP/1.1 1O1 x\r\n\r\n", "HTTP/1.0 101 x\r\n\r\n", "HTTP/1.1 101 x\r\nX\r\n\r\n",
		"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
		"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: x\r\n\r\n",
	} {
		f.Add(answer, []byte{4}, uint16(0))
	}
	f.Fuzz(func(t *testing.T, in string, sizes []byte, limit uint16) {
		limits := HeadLimits{Bytes: int(limit), Line: int(limit) / 2, Headers: int(limit) / 20}
		cut := pieces(in, sizes)
		whole, wholeRest, wholeErr := shake(limits, in)
		r, rest, err := shake(limits, cut...)
		if !reflect.DeepEqual(r, whole) || rest != wholeRest || !reflect.DeepEqual(err, wholeErr) {
			t.Fatalf("in pieces: got %+v, rest %q, %v\nwhole: %+v, rest %q, %v", r, rest, err, whole, wholeRest, wholeErr)
		}
		compareClients(t, in, cut, limits)
		if r == nil {
			return
		}
		compareWithHTTP(t, in)
		answer := r.AppendAccept(nil, strings.Join(r.Subprotocols[:min(1, len(r.Subprotocols))], ""), "", nil)
		c := ClientHandshake{Key: r.Key, Subprotocols: r.Subprotocols}
		if resp, _, err := c.Feed(answer); resp == nil || err != nil {
			t.Fatalf("our own answer %q: %v", answer, err)
		}
	})
}

func compareClients(t *testing.T, in string, cut []string, limits HeadLimits) {
	t.Helper()
	feed := func(pieces []string) (r *Response, err error) {
		h := ClientHandshake{Key: "dGhlIHNhbXBsZSBub25jZQ==", Limits: limits}
		for _, p := range pieces {
			if r, _, err = h.Feed([]byte(p)); r != nil || err != nil {
				break
			}
		}
		return r, err
	}
	got, err := feed(cut)
	want, wantErr := feed([]string{in})
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(err, wantErr) {
		t.Fatalf("client in pieces: got %+v, %v\nwhole: %+v, %v", got, err, want, wantErr)
	}
}

// FuzzInflate holds inflating against its twin, and then compresses what came
// out, which the twin has to read.
func FuzzInflate(f *testing.F) {
	for _, in := range []string{
		"\xf2\x48\xcd\xc9\xc9\x07\x00", "\xf2\x00\x11\x00\x00", "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
		"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "\x00", "", "\x06", "\x03\x00\x03\x00",
		"\x05\xc0\x81\x08\x00\x00\x00\x00\x20\x7f\xeb\x0b\x00", // a code with one symbol
	} {
		f.Add([]byte(in), "Hello", uint16(100), byte(3))
	}
	f.Add([]byte(packedBy(false, json(rand.New(rand.NewPCG(1, 1)), 2000))[0]), "", uint16(3000), byte(7))
	f.Fuzz(func(t *testing.T, packed []byte, past string, limit uint16, bits byte) {
		d, a := agreed(t, Compression{ContextTakeover: true}, fmt.Sprintf("permessage-deflate; server_max_window_bits=%d", 8+bits%8))
		d.remember(&d.in, past)
		want, _, err := slowInflate([]byte(past), packed)
		code := Code(0)
		switch {
		case limit > 0 && len(want) > int(limit):
			code = MessageTooBig
		case err != nil:
			code = InvalidPayload
		}
		buf := (*buffer)(nil).grow(len(packed)+1, len(packed)+1)
		buf.data = append(buf.data, packed...)
		d.begin(buf, int(limit))
		out, done, breach := d.step(Binary)
		for !done {
			out, done, breach = d.step(Binary)
		}
		if breach != nil {
			// What is both too long and broken may be called either.
			if breach.Code != code && !(err != nil && breach.Code == MessageTooBig) {
				t.Fatalf("%v, the twin: %d, %v", breach, code, err)
			}
			return
		}
		if code != 0 || !bytes.Equal(out.data, want) {
			t.Fatalf("got %q\ntwin %q, %d, %v", out.data, want, code, err)
		}
		roundtrip(t, d, a, string(out.data))
		out.free()
	})
}

// roundtrip compresses a message twice, and has the twin read both.
func roundtrip(t *testing.T, d *Deflate, a Agreement, message string) {
	past := ""
	for range 2 {
		packed, _ := sentBy(t, d, Frame{Op: Binary, Payload: message})
		if packed == nil {
			return
		}
		got, far, err := slowInflate([]byte(past), packed)
		if err != nil || string(got) != message || far > 1<<a.ServerBits {
			t.Fatalf("%q became % x: the twin has %q, %v, up to %d bytes back", message, packed, got, err, far)
		}
		past += message
	}
}

// FuzzNegotiate: whatever is offered, the answer is one that the offer allows.
func FuzzNegotiate(f *testing.F) {
	f.Add(browserOffer, true, byte(15))
	f.Add(`permessage-deflate; server_max_window_bits="1\0"; client_no_context_takeover, permessage-deflate`, false, byte(9))
	f.Add("a;b=c,,permessage-deflate;server_no_context_takeover", true, byte(12))
	f.Fuzz(func(t *testing.T, offers string, takeover bool, bits byte) {
		c := Compression{ContextTakeover: takeover, WindowBits: 9 + int(bits)%7}
		a, ok := c.Negotiate(offers)
		if !ok {
			return
		}
		answer := a.Extension()
		if !checkExtensions(answer) {
			t.Fatalf("%q is answered %q", offers, answer)
		}
		// The answer offered to a server that limits nothing is what was agreed on.
		again, ok := (&Compression{ContextTakeover: true}).Negotiate(answer)
		if !ok || again.ServerTakeover != a.ServerTakeover || again.ClientTakeover != a.ClientTakeover || again.ServerBits != a.ServerBits || again.ClientBits < a.ClientBits {
			t.Fatalf("%q is answered %q, which means %+v, not %+v", offers, answer, again, a)
		}
		if a.ServerBits > c.WindowBits || a.ClientTakeover && a.ClientBits > c.WindowBits || !takeover && (a.ServerTakeover || a.ClientTakeover) {
			t.Fatalf("%+v agreed to %+v", c, a)
		}
	})
}

// FuzzCloseFrame: whatever is made into a Close frame can be parsed.
func FuzzCloseFrame(f *testing.F) {
	f.Add(uint16(1000), "bye")
	f.Add(uint16(1005), "é\xff")
	f.Add(uint16(4000), strings.Repeat("€", 50))
	f.Add(uint16(4999), "é\xffé")
	f.Fuzz(func(t *testing.T, code uint16, reason string) {
		frame := CloseFrame(Code(code), reason)
		got, _, err := ParseClose([]byte(frame.Payload))
		want := Code(code)
		if !want.Sendable() {
			want = NoStatus
		}
		if err != nil || got != want || len(frame.Payload) > maxControl {
			t.Fatalf("got %d, %v, %d bytes, want %d", got, err, len(frame.Payload), want)
		}
	})
}
