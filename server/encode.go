package server

import (
	"unsafe"

	"lapps/protocol/wire"
)

// A part is a message that is being written: more than a slice.
type part struct {
	frame  wire.Frame
	from   int  // what is before is written
	packed bool // it is sent compressed, in a frame for each piece
}

// encode makes what is to be written next: the next slice of c.part, or the
// scratch's frames, of a large last one only the first slice. What it makes is
// in the scratch's vec. saved is by how many bytes compression has made it
// smaller.
func (c *conn) encode() (saved int) {
	e := encoder{c: c, s: c.scratch}
	if p := c.part; p != nil {
		c.part = nil
		e.next(*p)
	}
	for _, f := range c.scratch.frames {
		e.frame(f)
	}
	e.cut()
	return e.saved
}

// An encoder appends frames to the scratch's buf, and parts of buf and of large
// payloads to its vec.
type encoder struct {
	c     *conn
	s     *scratch
	from  int // of what is in buf and not in vec
	saved int
}

// frame encodes a frame.
func (e *encoder) frame(f wire.Frame) {
	if d := e.c.decoder.Deflate; d != nil && d.Suits(f) && e.piece(part{frame: f, packed: true}) {
		return
	}
	if len(f.Payload) <= copyLimit {
		e.s.buf = f.Append(e.s.buf)
		return
	}
	e.s.buf = f.AppendHeader(e.s.buf)
	e.slice(part{frame: f})
}

// next encodes the next slice of a message.
func (e *encoder) next(p part) {
	if p.packed {
		e.piece(p)
	} else {
		e.slice(p)
	}
}

// slice puts a slice of a payload into vec, from where it is.
func (e *encoder) slice(p part) {
	e.cut()
	payload := p.frame.Payload
	end := min(p.from+slice, len(payload))
	// It is only read: the bytes are a string's.
	e.s.vec = append(e.s.vec, unsafe.Slice(unsafe.StringData(payload), len(payload))[p.from:end])
	e.keep(p, end)
}

// piece compresses a piece of a message; false: it is to be sent as it is.
func (e *encoder) piece(p part) bool {
	before := len(e.s.buf)
	e.s.packed += e.c.decoder.Deflate.Cost(p.frame)
	buf, end := e.c.decoder.Deflate.AppendPiece(e.s.buf, p.frame, p.from)
	if end == 0 {
		return false
	}
	e.s.buf = buf
	plain := end - p.from
	if p.from == 0 {
		plain += p.frame.Size() - len(p.frame.Payload)
	}
	e.saved += plain - (len(buf) - before)
	e.keep(p, end)
	return true
}

// keep has what is behind end written the next time.
func (e *encoder) keep(p part, end int) {
	if end < len(p.frame.Payload) {
		e.c.part = &part{p.frame, end, p.packed}
	}
}

// cut puts what is new in buf into vec.
func (e *encoder) cut() {
	if e.from < len(e.s.buf) {
		e.s.vec = append(e.s.vec, e.s.buf[e.from:])
		e.from = len(e.s.buf)
	}
}
