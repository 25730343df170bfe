package wire

import (
	"encoding/binary"
	"fmt"
	"unsafe"
)

// An Op is a frame's opcode (RFC 6455, sections 5.2 and 11.8).
type Op byte

const (
	Continuation Op = 0x0 // payload: the next part of a fragmented message
	Text         Op = 0x1 // payload: UTF-8
	Binary       Op = 0x2 // payload: any bytes
	Close        Op = 0x8 // payload: nothing, or a 2-byte big-endian Code and then a reason in UTF-8
	Ping         Op = 0x9 // payload: up to 125 bytes, any
	Pong         Op = 0xA // payload: that of the Ping it answers, or any when unsolicited
)

// String returns the opcode's name in the RFC, or "reserved 0x3".
func (op Op) String() string {
	switch op {
	case Continuation:
		return "continuation"
	case Text:
		return "text"
	case Binary:
		return "binary"
	case Close:
		return "close"
	case Ping:
		return "ping"
	case Pong:
		return "pong"
	}
	return fmt.Sprintf("reserved 0x%X", byte(op))
}

// control says whether frames with this opcode are control frames, known or
// reserved (section 5.5).
func (op Op) control() bool { return op&0x8 != 0 }

// The parts of a frame's first two bytes (section 5.2).
const (
	finBit      = 0x80 // first byte: last fragment of its message
	reservedBit = 0x70 // first byte: RSV1, RSV2, RSV3
	rsv1Bit     = 0x40 // first byte: the message is compressed (RFC 7692, section 6)
	opBits      = 0x0f // first byte
	maskBit     = 0x80 // second byte: a masking key follows the length
	lengthBits  = 0x7f // second byte: length, or length16, or length64

	length16 = 126 // the length follows in 2 bytes
	length64 = 127 // the length follows in 8 bytes, the top bit clear

	maxHeader  = 14  // bytes: 2, a length of 8, a key of 4
	maxControl = 125 // bytes of a control frame's payload (section 5.5)
)

// A Frame is one unfragmented outgoing frame. It is an immutable value that
// refers to its payload; it may be copied, shared and encoded many times, by
// any goroutine. Nothing of it is checked: a Text payload should be UTF-8 and a
// control frame's at most 125 bytes (CloseFrame makes sure of it).
type Frame struct {
	Op      Op
	Reply   bool   // the peer waits for it: it is never dropped while others are sent
	Bundle  uint16 // how many messages Payload is, headers and all; 0: it is the payload of this one
	Channel uint32 // of a series of messages, each of which is out of date when the next comes; 0: of none
	Payload string
	Shared  *Shared // of a message that goes to many peers; nil: it does not
}

// Message says whether f is a message, and not a control frame.
func (f Frame) Message() bool { return !f.Op.control() }

// Bundle makes one of messages that are sent to the same peers, one after the other
// and not compressed: what all of them share is encoded once. There are two at
// least and 65,535 at most. Its Shared is new.
func Bundle(frames []Frame) Frame {
	size := 0
	for _, f := range frames {
		size += f.Size()
	}
	text := make([]byte, 0, size)
	for _, f := range frames {
		text = f.Append(text)
	}
	return Frame{Op: Binary, Bundle: uint16(len(frames)), Payload: unsafe.String(unsafe.SliceData(text), len(text)), Shared: new(Shared)}
}

// Fragment makes a message be sent in fragments of n bytes (RFC 6455, section 5.4),
// the last one being what is left: at least n, and less than 2n. Nothing comes between
// them, and they are not compressed. A message of less than 2n bytes, and what is none,
// stays as it is. n is at least 1.
func (f Frame) Fragment(n int) Frame {
	rest := f.Payload
	if len(rest) < 2*n || f.Bundle > 0 || f.Op.control() {
		return f
	}
	count := len(rest) / n
	text := make([]byte, 0, len(rest)+count*maxHeader)
	for op := f.Op; len(rest) >= 2*n; op = Continuation {
		text = append(appendHeader(text, byte(op), 0, n), rest[:n]...)
		rest = rest[n:]
	}
	text = append(appendHeader(text, finBit|byte(Continuation), 0, len(rest)), rest...)
	f.Bundle, f.Payload = 1, unsafe.String(unsafe.SliceData(text), len(text))
	return f
}

// Messages is how many messages f is.
func (f Frame) Messages() int {
	if f.Bundle > 0 {
		return int(f.Bundle)
	}
	return 1
}

// Size is the number of bytes that Append adds.
func (f Frame) Size() int {
	switch n := len(f.Payload); {
	case f.Bundle > 0:
		return n
	case n < length16:
		return 2 + n
	case n <= 0xffff:
		return 4 + n
	default:
		return 10 + n
	}
}

// Append appends the frame as a server sends it, header and payload, to dst
// and returns the extended slice.
func (f Frame) Append(dst []byte) []byte {
	return append(f.AppendHeader(dst), f.Payload...)
}

// AppendHeader appends the header only, unmasked: 2, 4 or 10 bytes. The
// payload has to follow it on the wire, so that a large one need not be copied.
// A bundle has none.
func (f Frame) AppendHeader(dst []byte) []byte {
	if f.Bundle > 0 {
		return dst
	}
	return appendHeader(dst, finBit|byte(f.Op), 0, len(f.Payload))
}

// AppendMasked appends the frame as a client sends it: header, key, and the
// payload masked by key. The key should be unpredictable and new for every
// frame (section 5.3).
func (f Frame) AppendMasked(dst []byte, key [4]byte) []byte {
	dst = f.AppendMaskedHeader(dst, key)
	n := len(dst)
	dst = append(dst, f.Payload...)
	Mask(dst[n:], key, 0)
	return dst
}

// AppendMaskedHeader appends the header and the key only. The payload has to follow,
// masked by Mask.
func (f Frame) AppendMaskedHeader(dst []byte, key [4]byte) []byte {
	return append(appendHeader(dst, finBit|byte(f.Op), maskBit, len(f.Payload)), key[:]...)
}

// appendHeader appends the header of a frame with n bytes of payload, without
// the key.
func appendHeader(dst []byte, first, mask byte, n int) []byte {
	switch {
	case n < length16:
		return append(dst, first, mask|byte(n))
	case n <= 0xffff:
		return append(dst, first, mask|length16, byte(n>>8), byte(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, first, mask|length64), uint64(n))
	}
}
