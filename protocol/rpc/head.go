package rpc

import (
	"math"
	"strings"
)

// The major types of CBOR (RFC 8949, section 3.1).
const (
	majorUint byte = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple
)

// Values of a head's low five bits, and of its first byte (RFC 8949, section 3).
const (
	info8      = 24 // the argument follows in 1 byte
	info16     = 25
	info32     = 26
	info64     = 27
	indefinite = 31 // there is no argument: a break follows the content

	breakByte = 0xff

	simpleFalse = 20
	simpleTrue  = 21
	simpleNull  = 22
)

// A head is the beginning of a data item: all of a scalar, the length of a
// string, the number of elements.
type head struct {
	major byte
	info  byte
	arg   uint64 // for floats: their bits
}

// readHead reads the head at p[i:], which is well-formed, and returns where it
// ends.
func readHead(p string, i int) (h head, next int) {
	b := p[i]
	h = head{major: b >> 5, info: b & 0x1f}
	i++
	switch h.info {
	case info8:
		h.arg = uint64(p[i])
		return h, i + 1
	case info16:
		h.arg = uint64(p[i])<<8 | uint64(p[i+1])
		return h, i + 2
	case info32:
		h.arg = be32(p[i:])
		return h, i + 4
	case info64:
		h.arg = be32(p[i:])<<32 | be32(p[i+4:])
		return h, i + 8
	}
	h.arg = uint64(h.info)
	return h, i
}

func be32(p string) uint64 {
	return uint64(p[0])<<24 | uint64(p[1])<<16 | uint64(p[2])<<8 | uint64(p[3])
}

// isFloat reports whether h is a floating-point number.
func (h head) isFloat() bool { return h.major == majorSimple && h.info >= info16 && h.info <= info64 }

// float is the number that h, which is one, stands for.
func (h head) float() float64 {
	switch h.info {
	case info16:
		return fromHalf(uint16(h.arg))
	case info32:
		return float64(math.Float32frombits(uint32(h.arg)))
	}
	return math.Float64frombits(h.arg)
}

// readString returns the content of the string whose head h ends at i. A
// string of indefinite length is put together from its chunks.
func readString(p string, h head, i int) (s string, next int) {
	if h.info != indefinite {
		next = i + int(h.arg)
		return p[i:next], next
	}
	var b strings.Builder
	for p[i] != breakByte {
		chunk, at := readHead(p, i)
		i = at + int(chunk.arg)
		b.WriteString(p[at:i])
	}
	return b.String(), i + 1
}

// keyAt reads the key at p[i:], a text.
func keyAt(p string, i int) (key string, next int) {
	h, i := readHead(p, i)
	return readString(p, h, i)
}

// skip returns where the data item at p[i:] ends.
func skip(p string, i int) int {
	h, i := readHead(p, i)
	switch h.major {
	case majorBytes, majorText:
		if h.info != indefinite {
			return i + int(h.arg)
		}
		for p[i] != breakByte {
			i = skip(p, i)
		}
		return i + 1
	case majorArray, majorMap:
		n := int(h.arg)
		if h.major == majorMap {
			n *= 2
		}
		if h.info == indefinite {
			n = -1
		}
		for ; n > 0 || n < 0 && p[i] != breakByte; n-- {
			i = skip(p, i)
		}
		if n < 0 {
			i++
		}
	}
	return i
}

// A cursor is a place in well-formed CBOR.
type cursor struct {
	p string
	i int
}

// head reads a head.
func (c *cursor) head() (h head) {
	h, c.i = readHead(c.p, c.i)
	return h
}

// string reads the content of the string whose head was read last.
func (c *cursor) string(h head) (s string) {
	s, c.i = readString(c.p, h, c.i)
	return s
}

// more reports whether another of n elements or members follows, and takes it
// off n, or the break off the input.
func (c *cursor) more(n *int) bool {
	if *n >= 0 {
		*n--
		return *n >= 0
	}
	if c.p[c.i] != breakByte {
		return true
	}
	c.i++
	return false
}

// count is how many elements or members h announces; -1: as many as come.
func count(h head) int {
	if h.info == indefinite {
		return -1
	}
	return int(h.arg)
}
