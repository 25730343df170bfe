package main

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

// TestFiles: the sizes are the suite's, and so, within 30 %, is the ratio at
// which messages of 131072 octets are compressed with a window of 12 bits and
// no context takeover. It is measured as it is sent: in pieces of 4096 octets.
func TestFiles(t *testing.T) {
	for _, c := range []struct {
		file  *File
		size  int
		ratio float64
	}{
		{jsonFile, 194056, 24},
		{bitmapFile, 263222, 1.16},
		{proseFile, 222218, 2.3},
		{htmlFile, 263647, 17},
		{pdfFile, 1042328, 1.24},
	} {
		data := c.file.bytes()
		if len(data) != c.size {
			t.Errorf("%s: %d octets, want %d", c.file.Name, len(data), c.size)
		}
		if !bytes.Equal(data, c.file.make()) {
			t.Errorf("%s: is another one when made again", c.file.Name)
		}
		d, r := newDeflater(12, true), ring{file: c.file}
		plain, packed := 0, 0
		for range 16 {
			m := r.appendNext(nil, 131072)
			plain += len(m)
			packed += len(d.deflate(m))
		}
		if ratio := float64(plain) / float64(packed); ratio < c.ratio*0.7 || ratio > c.ratio*1.3 {
			t.Errorf("%s: compressed %.2f to 1, want %.2f", c.file.Name, ratio, c.ratio)
		}
	}
}

func TestFileCharacters(t *testing.T) {
	count := func(b []byte) (n int) {
		for _, r := range string(b) {
			if r >= utf8.RuneSelf {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		file *File
		want int
	}{{jsonFile, 0}, {htmlFile, 27}} {
		if data := c.file.bytes(); !utf8.Valid(data) || count(data) != c.want {
			t.Errorf("%s: %d characters that are not ASCII, want %d", c.file.Name, count(data), c.want)
		}
	}
}

// TestRing: messages follow each other around the file, and texts are cut
// between characters.
func TestRing(t *testing.T) {
	for _, c := range []struct {
		text bool
		n    int
		want []string
	}{
		{true, 3, []string{"aäb", "cöa", "äbc", "öaä"}},
		{true, 7, []string{"aäbcöaä", "bcöaäbc"}},
		{false, 3, []string{"a\xc3\xa4", "bc\xc3", "\xb6a\xc3"}},
	} {
		r := ring{file: &File{Text: c.text, make: func() []byte { return []byte("aäbcö") }}}
		for i, want := range c.want {
			if got := string(r.appendNext(nil, c.n)); got != want {
				t.Errorf("text %v, message %d of %d: got %q, want %q", c.text, i, c.n, got, want)
			}
		}
	}
}

func TestTripFrames(t *testing.T) {
	agreed := &agreement{clientBits: 12, serverBits: 15, clientNoContext: true}
	for _, id := range []string{"12.2.9", "12.2.11", "12.2.16"} {
		c := oneCase(t, id)
		trip := newTripper(c, agreed, 1)
		frames := trip.frames()
		var packed []byte
		for i, f := range frames {
			first, last := i == 0, i == len(frames)-1
			if (f.RSV == 4) != first || (f.Op == opCont) == first || f.More == last {
				t.Errorf("%s: frame %d of %d is %+v", id, i, len(frames), f)
			}
			if limit := c.Trips.Fragment; limit > 0 && (f.Payload.Len() > limit || !last && f.Payload.Len() < limit) {
				t.Errorf("%s: frame %d of %d has %d octets, not %d", id, i, len(frames), f.Payload.Len(), limit)
			}
			packed = append(packed, f.Payload.bytes()...)
		}
		got, err := newWindow(12, true).inflate(packed, mib)
		if err != nil || !bytes.Equal(got, c.Trips.File.bytes()[:c.Trips.Size]) {
			t.Errorf("%s: %v, %d octets", id, err, len(got))
		}
	}
}
