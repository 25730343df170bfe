package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
)

// An encoder makes octets of a case's frames, masked with a random key each
// (RFC 6455, section 5.3). Its state is the key of a frame that goes on in
// pieces.
type encoder struct {
	key [4]byte
	at  int // of the payload, in octets
}

// append appends a frame, or the piece of one, to dst.
func (e *encoder) append(dst []byte, f Frame) []byte {
	return e.appendRaw(dst, f, f.Payload.bytes())
}

// appendRaw does so with another payload than the frame's own.
func (e *encoder) appendRaw(dst []byte, f Frame, payload []byte) []byte {
	if !f.Rest {
		dst = e.appendHeader(dst, f, max(len(payload), f.Declared))
	}
	from := len(dst)
	dst = append(dst, payload...)
	mask(dst[from:], e.key, e.at)
	e.at += len(payload)
	return dst
}

func (e *encoder) appendHeader(dst []byte, f Frame, size int) []byte {
	first := byte(f.Op) | f.RSV<<4
	if !f.More {
		first |= 0x80
	}
	const masked = 0x80
	switch {
	case size < 126:
		dst = append(dst, first, masked|byte(size))
	case size < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, first, masked|126), uint16(size))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, masked|127), uint64(size))
	}
	binary.LittleEndian.PutUint32(e.key[:], rand.Uint32())
	e.at = 0
	return append(dst, e.key[:]...)
}

// mask is the XOR of section 5.3, of octets that begin at in a payload.
func mask(b []byte, key [4]byte, at int) {
	var k [8]byte
	for i := range k {
		k[i] = key[(at+i)%4]
	}
	wide := binary.LittleEndian.Uint64(k[:])
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= k[i]
	}
}

// largest is how many octets a frame, a message, and a message after inflating
// may have. Twice what the largest case sends.
const largest = 32 * mib

// received is a frame as the server sent it, or why there is none.
type received struct {
	op      Op
	fin     bool
	rsv     byte
	payload []byte

	breach *breach // what is wrong with the frame itself
	err    error   // the connection is lost; nothing follows
}

// A breach is what the server must not do, and what it is told.
type breach struct {
	code int // 1002, 1007 or 1009
	why  string
	last bool // what follows cannot be read
}

func breachf(code int, format string, args ...any) *breach {
	return &breach{code: code, why: fmt.Sprintf(format, args...)}
}

// readFrame reads one frame and checks what can be checked of it alone, but
// for the reserved bits. Memory is spent for octets that have come.
func readFrame(r *bufio.Reader) (f received) {
	var head [8]byte
	if _, f.err = io.ReadFull(r, head[:2]); f.err != nil {
		return f
	}
	f.op, f.fin, f.rsv = Op(head[0]&0xF), head[0]&0x80 != 0, head[0]>>4&7
	masked, short := head[1]&0x80 != 0, head[1]&0x7F
	size, err := readLength(r, short)
	if err != nil {
		f.err = err
		return f
	}
	f.breach = checkHead(f, size, short, masked)
	if f.breach != nil && f.breach.last {
		return f
	}
	var key [4]byte
	if masked {
		if _, f.err = io.ReadFull(r, key[:]); f.err != nil {
			return f
		}
	}
	var b bytes.Buffer
	if _, f.err = io.CopyN(&b, r, int64(size)); f.err != nil {
		return f
	}
	f.payload = b.Bytes()
	if masked {
		mask(f.payload, key, 0)
	}
	return f
}

// readLength reads the longer forms of the length, if short says so.
func readLength(r *bufio.Reader, short byte) (uint64, error) {
	var b [8]byte
	switch short {
	case 126:
		_, err := io.ReadFull(r, b[6:])
		return binary.BigEndian.Uint64(b[:]), err
	case 127:
		_, err := io.ReadFull(r, b[:])
		return binary.BigEndian.Uint64(b[:]), err
	}
	return uint64(short), nil
}

// checkHead applies sections 5.1, 5.2 and 5.5 to the header of a frame.
func checkHead(f received, size uint64, short byte, masked bool) *breach {
	switch {
	case size > largest:
		b := breachf(1009, "a frame of %d octets", size)
		b.last = true
		return b
	case short == 126 && size < 126, short == 127 && size < 1<<16:
		return breachf(1002, "a length of %d that is not in its shortest form", size)
	case masked:
		return breachf(1002, "a masked %v frame", f.op)
	case f.op > opBin && f.op < opClose, f.op > opPong:
		return breachf(1002, "a frame with the reserved opcode %d", f.op)
	case f.op.control() && !f.fin:
		return breachf(1002, "a fragmented %v frame", f.op)
	case f.op.control() && size > 125:
		return breachf(1002, "a %v frame of %d octets", f.op, size)
	}
	return nil
}
