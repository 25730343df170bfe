package wire

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"math"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
)

// A message is inflated in steps, so that a large one, or one made to take
// long, does not keep its loop from others. The coroutine of iter.Pull lets an
// io.Reader stop between two reads; whole messages that are small do without.
const (
	stepIn  = 16 << 10  // bytes of a message inflated in one step; empty blocks take 0.3 µs each
	stepOut = 256 << 10 // bytes that come of it

	// maxStreams bounds how many streams of DEFLATE data a message may have:
	// for each all of the window is copied.
	maxStreams = 4

	// turnWork is how much work, see inflation.work, a connection does in one
	// go: about a millisecond.
	turnWork = 1 << 20
)

// An inflater inflates one message at a time.
type inflater struct {
	z     io.ReadCloser
	in    *bufio.Reader // what z reads; it never reads more than it needs
	rest  []byte        // what is not in it yet
	taken int           // bytes of input since the last pause
	past  []byte        // what precedes a stream behind the first
	pause func() bool   // ends the step; false: the message is given up

	inflation inflation // the message
}

// newInflater takes an idle inflater, or makes one: some 45 kB.
func (f *Flate) newInflater() *inflater {
	if n := len(f.idle); n > 0 {
		in := f.idle[n-1]
		f.idle = f.idle[:n-1]
		return in
	}
	i := new(inflater)
	i.in = bufio.NewReaderSize(i, 4<<10)
	i.z = flate.NewReader(i.in)
	return i
}

// maxIdle is how many inflaters a loop keeps.
const maxIdle = 4

func (f *Flate) release(i *inflater) {
	i.rest, i.pause, i.inflation = nil, nil, inflation{}
	if len(f.idle) < maxIdle {
		f.idle = append(f.idle, i)
	}
}

// Read gives the bufio.Reader what is left of the message, a part at a time.
func (i *inflater) Read(p []byte) (n int, err error) {
	if len(i.rest) == 0 {
		return 0, io.EOF
	}
	if i.taken >= stepIn && !i.rests() {
		return 0, io.ErrUnexpectedEOF
	}
	n = copy(p, i.rest)
	i.rest = i.rest[n:]
	i.taken += n
	return n, nil
}

// rests ends the step, where there are steps; false: the message is given up.
func (i *inflater) rests() bool {
	i.taken = 0
	return i.pause == nil || i.pause()
}

// inflate appends to out what packed, syncTail and lastBlock included, is the
// compression of; dict precedes it. It stops when that is more than limit
// bytes: then there are more. ok says that packed is valid.
func (i *inflater) inflate(out *buffer, dict, packed []byte, limit int) (_ *buffer, ok bool) {
	i.rest, i.taken = packed, 0
	i.in.Reset(i)
	past := dict
	for range maxStreams {
		if err := i.z.(flate.Resetter).Reset(i.in, past); err != nil {
			return out, false
		}
		var err error
		if out, err = i.stream(out, limit); err != io.EOF {
			return out, err == nil
		}
		// A last block ends a stream, not the message (RFC 7692, section
		// 7.2.3.4): what follows may still refer to what was before.
		if i.in.Buffered() == 0 && len(i.rest) == 0 {
			return out, true
		}
		tail := out.data[max(len(out.data)-1<<maxWindowBits, 0):]
		before := dict[max(len(dict)+len(tail)-1<<maxWindowBits, 0):]
		i.past = append(append(i.past[:0], before...), tail...)
		past = i.past
	}
	return out, false
}

// stream inflates up to the end of a stream: io.EOF; or until there is more
// than limit: nil.
func (i *inflater) stream(out *buffer, limit int) (_ *buffer, err error) {
	for step := len(out.data); err == nil && len(out.data) <= limit; {
		if len(out.data)-step >= stepOut {
			if step = len(out.data); !i.rests() {
				return out, io.ErrUnexpectedEOF
			}
		}
		if len(out.data) == cap(out.data) {
			out = out.grow(len(out.data)+1, limit+1)
		}
		var n int
		n, err = i.z.Read(out.data[len(out.data):min(cap(out.data), len(out.data)+stepOut)])
		out.data = out.data[:len(out.data)+n]
		i.inflation.made = len(out.data)
	}
	if len(out.data) > limit {
		return out, nil
	}
	return out, err
}

// An inflation is one message on its way from packed to out.
type inflation struct {
	packed   *buffer
	out      *buffer
	ok       bool
	size     int // bytes of the message as it came
	made     int // and as far as it has been inflated
	limit    int // of the message; 0: there is none
	bound    int // the limit that counts
	times    int // that bound is; 0: it is the limit
	inflater *inflater
	next     func() (struct{}, bool) // does a step
	stop     func()
}

// begin begins to inflate the message in packed, which is the inflation's from
// now on. limit is how long it may become; 0 means no limit.
func (d *Deflate) begin(packed *buffer, limit int) {
	i := d.flate.newInflater()
	m := &i.inflation
	*m = inflation{size: len(packed.data), limit: limit, bound: limit, inflater: i}
	if r := d.settings.MaxRatio; r > 0 && (limit == 0 || max(freeSize, m.size*r) < limit) {
		m.bound, m.times = max(freeSize, m.size*r), r
	}
	if m.bound == 0 {
		m.bound = math.MaxInt - 1
	}
	m.packed = packed.room(len(syncTail) + len(lastBlock))
	m.packed.data = append(append(m.packed.data, syncTail...), lastBlock...)
	m.out = (*buffer)(nil).grow(min(2*m.size+smallestBuffer, m.bound+1), m.bound+1)
	d.inflation = m
	if m.size <= stepIn && min(m.bound, m.size*maxDeflateRatio) <= 4*stepOut {
		return // one step will do
	}
	m.next, m.stop = iter.Pull(func(yield func(struct{}) bool) {
		m.inflater.pause = func() bool { return yield(struct{}{}) }
		m.run(d.in.data)
	})
}

// maxDeflateRatio is how many times their size DEFLATE's data can have.
const maxDeflateRatio = 1032

func (m *inflation) run(dict []byte) {
	m.out, m.ok = m.inflater.inflate(m.out, dict, m.packed.data, m.bound)
}

// step goes on inflating. done says that it is finished: out is the message,
// or breach what is wrong with it.
func (d *Deflate) step(op Op) (out *buffer, done bool, breach *Error) {
	m := d.inflation
	if m.next == nil {
		m.run(d.in.data)
	} else if _, more := m.next(); more {
		return nil, false, nil
	}
	switch {
	case len(m.out.data) > m.bound && m.times > 0:
		breach = &Error{MessageTooBig, fmt.Sprintf("message of %d bytes inflates to more than %d times its size", m.size, m.times)}
	case len(m.out.data) > m.bound:
		breach = &Error{MessageTooBig, fmt.Sprintf("message inflates to more than %d bytes, the limit", m.limit)}
	case !m.ok:
		breach = errDeflate
	case op == Text && !utf8.Valid(m.out.data):
		breach = errText
	}
	d.work += m.work(len(d.in.data))
	if breach == nil {
		out, m.out = m.out, nil
		d.remember(&d.in, stringOf(out.data))
	}
	d.abandon()
	return out, true, breach
}

// work is about what inflating a message of so many bytes behind past bytes has
// cost, a nanosecond or less for each: a byte that comes in may cost 300, one
// that comes out 1 to 6.
func (m *inflation) work(past int) int {
	return 2048 + past/8 + 32*m.size + len(m.out.data)
}

// Tired says, once, that so much has been inflated since it last said so that
// others should have their turn: a stepwise message has its steps, and many
// small ones have this.
func (d *Deflate) Tired() bool {
	if d.work < turnWork {
		return false
	}
	d.work = 0
	return true
}

// abandon gives up what is being inflated, if anything is.
func (d *Deflate) abandon() {
	m := d.inflation
	if m == nil {
		return
	}
	if m.stop != nil {
		m.stop()
	}
	m.packed.free()
	if m.out != nil {
		m.out.free()
	}
	d.flate.release(m.inflater)
	d.inflation = nil
}
