package wire

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unsafe"
)

// masked is a frame as a client sends it: its first byte, then its payload.
// The length is in its shortest encoding.
func masked(first byte, payload string) string {
	f := Frame{Op: Op(first & opBits), Payload: payload}.AppendMasked(nil, [4]byte{0xA1, 0x05, 0x3C, 0xF7})
	f[0] = first
	return string(f)
}

// plain is a frame as a server sends it.
func plain(first byte, payload string) string {
	f := Frame{Op: Op(first & opBits), Payload: payload}.Append(nil)
	f[0] = first
	return string(f)
}

// outcome is all that a decoder says about a stream.
type outcome struct {
	Messages   []string // "text: hello"
	Err        string
	Unfinished bool
}

func (o outcome) String() string {
	return fmt.Sprintf("%+q, error %q, unfinished %v", o.Messages, o.Err, o.Unfinished)
}

// feed gives a copy of p to d, as a carrier would.
func (o *outcome) feed(d *Decoder, p string) bool {
	rest := []byte(p)
	for {
		m, r, err := d.Next(rest)
		if err != nil {
			o.Err = err.Error()
			return false
		}
		if m.Op == 0 && d.Inflating() {
			rest = r
			continue
		}
		if m.Op == 0 {
			return true
		}
		o.Messages = append(o.Messages, fmt.Sprintf("%v: %s", m.Op, m.Payload))
		rest = r
	}
}

// decode feeds the pieces to a new decoder.
func decode(role Role, limits *Limits, pieces ...string) (o outcome) {
	d := Decoder{Role: role, Limits: limits}
	defer d.Release()
	for _, p := range pieces {
		if !o.feed(&d, p) {
			return o
		}
	}
	o.Unfinished = d.Unfinished()
	return o
}

// cuts calls f with s whole, in pieces of every size, and cut in two anywhere.
func cuts(s string, f func(how string, pieces []string)) {
	f("whole", []string{s})
	for n := 1; n < len(s); n++ {
		var pieces []string
		for rest := s; rest != ""; {
			k := min(n, len(rest))
			pieces, rest = append(pieces, rest[:k]), rest[k:]
		}
		f(fmt.Sprintf("in pieces of %d", n), pieces)
		f(fmt.Sprintf("cut at %d", n), []string{s[:n], s[n:]})
	}
}

// A decodeTest is one rule: what a stream of frames means to a decoder.
type decodeTest struct {
	name string // begins with the section of RFC 6455
	role Role
	in   string
	want outcome
}

func messages(m ...string) outcome   { return outcome{Messages: m} }
func unfinished(m ...string) outcome { return outcome{Messages: m, Unfinished: true} }
func breach(e string, m ...string) outcome {
	return outcome{Messages: m, Err: "wire: " + e}
}

const (
	saysReserved   = "reserved bits are set, but no extension was negotiated (close 1002)"
	saysFragmented = "control frames must not be fragmented (close 1002)"
	saysControl    = "control frames must not have more than 125 bytes of payload (close 1002)"
	saysNoStart    = "continuation frame without a message to continue (close 1002)"
	saysNotEnded   = "new message within a fragmented one (close 1002)"
	saysUnmasked   = "frames from client to server must be masked (close 1002)"
	saysMasked     = "frames from server to client must not be masked (close 1002)"
	saysShortest   = "payload length is not in its shortest encoding (close 1002)"
	saysTopBit     = "payload length of 64 bits has its top bit set (close 1002)"
	saysText       = "text is not UTF-8 (close 1007)"
	saysCloseCode  = "close frame with a code that must not be sent (close 1002)"
	saysCloseByte  = "close frame with a payload of 1 byte, want 0 or at least 2 (close 1002)"
	saysCloseText  = "close reason is not UTF-8 (close 1007)"
)

var decodeTests = []decodeTest{
	{"5.7 single-frame unmasked text", Client, "\x81\x05\x48\x65\x6c\x6c\x6f", messages("text: Hello")},
	{"5.7 single-frame masked text", Server, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", messages("text: Hello")},
	{"5.7 fragmented unmasked text", Client, "\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f", messages("text: Hello")},
	{"5.7 unmasked ping", Client, "\x89\x05\x48\x65\x6c\x6c\x6f", messages("ping: Hello")},
	{"5.7 masked pong", Server, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", messages("pong: Hello")},
	{"5.7 256 bytes of binary", Client, "\x82\x7e\x01\x00" + strings.Repeat("b", 256), messages("binary: " + strings.Repeat("b", 256))},

	{"5.2 empty text", Server, masked(0x81, ""), messages("text: ")},
	{"5.2 empty binary", Client, plain(0x82, ""), messages("binary: ")},
	{"5.2 empty control frames", Server, masked(0x89, "") + masked(0x8a, "") + masked(0x88, ""), messages("ping: ", "pong: ", "close: ")},
	{"5.2 key of zeros", Server, "\x82\x82\x00\x00\x00\x00hi", messages("binary: hi")},
	{"5.2 lengths 125 and 126", Server, masked(0x82, strings.Repeat("x", 125)) + masked(0x82, strings.Repeat("y", 126)),
		messages("binary: "+strings.Repeat("x", 125), "binary: "+strings.Repeat("y", 126))},
	{"5.2 RSV1", Server, "\xc1", breach(saysReserved)},
	{"5.2 RSV2", Server, masked(0x82, "a") + "\xa2", breach(saysReserved, "binary: a")},
	{"5.2 RSV3", Client, "\x99", breach(saysReserved)},
	{"5.2 opcode 3", Server, masked(0x83, ""), breach("opcode 0x3 is reserved (close 1002)")},
	{"5.2 opcode 7", Client, plain(0x87, ""), breach("opcode 0x7 is reserved (close 1002)")},
	{"5.2 opcode B", Server, masked(0x8b, ""), breach("opcode 0xB is reserved (close 1002)")},
	{"5.2 opcode F", Server, masked(0x01, "a") + masked(0x8f, ""), breach("opcode 0xF is reserved (close 1002)")},
	{"5.2 125 in 16 bits", Server, "\x82\xfe\x00\x7d", breach(saysShortest)},
	{"5.2 0 in 16 bits", Client, "\x82\x7e\x00\x00", breach(saysShortest)},
	{"5.2 65535 in 64 bits", Client, "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", breach(saysShortest)},
	{"5.2 0 in 64 bits", Server, "\x82\xff\x00\x00\x00\x00\x00\x00\x00\x00", breach(saysShortest)},
	{"5.2 top bit of 64", Server, "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x01", breach(saysTopBit)},
	{"5.2 2 GiB are on their way", Client, "\x82\x7f\x00\x00\x00\x00\x7f\xff\xff\xffab", unfinished()},

	{"5.1 unmasked to a server", Server, plain(0x81, "a"), breach(saysUnmasked)},
	{"5.1 unmasked control frame to a server", Server, masked(0x81, "a") + plain(0x89, "a"), breach(saysUnmasked, "text: a")},
	{"5.1 masked to a client", Client, masked(0x81, "a"), breach(saysMasked)},
	{"5.1 masked before too long", Client, "\x89\xfe", breach(saysMasked)},

	{"5.4 three fragments", Server, masked(0x01, "a") + masked(0x00, "b") + masked(0x80, "c"), messages("text: abc")},
	{"5.4 empty fragments", Server, masked(0x02, "") + masked(0x00, "") + masked(0x80, ""), messages("binary: ")},
	{"5.4 empty last fragment", Client, plain(0x02, "ab") + plain(0x80, ""), messages("binary: ab")},
	{"5.4 control frames between", Server,
		masked(0x01, "ab") + masked(0x89, "1") + masked(0x00, "") + masked(0x8a, "23") + masked(0x89, "") + masked(0x80, "cd") + masked(0x82, "e"),
		messages("ping: 1", "pong: 23", "ping: ", "text: abcd", "binary: e")},
	{"5.4 close inside a message", Server, masked(0x01, "ab") + masked(0x88, "\x03\xe8bye"), unfinished("close: \x03\xe8bye")},
	{"5.4 not finished", Server, masked(0x01, "ab"), unfinished()},
	{"5.4 continuation without start", Server, masked(0x80, "a"), breach(saysNoStart)},
	{"5.4 continuation after the end", Server, masked(0x01, "a") + masked(0x80, "b") + masked(0x00, "c"), breach(saysNoStart, "text: ab")},
	{"5.4 text within a message", Server, masked(0x01, "a") + masked(0x81, "b"), breach(saysNotEnded)},
	{"5.4 binary within a message", Client, plain(0x02, "") + plain(0x02, ""), breach(saysNotEnded)},

	{"5.5 fragmented ping", Server, masked(0x09, "a"), breach(saysFragmented)},
	{"5.5 fragmented close", Client, plain(0x08, ""), breach(saysFragmented)},
	{"5.5 ping of 125", Server, masked(0x89, strings.Repeat("p", 125)), messages("ping: " + strings.Repeat("p", 125))},
	{"5.5 ping of 126", Server, masked(0x89, strings.Repeat("p", 126)), breach(saysControl)},
	{"5.5 close with a length of 64 bits", Client, "\x88\x7f", breach(saysControl)},

	{"5.5.1 close with a reason", Server, masked(0x88, "\x03\xe8bye"), messages("close: \x03\xe8bye")},
	{"5.5.1 close of 1 byte", Server, masked(0x88, "\x03"), breach(saysCloseByte)},
	{"5.5.1 close with bad UTF-8", Server, masked(0x88, "\x03\xe8\xff"), breach(saysCloseText)},
	{"7.4.1 close 1005", Client, plain(0x88, "\x03\xed"), breach(saysCloseCode)},
	{"7.4.2 close 2999", Client, plain(0x88, "\x0b\xb7"), breach(saysCloseCode)},
	{"7.4.2 close 4999", Server, masked(0x88, "\x13\x87"), messages("close: \x13\x87")},
	{"1.4 frames after close are still read", Server, masked(0x88, "") + masked(0x81, "a"), messages("close: ", "text: a")},

	{"8.1 text of all lengths of runes", Server, masked(0x81, "aé€😀z"), messages("text: aé€😀z")},
	{"8.1 rune cut by fragments", Server, masked(0x01, "\xf0") + masked(0x00, "\x9f\x98") + masked(0x80, "\x80"), messages("text: 😀")},
	{"8.1 rune cut by fragments with control frames", Server,
		masked(0x01, "\xf0\x9f") + masked(0x89, "\xff\xff") + masked(0x00, "\x98") + masked(0x8a, "\xff") + masked(0x80, "\x80"),
		messages("ping: \xff\xff", "pong: \xff", "text: 😀")},
	{"8.1 U+FFFE, U+10FFFF, NUL", Client, plain(0x81, "\uFFFE\U0010FFFF\x00"), messages("text: \uFFFE\U0010FFFF\x00")},
	{"8.1 stray continuation byte", Server, masked(0x81, "ab\x80"), breach(saysText)},
	{"8.1 three continuation bytes", Server, masked(0x81, "\x80\x80\x80"), breach(saysText)},
	{"8.1 four continuation bytes too many", Client, plain(0x81, "\xf0\x9f\x98\x80\x80\x80\x80\x80"), breach(saysText)},
	{"8.1 surrogate", Server, masked(0x81, "\xed\xa0\x80"), breach(saysText)},
	{"8.1 overlong slash", Server, masked(0x81, "\xc0\xaf"), breach(saysText)},
	{"8.1 above U+10FFFF", Server, masked(0x81, "\xf4\x90\x80\x80"), breach(saysText)},
	{"8.1 FE", Client, plain(0x81, "\xfe"), breach(saysText)},
	{"8.1 text ends inside a rune", Server, masked(0x81, "a\xe2\x82"), breach(saysText)},
	{"8.1 message ends inside a rune, empty last fragment", Server, masked(0x01, "a\xe2\x82") + masked(0x80, ""), breach(saysText)},
	{"8.1 a bad fragment ends it, not the last one", Server, masked(0x01, "a\xff"), breach(saysText)},
	{"8.1 binary is not checked", Server, masked(0x02, "\xff\xfe") + masked(0x80, "\xc0"), messages("binary: \xff\xfe\xc0")},
}

func TestDecoder(t *testing.T) {
	for _, tt := range decodeTests {
		t.Run(tt.name, func(t *testing.T) {
			cuts(tt.in, func(how string, pieces []string) {
				if got := decode(tt.role, nil, pieces...); !reflect.DeepEqual(got, tt.want) {
					t.Fatalf("%s:\n got %v\nwant %v", how, got, tt.want)
				}
			})
		})
	}
}

// A text fails at its first offending byte, the bytes that are to come
// notwithstanding (section 8.1; fail fast).
func TestDecoderFailsFast(t *testing.T) {
	for _, tt := range []struct{ name, good, bad string }{
		{"continuation byte", "abc", "\x80"},
		{"above U+10FFFF", "κόσμε\xf4", "\x90"},
		{"surrogate", "\xed", "\xa0"},
		{"overlong of 3", "\xe0", "\x9f"},
		{"overlong of 4", "\xf0", "\x8f"},
		{"second byte", "\xc3", "a"},
		{"third byte", "\xe2\x82", "\xc0"},
		{"fourth byte", "\xf0\x9f\x98", "x"},
		{"first byte", "", "\xf5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := tt.good + tt.bad + strings.Repeat("z", 100)
			for name, head := range map[string]string{
				"one frame": plain(0x81, text)[:2],
				"fragment":  plain(0x01, "a\xc3") + plain(0x80, "\xa9"+text)[:2] + "\xa9",
			} {
				var o outcome
				d := Decoder{Role: Client}
				if !o.feed(&d, head+tt.good) {
					t.Fatalf("%s: failed before the offending byte: %s", name, o.Err)
				}
				if o.feed(&d, tt.bad) || o.Err != "wire: "+saysText {
					t.Errorf("%s: at the offending byte: got %q, want %q", name, o.Err, "wire: "+saysText)
				}
				if d != (Decoder{Role: Client}) {
					t.Errorf("%s: after the breach the decoder keeps %+v", name, d)
				}
			}
		})
	}
}

// The twin agrees on every test, and on every beginning of it.
func TestSlowTwin(t *testing.T) {
	for _, tt := range decodeTests {
		for n := range len(tt.in) + 1 {
			compareWithTwin(t, tt.role, Limits{}, []string{tt.in[:n]})
		}
	}
}

// compareWithTwin decodes the pieces and has the twin say what they mean.
func compareWithTwin(t *testing.T, role Role, limits Limits, pieces []string) {
	t.Helper()
	var o outcome
	d := Decoder{Role: role, Limits: &limits}
	defer d.Release()
	var got transcript
	for _, p := range pieces {
		rest := []byte(p)
		for got.code == 0 {
			m, r, err := d.Next(rest)
			if err != nil {
				got.code = err.(*Error).Code
				break
			}
			if m.Op == 0 {
				break
			}
			o.Messages = append(o.Messages, fmt.Sprintf("%v: %s", m.Op, m.Payload))
			rest = r
		}
	}
	got.messages = o.Messages
	if got.code == 0 {
		got.unfinished, got.held = d.Unfinished(), d.Buffered()
	}
	want := slowDecode(role, limits, []byte(strings.Join(pieces, "")))
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("role %d, limits %+v, pieces %q:\n got %+v\ntwin %+v", role, limits, pieces, got, want)
	}
}

func TestDecoderIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Decoder{}); n > 72 {
		t.Errorf("a Decoder has %d bytes, want 72 at most: there are a million of them", n)
	}
}

// A whole frame is returned as a part of what was passed.
func TestWholeFramesAreNotCopied(t *testing.T) {
	p := []byte(masked(0x01, "part") + masked(0x89, "ping") + masked(0x80, "end") + masked(0x82, "whole"))
	var d Decoder
	m, rest, err := d.Next(p)
	if err != nil || string(m.Payload) != "ping" || &m.Payload[0] != &p[len(masked(0x01, "part"))+6] {
		t.Errorf("ping: got %q, %v, or a copy", m.Payload, err)
	}
	m, rest, err = d.Next(rest)
	if err != nil || string(m.Payload) != "partend" {
		t.Errorf("text: got %q, %v", m.Payload, err)
	}
	m, rest, err = d.Next(rest)
	if err != nil || string(m.Payload) != "whole" || &m.Payload[4] != &p[len(p)-1] || len(rest) != 0 {
		t.Errorf("binary: got %q, rest %q, %v, or a copy", m.Payload, rest, err)
	}
	if cap(m.Payload) != len(m.Payload) {
		t.Errorf("the payload has room for %d bytes that are not its own", cap(m.Payload)-len(m.Payload))
	}
	if d.buf != nil {
		t.Error("an idle decoder holds a buffer")
	}
}

// What was lent stays until the next call, also a control frame's payload
// that lies behind an unfinished message.
func TestLentPayloads(t *testing.T) {
	var d Decoder
	ping := masked(0x89, "ping")
	var o outcome
	o.feed(&d, masked(0x02, "begin")+ping[:7])
	if got := d.Buffered(); got != len("begin")+1 {
		t.Errorf("Buffered inside the ping: got %d, want 6", got)
	}
	m, rest, err := d.Next([]byte(ping[7:]))
	if err != nil || m.Op != Ping || string(m.Payload) != "ping" || len(rest) != 0 {
		t.Fatalf("got %v %q, rest %q, %v", m.Op, m.Payload, rest, err)
	}
	if got := d.Buffered(); got != len("begin") || !d.Unfinished() {
		t.Errorf("after the ping: Buffered %d, Unfinished %v, want 5, true", got, d.Unfinished())
	}
	m, _, err = d.Next([]byte(masked(0x80, " end")))
	if err != nil || m.Op != Binary || string(m.Payload) != "begin end" {
		t.Fatalf("got %v %q, %v", m.Op, m.Payload, err)
	}
	if d.Buffered() != 0 || d.Unfinished() {
		t.Errorf("after the message: Buffered %d, Unfinished %v, want 0, false", d.Buffered(), d.Unfinished())
	}
	if m, rest, err := d.Next(nil); m.Op != 0 || len(rest) != 0 || err != nil || d.buf != nil {
		t.Errorf("the last call: got %v, rest %q, %v, buffer kept %v", m.Op, rest, err, d.buf != nil)
	}
	d.Release()
	d.Release()
}

// TestEmpty counts fragments that hold nothing, whatever the pieces.
func TestEmpty(t *testing.T) {
	stream := masked(0x01, "") + masked(0x00, "") + masked(0x89, "") + masked(0x00, "x") + masked(0x00, "") + masked(0x80, "") + masked(0x82, "")
	for _, size := range []int{1, 3, len(stream)} {
		var d Decoder
		for p := stream; len(p) > 0; p = p[min(size, len(p)):] {
			var o outcome
			if !o.feed(&d, p[:min(size, len(p))]) {
				t.Fatal(o)
			}
		}
		if n, again := d.Empty(), d.Empty(); n != 3 || again != 0 {
			t.Errorf("in pieces of %d: %d, then %d, want 3 and 0", size, n, again)
		}
	}
}
