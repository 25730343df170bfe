package wire

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

func TestFrame(t *testing.T) {
	key := [4]byte{1, 2, 3, 4}
	for _, tt := range []struct {
		name           string
		frame          Frame
		header, masked string // headers only
	}{
		{"empty", Frame{Op: Text}, "\x81\x00", "\x81\x80\x01\x02\x03\x04"},
		{"text", Frame{Op: Text, Payload: "hello"}, "\x81\x05", "\x81\x85\x01\x02\x03\x04"},
		{"ping of 125", Frame{Op: Ping, Payload: strings.Repeat("x", 125)}, "\x89\x7d", "\x89\xfd\x01\x02\x03\x04"},
		{"126", Frame{Op: Binary, Payload: strings.Repeat("x", 126)}, "\x82\x7e\x00\x7e", "\x82\xfe\x00\x7e\x01\x02\x03\x04"},
		{"65535", Frame{Op: Binary, Payload: strings.Repeat("x", 65535)}, "\x82\x7e\xff\xff", "\x82\xfe\xff\xff\x01\x02\x03\x04"},
		{"65536", Frame{Op: Binary, Payload: strings.Repeat("x", 65536)}, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", "\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00\x01\x02\x03\x04"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dst := []byte("before")
			if got, want := string(tt.frame.Append(dst)), "before"+tt.header+tt.frame.Payload; got != want {
				t.Errorf("Append: got %.40q, want %.40q", got, want)
			}
			if got, want := string(tt.frame.AppendHeader(dst)), "before"+tt.header; got != want {
				t.Errorf("AppendHeader: got %q, want %q", got, want)
			}
			if got, want := tt.frame.Size(), len(tt.header)+len(tt.frame.Payload); got != want {
				t.Errorf("Size: got %d, want %d", got, want)
			}
			want := []byte("before" + tt.masked + tt.frame.Payload)
			slowMask(want[len("before"+tt.masked):], key, 0)
			if got := tt.frame.AppendMasked(dst, key); !bytes.Equal(got, want) {
				t.Errorf("AppendMasked: got %.40q, want %.40q", got, want)
			}
		})
	}
}

// TestBundle: a bundle is the bytes of its frames, and counts as these.
func TestBundle(t *testing.T) {
	frames := []Frame{{Op: Text, Payload: "a"}, {Op: Binary}, {Op: Binary, Payload: strings.Repeat("x", 300)}}
	var want []byte
	for _, f := range frames {
		want = f.Append(want)
	}
	b := Bundle(frames)
	if got := b.Append([]byte("before")); string(got) != "before"+string(want) {
		t.Errorf("Append: got %.40q, want %.40q behind what was there", got, want)
	}
	if got := b.AppendHeader(nil); len(got) != 0 {
		t.Errorf("AppendHeader: got %q, want nothing", got)
	}
	if b.Size() != len(want) || b.Messages() != 3 || !b.Message() || b.Shared == nil {
		t.Errorf("%d bytes, want %d; %d messages, want 3; a message: %v; shared: %v", b.Size(), len(want), b.Messages(), b.Message(), b.Shared)
	}
	if n := frames[0].Messages(); n != 1 {
		t.Errorf("a frame is %d messages", n)
	}
}

// gobwas/ws reads what we write.
func TestFramesReadByGobwas(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 127, 65535, 65536, 70000} {
		payload := make([]byte, n)
		rand.Read(payload)
		f := Frame{Op: Binary, Payload: string(payload)}
		for name, in := range map[string][]byte{"server": f.Append(nil), "client": f.AppendMasked(nil, [4]byte{9, 8, 7, 6})} {
			got, err := ws.ReadFrame(bytes.NewReader(in))
			if err != nil {
				t.Fatalf("%s, %d bytes: %v", name, n, err)
			}
			if got.Header.Masked {
				ws.Cipher(got.Payload, got.Header.Mask, 0)
			}
			if !got.Header.Fin || got.Header.OpCode != ws.OpBinary || !bytes.Equal(got.Payload, payload) {
				t.Errorf("%s, %d bytes: got header %+v, or another payload", name, n, got.Header)
			}
		}
	}
}

// We read what gobwas/ws writes, cut in the middle too.
func TestFramesWrittenByGobwas(t *testing.T) {
	var in bytes.Buffer
	var want outcome
	write := func(f ws.Frame) {
		if err := ws.WriteFrame(&in, ws.MaskFrame(f)); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int{0, 1, 125, 126, 127, 65535, 65536, 70000} {
		text := strings.Repeat("x", n)
		write(ws.NewTextFrame([]byte(text)))
		write(ws.NewFrame(ws.OpBinary, false, []byte("a")))
		write(ws.NewPingFrame([]byte("p")))
		write(ws.NewFrame(ws.OpContinuation, true, []byte(text)))
		want.Messages = append(want.Messages, "text: "+text, "ping: p", "binary: a"+text)
	}
	write(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusGoingAway, "bye")))
	want.Messages = append(want.Messages, "close: \x03\xe9bye")

	s := in.String()
	for _, n := range []int{len(s), 1, 7, 1000, 65536} {
		var pieces []string
		for rest := s; rest != ""; {
			k := min(n, len(rest))
			pieces, rest = append(pieces, rest[:k]), rest[k:]
		}
		if got := decode(Server, nil, pieces...); !reflect.DeepEqual(got, want) {
			t.Errorf("in pieces of %d: got %d messages, error %q, want %d, or others", n, len(got.Messages), got.Err, len(want.Messages))
		}
	}
}

// gobwas/ws takes the same headers to be right, if they are whole.
func TestHeadersCheckedByGobwas(t *testing.T) {
	for b0 := range 256 {
		for _, length := range []int{0, 1, 125, 126} {
			in := []byte(masked(byte(b0), strings.Repeat("\x03\xe8", 63)[:length]))
			h, err := ws.ReadHeader(bytes.NewReader(in))
			if err != nil {
				t.Fatal(err)
			}
			want := ws.CheckHeader(h, ws.StateServerSide) == nil
			var d Decoder
			_, _, err = d.Next(in)
			if e, ok := err.(*Error); ok && e.Code == InvalidPayload || length == 1 && Op(b0&15) == Close {
				continue // gobwas has not looked at the payload
			}
			if got := err == nil; got != want {
				t.Errorf("%#x, %d bytes: correct %v (%v), gobwas says %v", b0, length, got, err, want)
			}
		}
	}
}

func TestMask(t *testing.T) {
	key := [4]byte{0xDE, 0xAD, 0xBE, 0xEF}
	sizes := []int{511, 512, 513, 1000, 1023, 1024, 1025, 1535, 1536, 1600, 4099}
	for n := range 140 {
		sizes = append(sizes, n)
	}
	for _, n := range sizes {
		for pos := range 9 {
			for offset := range 4 { // in memory
				p := make([]byte, offset+n+8)
				rand.Read(p)
				want, twin := bytes.Clone(p), bytes.Clone(p)
				slowMask(want[offset:offset+n], key, pos)
				ws.Cipher(twin[offset:offset+n], key, pos)
				Mask(p[offset:offset+n], key, pos)
				if !bytes.Equal(p, want) || !bytes.Equal(p, twin) {
					t.Fatalf("%d bytes at position %d, offset %d: wrong, or wrote beyond", n, pos, offset)
				}
			}
		}
	}
}

func slowMask(p []byte, key [4]byte, pos int) {
	for i := range p {
		p[i] ^= key[(pos+i)%4]
	}
}

func TestCloseFrame(t *testing.T) {
	long := strings.Repeat("x", 122)
	for _, tt := range []struct {
		name   string
		code   Code
		reason string
		want   string
	}{
		{"plain", NormalClosure, "bye", "\x03\xe8bye"},
		{"no reason", GoingAway, "", "\x03\xe9"},
		{"application's", 4999, "", "\x13\x87"},
		{"no status", NoStatus, "ignored", ""},
		{"never sent", Abnormal, "ignored", ""},
		{"zero", 0, "", ""},
		{"123 bytes", NormalClosure, long + "y", "\x03\xe8" + long + "y"},
		{"124 bytes", NormalClosure, long + "yz", "\x03\xe8" + long + "y"},
		{"cut before a rune of 2", NormalClosure, long + "é", "\x03\xe8" + long},
		{"cut before a rune of 4", NormalClosure, long[1:] + "😀", "\x03\xe8" + long[1:]},
		{"rune fits", NormalClosure, long[1:] + "é!", "\x03\xe8" + long[1:] + "é"},
		{"not UTF-8", NormalClosure, "a\xff\xfeb", "\x03\xe8a\uFFFDb"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := CloseFrame(tt.code, tt.reason)
			if want := (Frame{Op: Close, Payload: tt.want}); got != want {
				t.Errorf("got %q, want %q", got.Payload, want.Payload)
			}
			if _, _, err := ParseClose([]byte(got.Payload)); err != nil {
				t.Errorf("ParseClose: %v", err)
			}
		})
	}
}

func TestParseClose(t *testing.T) {
	for _, tt := range []struct {
		name, payload string
		code          Code
		reason, err   string
	}{
		{"empty", "", NoStatus, "", ""},
		{"code", "\x03\xe8", NormalClosure, "", ""},
		{"code and reason", "\x0f\xa0é", 4000, "é", ""},
		{"one byte", "\x03", 0, "", saysCloseByte},
		{"1004", "\x03\xec", 0, "", saysCloseCode},
		{"bad reason", "\x03\xe8\xc3", 0, "", saysCloseText},
		{"bad code and reason", "\x00\x00\xff", 0, "", saysCloseCode},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, reason, err := ParseClose([]byte(tt.payload))
			got := ""
			if err != nil {
				got = strings.TrimPrefix(err.Error(), "wire: ")
			}
			if code != tt.code || reason != tt.reason || got != tt.err {
				t.Errorf("got %d, %q, %q, want %d, %q, %q", code, reason, got, tt.code, tt.reason, tt.err)
			}
		})
	}
}

// Section 7.4 and IANA's registry, code by code; gobwas/ws knows the ranges.
func TestSendable(t *testing.T) {
	for c := range 1 << 16 {
		code := Code(c)
		payload := binary.BigEndian.AppendUint16(nil, uint16(c))
		if got, want := code.Sendable(), slowClose(payload) == 0; got != want {
			t.Errorf("%d: got %v, want %v", c, got, want)
		}
		gobwas := ws.CheckCloseFrameData(ws.StatusCode(c), "") == nil
		iana := c >= 1012 && c <= 1014                      // registered after gobwas/ws listed them
		if gobwas != code.Sendable() && !iana && c < 5000 { // it does not know where the last range ends
			t.Errorf("%d: got %v, gobwas says %v", c, code.Sendable(), gobwas)
		}
	}
}

// A Frame is encoded without an allocation where there is room.
func TestFrameAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 1<<17)
	f := Frame{Op: Text, Payload: strings.Repeat("x", 70000)}
	if n := testing.AllocsPerRun(100, func() { f.Append(dst); f.AppendMasked(dst, [4]byte{1}) }); n > 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func ExampleDecoder() {
	// "Hel", a ping, "lo", as a client sends them.
	stream := append([]byte{}, "\x01\x83\x00\x00\x00\x00Hel"+"\x89\x80\x00\x00\x00\x00"+"\x80\x82\x00\x00\x00\x00lo"...)
	var d Decoder
	for {
		m, rest, err := d.Next(stream)
		if err != nil || m.Op == 0 {
			break
		}
		fmt.Printf("%v %q\n", m.Op, m.Payload)
		stream = rest
	}
	// Output:
	// ping ""
	// text "Hello"
}
