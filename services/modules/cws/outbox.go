package cws

import (
	"errors"

	"lapps/protocol/wire"
)

const (
	// slice is about how much is given to a socket at a time: it keeps a copy of that at
	// most.
	slice = 64 << 10

	// maxSlices is how many of them in a row; then others of the loop have their turn. Of
	// what is compressed, which takes some ten times as long, it is maxPacked.
	maxSlices = 16
	maxPacked = 2
)

// An outbox are frames that wait to be sent: what Lua has sent, and in the end a Close frame.
type outbox struct {
	frames []wire.Frame
	bytes  int
	wanted bool // somebody waits for room
}

// charge is what a frame counts.
func charge(f wire.Frame) int { return f.Size() + messageCost }

var (
	errBackpressure = errors.New("backpressure")
	errClosed       = errors.New("closed")
	errConnecting   = errors.New("not open yet")
)

// send puts f behind what was sent before. It goes out once the loop, which is returned,
// has been woken. The error is errBackpressure where there is no room: c.room rings when
// there is some. An empty outbox takes any message. Any goroutine.
func (c *conn) send(f wire.Frame) (Loop, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := charge(f)
	switch {
	case c.ended:
		return nil, errClosed
	case !c.isOpen:
		return nil, errConnecting
	case c.outbox.bytes > 0 && (c.outbox.bytes+n > c.options.outbox || c.group.unsent.Load()+int64(n) > maxBuffered):
		c.outbox.wanted = true
		return nil, errBackpressure
	}
	c.pushLocked(f)
	return c.dirtyLocked(), nil
}

func (c *conn) pushLocked(f wire.Frame) {
	n := charge(f)
	c.outbox.frames = append(c.outbox.frames, f)
	c.outbox.bytes += n
	c.group.unsent.Add(int64(n))
}

// replaceLocked has f sent instead of all that has not begun to be.
func (c *conn) replaceLocked(f wire.Frame) {
	c.group.unsent.Add(-int64(c.outbox.bytes))
	c.outbox = outbox{}
	c.pushLocked(f)
}

// takeFrames takes frames off the outbox, of about n bytes: of those only the last one may
// be cut. They are in the scratch.
func (c *conn) takeFrames(n int) []wire.Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := &c.outbox
	taken, size := c.scratch.frames[:0], 0
	for size < n && len(taken) < len(o.frames) {
		f := o.frames[len(taken)]
		taken = append(taken, f)
		size += f.Size()
	}
	c.scratch.frames = taken
	freed := size + len(taken)*messageCost
	clear(o.frames[:len(taken)])
	if o.frames = o.frames[len(taken):]; len(o.frames) == 0 {
		o.frames = nil
	}
	o.bytes -= freed
	c.group.unsent.Add(-int64(freed))
	if o.wanted && o.bytes <= c.options.outbox/2 {
		o.wanted = false
		ring(c.room)
	}
	return taken
}

// A part is a message of which some has been sent.
type part struct {
	frame  wire.Frame // Op 0: there is none
	from   int        // what comes next
	key    [4]byte
	packed bool // each piece is a frame of its own
}

// write sends what waits, in slices, until the socket keeps a backlog. Loop only.
func (c *conn) write() {
	most := maxSlices
	if c.decoder.Deflate != nil {
		most = maxPacked
	}
	for n := 0; c.backlog == 0 && (c.phase == open || c.phase == leaving); n++ {
		if n == most {
			c.again(false)
			return
		}
		buf := c.fill()
		if len(buf) == 0 {
			if c.sentClose && c.gotClose {
				c.phase = lingering
				c.sock.Close(c.group.wait)
			}
			return
		}
		c.scratch.vec[0] = buf
		backlog, err := c.sock.Write(c.scratch.vec[:])
		c.scratch.vec[0] = nil
		if err != nil {
			return // Lost follows
		}
		if c.backlog = backlog; backlog > 0 {
			c.times.stuck = c.sock.Now()
			c.schedule()
		}
	}
}

// again has Flush called in the loop's next turn: to write, or also to go on with what is
// held. Loop only.
func (c *conn) again(resume bool) {
	c.mu.Lock()
	c.resume = c.resume || resume
	l := c.dirtyLocked()
	c.mu.Unlock()
	if l != nil {
		l.Wake()
	}
}

// fill encodes about a slice of what is to be sent; nothing: all is. Loop only.
func (c *conn) fill() []byte {
	s := c.scratch
	buf := s.buf[:0]
	if c.pong != nil && (c.part.frame.Op == 0 || c.part.packed) && !c.sentClose {
		buf = wire.Frame{Op: wire.Pong, Payload: *c.pong}.AppendMasked(buf, s.key())
		c.pong = nil
	}
	if c.part.frame.Op != 0 {
		buf = c.encodePart(buf)
	}
	if c.part.frame.Op == 0 && len(buf) < slice && !c.sentClose {
		for _, f := range c.takeFrames(slice - len(buf)) {
			buf = c.encode(buf, f)
		}
		clear(s.frames)
	}
	if cap(buf) <= 4*slice {
		s.buf = buf[:0]
	}
	return buf
}

// encode appends f, or the first part of it.
func (c *conn) encode(buf []byte, f wire.Frame) []byte {
	s := c.scratch
	if d := c.decoder.Deflate; d != nil && d.Suits(f) {
		if packed, end := d.AppendMaskedPiece(buf, f, 0, s.key()); end > 0 {
			if end < len(f.Payload) {
				c.part = part{frame: f, from: end, packed: true}
			}
			return packed
		}
	}
	c.sentClose = f.Op == wire.Close
	key := s.key()
	if len(f.Payload) <= slice {
		return f.AppendMasked(buf, key)
	}
	c.part = part{frame: f, key: key}
	return c.encodePart(f.AppendMaskedHeader(buf, key))
}

// encodePart appends what comes next of the message that is being sent.
func (c *conn) encodePart(buf []byte) []byte {
	p := &c.part
	end := 0
	if p.packed {
		buf, end = c.decoder.Deflate.AppendMaskedPiece(buf, p.frame, p.from, c.scratch.key())
	} else {
		at := len(buf)
		end = min(len(p.frame.Payload), p.from+max(slice-at, 1))
		buf = append(buf, p.frame.Payload[p.from:end]...)
		wire.Mask(buf[at:], p.key, p.from)
	}
	if p.from = end; end == len(p.frame.Payload) {
		*p = part{}
	}
	return buf
}
