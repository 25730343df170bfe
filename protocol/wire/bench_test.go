package wire

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// drain decodes a stream that is all there. Masking it again and again does no
// harm to binary frames, whose headers stay.
func drain(b *testing.B, d *Decoder, p []byte) {
	for {
		m, rest, err := d.Next(p)
		if err != nil {
			b.Fatal(err)
		}
		if m.Op == 0 {
			return
		}
		p = rest
	}
}

func BenchmarkDecoder(b *testing.B) {
	for _, n := range []int{16, 64, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("binary/%d", n), func(b *testing.B) {
			in := []byte(masked(0x82, strings.Repeat("x", n)))
			var d Decoder
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				drain(b, &d, in)
			}
		})
	}
	for _, n := range []int{64, 64 << 10} {
		b.Run(fmt.Sprintf("text/%d", n), func(b *testing.B) {
			// The key of zeros leaves the text as it is.
			in := Frame{Op: Text, Payload: strings.Repeat("x", n)}.AppendMasked(nil, [4]byte{})
			var d Decoder
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				drain(b, &d, in)
			}
		})
	}
	b.Run("batch of 100 of 64", func(b *testing.B) {
		in := []byte(strings.Repeat(masked(0x82, strings.Repeat("x", 64)), 100))
		d := Decoder{Limits: &Limits{1 << 20, 1 << 20}}
		b.ReportAllocs()
		for b.Loop() {
			drain(b, &d, in)
		}
	})
	b.Run("64 KiB in pieces of 16 KiB", func(b *testing.B) {
		in := []byte(masked(0x82, strings.Repeat("x", 64<<10)))
		var d Decoder
		b.SetBytes(64 << 10)
		b.ReportAllocs()
		for b.Loop() {
			for p := in; len(p) > 0; {
				n := min(len(p), 16<<10)
				drain(b, &d, p[:n])
				p = p[n:]
			}
		}
	})
	b.Run("64 bytes, header cut", func(b *testing.B) {
		in := []byte(masked(0x82, strings.Repeat("x", 64)))
		var d Decoder
		b.ReportAllocs()
		for b.Loop() {
			drain(b, &d, in[:3])
			drain(b, &d, in[3:])
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	for _, n := range []int{16, 64, 1 << 10, 64 << 10} {
		f := Frame{Op: Text, Payload: strings.Repeat("x", n)}
		dst := make([]byte, 0, n+maxHeader)
		b.Run(fmt.Sprintf("server/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				f.Append(dst)
			}
		})
		b.Run(fmt.Sprintf("client/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				f.AppendMasked(dst, [4]byte{1, 2, 3, 4})
			}
		})
	}
}

func BenchmarkMask(b *testing.B) {
	key := [4]byte{1, 2, 3, 4}
	for _, n := range []int{16, 64, 1 << 10, 16 << 10, 64 << 10} {
		p := make([]byte, n)
		run := func(name string, f func()) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.SetBytes(int64(n))
				for b.Loop() {
					f()
				}
			})
		}
		run("ours", func() { Mask(p, key, 0) })
		run("gobwas", func() { ws.Cipher(p, key, 0) })
		for _, block := range []int{512, 2048} {
			if block <= n {
				run(fmt.Sprintf("block of %d", block), func() { maskWith(p, key, block) })
			}
		}
	}
}

// maskWith masks with crypto/subtle and a repeated key of size bytes: what mask.go
// compares itself with.
func maskWith(p []byte, key [4]byte, size int) {
	var array [2048]byte
	block := array[:size]
	k := uint64(binary.LittleEndian.Uint32(key[:]))
	k |= k << 32
	for i := 0; i < len(block); i += 8 {
		binary.LittleEndian.PutUint64(block[i:], k)
	}
	for len(p) >= len(block) {
		subtle.XORBytes(p, p[:len(block)], block)
		p = p[len(block):]
	}
}

func BenchmarkText(b *testing.B) {
	for name, text := range map[string]string{"ascii": "hello, world ", "greek": "κόσμε ", "emoji": "😀"} {
		for _, n := range []int{64, 64 << 10} {
			p := bytes.Repeat([]byte(text), n/len(text)+1)
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.SetBytes(int64(len(p)))
				for b.Loop() {
					if !utf8.Valid(p) {
						b.Fatal("not UTF-8")
					}
				}
			})
		}
	}
}

// browser is the handshake of a browser, more or less.
var browser = also(
	"Pragma: no-cache", "Cache-Control: no-cache", "Origin: https://example.com",
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
	"Accept-Encoding: gzip, deflate, br, zstd", "Accept-Language: en-GB,en;q=0.9",
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", "Sec-WebSocket-Protocol: chat",
)

func BenchmarkHandshake(b *testing.B) {
	for name, in := range map[string]string{"bare": with(), "browser": browser} {
		b.Run(name, func(b *testing.B) {
			p := []byte(in)
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				var h Handshake
				r, _, err := h.Feed(p)
				if err != nil {
					b.Fatal(err)
				}
				dst = r.AppendAccept(dst[:0], "", "", nil)
			}
		})
	}
}
