package server

import (
	"sync"

	"lapps/protocol/wire"
	"lapps/services"
)

const (
	// slice is about how much is given to the carrier at a time: it keeps a
	// copy of at most that.
	slice = 64 << 10

	// maxBatch is how many messages are delivered at a time, at most.
	maxBatch = 256

	// frameCost is what a frame in an outbox costs besides its bytes on the
	// wire: its place there. It counts, so that a million empty frames do.
	frameCost = 48

	// copyLimit is the size up to which payloads are copied beside their
	// headers; larger ones are written from where they are.
	copyLimit = 1 << 10
)

// A scratch is what the connections of a loop read and write with. Owned by
// the loop.
type scratch struct {
	messages []services.Message // decoded, not delivered yet
	frames   []wire.Frame       // taken off an outbox
	buf      []byte             // small frames, and compressed ones, encoded
	vec      [][]byte           // what is to be written
	packed   int                // what compressing it has cost, see cost
	flate    wire.Flate
}

// scratchOf returns the scratch of a loop.
func (s *Server) scratchOf(l Loop) *scratch {
	if known, ok := s.scratch.Load(l); ok {
		return known.(*scratch)
	}
	known, _ := s.scratch.LoadOrStore(l, &scratch{buf: make([]byte, 0, slice+copyLimit+16)})
	return known.(*scratch)
}

// outboxes are backing arrays of outboxes, so that an idle connection has
// none.
var outboxes = sync.Pool{New: func() any { return new([16]wire.Frame) }}

// Send implements services.Peer. A peer that reads too slowly is closed with
// 1013: what waits for it is dropped, but for the Close frame. An empty outbox
// takes one frame of any size.
func (c *conn) Send(f wire.Frame) (queued int, err error) {
	size := f.Size() + frameCost
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return c.queued, services.ErrGone
	}
	if limit := c.service.OutboxBytes; limit > 0 && c.queued > 0 && c.queued+size > limit {
		c.dropLocked()
		c.pushLocked(wire.CloseFrame(wire.TryAgainLater, "reading too slowly"))
		c.dirtyLocked()
		return c.queued, services.ErrBackpressure
	}
	c.pushLocked(f)
	c.dirtyLocked()
	if c.queued > c.high() {
		c.full.Store(true)
	}
	return c.queued, nil
}

// high is how much may wait before the peer's own messages have to. The outbox
// is full at twice as much.
func (c *conn) high() int {
	if limit := c.service.OutboxBytes; limit > 0 {
		return limit / 2
	}
	return 512 << 10
}

// Full implements services.Peer.
func (c *conn) Full() bool { return c.full.Load() && !c.closed.Load() && !c.parting.Load() }

// sent takes n bytes off the account.
func (c *conn) sent(n int) {
	c.mu.Lock()
	c.queued -= n
	emptied := c.full.Load() && c.queued <= c.high()/2
	if emptied {
		c.full.Store(false)
	}
	c.mu.Unlock()
	if emptied && c.seat != nil {
		c.seat.Drained()
	}
}

// Close implements services.Peer.
func (c *conn) Close(code wire.Code, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed.Load() {
		c.pushLocked(wire.CloseFrame(code, reason))
		c.dirtyLocked()
	}
}

// own appends a frame of the connection itself, on the loop, which flushes
// before it does anything else for c.
func (c *conn) own(f wire.Frame) {
	c.mu.Lock()
	if !c.closed.Load() {
		c.pushLocked(f)
	}
	c.mu.Unlock()
	c.ours = true
}

// pushLocked puts f into the outbox. Nothing follows a Close frame.
func (c *conn) pushLocked(f wire.Frame) {
	if c.outbox == nil {
		c.outbox = outboxes.Get().(*[16]wire.Frame)[:0]
	}
	c.outbox = append(c.outbox, f)
	c.queued += f.Size() + frameCost
	if f.Op == wire.Close {
		c.closed.Store(true)
	}
}

// dirtyLocked puts c on its loop's dirty list, once.
func (c *conn) dirtyLocked() {
	if !c.dirty {
		c.dirty = true
		c.sock.Loop().Dirty(c)
	}
}

// dropLocked empties the outbox.
func (c *conn) dropLocked() {
	for _, f := range c.outbox {
		c.queued -= f.Size() + frameCost
	}
	clear(c.outbox)
	c.outbox = c.outbox[:0]
}

// Flush implements Flusher: it writes the outbox, in slices, until the
// carrier keeps a backlog.
func (c *conn) Flush() {
	c.ours = false
	before := c.backlog
	for c.backlog == 0 && c.state >= stateOpen && c.state <= stateClosing {
		c.noticeClose() // before it looks: an outbox that is empty then has had its Close frame written
		vec, size := c.take()
		if size == 0 {
			if c.state == stateClosing {
				c.hangUp()
			}
			return
		}
		backlog, err := c.sock.Write(vec)
		clear(vec)
		if err != nil {
			return // Lost follows
		}
		c.backlog = backlog
		c.sent(size - backlog)
		if c.scratch.packed >= slice && backlog == 0 {
			c.flushLater()
			return
		}
	}
	// Writable, or the connection's opening, flushes again. Meanwhile c may
	// become dirty anew, so that a Close is noticed.
	c.mu.Lock()
	c.dirty = false
	c.mu.Unlock()
	c.noticeClose()
	if c.backlog > 0 && before == 0 {
		c.stuck = c.sock.Loop().Now()
		c.schedule()
	}
}

// flushLater gives others their turn: a slice has been compressed, which takes
// longer than writing it.
func (c *conn) flushLater() {
	c.mu.Lock()
	c.dirty = true
	c.sock.Loop().Dirty(c)
	c.mu.Unlock()
	c.sock.Loop().Wake()
}

// noticeClose begins to close where the last frame is a Close frame.
func (c *conn) noticeClose() {
	if c.closed.Load() && (c.state == stateOpen || c.state == stateLeaving) {
		c.closing()
	}
}

// Writable implements Receiver.
func (c *conn) Writable() {
	c.sent(c.backlog)
	c.backlog = 0
	c.heard, c.pinged = c.sock.Loop().Now(), false // who reads is alive
	if c.pong != nil {
		c.own(wire.Frame{Op: wire.Pong, Payload: *c.pong})
		c.pong = nil
	}
	c.Flush()
}

// take encodes what is to be written next: about a slice. size is 0 when
// nothing is left; c is not dirty then.
func (c *conn) take() (vec [][]byte, size int) {
	s := c.scratch
	s.vec, s.buf, s.frames, s.packed = s.vec[:0], s.buf[:0], s.frames[:0], 0
	if c.part == nil && !c.takeFrames() {
		return nil, 0
	}
	saved := c.encode()
	clear(s.frames)
	if saved != 0 {
		c.sent(saved)
	}
	for _, p := range s.vec {
		size += len(p)
	}
	return s.vec, size
}

// takeFrames moves about a slice of the outbox to the scratch's frames; false:
// it is empty.
func (c *conn) takeFrames() bool {
	s, size := c.scratch, 0
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.outbox {
		c.queued -= frameCost
		s.frames = append(s.frames, f)
		if size += c.cost(f); size >= slice {
			break
		}
	}
	c.shiftLocked(len(s.frames))
	if len(s.frames) == 0 {
		c.dirty = false
	}
	return len(s.frames) > 0
}

// cost is what writing f costs, in bytes.
func (c *conn) cost(f wire.Frame) int {
	if d := c.decoder.Deflate; d != nil && d.Suits(f) {
		return f.Size() + d.Cost(f)
	}
	return f.Size()
}

// shiftLocked takes n frames off the outbox.
func (c *conn) shiftLocked(n int) {
	if n < len(c.outbox) {
		clear(c.outbox[:n])
		c.outbox = c.outbox[n:]
		return
	}
	if cap(c.outbox) == 16 {
		clear(c.outbox)
		outboxes.Put((*[16]wire.Frame)(c.outbox[:16]))
	}
	c.outbox = nil
}
