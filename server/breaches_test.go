package server_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lapps/services"
)

// What a peer must not do, and what it is then told. Each breach stands between
// two texts: the first is answered, the second is not read any more.

const (
	saysUnmasked   = "frames from client to server must be masked"
	saysFragmented = "control frames must not be fragmented"
	saysControl    = "control frames must not have more than 125 bytes of payload"
	saysShortest   = "payload length is not in its shortest encoding"
	saysTopBit     = "payload length of 64 bits has its top bit set"
	saysNoStart    = "continuation frame without a message to continue"
	saysNotEnded   = "new message within a fragmented one"
	saysText       = "text is not UTF-8"
	saysCode       = "close frame with a code that must not be sent"
	saysCloseByte  = "close frame with a payload of 1 byte, want 0 or at least 2"
	saysCloseText  = "close reason is not UTF-8"
)

var breaches = []struct {
	name   string // begins with the section of RFC 6455
	in     string
	code   uint16
	reason string
}{
	{"5.1 unmasked text", "\x81\x01a", 1002, saysUnmasked},
	{"5.1 unmasked ping", "\x89\x00", 1002, saysUnmasked},
	{"5.1 unmasked close", "\x88\x02\x03\xe8", 1002, saysUnmasked},
	{"5.1 unmasked, told before the length", "\x81\x7e", 1002, saysUnmasked},
	{"5.2 opcode 3", frame(0x83, ""), 1002, "opcode 0x3 is reserved"},
	{"5.2 opcode B", frame(0x8B, ""), 1002, "opcode 0xB is reserved"},
	{"5.2 125 in 16 bits", "\x81\xfe\x00\x7d", 1002, saysShortest},
	{"5.2 125 in 64 bits", "\x82\xff\x00\x00\x00\x00\x00\x00\x00\x7d", 1002, saysShortest},
	{"5.2 65535 in 64 bits", "\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff", 1002, saysShortest},
	{"5.2 top bit of 64", "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00", 1002, saysTopBit},
	{"5.2 all bits of 64", "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", 1002, saysTopBit},
	{"5.4 nothing to continue", frame(0x80, "a"), 1002, saysNoStart},
	{"5.4 a text within a message", frame(0x01, "a") + frame(0x81, "b"), 1002, saysNotEnded},
	{"5.5 ping of 126", "\x89\xfe\x00\x7e", 1002, saysControl},
	{"5.5 pong with a length of 64 bits", "\x8a\xff\x00\x00\x00\x00\x00\x00\x00\x00", 1002, saysControl},
	{"5.5 close with a length of 16 bits", "\x88\xfe\x00\x02", 1002, saysControl},
	{"5.5 close with a length of 64 bits", "\x88\xff\x00\x00\x00\x00\x00\x00\x00\x02", 1002, saysControl},
	{"5.5 fragmented close", frame(0x08, "\x03\xe8") + frame(0x80, "bye"), 1002, saysFragmented},
	{"5.5 fragmented ping in a message", frame(0x01, "a") + frame(0x09, ""), 1002, saysFragmented},
	{"5.5.1 close of 1 byte", frame(0x88, "\x03"), 1002, saysCloseByte},
	{"8.1 close with half a rune", frame(0x88, "\x03\xe8\xe2\x82"), 1007, saysCloseText},
	{"8.1 text", frame(0x81, "a\xff"), 1007, saysText},
	{"8.1 text, its first fragment", frame(0x01, "\xed\xa0"), 1007, saysText},
	{"10.4 message, by one", frame(0x82, strings.Repeat("x", 1001)), 1009, "frame of 1001 bytes, the limit is 1000"},
	{"10.4 message in fragments, by one", frame(0x02, strings.Repeat("x", 999)) + frame(0x00, "y") + frame(0x80, "z"), 1009, "message of 1001 bytes, the limit is 1000"},
	{"10.4 message, its length alone", "\x82\xfe\x03\xe9", 1009, "frame of 1001 bytes, the limit is 1000"},
	{"10.4 message of 2^63-1 bytes", "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 1009, "frame of 9223372036854775807 bytes, the limit is 1000"},
}

func TestBreaches(t *testing.T) {
	for _, chunk := range []int{0, 1} {
		open(t, func(w *world, c *services.Config) {
			w.carrier.Chunk = chunk
			c.MaxMessage = 1000
		}, func(t *testing.T, w *world) {
			for _, tt := range breaches {
				p := w.join(t, "")
				p.write(frame(0x81, "first") + tt.in + frame(0x81, "after"))
				if err := p.reads(first, goodbye(tt.code, tt.reason)); err != nil {
					t.Errorf("%s, in pieces of %d: %v", tt.name, chunk, err)
				}
				p.Close()
			}
			w.left(t, len(breaches))
		})
	}
}

// TestLimitsExactly has what TestBreaches exceeds by one.
func TestLimitsExactly(t *testing.T) {
	open(t, func(_ *world, c *services.Config) { c.MaxMessage = 1000 }, func(t *testing.T, w *world) {
		p, whole := w.join(t, ""), strings.Repeat("x", 1000)
		ping := strings.Repeat("p", 125)
		for _, in := range []string{
			frame(0x82, whole),
			frame(0x02, whole) + frame(0x80, ""),
			frame(0x02, whole[:1]) + frame(0x89, ping) + frame(0x00, whole[1:]) + frame(0x80, ""),
		} {
			p.write(in)
			if strings.Contains(in, ping) {
				p.expect(0x8A, ping)
			}
			p.expect(0x82, whole)
		}
	})
}

// TestCloseCodes sends every kind of code: those that may be sent are answered
// with the same (section 5.5.1), without the peer's reason.
func TestCloseCodes(t *testing.T) {
	for _, tt := range []struct {
		name     string // begins with the section of RFC 6455
		answered bool   // with the same code, or else with 1002
		codes    []uint16
	}{
		{"7.4.1 defined", true, []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011}},
		{"7.4.1 reserved, 1004 without a meaning, the others for what is never sent", false, []uint16{1004, 1005, 1006, 1015}},
		{"7.4.2 in IANA's registry by now (section 11.7)", true, []uint16{1012, 1013, 1014}},
		{"7.4.2 for later versions and extensions", false, []uint16{1016, 1100, 2000, 2999}},
		{"7.4.2 libraries' and applications'", true, []uint16{3000, 3999, 4000, 4999}},
		{"7.4.2 not used", false, []uint16{0, 1, 999}},
		{"7.4.2 outside every range", false, []uint16{5000, 32768, 65535}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			open(t, nil, func(t *testing.T, w *world) {
				for _, code := range tt.codes {
					answer := goodbye(1002, saysCode)
					if tt.answered {
						answer = goodbye(code, "")
					}
					for _, reason := range []string{"", "why"} {
						p := w.join(t, "")
						p.write(frame(0x81, "first") + frame(0x88, string(binary.BigEndian.AppendUint16(nil, code))+reason))
						if err := p.reads(first, answer); err != nil {
							t.Errorf("%d %q: %v", code, reason, err)
						}
						p.Close()
					}
				}
				w.left(t, 2*len(tt.codes))
			})
		})
	}
}

// afterClose is what a peer may still send when it has sent a Close frame, or
// has been sent one: all of it is discarded (sections 1.4 and 5.5.1).
var afterClose = map[string]string{
	"text":              frame(0x81, "after"),
	"ping":              frame(0x89, "after"),
	"half a message":    frame(0x01, "after"),
	"half a frame":      "\x81\x85\x00\x00",
	"a second close":    frame(0x88, "\x03\xe9"),
	"a breach":          "\xff\x7f",
	"a bad close":       frame(0x88, "\x03"),
	"garbage":           strings.Repeat("GET / HTTP/1.1\r\n\r\n", 100),
	"more than a limit": "\x82\xff\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00" + strings.Repeat("x", 100_000),
}

func TestAfterClose(t *testing.T) {
	bye := frame(0x88, "\x03\xe8")
	for how, try := range map[string]func(*peer, string) []string{
		"in one piece": func(p *peer, after string) []string {
			p.write(frame(0x81, "first") + bye + after)
			return []string{first, goodbye(1000, "")}
		},
		"while the service is busy": func(p *peer, after string) []string {
			p.write(frame(0x81, "wait") + bye)
			synctest.Wait()
			p.write(after)
			synctest.Wait()
			openGate()
			return []string{"0x81 wait", goodbye(1000, "")}
		},
		"after the answer": func(p *peer, after string) []string {
			p.write(bye)
			synctest.Wait()
			p.write(after)
			return []string{goodbye(1000, "")}
		},
		"after the service's close": func(p *peer, after string) []string {
			p.write(frame(0x81, "close"))
			synctest.Wait()
			p.write(after)
			return []string{goodbye(4001, "as asked")}
		},
		"after a breach": func(p *peer, after string) []string {
			p.write("\x81\x00")
			synctest.Wait()
			p.write(after)
			return []string{goodbye(1002, saysUnmasked)}
		},
	} {
		t.Run(how, func(t *testing.T) {
			open(t, nil, func(t *testing.T, w *world) {
				begin := time.Now()
				for name, after := range afterClose {
					p := w.join(t, "")
					want := try(p, after)
					if err := p.reads(want...); err != nil {
						t.Errorf("%s: %v", name, err)
					}
					p.Close()
				}
				w.left(t, len(afterClose))
				if took := time.Since(begin); took > time.Millisecond {
					t.Errorf("took %v: some waited for a timeout", took)
				}
			})
		})
	}
}

// first is the answer to the text "first".
const first = "0x81 first"

// goodbye is a Close frame as reads tells it.
func goodbye(code uint16, reason string) string {
	return "0x88 " + string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

// reads reads to the end of the stream and tells where that is not want: each
// frame as its first byte and its payload.
func (p *peer) reads(want ...string) error {
	p.t.Helper()
	for i := 0; ; i++ {
		if _, err := p.r.Peek(1); err != nil {
			if err.Error() != "EOF" || i != len(want) {
				return fmt.Errorf("%v after %d frames, want EOF after %d", err, i, len(want))
			}
			return nil
		}
		op, payload := p.next()
		got := fmt.Sprintf("%#x %s", op, payload)
		if i == len(want) {
			return fmt.Errorf("received %.80q, want EOF", got)
		}
		if got != want[i] {
			return fmt.Errorf("received %.120q, want %.120q", got, want[i])
		}
	}
}

// left checks that n connections were open and all are gone.
func (w *world) left(t *testing.T, n int) {
	t.Helper()
	synctest.Wait()
	if got := strings.Count(w.log.String(), "gone"); got != n || w.Open() != 0 {
		t.Errorf("onDisconnect was called %d times, want %d; %d connections are open", got, n, w.Open())
	}
}
