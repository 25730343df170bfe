package main

import (
	"encoding/binary"
)

// maxFrame bounds the payload of one frame in bytes: gnet gathers a frame
// until it is whole, and something must end that.
const maxFrame = 16 << 20

const (
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xA
)

// echo turns the whole frames at the start of in into the frames that answer
// them. out lies in in, which echo overwrites: the frame of a server is four
// bytes shorter than that of a client, so each payload is unmasked a little
// further to the front than it was, and the answers lie end to end, ready for
// one write. The bytes from taken on are as they were: a frame not yet whole.
// closing says that the connection ends after out was written: the peer said
// close, or broke section 5.2 of RFC 6455, in which case nothing more is told.
func echo(in []byte) (out []byte, taken int, closing bool) {
	end := 0 // of the answers
	for !closing {
		head, size, ok := header(in[taken:])
		if !ok {
			return in[:end], taken, true
		}
		if head == 0 || len(in)-taken < head+size {
			return in[:end], taken, false
		}
		frame := in[taken : taken+head+size]
		taken += len(frame)
		first := frame[0]
		switch first & 0xF {
		case opPong:
			continue // nobody asked
		case opPing:
			first = first&^0xF | opPong
		case opClose:
			closing = true
		}
		key := [4]byte(frame[head-4 : head])
		end += putHeader(in[end:], first, size)
		unmask(in[end:end+size], frame[head:], key)
		end += size
	}
	return in[:end], taken, closing
}

// header reads the head of a client's frame: its length in bytes, masking key
// included, and that of the payload. head is 0 while it is not whole. ok is
// false for what a client must not send: an unmasked frame, reserved bits, a
// control frame beyond 125 bytes, a frame beyond maxFrame.
func header(p []byte) (head, size int, ok bool) {
	if len(p) < 2 {
		return 0, 0, true
	}
	if p[0]&0x70 != 0 || p[1]&0x80 == 0 {
		return 0, 0, false
	}
	head, size = 6, int(p[1]&0x7F)
	if p[0]&0x8 != 0 && size > 125 {
		return 0, 0, false
	}
	switch size {
	case 126:
		if len(p) < 4 {
			return 0, 0, true
		}
		head, size = 8, int(binary.BigEndian.Uint16(p[2:]))
	case 127:
		if len(p) < 10 {
			return 0, 0, true
		}
		n := binary.BigEndian.Uint64(p[2:])
		if n > maxFrame {
			return 0, 0, false
		}
		head, size = 14, int(n)
	}
	return head, size, true
}

// putHeader writes the head of a server's frame and returns its length.
func putHeader(p []byte, first byte, size int) int {
	p[0] = first
	switch {
	case size <= 125:
		p[1] = byte(size)
		return 2
	case size <= 0xFFFF:
		p[1] = 126
		binary.BigEndian.PutUint16(p[2:], uint16(size))
		return 4
	}
	p[1] = 127
	binary.BigEndian.PutUint64(p[2:], uint64(size))
	return 10
}

// unmask puts src, unmasked, into dst, which is as long and either src itself
// or begins before it in the same array.
func unmask(dst, src []byte, key [4]byte) {
	k := uint64(binary.LittleEndian.Uint32(key[:]))
	k |= k << 32
	for len(src) >= 8 && len(dst) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src)^k)
		dst, src = dst[8:], src[8:]
	}
	for i := range src {
		dst[i] = src[i] ^ key[i&3]
	}
}
