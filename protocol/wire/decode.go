package wire

import (
	"math"
	"unicode/utf8"
)

// A Role is whose decoder it is: that of the server, or of the client.
type Role byte

const (
	Server Role = iota // refuses unmasked frames
	Client             // refuses masked frames
)

// Limits bound what a peer may send. They are shared by many decoders and not
// changed while any of them is in use. Control frames are not subject to them:
// they have 125 bytes at most by section 5.5.
type Limits struct {
	Frame   int // bytes of one data frame's payload; 0 means no limit
	Message int // bytes of one message's payload, all its fragments together; 0 means no limit
}

// A Message is one whole message, or one control frame. The zero Message is
// none: it has Op 0.
type Message struct {
	Op      Op     // Text, Binary, Ping, Pong or Close
	Payload []byte // lent; see Decoder.Next. Text is UTF-8; Close has passed ParseClose
}

// A Decoder turns a peer's bytes into messages. The zero value is a server's
// decoder without limits. It must not be copied after its first use, nor used
// after an error, nor by two goroutines at once.
//
// A decoder is in one of four states:
//
//	            header complete             payload complete, FIN or control
//	idle ------------------------> payload ------------------------------> idle
//	  |  first bytes                  |
//	  +------------> header           +--> between fragments (op is not 0);
//	                                       from there as from idle
type Decoder struct {
	Limits *Limits // nil means no limits; may be changed between calls

	// Deflate is permessage-deflate, where it was negotiated; or nil. Set
	// before the first Next.
	Deflate *Deflate

	Role    Role            // set before the first Next
	op      Op              // of the unfinished message: Text or Binary, or 0
	packed  bool            // that message is compressed
	headLen uint8           // how much of a header waits in head
	tail    uint8           // bytes at the message's end that are not a rune yet, 0 to 3
	head    [maxHeader]byte // a header that did not arrive whole
	first   byte            // of the frame whose payload is being read: FIN and the opcode
	key     uint32          // of that frame, turned to the next byte; 0 when not masked
	empty   uint32          // fragments without payload; see Empty
	missing int             // payload bytes of that frame that are still to come
	size    int             // payload bytes of the unfinished message, in buf
	buf     *buffer         // the unfinished message, then a control frame inside it or what is lent
}

// frame is the opcode of the frame whose payload is being read.
func (d *Decoder) frame() Op { return Op(d.first & opBits) }

// fin says whether that frame is its message's last. Control frames are.
func (d *Decoder) fin() bool { return d.first&finBit != 0 }

// Next takes p up to the end of the next message or control frame and returns
// it, together with the rest of p. When the message's Op is 0 there is none:
// all of p was taken, and more is needed, unless Inflating says otherwise. Call
// it with each rest until then, with an empty one too: the call that returns
// none gives the last message's buffer back.
//
// Next unmasks p in place. The message's payload is valid until the next call:
// it is a part of p, or of the decoder's buffer. Nothing of p is kept.
//
// The error is a *Error. The messages returned before it stand.
func (d *Decoder) Next(p []byte) (m Message, rest []byte, err error) {
	if d.buf != nil && d.missing == 0 {
		d.reclaim()
	}
	if d.Inflating() {
		return d.inflate(p)
	}
	for len(p) > 0 {
		if d.missing == 0 {
			h, n, breach := d.readHeader(p)
			if breach != nil {
				return d.fail(breach)
			}
			if p = p[n:]; h.size == 0 {
				break
			}
			if h.fin() && len(p) >= h.length && (d.op == 0 && !h.packed() || h.op().control()) {
				return d.whole(h, p)
			}
			d.enter(h)
		}
		n := min(d.missing, len(p))
		if breach := d.take(p[:n]); breach != nil {
			return d.fail(breach)
		}
		p = p[n:]
		if d.missing == 0 && d.fin() {
			return d.leave(p)
		}
	}
	return Message{}, nil, nil
}

// Inflating says that a message has come and is not yet inflated, which is done
// in steps: call Next again, soon, with the rest that it returned.
func (d *Decoder) Inflating() bool { return d.Deflate != nil && d.Deflate.inflation != nil }

// Unfinished says whether a frame or a message has begun and is not complete.
func (d *Decoder) Unfinished() bool {
	return d.op != 0 || d.missing > 0 || d.headLen > 0
}

// Buffered is how many bytes of payload are held for what is unfinished: of a
// message that is being inflated, as it came and as far as it has been inflated.
func (d *Decoder) Buffered() int {
	if d.Inflating() {
		return d.size + d.Deflate.inflation.made
	}
	if d.missing > 0 && d.buf != nil {
		return len(d.buf.data)
	}
	return d.size
}

// Empty is how many fragments without payload have come since it was called
// last, those that end their messages apart. No limit of sizes ever ends them.
func (d *Decoder) Empty() int {
	n := d.empty
	d.empty = 0
	return int(n)
}

// Release gives the decoder's buffer back, and with it the last message's
// payload. It forgets what is unfinished; a second Release does nothing.
func (d *Decoder) Release() {
	d.free()
	if d.Inflating() {
		d.Deflate.abandon()
	}
	*d = Decoder{Role: d.Role, Limits: d.Limits, Deflate: d.Deflate}
}

func (d *Decoder) free() {
	if d.buf != nil {
		d.buf.free()
		d.buf = nil
	}
}

// reclaim takes back what the last call lent from the buffer.
func (d *Decoder) reclaim() {
	if d.buf.data = d.buf.data[:d.size]; d.size == 0 {
		d.free()
	}
}

func (d *Decoder) fail(breach *Error) (Message, []byte, error) {
	d.Release()
	return Message{}, nil, breach
}

// whole returns a message or control frame that lies in one frame at the
// beginning of p.
func (d *Decoder) whole(h header, p []byte) (Message, []byte, error) {
	m := Message{h.op(), p[:h.length:h.length]}
	if h.key != 0 {
		mask(m.Payload, h.key)
	}
	switch m.Op {
	case Text:
		if !utf8.Valid(m.Payload) {
			return d.fail(errText)
		}
	case Close:
		if breach := checkClose(m.Payload); breach != nil {
			return d.fail(breach)
		}
	}
	return m, p[h.length:], nil
}

// enter begins a frame whose payload is to be gathered in the buffer.
func (d *Decoder) enter(h header) {
	d.first, d.key, d.missing = h.first, h.key, h.length
	op := h.op()
	if op == Text || op == Binary {
		d.op, d.packed = op, h.packed()
	}
	if h.length == 0 && !h.fin() && !op.control() && d.empty < math.MaxUint32 {
		d.empty++
	}
}

// take gathers the next part of the frame's payload, and checks it if it is
// text.
func (d *Decoder) take(p []byte) *Error {
	if len(p) == 0 {
		return nil
	}
	d.store(p)
	d.missing -= len(p)
	d.key = rotate(d.key, len(p))
	if d.frame().control() {
		return nil
	}
	d.size += len(p)
	if d.op != Text || d.packed {
		return nil
	}
	tail, ok := checkText(d.buf.data[d.size-len(p)-int(d.tail):])
	if d.tail = uint8(tail); !ok {
		return errText
	}
	return nil
}

// store appends p to the buffer and unmasks it there.
func (d *Decoder) store(p []byte) {
	n := 0
	if d.buf != nil {
		n = len(d.buf.data)
	}
	if d.buf == nil || n+len(p) > cap(d.buf.data) {
		d.buf = d.buf.grow(n+len(p), d.most(n))
	}
	d.buf.data = append(d.buf.data, p...)
	if d.key != 0 {
		mask(d.buf.data[n:], d.key)
	}
}

// most is how many bytes the buffer, which has n, will have to hold at most.
func (d *Decoder) most(n int) int {
	switch {
	case d.fin():
		return n + d.missing
	case d.Limits != nil && d.Limits.Message > 0:
		return int(packedLimit(uint64(d.Limits.Message), d.packed))
	}
	return math.MaxInt
}

// leave ends a frame that ends its message, or is a control frame, and returns
// it.
func (d *Decoder) leave(p []byte) (Message, []byte, error) {
	if d.packed && !d.frame().control() {
		d.beginInflating()
		return d.inflate(p)
	}
	m := Message{Op: d.frame()}
	if d.buf != nil {
		m.Payload = d.buf.data
	}
	if d.frame().control() {
		m.Payload = m.Payload[d.size:]
		if d.frame() == Close {
			if breach := checkClose(m.Payload); breach != nil {
				return d.fail(breach)
			}
		}
		return m, p, nil
	}
	if d.tail != 0 {
		return d.fail(errText)
	}
	m.Op, d.op, d.size = d.op, 0, 0
	return m, p, nil
}

// beginInflating hands the message in the buffer to Deflate.
func (d *Decoder) beginInflating() {
	limit := 0
	if d.Limits != nil {
		limit = d.Limits.Message
	}
	packed := d.buf
	if d.buf = nil; packed == nil {
		packed = packed.grow(1, 1)
	}
	d.Deflate.begin(packed, limit)
}

// inflate does a step, and returns the message after the last one.
func (d *Decoder) inflate(p []byte) (Message, []byte, error) {
	out, done, breach := d.Deflate.step(d.op)
	switch {
	case breach != nil:
		return d.fail(breach)
	case !done:
		return Message{}, p, nil
	}
	m := Message{d.op, out.data}
	d.buf, d.op, d.size, d.packed = out, 0, 0, false
	return m, p, nil
}
