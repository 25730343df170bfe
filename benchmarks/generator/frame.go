package generator

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// mask is the masking key of every frame: the one in RFC 6455's examples.
const mask = 0x37fa213d

// mask8 is the masking key, twice.
const mask8 = mask<<32 | mask

// maxBatch bounds, in bytes, the frames made for one write.
const maxBatch = 256 << 10

// Opcodes of RFC 6455, section 5.2, besides Text and Binary.
const (
	opContinuation = 0x0
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// Frames makes the frames of messages, and knows what their echoes look like.
// A text is the number of the connection and that of the message, each as
// eight hexadecimal digits, and then letters up to its size. The frames are
// made and masked once; take rewrites the numbers only. One thread owns it.
type frames struct {
	// Immutable.
	op     Op
	size   int    // of an echo's payload
	length int    // of a frame to the server
	digits int    // where its text begins
	key    uint64 // the masking key as it falls on a text's first eight bytes, and the next
	head   []byte // of an echo's frame
	before []byte // of an echo's payload: what comes before the digits,
	after  []byte // and behind them

	batch []byte // frames, end to end; the numbers are of the last use
}

// newFrames makes frames for messages with texts of size bytes, up to depth for
// one write.
func newFrames(d Dialect, op Op, size, depth int) *frames {
	text := make([]byte, size)
	for i := range text {
		text[i] = 'a' + byte(i%26)
	}
	request, before, behind := text, []byte(nil), []byte(nil)
	if d == LAppS {
		request = appendRequest(nil, text)
		before, behind = responseAround(size)
	}
	frame := appendFrame(nil, byte(op), request)
	n := max(1, min(depth, maxBatch/len(frame)))
	f := &frames{
		op:     op,
		size:   len(before) + size + len(behind),
		length: len(frame),
		digits: len(frame) - size, // a text is the end of its request
		key:    bits.RotateLeft64(mask8, 8*((len(request)-size)%4)),
		before: before,
		after:  append(text[MinSize:], behind...),
		batch:  bytes.Repeat(frame, n),
	}
	f.head = appendHead(nil, byte(op), f.size, 0)
	return f
}

// take returns frames for the messages first, first+1, … of the connection
// whose digits are id: n of them, or as many as one write holds. They are valid
// until the next call.
func (f *frames) take(id uint64, first int64, n int) (p []byte, taken int) {
	n = min(n, len(f.batch)/f.length)
	for i := range n {
		p := f.batch[i*f.length+f.digits:]
		binary.BigEndian.PutUint64(p, id^f.key)
		binary.BigEndian.PutUint64(p[8:], digits(uint32(first)+uint32(i))^f.key)
	}
	return f.batch[:n*f.length], n
}

// is reports whether p is the payload of the echo of message number n of the
// connection whose digits are id.
func (f *frames) is(p []byte, id uint64, n int64) bool {
	if len(p) != f.size || !bytes.Equal(p[:len(f.before)], f.before) {
		return false
	}
	p = p[len(f.before):]
	return binary.BigEndian.Uint64(p) == id &&
		binary.BigEndian.Uint64(p[8:]) == digits(uint32(n)) &&
		bytes.Equal(p[MinSize:], f.after)
}

// payload returns the payload of the echo of message number n, for error
// messages.
func (f *frames) payload(id uint64, n int64) []byte {
	p := binary.BigEndian.AppendUint64(bytes.Clone(f.before), id)
	p = binary.BigEndian.AppendUint64(p, digits(uint32(n)))
	return append(p, f.after...)
}

// digits returns the eight hexadecimal digits of v, the first in the highest
// byte. The halves of v are spread until each byte holds four bits, and then
// all bytes become digits at once.
func digits(v uint32) uint64 {
	const ones = 0x0101010101010101
	x := uint64(v)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
	letters := (x + 6*ones) >> 4 & ones // 1 where the byte is above 9
	return x + '0'*ones + letters*('a'-'0'-10)
}

// farewell is a close frame with code 1000.
var farewell = appendFrame(nil, opClose, []byte{1000 >> 8, 1000 & 0xFF})

// appendFrame appends a whole frame, masked as a client's has to be.
func appendFrame(dst []byte, op byte, payload []byte) []byte {
	dst = appendHead(dst, op, len(payload), 0x80)
	var key [4]byte
	binary.BigEndian.PutUint32(key[:], mask)
	dst = append(dst, key[:]...)
	for i, b := range payload {
		dst = append(dst, b^key[i&3])
	}
	return dst
}

// appendHead appends the first bytes of an unfragmented frame up to its
// length; masked is 0x80 for a frame that is, else 0.
func appendHead(dst []byte, op byte, size int, masked byte) []byte {
	dst = append(dst, 0x80|op)
	switch {
	case size <= 125:
		return append(dst, masked|byte(size))
	case size <= 0xFFFF:
		return binary.BigEndian.AppendUint16(append(dst, masked|126), uint16(size))
	}
	return binary.BigEndian.AppendUint64(append(dst, masked|127), uint64(size))
}
