package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
)

// unmasked reads what the encoder wrote; that it is masked is a breach, of
// which nothing else depends.
func unmasked(t *testing.T, b []byte) []received {
	t.Helper()
	var all []received
	for r := bufio.NewReader(bytes.NewReader(b)); ; {
		f := readFrame(r)
		if f.err != nil {
			return all
		}
		all = append(all, f)
	}
}

func TestEncoder(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 127, 65535, 65536} {
		var e encoder
		payload := rep(textUnit, size)
		frames := unmasked(t, e.append(nil, frameOf(opText, payload).rsv(2).more()))
		if len(frames) != 1 {
			t.Fatalf("%d octets: %d frames", size, len(frames))
		}
		f := frames[0]
		if f.op != opText || f.fin || f.rsv != 2 || !bytes.Equal(f.payload, payload.bytes()) {
			t.Errorf("%d octets: read %v, FIN %v, RSV %03b, %d octets", size, f.op, f.fin, f.rsv, len(f.payload))
		}
		if want := fmt.Sprintf("a masked %v frame", opText); f.breach == nil || f.breach.why != want {
			t.Errorf("%d octets: breach %v, want %q", size, f.breach, want)
		}
	}
}

// TestEncoderPieces: pieces of a frame are the frame.
func TestEncoderPieces(t *testing.T) {
	for _, c := range suite() {
		if c.ID != "6.4.3" && c.ID != "6.4.4" {
			continue
		}
		var e encoder
		var b []byte
		for _, s := range c.Steps {
			for _, f := range s.Frames {
				b = e.append(b, f)
			}
		}
		frames := unmasked(t, b)
		if len(frames) != 2 || string(frames[0].payload) != joined(c.Steps) || frames[0].fin || frames[1].op != opCont || !frames[1].fin {
			t.Errorf("%s: got %v", c.ID, frames)
		}
	}
}

func TestReadFrame(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"text", "8102 6869", `TEXT 1 000 "hi"`},
		{"first fragment", "0102 6869", `TEXT 0 000 "hi"`},
		{"bits", "d200", `BIN 1 101 ""`},
		{"16-bit length", "827e007e" + strings.Repeat("00", 126), "BIN 1 000 126"},
		{"longer than needed", "827e007d" + strings.Repeat("00", 125), "1002 a length of 125 that is not in its shortest form"},
		{"much longer than needed", "827f000000000000ffff" + strings.Repeat("00", 65535), "1002 a length of 65535 that is not in its shortest form"},
		{"top bit", "827f8000000000000000", "1009 a frame of 9223372036854775808 octets"},
		{"masked", "8182 00000000 6869", "1002 a masked TEXT frame"},
		{"opcode 3", "8300", "1002 a frame with the reserved opcode 3"},
		{"opcode 11", "8b00", "1002 a frame with the reserved opcode 11"},
		{"fragmented ping", "0900", "1002 a fragmented PING frame"},
		{"long close", "887e007e" + strings.Repeat("00", 126), "1002 a CLOSE frame of 126 octets"},
		{"half", "8102 68", "EOF"},
	} {
		in, err := hex.DecodeString(strings.ReplaceAll(c.in, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []*bufio.Reader{
			bufio.NewReader(bytes.NewReader(in)),
			bufio.NewReader(iotest.OneByteReader(bytes.NewReader(in))),
		} {
			if got := inWords(readFrame(r)); got != c.want {
				t.Errorf("%s: got %s, want %s", c.name, got, c.want)
			}
		}
	}
}

func inWords(f received) string {
	fin := 0
	if f.fin {
		fin = 1
	}
	switch {
	case f.err != nil:
		return f.err.Error()
	case f.breach != nil:
		return fmt.Sprint(f.breach.code, " ", f.breach.why)
	case len(f.payload) > shown:
		return fmt.Sprintf("%v %d %03b %d", f.op, fin, f.rsv, len(f.payload))
	}
	return fmt.Sprintf("%v %d %03b %q", f.op, fin, f.rsv, f.payload)
}

// TestMask: however the octets are cut, the same comes out.
func TestMask(t *testing.T) {
	key := [4]byte{1, 2, 3, 4}
	want := bytes.Repeat([]byte{1, 2, 3, 4}, 8)
	for cut := range want {
		got := make([]byte, len(want))
		mask(got[:cut], key, 0)
		mask(got[cut:], key, cut)
		if !bytes.Equal(got, want) {
			t.Errorf("cut at %d: got %x, want %x", cut, got, want)
		}
	}
}

func TestWirelog(t *testing.T) {
	var l wirelog
	for i := range 1000 {
		l.sent(frameOf(opBin, octets(byte(i))), octets(byte(i)).bytes())
	}
	frames := l.written()
	if len(frames) != logFirst+logLast || frames[logFirst].Omitted != 1000-logFirst-logLast {
		t.Fatalf("%d frames, %d omitted", len(frames), frames[logFirst].Omitted)
	}
	if first, last := frames[0].Text, frames[len(frames)-1].Text; first != "BIN hex 00" || last != "BIN hex e7" {
		t.Errorf("from %s to %s", first, last)
	}
}
