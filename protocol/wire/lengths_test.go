package wire

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// announced is the beginning of a frame to a decoder with this role: its first
// byte and its length in 7, 16 or 64 bits, be that the right form or not. The
// key is left out: a length is judged before it comes.
func announced(role Role, first byte, bits int, length uint64) string {
	mask := byte(0)
	if role == Server {
		mask = maskBit
	}
	b := []byte{first}
	switch bits {
	case 16:
		b = binary.BigEndian.AppendUint16(append(b, mask|length16), uint16(length))
	case 64:
		b = binary.BigEndian.AppendUint64(append(b, mask|length64), length)
	default:
		b = append(b, mask|byte(length))
	}
	return string(b)
}

// sent is a frame to a decoder with this role.
func sent(role Role, first byte, payload string) string {
	if role == Server {
		return masked(first, payload)
	}
	return plain(first, payload)
}

var lengths = []struct {
	section string // of RFC 6455
	bits    int
	length  uint64
	want    string // "": it is right
}{
	{"5.2", 7, 0, ""},
	{"5.2", 7, 1, ""},
	{"5.2", 7, 125, ""},
	{"5.2", 16, 0, saysShortest},
	{"5.2", 16, 1, saysShortest},
	{"5.2", 16, 125, saysShortest},
	{"5.2", 16, 126, ""},
	{"5.2", 16, 127, ""},
	{"5.2", 16, 65535, ""},
	{"5.2", 64, 0, saysShortest},
	{"5.2", 64, 125, saysShortest},
	{"5.2", 64, 126, saysShortest},
	{"5.2", 64, 65535, saysShortest},
	{"5.2", 64, 65536, ""},
	{"5.2", 64, 1<<32 - 1, ""},
	{"5.2", 64, 1 << 32, ""}, // its lower half is 0
	{"5.2", 64, 1<<63 - 1, ""},
	{"5.2", 64, 1 << 63, saysTopBit},
	{"5.2", 64, 1<<63 | 126, saysTopBit},
	{"5.2", 64, 1<<64 - 1, saysTopBit},
}

// TestLengths judges each length with its last byte: not before, and without
// waiting for the key or the payload. Limits come after the form, for a length
// that is written wrongly has no size.
func TestLengths(t *testing.T) {
	starts := []struct {
		name          string
		before, first byte // before: 0 or the first byte of a fragment that came before
	}{
		{"whole text", 0, 0x81}, {"whole binary", 0, 0x82}, {"first fragment", 0, 0x02},
		{"middle fragment", 0x01, 0x00}, {"last fragment", 0x02, 0x80},
	}
	for _, tt := range lengths {
		t.Run(fmt.Sprintf("%s %d in %d bits", tt.section, tt.length, tt.bits), func(t *testing.T) {
			for _, role := range []Role{Server, Client} {
				for _, s := range starts {
					in := ""
					if s.before != 0 {
						in = sent(role, s.before, "")
					}
					in += announced(role, s.first, tt.bits, tt.length)
					check := func(limits *Limits, want string) {
						cuts(in, func(how string, pieces []string) {
							got, expected := decode(role, limits, pieces...), unfinished()
							switch {
							case want != "":
								expected = breach(want)
							case role == Client && tt.length == 0 && s.first&finBit != 0:
								expected = messages(map[byte]string{0x81: "text: ", 0x82: "binary: ", 0x80: "binary: "}[s.first])
							}
							if !reflect.DeepEqual(got, expected) {
								t.Fatalf("role %d, %s, limits %+v, %s:\n got %v\nwant %v", role, s.name, limits, how, got, expected)
							}
						})
					}
					check(nil, tt.want)
					if tt.want != "" {
						check(&Limits{Frame: 1, Message: 1}, tt.want)
						if got := decode(role, nil, in[:len(in)-1]); !reflect.DeepEqual(got, unfinished()) {
							t.Fatalf("role %d, %s, before its last byte:\n got %v\nwant %v", role, s.name, got, unfinished())
						}
					}
				}
			}
		})
	}
}

// TestControlLengths: a control frame has the short form only (section 5.5),
// and its second byte tells.
func TestControlLengths(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		for _, op := range []Op{Close, Ping, Pong} {
			first := finBit | byte(op)
			for _, inside := range []string{"", sent(role, 0x01, "a")} {
				for _, bits := range []int{16, 64} {
					for _, length := range []uint64{0, 125, 126, 65536, 1 << 63} { // right and wrong forms alike
						in := inside + announced(role, first, bits, length)
						cuts(in, func(how string, pieces []string) {
							if got, want := decode(role, nil, pieces...), breach(saysControl); !reflect.DeepEqual(got, want) {
								t.Fatalf("%v, %d in %d bits, %s:\n got %v\nwant %v", op, length, bits, how, got, want)
							}
						})
						if got, want := decode(role, nil, in[:len(inside)+2]), breach(saysControl); !reflect.DeepEqual(got, want) {
							t.Errorf("%v, %d in %d bits, two bytes of it:\n got %v\nwant %v", op, length, bits, got, want)
						}
						if got, want := decode(role, nil, in[:len(inside)+1]), unfinished(); !reflect.DeepEqual(got, want) {
							t.Errorf("%v, %d in %d bits, one byte of it:\n got %v\nwant %v", op, length, bits, got, want)
						}
					}
				}
			}
		}
	}
}

// TestLimitsAtTheFormsOfLength hits limits exactly and by one where a length
// changes its form. The length alone tells: no byte of the payload is sent
// where the limit is broken.
func TestLimitsAtTheFormsOfLength(t *testing.T) {
	bits := func(n int) int {
		switch {
		case n <= 125:
			return 7
		case n <= 65535:
			return 16
		}
		return 64
	}
	for _, limit := range []int{125, 126, 65535, 65536} {
		payload := strings.Repeat("x", limit)
		for name, limits := range map[string]Limits{"frame": {Frame: limit}, "message": {Message: limit}, "both": {limit, limit}} {
			t.Run(fmt.Sprintf("%s of %d", name, limit), func(t *testing.T) {
				what := strings.Replace(name, "both", "frame", 1)
				over := breach(fmt.Sprintf("%s of %d bytes, the limit is %d (close 1009)", what, limit+1, limit))
				cuts(announced(Server, 0x82, bits(limit+1), uint64(limit+1)), func(how string, pieces []string) {
					if got := decode(Server, &limits, pieces...); !reflect.DeepEqual(got, over) {
						t.Fatalf("by one, %s:\n got %v\nwant %v", how, got, over)
					}
				})
				in := masked(0x82, payload)
				for _, n := range []int{0, 1, 2, 3, 9, 13, 14, 15, limit / 2, len(in) - 1} {
					if got, want := decode(Server, &limits, in[:n], in[n:]), messages("binary: "+payload); !reflect.DeepEqual(got, want) {
						t.Fatalf("exactly, cut at %d: got %d messages, error %q, or another message", n, len(got.Messages), got.Err)
					}
				}
			})
		}
		t.Run(fmt.Sprintf("message of %d in two frames", limit), func(t *testing.T) {
			limits := Limits{Message: limit}
			first := masked(0x01, payload[1:])
			if got, want := decode(Server, &limits, first+masked(0x80, "x")), messages("text: "+payload); !reflect.DeepEqual(got, want) {
				t.Fatalf("exactly: got %d messages, error %q", len(got.Messages), got.Err)
			}
			want := breach(fmt.Sprintf("message of %d bytes, the limit is %d (close 1009)", limit+1, limit))
			if got := decode(Server, &limits, first+announced(Server, 0x80, 7, 2)); !reflect.DeepEqual(got, want) {
				t.Fatalf("by one:\n got %v\nwant %v", got, want)
			}
		})
	}
}

// TestNeverArrives holds what has arrived of a declared length, and no more,
// whatever comes between.
func TestNeverArrives(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   string
		want string // what comes out meanwhile
		held int
	}{
		{"5.2 header only", announced(Server, 0x82, 64, 1<<40) + "key.", "[]", 0},
		{"5.2 header without its key", announced(Server, 0x82, 64, 1<<40) + "key", "[]", 0},
		{"5.2 a few bytes", announced(Server, 0x81, 16, 65535) + "\x00\x00\x00\x00abc", "[]", 3},
		{"5.4 in a fragment", masked(0x01, "abc") + announced(Server, 0x80, 64, 1<<62) + "\x00\x00\x00\x00de", "[]", 5},
		{"5.4 behind a ping in a message", masked(0x01, "abc") + masked(0x89, "p") + announced(Server, 0x00, 16, 126) + "\x00\x00\x00\x00d", "[ping: p]", 4},
		{"5.5 of a ping", announced(Server, 0x89, 7, 125) + "\x00\x00\x00\x00abcd", "[]", 4},
		{"5.5 of a close in a message", masked(0x02, "abc") + announced(Server, 0x88, 7, 3) + "\x00\x00\x00\x00\x03", "[]", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cuts(tt.in, func(how string, pieces []string) {
				var d Decoder
				defer d.Release()
				var o outcome
				for _, p := range pieces {
					if !o.feed(&d, p) {
						t.Fatalf("%s: %s", how, o.Err)
					}
				}
				if got := fmt.Sprint(o.Messages); got != tt.want || d.Buffered() != tt.held || !d.Unfinished() {
					t.Fatalf("%s: got %s, %d bytes held, unfinished %v, want %s, %d, true", how, got, d.Buffered(), d.Unfinished(), tt.want, tt.held)
				}
			})
		})
	}
}
