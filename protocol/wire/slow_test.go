package wire

import (
	"fmt"
	"math"
)

// This file is the decoder's twin. It aims for readability above speed: it
// reads the whole stream as it is known so far, from the beginning, by the
// letter of RFC 6455. It is the reference implementation; it shares nothing
// with the decoder but the names of opcodes and codes.

// A transcript is what a stream of frames means.
type transcript struct {
	messages   []string // "text: hello"
	code       Code     // of the breach that ended it, or 0
	unfinished bool
	held       int // bytes of the unfinished message or frame
}

func slowDecode(role Role, limits Limits, stream []byte) (t transcript) {
	var op Op // of the message being read, 0 between messages
	var message []byte
	say := func(op Op, payload []byte) {
		t.messages = append(t.messages, fmt.Sprintf("%v: %s", op, payload))
	}
	for len(stream) > 0 {
		h, code := slowHeader(role, op != 0, stream)
		if code == 0 && h.complete >= lengthKnown && h.op < 8 {
			tooLong := limits.Frame > 0 && h.length > uint64(limits.Frame)
			tooMuch := limits.Message > 0 && uint64(len(message))+h.length > uint64(limits.Message)
			noInt := uint64(len(message))+h.length > math.MaxInt
			if tooLong || tooMuch || noInt {
				code = MessageTooBig
			}
		}
		if code != 0 {
			return transcript{t.messages, code, false, 0}
		}
		if h.complete < allKnown {
			t.unfinished, t.held = true, len(message)
			return t
		}
		payload := []byte{}
		for i := 0; i < len(stream)-h.size && uint64(i) < h.length; i++ {
			payload = append(payload, stream[h.size+i]^h.key[i%4])
		}
		whole := uint64(len(payload)) == h.length
		stream = stream[h.size+len(payload):]

		if h.op >= 8 {
			if !whole {
				t.unfinished, t.held = true, len(message)+len(payload)
				return t
			}
			if h.op == Close {
				if code := slowClose(payload); code != 0 {
					return transcript{t.messages, code, false, 0}
				}
			}
			say(h.op, payload)
			continue
		}
		if h.op != Continuation {
			op, message = h.op, nil
		}
		message = append(message, payload...)
		if op == Text && !slowText(message, whole && h.fin) {
			return transcript{t.messages, InvalidPayload, false, 0}
		}
		if !whole {
			t.unfinished, t.held = true, len(message)
			return t
		}
		if h.fin {
			say(op, message)
			op, message = 0, nil
		}
	}
	t.unfinished, t.held = op != 0, len(message)
	return t
}

// How much of a header is known.
const (
	lengthKnown = 1
	allKnown    = 2
)

type slowFields struct {
	fin      bool
	op       Op
	length   uint64
	key      [4]byte
	size     int
	complete int
}

func slowHeader(role Role, inMessage bool, b []byte) (h slowFields, breach Code) {
	// Section 5.2, first byte.
	h.fin = b[0]&0b1000_0000 != 0
	h.op = Op(b[0] & 0b0000_1111)
	if b[0]&0b0111_0000 != 0 {
		return h, ProtocolError
	}
	if h.op >= 3 && h.op <= 7 || h.op >= 11 {
		return h, ProtocolError
	}
	if h.op >= 8 && !h.fin {
		return h, ProtocolError // 5.5
	}
	if h.op == 0 && !inMessage || (h.op == 1 || h.op == 2) && inMessage {
		return h, ProtocolError // 5.4
	}
	if len(b) == 1 {
		return h, 0
	}

	// Second byte.
	masked := b[1] >= 128
	h.length = uint64(b[1] % 128)
	if masked != (role == Server) {
		return h, ProtocolError // 5.1
	}
	if h.op >= 8 && h.length > 125 {
		return h, ProtocolError // 5.5
	}

	// Length.
	h.size = 2
	more := map[uint64]int{126: 2, 127: 8}[h.length]
	if more > 0 {
		if len(b) < 2+more {
			return h, 0
		}
		shortest := map[int]uint64{2: 126, 8: 65536}[more]
		h.length = 0
		for _, c := range b[2 : 2+more] {
			h.length = h.length*256 + uint64(c)
		}
		h.size += more
		if h.length < shortest || h.length >= 1<<63 {
			return h, ProtocolError
		}
	}
	h.complete = lengthKnown

	// Key.
	if masked {
		if len(b) < h.size+4 {
			return h, 0
		}
		copy(h.key[:], b[h.size:])
		h.size += 4
	}
	h.complete = allKnown
	return h, 0
}

func slowClose(payload []byte) Code {
	if len(payload) == 0 {
		return 0
	}
	if len(payload) == 1 {
		return ProtocolError
	}
	code := int(payload[0])*256 + int(payload[1])
	assigned := map[int]bool{
		1000: true, 1001: true, 1002: true, 1003: true, 1007: true, 1008: true, 1009: true,
		1010: true, 1011: true, 1012: true, 1013: true, 1014: true,
	}
	if !assigned[code] && (code < 3000 || code > 4999) {
		return ProtocolError
	}
	if !slowText(payload[2:], true) {
		return InvalidPayload
	}
	return 0
}

// slowText follows the grammar of RFC 3629, section 4. A text that is not whole
// may end inside a character.
func slowText(b []byte, whole bool) bool {
	type span struct{ from, to byte }
	tail := span{0x80, 0xBF}
	grammar := [][]span{
		{{0x00, 0x7F}},
		{{0xC2, 0xDF}, tail},
		{{0xE0, 0xE0}, {0xA0, 0xBF}, tail},
		{{0xE1, 0xEC}, tail, tail},
		{{0xED, 0xED}, {0x80, 0x9F}, tail},
		{{0xEE, 0xEF}, tail, tail},
		{{0xF0, 0xF0}, {0x90, 0xBF}, tail, tail},
		{{0xF1, 0xF3}, tail, tail, tail},
		{{0xF4, 0xF4}, {0x80, 0x8F}, tail, tail},
	}
next:
	for len(b) > 0 {
	rule:
		for _, rule := range grammar {
			for i, s := range rule {
				if i == len(b) {
					return !whole
				}
				if b[i] < s.from || b[i] > s.to {
					continue rule
				}
			}
			b = b[len(rule):]
			continue next
		}
		return false
	}
	return true
}
