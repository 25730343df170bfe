package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// client appends a client's frame, masked.
func client(dst []byte, first byte, payload []byte) []byte {
	dst = append(dst, first)
	switch n := len(payload); {
	case n <= 125:
		dst = append(dst, 0x80|byte(n))
	case n <= 0xFFFF:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	key := rand.Uint32()
	dst = binary.BigEndian.AppendUint32(dst, key)
	for i, b := range payload {
		dst = append(dst, b^byte(key>>(24-8*(i&3))))
	}
	return dst
}

// answer appends a server's frame.
func answer(dst []byte, first byte, payload []byte) []byte {
	var head [10]byte
	n := putHeader(head[:], first, len(payload))
	return append(append(dst, head[:n]...), payload...)
}

func payload(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * 7)
	}
	return p
}

// However the bytes are cut, the same comes out, and what was not taken is
// left as it was.
func TestEchoEveryCut(t *testing.T) {
	sizes := []int{0, 1, 3, 4, 5, 7, 8, 9, 64, 125, 126, 300}
	testCuts(t, sizes, 1, 2, 3, 5, 7, 11, 13, 17, 64)
	testCuts(t, append(sizes, 70000), 1000, 4096, 65536, 100000)
}

func testCuts(t *testing.T, sizes []int, cuts ...int) {
	var in, want []byte
	for _, n := range sizes {
		in, want = client(in, 0x82, payload(n)), answer(want, 0x82, payload(n))
	}
	in, want = client(in, 0x89, []byte("ping")), answer(want, 0x8A, []byte("ping"))
	in = client(in, 0x8A, []byte("pong"))
	in, want = client(in, 0x01, []byte("a")), answer(want, 0x01, []byte("a"))
	in, want = client(in, 0x80, []byte("b")), answer(want, 0x80, []byte("b"))
	in, want = client(in, 0x88, []byte{3, 0xE8}), answer(want, 0x88, []byte{3, 0xE8})
	whole := len(in)
	in = client(in, 0x82, []byte("after the end"))
	for _, cut := range cuts {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			var got, kept []byte
			taken, closing := 0, false
			for at := 0; at < len(in) && !closing; at += cut {
				kept = append(kept, in[at:min(at+cut, len(in))]...)
				out, n, end := echo(kept)
				got = append(got, out...)
				if rest := in[taken+n : taken+len(kept)]; !bytes.Equal(kept[n:], rest) {
					t.Fatalf("what was not taken changed")
				}
				kept, taken, closing = bytes.Clone(kept[n:]), taken+n, end
			}
			if !bytes.Equal(got, want) || taken != whole || !closing {
				t.Errorf("got %d bytes for %d, closing %v; expected %d for %d, closing", len(got), taken, closing, len(want), whole)
			}
		})
	}
}

func TestEchoRefuses(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
	}{
		{"unmasked", []byte{0x82, 0x00}},
		{"reserved bit", []byte{0xC2, 0x80}},
		{"long ping", []byte{0x89, 0x80 | 126}},
		{"too long", []byte{0x82, 0x80 | 127, 0, 0, 0, 0, 1, 0, 0, 1}},
		{"far too long", []byte{0x82, 0x80 | 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			good := client(nil, 0x82, []byte("before"))
			out, taken, closing := echo(append(bytes.Clone(good), tt.in...))
			if want := answer(nil, 0x82, []byte("before")); !bytes.Equal(out, want) || taken != len(good) || !closing {
				t.Errorf("got %q for %d bytes, closing %v", out, taken, closing)
			}
		})
	}
}

func TestUpgrade(t *testing.T) {
	// The example of RFC 6455, section 1.3.
	const request = "GET /chat HTTP/1.1\r\nHost: x\r\nsec-websocket-key:  dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	const accepted = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
	tests := []struct {
		name, in, answer string
		taken            int
		refused          bool
	}{
		{"whole, and more", request + "\x82", accepted, len(request), false},
		{"not whole", request[:len(request)-1], "", 0, false},
		{"no key", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", refusal, 0, true},
		{"not GET", "POST" + request[3:], refusal, 0, true},
		{"endless", "GET /" + strings.Repeat("x", maxHandshake), refusal, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, taken, err := upgrade([]byte(tt.in))
			if string(got) != tt.answer || taken != tt.taken || (err != nil) != tt.refused {
				t.Errorf("got %q for %d bytes, %v", got, taken, err)
			}
		})
	}
}
