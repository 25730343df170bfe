package main

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// messages are of all kinds: empty, random, repeated, text, and mixed. The race
// detector, which has nothing to find where there is one goroutine, gets a few.
func messages(r *rand.Rand) [][]byte {
	all := [][]byte{nil, {0}, []byte("hello"), bytes.Repeat([]byte("*"), 100000), []byte(strings.Repeat("abcdefgh", 5000))}
	n := 40
	if raceEnabled {
		n = 4
	}
	for range n {
		b := make([]byte, r.IntN(70000))
		spread := 1 + r.IntN(256)
		for i := range b {
			b[i] = byte(r.IntN(spread))
			if i > 500 && r.IntN(4) > 0 {
				b[i] = b[i-1-r.IntN(500)]
			}
		}
		all = append(all, b)
	}
	ring := ring{file: proseFile}
	return append(all, ring.appendNext(nil, 100000))
}

// TestInflate holds the inflater against what compress/flate writes at every
// level, with and without context takeover.
func TestInflate(t *testing.T) {
	for level := flate.HuffmanOnly; level <= 9; level++ {
		for _, noContext := range []bool{false, true} {
			var b bytes.Buffer
			out, err := flate.NewWriter(&b, level)
			if err != nil {
				t.Fatal(err)
			}
			in := newWindow(15, noContext)
			for i, message := range messages(dice(11)) {
				b.Reset()
				if noContext {
					out.Reset(&b)
				}
				out.Write(message)
				out.Flush()
				got, err := in.inflate(bytes.TrimSuffix(b.Bytes(), []byte(emptyBlock)), len(message))
				if err != nil || !bytes.Equal(got, message) {
					t.Fatalf("level %d, message %d: %v, %d octets instead of %d", level, i, err, len(got), len(message))
				}
			}
		}
	}
}

// TestInflateDamaged: data that has been altered gives the same with both
// inflaters: the same octets, or an error.
func TestInflateDamaged(t *testing.T) {
	r := dice(12)
	packed := packedMessages(r)
	failed := 0
	for range 20000 {
		data := bytes.Clone(packed[r.IntN(len(packed))])
		for range 1 + r.IntN(3) {
			data[r.IntN(len(data))] ^= 1 << r.IntN(8)
		}
		got, err := newWindow(15, false).inflate(data, mib)
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(strings.NewReader(string(data)+emptyBlock+"\x01\x00\x00\xff\xff")), mib+1))
		if len(want) > mib {
			wantErr = errTooLong
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%x: got %v, want %v", data, err, wantErr)
		}
		if err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%x: got %d octets, want %d", data, len(got), len(want))
		}
		if err != nil {
			failed++
		}
	}
	if failed < 1000 {
		t.Errorf("only %d of 20000 failed", failed)
	}
}

func packedMessages(r *rand.Rand) (packed [][]byte) {
	d := newDeflater(15, true)
	for _, size := range []int{1, 20, 300, 3000} {
		for range 10 {
			b := make([]byte, size)
			for i := range b {
				b[i] = byte(r.IntN(1 + size/4))
			}
			packed = append(packed, bytes.Clone(d.deflate(b)))
		}
	}
	return packed
}

// TestInflateWindow: a distance may be as great as the window, not greater.
func TestInflateWindow(t *testing.T) {
	for bits := 8; bits <= 15; bits++ {
		size := 1 << bits
		for _, c := range []struct {
			apart int
			good  bool
		}{{size, true}, {size + 1, false}} {
			if c.apart > 1<<15 {
				continue // deflate has no such distance
			}
			// Two equal runs so far apart, in octets that are else all different.
			message := make([]byte, c.apart)
			r := dice(13)
			for i := range message {
				message[i] = byte(r.Uint32())
			}
			message = append(message, message[:200]...)
			data := newDeflater(15, true).deflate(message)
			got, err := newWindow(bits, false).inflate(data, mib)
			if good := err == nil && bytes.Equal(got, message); good != c.good {
				t.Errorf("window of %d, distance of %d: %v", size, c.apart, err)
			}
		}
	}
}

// TestInflateContext: what an earlier message had may be referred to, unless
// it was agreed not to.
func TestInflateContext(t *testing.T) {
	d := newDeflater(15, false)
	first := bytes.Clone(d.deflate([]byte("a message of some length")))
	second := bytes.Clone(d.deflate([]byte("a message of some length")))
	for _, c := range []struct {
		noContext bool
		want      string
	}{
		{false, ""},
		{true, "cannot be inflated: a distance of 24 where there are 0 octets"},
	} {
		w := newWindow(15, c.noContext)
		if _, err := w.inflate(first, kib); err != nil {
			t.Fatal(err)
		}
		got := ""
		if _, err := w.inflate(second, kib); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("no context %v: got %q, want %q", c.noContext, got, c.want)
		}
	}
}

func TestInflateLimit(t *testing.T) {
	data := newDeflater(15, true).deflate(make([]byte, mib))
	if _, err := newWindow(15, true).inflate(data, mib-1); !errors.Is(err, errTooLong) {
		t.Errorf("got %v", err)
	}
}

// TestDeflaterWindow: what is compressed for a small window can be inflated
// with it.
func TestDeflaterWindow(t *testing.T) {
	for bits := 8; bits <= 15; bits++ {
		for _, noContext := range []bool{false, true} {
			d, w := newDeflater(bits, noContext), newWindow(bits, noContext)
			for i, message := range messages(dice(14)) {
				got, err := w.inflate(d.deflate(message), len(message))
				if err != nil || !bytes.Equal(got, message) {
					t.Fatalf("%d bits, message %d: %v, %d octets instead of %d", bits, i, err, len(got), len(message))
				}
			}
		}
	}
}

func BenchmarkInflate(b *testing.B) {
	for _, f := range []*File{jsonFile, proseFile, bitmapFile} {
		b.Run(f.Name, func(b *testing.B) {
			ring := ring{file: f}
			message := ring.appendNext(nil, 131072)
			data := bytes.Clone(newDeflater(15, true).deflate(message))
			w := newWindow(15, true)
			b.SetBytes(int64(len(message)))
			for b.Loop() {
				if _, err := w.inflate(data, len(message)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
