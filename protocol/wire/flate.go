package wire

import (
	"sync/atomic"

	"github.com/klauspost/compress/flate"
)

// A Flate is what the connections of one event loop compress and inflate
// with: one at a time. A compressor takes about a megabyte, so there is one
// for each level and window that is in use, and none for a connection. The zero
// value is ready. It belongs to one goroutine, but for Held.
type Flate struct {
	writers [1 + maxWindowBits]*flate.Writer // by slot
	packed  sink                             // what a writer writes
	dict    [maxDict]byte
	idle    []*inflater // that are not in use
	held    atomic.Int64
}

// Held is how many bytes the connections hold for context takeover. Any
// goroutine.
func (f *Flate) Held() int64 { return f.held.Load() }

// A sink is an io.Writer that keeps what it is given.
type sink struct{ b []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// A recipe is all that the outcome of a compression depends on, besides what
// is compressed.
type recipe struct {
	level int8 // 1 to 9
	bits  int8 // of the window
}

// slot is where the compressor for r stands: those for a level at 1 to 9, those
// for a window of 8 to 14 bits, which have no level, before and behind.
func (r recipe) slot() int {
	switch {
	case r.bits == maxWindowBits:
		return int(r.level)
	case r.bits == minWindowBits:
		return 0
	default:
		return int(r.bits) + 1
	}
}

// deflate compresses p, which follows dict, of at most maxDict bytes: to whole
// bytes, the last four of them syncTail. What it returns is valid until the
// next call.
func (f *Flate) deflate(r recipe, dict, p []byte) []byte {
	w := f.writers[r.slot()]
	if w == nil {
		w = r.writer()
		f.writers[r.slot()] = w
	}
	f.packed.b = f.packed.b[:0]
	w.ResetDict(&f.packed, f.dict[:copy(f.dict[:], dict)]) // a copy: w keeps a reference
	if _, err := w.Write(p); err != nil {
		panic(err) // a sink takes everything
	}
	if err := w.Flush(); err != nil {
		panic(err)
	}
	return f.packed.b
}

func (r recipe) writer() *flate.Writer {
	var w *flate.Writer
	var err error
	if r.bits == maxWindowBits {
		w, err = flate.NewWriter(nil, int(r.level))
	} else {
		w, err = flate.NewWriterWindow(nil, 1<<r.bits)
	}
	if err != nil {
		panic(err) // recipes are within the bounds
	}
	return w
}

// syncTail is the end of what a compressor flushes, an empty stored block's
// lengths. It is not sent (RFC 7692, section 7.2.1). lastBlock, behind it, makes
// a reader say that the stream is over.
const (
	syncTail  = "\x00\x00\xff\xff"
	lastBlock = "\x01\x00\x00\xff\xff"
)
