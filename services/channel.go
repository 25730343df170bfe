package services

import (
	"slices"
	"sync"
)

// A channel is a set of seats.
type channel struct {
	// Immutable.
	topic topic
	all   *channels // that it is one of
	key   uint32    // for wire.Frame.Channel: no other channel has it

	mu     sync.Mutex // guards the fields below; nothing is called with it held. That of a seat's subs is locked before it
	shared bool       // somebody walks over seats: it must not be changed
	kept   bool       // it stays without subscribers
	over   bool       // nobody is subscribed any more
	seats  []*Seat
	index  map[*Seat]place
}

// A place is where a subscription stands, on both sides.
type place struct {
	seat uint32 // in the channel's seats
	sub  uint32 // in all of the seat's subs
}

// members returns those who are subscribed now. The slice is not the caller's
// to modify, and nobody will.
func (c *channel) members() []*Seat {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shared = true
	return c.seats
}

// count is how many are subscribed now.
func (c *channel) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seats)
}

// keep has c stay without subscribers; false: it is over.
func (c *channel) keep() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = c.kept || !c.over
	return !c.over
}

// end has nobody subscribe any more, and returns those who are: they have to be
// unsubscribed.
func (c *channel) end() []*Seat {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over, c.shared = true, true
	return c.seats
}

// endUnused ends c if nobody is subscribed and it is not kept.
func (c *channel) endUnused() {
	c.mu.Lock()
	unused := !c.kept && len(c.seats) == 0
	c.over = c.over || unused
	c.mu.Unlock()
	if unused {
		c.all.forget(c)
	}
}

// add subscribes s, whose subscription number sub it will be; false: it is already. The
// error is errOver. The mu of s's subs is held.
func (c *channel) add(s *Seat, sub int) (added bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return false, errOver
	}
	if _, known := c.index[s]; known {
		return false, nil
	}
	if c.index == nil {
		c.index = make(map[*Seat]place)
	}
	c.ownLocked()
	c.index[s] = place{seat: uint32(len(c.seats)), sub: uint32(sub)}
	c.seats = append(c.seats, s)
	return true, nil
}

// move notes that the subscription of s has another number. The mu of s's subs is held.
func (c *channel) move(s *Seat, sub int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.index[s]
	at.sub = uint32(sub)
	c.index[s] = at
}

// remove unsubscribes s, if it is subscribed, and returns the number of its
// subscription. A passing channel ends with its last one. The mu of s's subs is held.
func (c *channel) remove(s *Seat) (sub int, known bool) {
	sub, left, known := c.takeOut(s)
	if known && left == 0 {
		c.endUnused()
	}
	return sub, known
}

// takeOut is remove without what may follow: the last seat takes the place of s. left
// is how many there are.
func (c *channel) takeOut(s *Seat) (sub, left int, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, known := c.index[s]
	if !known {
		return 0, len(c.seats), false
	}
	c.ownLocked()
	last := len(c.seats) - 1
	if moved := c.seats[last]; moved != s {
		c.seats[at.seat] = moved
		c.index[moved] = place{seat: at.seat, sub: c.index[moved].sub}
	}
	c.seats[last] = nil
	c.seats = c.seats[:last]
	delete(c.index, s)
	if last == 0 {
		c.seats, c.index = nil, nil // give back what a crowd needed
	}
	return int(at.sub), last, true
}

// ownLocked makes seats free to be changed. So one broadcast costs at most one
// copy, however many come and go between two.
func (c *channel) ownLocked() {
	if c.shared {
		c.seats, c.shared = slices.Clone(c.seats), false
	}
}
