package wire

import (
	"math/bits"
	"sync"
)

// Buffers of a power of two of bytes are kept in pools between messages.
// Larger ones are left to the garbage collector: a few rare messages must not
// make every pool big.
const (
	smallestBuffer = 1 << 8
	largestBuffer  = 1 << 20
)

// buffers holds the pools, one per power of two.
var buffers [1 + 20 - 8]sync.Pool

// A buffer holds a message that did not arrive whole. It is handled by its
// pointer, so that a pool takes it without an allocation.
type buffer struct {
	data []byte
}

// bufferClass is the index of the pool whose buffers hold n bytes.
func bufferClass(n int) int {
	return bits.Len(uint(n-1) / smallestBuffer)
}

// grow returns a buffer with the data of b, which may be nil, and room for
// want bytes in all; b is given back. want is what has arrived. most is what
// can arrive still, so that the last step of doubling is not too large.
func (b *buffer) grow(want, most int) *buffer {
	var g *buffer
	if want <= largestBuffer {
		class := bufferClass(want)
		if g, _ = buffers[class].Get().(*buffer); g == nil {
			g = &buffer{make([]byte, 0, smallestBuffer<<class)}
		}
	} else {
		double := 0
		if b != nil {
			double = 2 * cap(b.data)
		}
		g = &buffer{make([]byte, 0, max(want, min(double, most)))}
	}
	if b != nil {
		g.data = append(g.data, b.data...)
		b.free()
	}
	return g
}

// room returns a buffer with the data of b and room for n bytes more.
func (b *buffer) room(n int) *buffer {
	if want := len(b.data) + n; want > cap(b.data) {
		return b.grow(want, want)
	}
	return b
}

// free gives the buffer back.
func (b *buffer) free() {
	if cap(b.data) > largestBuffer {
		return
	}
	b.data = b.data[:0]
	buffers[bufferClass(cap(b.data))].Put(b)
}
