package wire

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// closeCodes are all the codes there are, and who may send them.
var closeCodes = []struct {
	from, to int
	sendable bool
	why      string // begins with the section of RFC 6455
}{
	{0, 999, false, "7.4.2 not used"},
	{1000, 1003, true, "7.4.1 defined"},
	{1004, 1004, false, "7.4.1 reserved: its meaning was never defined"},
	{1005, 1006, false, "7.4.1 must not be set by an endpoint"},
	{1007, 1011, true, "7.4.1 defined"},
	{1012, 1014, true, "11.7 entered into IANA's registry after the RFC"},
	{1015, 1015, false, "7.4.1 must not be set by an endpoint"},
	{1016, 2999, false, "7.4.2 reserved for the protocol and its extensions"},
	{3000, 3999, true, "7.4.2 libraries and frameworks"},
	{4000, 4999, true, "7.4.2 private use"},
	{5000, 65535, false, "7.4.2 outside every range"},
}

func TestCloseCodes(t *testing.T) {
	next := 0
	for _, tt := range closeCodes {
		if tt.from != next {
			t.Fatalf("the table goes on at %d, want %d", tt.from, next)
		}
		next = tt.to + 1
		t.Run(fmt.Sprintf("%s %d-%d", tt.why, tt.from, tt.to), func(t *testing.T) {
			for c := tt.from; c <= tt.to; c++ {
				payload := string(binary.BigEndian.AppendUint16(nil, uint16(c)))
				want, made := breach(saysCloseCode), Frame{Op: Close}
				if tt.sendable {
					want, made = messages("close: "+payload), Frame{Op: Close, Payload: payload}
				}
				for _, role := range []Role{Server, Client} {
					in := sent(role, 0x88, payload)
					try := func(how string, pieces []string) {
						if got := decode(role, nil, pieces...); !reflect.DeepEqual(got, want) {
							t.Fatalf("%d, role %d, %s:\n got %v\nwant %v", c, role, how, got, want)
						}
					}
					if c == tt.from || c == tt.to {
						cuts(in, try)
					} else {
						try("whole", []string{in})
					}
				}
				if got := CloseFrame(Code(c), ""); got != made {
					t.Fatalf("%d: CloseFrame gives %q, want %q", c, got.Payload, made.Payload)
				}
			}
		})
	}
	if next != 1<<16 {
		t.Errorf("the table ends before %d", next)
	}
}

var closeTests = []decodeTest{
	{"5.5 fragmented", Server, masked(0x08, "\x03\xe8"), breach(saysFragmented)},
	{"5.5 fragmented, its continuation behind it", Server, masked(0x08, "\x03\xe8") + masked(0x80, "bye"), breach(saysFragmented)},
	{"5.5 fragmented in a message", Server, masked(0x01, "a") + masked(0x08, "\x03\xe8"), breach(saysFragmented)},
	{"5.5 fragmented and of 16 bits, told by the first byte", Client, "\x08\x7e", breach(saysFragmented)},
	{"5.4 continuation behind a close", Server, masked(0x88, "\x03\xe8") + masked(0x80, "bye"), breach(saysNoStart, "close: \x03\xe8")},
	{"5.4 continuation of the message around a close", Server, masked(0x01, "a") + masked(0x88, "") + masked(0x80, "b"), messages("close: ", "text: ab")},
	{"5.4 close between the bytes of a rune", Server, masked(0x01, "\xe2\x82") + masked(0x88, "\x03\xe8\xc3\xa9") + masked(0x80, "\xac"),
		messages("close: \x03\xe8é", "text: €")},
	{"5.2 RSV1", Server, "\xc8", breach(saysReserved)},
	{"5.2 RSV1 on a fragment of it", Server, "\x48", breach(saysReserved)},
	{"5.1 unmasked", Server, plain(0x88, "\x03\xe8"), breach(saysUnmasked)},
	{"5.1 masked", Client, masked(0x88, "\x03\xe8"), breach(saysMasked)},
	{"5.5 125 bytes", Server, masked(0x88, "\x03\xe8"+strings.Repeat("r", 123)), messages("close: \x03\xe8" + strings.Repeat("r", 123))},
	{"5.5 126 bytes", Server, masked(0x88, "\x03\xe8"+strings.Repeat("r", 124)), breach(saysControl)},
	{"5.5.1 twice", Server, masked(0x88, "\x03\xe8") + masked(0x88, "\x03\xe9"), messages("close: \x03\xe8", "close: \x03\xe9")},
	{"5.5.1 one byte in a message", Client, plain(0x02, "") + plain(0x88, "\x03"), breach(saysCloseByte)},
	{"5.5.1 reason of NUL and U+10FFFF", Client, plain(0x88, "\x03\xe8\x00\U0010FFFF"), messages("close: \x03\xe8\x00\U0010FFFF")},
	{"8.1 reason ends inside a rune", Server, masked(0x88, "\x03\xe8a\xe2\x82"), breach(saysCloseText)},
	{"8.1 reason with a surrogate", Server, masked(0x88, "\x03\xe8\xed\xa0\x80"), breach(saysCloseText)},
	{"8.1 reason with an overlong slash", Server, masked(0x88, "\x03\xe8\xc0\xaf"), breach(saysCloseText)},
	{"8.1 a bad reason of a bad code: the code is told", Server, masked(0x88, "\x03\xee\xff"), breach(saysCloseCode)},
	{"8.1 a close does not complete the rune of a text", Server, masked(0x01, "\xe2\x82") + masked(0x88, "\xac"), breach(saysCloseByte)},
}

func TestCloseFrames(t *testing.T) {
	for _, tt := range closeTests {
		t.Run(tt.name, func(t *testing.T) {
			cuts(tt.in, func(how string, pieces []string) {
				if got := decode(tt.role, nil, pieces...); !reflect.DeepEqual(got, tt.want) {
					t.Fatalf("%s:\n got %v\nwant %v", how, got, tt.want)
				}
			})
			for n := range len(tt.in) + 1 {
				compareWithTwin(t, tt.role, Limits{}, []string{tt.in[:n]})
			}
		})
	}
}
