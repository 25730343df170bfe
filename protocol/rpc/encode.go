package rpc

import (
	"encoding/binary"
	"math"
)

// An Encoder is a Builder that writes CBOR in its preferred serialization (RFC
// 8949, section 4.1): the shortest heads, the shortest floats that lose
// nothing, definite lengths wherever they are known. Members stand in the order
// in which they are told. The zero Encoder is ready.
type Encoder struct {
	buf  []byte
	open []bool // of the arrays and maps not ended yet: whether a break ends them
}

var _ Builder = (*Encoder)(nil)

// Encoded returns what has been written since Reset. It is the encoder's,
// until the next call.
func (e *Encoder) Encoded() []byte { return e.buf }

// Len is how many bytes that are.
func (e *Encoder) Len() int { return len(e.buf) }

// keepBuffer is the size of a buffer that Reset keeps, at most.
const keepBuffer = 64 << 10

// Reset forgets what has been written.
func (e *Encoder) Reset() {
	e.buf, e.open = e.buf[:0], e.open[:0]
	if cap(e.buf) > keepBuffer {
		e.buf = nil
	}
}

// Null implements Builder.
func (e *Encoder) Null() { e.buf = append(e.buf, majorSimple<<5|simpleNull) }

// Bool implements Builder.
func (e *Encoder) Bool(v bool) {
	b := majorSimple<<5 | byte(simpleFalse)
	if v {
		b = majorSimple<<5 | byte(simpleTrue)
	}
	e.buf = append(e.buf, b)
}

// Int implements Builder.
func (e *Encoder) Int(v int64) {
	if v < 0 {
		e.head(majorNegative, uint64(-1-v))
	} else {
		e.head(majorUint, uint64(v))
	}
}

// Uint implements Builder.
func (e *Encoder) Uint(v uint64) { e.head(majorUint, v) }

// Float implements Builder. Every NaN is written as f97e00.
func (e *Encoder) Float(v float64) {
	if v != v {
		e.buf = append(e.buf, majorSimple<<5|info16, 0x7e, 0x00)
		return
	}
	single := float32(v)
	if float64(single) != v {
		e.buf = binary.BigEndian.AppendUint64(append(e.buf, majorSimple<<5|info64), math.Float64bits(v))
	} else if half, exact := toHalf(single); exact {
		e.buf = binary.BigEndian.AppendUint16(append(e.buf, majorSimple<<5|info16), half)
	} else {
		e.buf = binary.BigEndian.AppendUint32(append(e.buf, majorSimple<<5|info32), math.Float32bits(single))
	}
}

// Text implements Builder.
func (e *Encoder) Text(s string) {
	e.head(majorText, uint64(len(s)))
	e.buf = append(e.buf, s...)
}

// Bytes implements Builder.
func (e *Encoder) Bytes(s string) {
	e.head(majorBytes, uint64(len(s)))
	e.buf = append(e.buf, s...)
}

// Array implements Builder.
func (e *Encoder) Array(n int) { e.begin(majorArray, n) }

// Map implements Builder.
func (e *Encoder) Map(n int) { e.begin(majorMap, n) }

// Key implements Builder.
func (e *Encoder) Key(s string) { e.Text(s) }

// End implements Builder.
func (e *Encoder) End() {
	last := len(e.open) - 1
	if e.open[last] {
		e.buf = append(e.buf, breakByte)
	}
	e.open = e.open[:last]
}

func (e *Encoder) begin(major byte, n int) {
	e.open = append(e.open, n < 0)
	if n < 0 {
		e.buf = append(e.buf, major<<5|indefinite)
		return
	}
	e.head(major, uint64(n))
}

// head appends the shortest head with this argument.
func (e *Encoder) head(major byte, arg uint64) {
	m := major << 5
	switch {
	case arg < info8:
		e.buf = append(e.buf, m|byte(arg))
	case arg <= math.MaxUint8:
		e.buf = append(e.buf, m|info8, byte(arg))
	case arg <= math.MaxUint16:
		e.buf = binary.BigEndian.AppendUint16(append(e.buf, m|info16), uint16(arg))
	case arg <= math.MaxUint32:
		e.buf = binary.BigEndian.AppendUint32(append(e.buf, m|info32), uint32(arg))
	default:
		e.buf = binary.BigEndian.AppendUint64(append(e.buf, m|info64), arg)
	}
}
