package generator

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
)

// receiver makes a worker and a connection without a socket: it has sent n
// messages of 32 bytes, and sends no more.
func receiver(n int64) (*worker, *conn) {
	stop := new(atomic.Bool)
	stop.Store(true)
	c := &conn{fd: -1, digits: digits(0), sent: n}
	return &worker{
		cfg: &Config{Depth: 1}, stop: stop, frames: newFrames(Raw, Binary, 32, 1),
		conns: []*conn{c}, live: 1, pending: n, failures: tally{},
	}, c
}

// part appends a server's frame.
func part(dst []byte, first byte, payload []byte) []byte {
	return append(append(dst, first, byte(len(payload))), payload...)
}

// However the bytes are cut, the same comes out.
func TestEveryCut(t *testing.T) {
	w, _ := receiver(0)
	message := func(n int64) []byte { return w.frames.payload(digits(0), n) }
	in := part(nil, 0x82, message(0))
	in = part(in, 0x8A, []byte("unasked pong"))
	in = part(in, 0x02, message(1)[:5])
	in = part(in, 0x00, nil)
	in = part(in, 0x8A, nil)
	in = part(in, 0x80, message(1)[5:])
	in = append(in, 0x82, 126, 0, 32) // longer than it need be
	in = append(in, message(2)...)
	in = part(in, 0x82, message(3))
	in = part(in, 0x88, []byte("\x03\xE8bye"))
	in = part(in, 0x82, message(4)) // after the end
	want := []Failure{{CloseFrame, 1, `connection 0: 1000 "bye"`}}
	for n := 1; n <= len(in); n++ {
		w, c := receiver(9)
		for piece := range slices.Chunk(in, n) {
			if !c.failed {
				w.take(c, piece)
			}
		}
		if c.verified != 4 || w.unanswered != 5 || w.pending != 0 || !slices.Equal(w.failures.list(), want) {
			t.Errorf("in pieces of %d: verified %d, unanswered %d, %+v", n, c.verified, w.unanswered, w.failures.list())
		}
	}
}

// Whatever a server sends, nothing panics, memory is bounded, and the cut does
// not matter.
func FuzzReceive(f *testing.F) {
	w, _ := receiver(0)
	f.Add(part(part(nil, 0x82, w.frames.payload(digits(0), 0)), 0x89, []byte("ping")), 3)
	f.Add(part(part(nil, 0x02, []byte("0000")), 0x80, []byte("0000")), 1)
	f.Add([]byte{0x82, 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, 2)
	f.Add([]byte{0x82, 126, 0, 33}, 1)
	f.Fuzz(func(t *testing.T, in []byte, n int) {
		if n < 1 {
			return
		}
		var told []string
		for _, size := range []int{n, max(1, len(in))} {
			w, c := receiver(3)
			for piece := range slices.Chunk(in, size) {
				if !c.failed {
					w.take(c, piece)
				}
				if len(c.rest) > 10+125+32 || len(c.message) > 32 {
					t.Fatalf("keeps %d bytes and a message of %d", len(c.rest), len(c.message))
				}
			}
			told = append(told, fmt.Sprint(c.verified, w.failures.list()))
		}
		if told[0] != told[1] {
			t.Errorf("in pieces of %d: %s\nin one:        %s", n, told[0], told[1])
		}
	})
}

func TestDigits(t *testing.T) {
	for _, v := range []uint32{0, 1, 9, 10, 15, 16, 0x0123_4567, 0x89ab_cdef, 0xffff_ffff} {
		var got []byte
		for shift := 56; shift >= 0; shift -= 8 {
			got = append(got, byte(digits(v)>>shift))
		}
		if want := fmt.Sprintf("%08x", v); string(got) != want {
			t.Errorf("digits(%#x) = %q, expected %q", v, got, want)
		}
	}
}

func TestFrames(t *testing.T) {
	f := newFrames(Raw, Text, 20, 3)
	got, n := f.take(digits(0xbeef), 0xff, 2)
	if n != 2 {
		t.Fatalf("took %d, expected 2", n)
	}
	want := appendFrame(nil, 0x1, []byte("0000beef000000ffqrst"))
	want = appendFrame(want, 0x1, []byte("0000beef00000100qrst"))
	if !bytes.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	// RFC 6455, section 5.7: a masked "Hello".
	hello := []byte{0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}
	if got := appendFrame(nil, 0x1, []byte("Hello")); !bytes.Equal(got, hello) {
		t.Errorf("got  % x\nwant % x", got, hello)
	}
}

// burst appends the next n echoes that are due to c.
func burst(w *worker, c *conn, dst []byte, n int) []byte {
	for i := range n {
		dst = append(dst, w.frames.head...)
		dst = binary.BigEndian.AppendUint64(dst, c.digits)
		dst = binary.BigEndian.AppendUint64(dst, digits(uint32(c.verified)+uint32(i)))
		dst = append(dst, w.frames.after...)
	}
	return dst
}

// The hot path allocates nothing.
func TestAllocations(t *testing.T) {
	w, c := receiver(1 << 30)
	in := burst(w, c, nil, 16)
	n := testing.AllocsPerRun(100, func() {
		w.frames.take(c.digits, c.verified, 1)
		in = burst(w, c, in[:0], 16)
		w.take(c, in)
	})
	if n != 0 || len(w.failures) > 0 || c.verified == 0 {
		t.Errorf("%v allocations, failures %v, %d verified", n, w.failures.list(), c.verified)
	}
}

// What a message costs the generator besides system calls: to make its frame,
// and to verify its echo.
func BenchmarkMessage(b *testing.B) {
	w, c := receiver(1 << 40)
	w.frames = newFrames(Raw, Binary, 64, 16)
	in := burst(w, c, nil, 16)
	b.ReportAllocs()
	for n := 0; n < b.N; n += 16 {
		w.frames.take(c.digits, c.verified, 16)
		w.take(c, in)
		c.verified -= 16 // so that in fits again
	}
}
