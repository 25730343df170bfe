package server

import (
	"slices"

	"lapps/protocol/wire"
	"lapps/services"
)

// What becomes of messages for a peer that reads too slowly. The policies work
// on whole messages that wait in the outbox. What is being written, c.part and
// what the carrier keeps, is always finished. Control frames are never dropped.
//
// All of it takes constant time per message, on average, however many wait.

// A slow is what a policy keeps for a connection, until its outbox is empty.
type slow struct {
	kept  []wire.Frame // frames that go out before the outbox: all that was before them has been dropped
	owed  int          // what the replies among kept are charged
	index *index       // of the outbox; nil: it is short, and searched
}

// An index says where the messages of channels stand in an outbox.
type index struct {
	at   map[uint32]int // by channel, counted from the first frame that there ever was
	gone int            // frames that have left the outbox
}

// maxSearch is how long an outbox may be without an index.
const maxSearch = 16

// slowLocked returns what the policy keeps.
func (c *conn) slowLocked() *slow {
	if c.slow == nil {
		c.slow = &slow{}
	}
	return c.slow
}

// fitsLocked reports whether f, in place of old if that is not nil, is within
// the limit.
func (c *conn) fitsLocked(f wire.Frame, old *wire.Frame) bool {
	limit, rest := c.service.OutboxBytes, c.queued
	if old != nil {
		rest -= charge(*old)
	}
	return limit <= 0 || rest == 0 || rest+charge(f) <= limit
}

// makeRoomLocked does what the policy says when f is one too many. nil: it may
// be put into the outbox now. A reply is not dropped by itself: its peer would
// take the next one for it.
func (c *conn) makeRoomLocked(f wire.Frame) error {
	switch policy := c.service.SlowConsumer; {
	case policy == services.DropOldest && c.dropOldestLocked(f):
		return nil
	case (policy == services.DropOldest || policy == services.DropNewest) && !f.Reply:
		c.over = true
		c.service.CountDropped(1)
		return services.ErrDropped
	}
	c.service.CountDropped(1)
	c.giveUpLocked("reading too slowly")
	return services.ErrBackpressure
}

// dropOldestLocked drops messages, the oldest first, until f fits. What must not
// be dropped is put aside and keeps its place: all before it has gone. Where
// nothing else waits f fits beside the replies, or where there are none, whatever
// its size: what is being written would keep out all that is newer, for as long as
// that takes, and control frames are few and small.
func (c *conn) dropOldestLocked(f wire.Frame) (fits bool) {
	dropped := 0
	for len(c.outbox) > 0 && !c.fitsLocked(f, nil) {
		if oldest := c.outbox[0]; oldest.Message() && !oldest.Reply {
			c.refundLocked(oldest)
			dropped += oldest.Messages()
		} else {
			c.slowLocked().keep(oldest)
		}
		c.shiftLocked(1)
	}
	if dropped > 0 {
		c.over = true
		c.service.CountDropped(dropped)
	}
	owed := 0
	if c.slow != nil {
		owed = c.slow.owed
	}
	return c.fitsLocked(f, nil) || len(c.outbox) == 0 && (owed == 0 || owed+charge(f) <= c.service.OutboxBytes)
}

// keep puts f behind what is kept.
func (s *slow) keep(f wire.Frame) {
	s.kept = append(s.kept, f)
	if f.Reply {
		s.owed += charge(f)
	}
}

// release takes n frames off what is kept.
func (s *slow) release(n int) {
	for _, f := range s.kept[:n] {
		if f.Reply {
			s.owed -= charge(f)
		}
	}
	s.kept = slices.Delete(s.kept, 0, n)
}

// giveUpLocked closes the connection with 1013: all messages that wait are
// dropped.
func (c *conn) giveUpLocked(reason string) {
	dropped := 0
	isDropped := func(f wire.Frame) bool {
		if !f.Message() {
			return false
		}
		c.refundLocked(f)
		dropped += f.Messages()
		return true
	}
	c.outbox = slices.DeleteFunc(c.outbox, isDropped)
	if c.slow != nil {
		c.slow.kept, c.slow.index = slices.DeleteFunc(c.slow.kept, isDropped), nil
	}
	c.service.CountDropped(dropped)
	c.pushLocked(wire.CloseFrame(wire.TryAgainLater, reason))
	c.dirtyLocked()
}

// outdatedLocked returns the message that waits and that f takes the place of;
// nil: there is none. It is valid until the outbox is changed.
func (c *conn) outdatedLocked(f wire.Frame) *wire.Frame {
	if f.Channel == 0 || c.service.SlowConsumer != services.Latest {
		return nil
	}
	if c.slow != nil && c.slow.index != nil {
		if at, ok := c.slow.index.at[f.Channel]; ok {
			return &c.outbox[at-c.slow.index.gone]
		}
		return nil
	}
	for i := range c.outbox {
		if c.outbox[i].Channel == f.Channel {
			return &c.outbox[i]
		}
	}
	return nil
}

// replaceLocked puts f in the place of old, which is dropped. So a channel that
// is sent to often does not wait longer than one that is not.
func (c *conn) replaceLocked(old *wire.Frame, f wire.Frame) {
	c.refundLocked(*old)
	*old = f
	c.chargeLocked(f)
	c.service.CountDropped(1)
}

// indexLocked is told of a frame that will be the last of the outbox.
func (c *conn) indexLocked(f wire.Frame) {
	if c.service.SlowConsumer != services.Latest {
		return
	}
	if c.slow == nil || c.slow.index == nil {
		if len(c.outbox) < maxSearch {
			return
		}
		s := c.slowLocked()
		s.index = &index{at: make(map[uint32]int)}
		for i, f := range c.outbox {
			s.index.note(f, i)
		}
	}
	c.slow.index.note(f, c.slow.index.gone+len(c.outbox))
}

func (x *index) note(f wire.Frame, at int) {
	if f.Channel != 0 {
		x.at[f.Channel] = at
	}
}

// unindexLocked is told that n frames are about to leave the outbox. An index
// stays until it is empty.
func (c *conn) unindexLocked(n int) {
	if c.slow == nil || c.slow.index == nil {
		return
	}
	if n == len(c.outbox) {
		c.slow.index = nil
		return
	}
	for _, f := range c.outbox[:n] {
		delete(c.slow.index.at, f.Channel)
	}
	c.slow.index.gone += n
}
