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

	// frameCost is what a message in an outbox costs besides its bytes on the
	// wire: its place there. It counts, so that a million empty ones do. Those of
	// a bundle cost less, and count as much: what waits is what was sent.
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
	all      bool               // frames were all of the outbox
	flate    wire.Flate
	book     book // not only the loop's
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

// charge is what f counts for in an outbox.
func charge(f wire.Frame) int { return f.Size() + overhead(f) }

func overhead(f wire.Frame) int { return frameCost * f.Messages() }

// Send implements services.Peer. An empty outbox takes one frame of any size.
// What becomes of a peer that reads too slowly is its service's policy, see
// makeRoomLocked.
func (c *conn) Send(f wire.Frame) (queued int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sendLocked(f)
}

// SendAll implements services.Peer.
func (c *conn) SendAll(frames []wire.Frame, bundle wire.Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return services.ErrGone
	}
	if c.takesLocked(bundle) {
		_, err := c.sendLocked(bundle)
		return err
	}
	for _, f := range frames {
		c.sendLocked(f)
	}
	return nil
}

// takesLocked reports whether the outbox takes a bundle: messages that are compressed
// one by one, or may have to be dropped, come as they are.
func (c *conn) takesLocked(bundle wire.Frame) bool {
	return c.plain && c.slow == nil && c.service.SlowConsumer != services.Latest && c.queued+charge(bundle) <= c.high()
}

func (c *conn) sendLocked(f wire.Frame) (queued int, err error) {
	if c.closed.Load() {
		return c.queued, services.ErrGone
	}
	old := c.outdatedLocked(f)
	if !c.fitsLocked(f, old) && c.srv.Exceed(LimitOutbox) {
		if err := c.makeRoomLocked(f); err != nil {
			return c.queued, err
		}
	}
	if old != nil {
		c.replaceLocked(old, f)
	} else {
		c.pushLocked(f)
	}
	c.dirtyLocked()
	if c.queued > c.high() {
		c.full.Store(true)
	}
	if c.queued >= c.high() { // less calls onDrain: one who sends while less waits never waits in vain
		c.over = true
	}
	return c.queued, nil
}

// Buffered implements services.Peer.
func (c *conn) Buffered() (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return 0, services.ErrGone
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

// sent takes n bytes off the account. Of the others, so many of a shared payload
// are referred to no more.
func (c *conn) sent(n, returned int) {
	c.mu.Lock()
	c.queued -= n
	c.lent -= returned
	c.countLocked()
	drained := c.full.Load() && c.queued <= c.high()/2
	if drained {
		c.full.Store(false)
	}
	emptied := c.over && c.queued < c.high()
	if emptied {
		c.over = false
	}
	c.mu.Unlock()
	if drained && c.seat != nil {
		c.seat.Drained()
	}
	if emptied && c.seat != nil && !c.left {
		c.seat.Emptied()
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
	c.indexLocked(f)
	c.outbox = append(c.outbox, f)
	c.chargeLocked(f)
	if f.Op == wire.Close {
		c.closed.end(codeOf(f))
	}
}

// codeOf is the code of a Close frame.
func codeOf(f wire.Frame) wire.Code {
	if len(f.Payload) < 2 {
		return wire.NoStatus
	}
	return wire.Code(f.Payload[0])<<8 | wire.Code(f.Payload[1])
}

// dirtyLocked puts c on its loop's dirty list, once.
func (c *conn) dirtyLocked() {
	if !c.dirty {
		c.dirty = true
		c.sock.Loop().Dirty(c)
	}
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
		c.sent(size-backlog, 0)
		switch {
		case backlog > 0:
		case c.scratch.packed >= slice:
			c.flushLater()
			return
		case c.scratch.all && c.part == nil && !c.closed.Load():
			return // what came since has made c dirty again
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
	c.sock.Loop().Dirty(c) // be it for the second time: there may be more since all was taken
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
	c.sent(c.backlog, 0)
	c.backlog = 0
	c.heard, c.pinged, c.excused = c.sock.Loop().Now(), false, false // who reads is alive
	c.schedule()
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
	s.all = false
	if c.part == nil && !c.takeFrames() {
		return nil, 0
	}
	before := c.part
	saved := c.encode()
	returned := c.returnLent(before)
	clear(s.frames)
	if saved != 0 || returned != 0 {
		c.sent(saved, returned)
	}
	for _, p := range s.vec {
		size += len(p)
	}
	return s.vec, size
}

// takeFrames moves about a slice of the outbox to the scratch's frames; false:
// it is empty.
func (c *conn) takeFrames() bool {
	s := c.scratch
	c.mu.Lock()
	defer c.mu.Unlock()
	size := 0
	if c.slow != nil {
		n := 0
		n, size = c.moveLocked(c.slow.kept, 0)
		c.slow.release(n)
	}
	if size < slice {
		n, _ := c.moveLocked(c.outbox, size)
		c.shiftLocked(n)
	}
	if len(s.frames) == 0 {
		c.slow = nil
	}
	s.all = c.outbox == nil && c.slow == nil
	if s.all {
		c.dirty = false
	}
	return len(s.frames) > 0
}

// moveLocked appends frames to the scratch's, until those cost a slice. It
// returns how many, and what all of them cost.
func (c *conn) moveLocked(frames []wire.Frame, size int) (n, _ int) {
	for _, f := range frames {
		c.queued -= overhead(f)
		c.scratch.frames = append(c.scratch.frames, f)
		n++
		if size += c.cost(f); size >= slice {
			break
		}
	}
	return n, size
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
	c.unindexLocked(n)
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
