package services

import (
	"errors"
	"slices"
	"sync"
)

// channels are the process's broadcast channels, by number. Every service uses
// the same ones.
type channels struct {
	mu sync.RWMutex // guards the field below; nothing is called with it held
	m  map[uint64]*channel
}

// maxChannels bounds how many channels there may be: they stay for the life of
// the process, and an application may take their numbers from its peers.
const maxChannels = 1 << 20

// Errors of channels. Lua sees their texts.
var (
	errNoChannel       = errors.New("no such channel: bcast:create makes it")
	errTooManyChannels = errors.New("there are 1048576 channels already")
)

// create makes a channel where there is none of this number.
func (c *channels) create(id uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.m[id] != nil:
		return nil
	case len(c.m) >= maxChannels:
		return errTooManyChannels
	case c.m == nil:
		c.m = make(map[uint64]*channel)
	}
	c.m[id] = &channel{key: uint32(len(c.m) + 1)}
	return nil
}

// find returns a channel, or nil.
func (c *channels) find(id uint64) *channel {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.m[id]
}

// A channel is a set of seats. Its zero value is empty.
type channel struct {
	key uint32 // of its own, from 1 on: there are at most maxChannels; immutable

	mu     sync.Mutex // guards the fields below; nothing is called with it held. that of a seat's subs is locked before it
	seats  []*Seat
	index  map[*Seat]int // where each stands in seats
	shared bool          // somebody walks over seats: it must not be changed
}

// members returns those who are subscribed now. The slice is not the caller's
// to modify, and nobody will.
func (c *channel) members() []*Seat {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shared = true
	return c.seats
}

// add subscribes s; false: it is already.
func (c *channel) add(s *Seat) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.index[s]; known {
		return false
	}
	if c.index == nil {
		c.index = make(map[*Seat]int)
	}
	c.ownLocked()
	c.index[s] = len(c.seats)
	c.seats = append(c.seats, s)
	return true
}

// remove unsubscribes s, if it is subscribed: the last takes its place.
func (c *channel) remove(s *Seat) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, known := c.index[s]
	if !known {
		return
	}
	c.ownLocked()
	last := len(c.seats) - 1
	c.seats[i] = c.seats[last]
	c.index[c.seats[i]] = i
	c.seats[last] = nil
	c.seats = c.seats[:last]
	delete(c.index, s)
	if last == 0 {
		c.seats, c.index = nil, nil // give back what a crowd needed
	}
}

// ownLocked makes seats free to be changed. So one broadcast costs at most one
// copy, however many come and go between two.
func (c *channel) ownLocked() {
	if c.shared {
		c.seats, c.shared = slices.Clone(c.seats), false
	}
}

// subs are the channels a seat is subscribed to.
type subs struct {
	mu   sync.Mutex // guards the fields below; a channel's mu is locked within
	all  []*channel
	gone bool // the seat has left all of them for good
}

// leftAll are those of a seat that has left and never had any.
var leftAll = &subs{gone: true}

// subscribe subscribes s. The error is ErrGone where it has left.
func (s *Seat) subscribe(c *channel) error {
	if s.subs.Load() == nil {
		s.subs.CompareAndSwap(nil, new(subs))
	}
	subs := s.subs.Load()
	subs.mu.Lock()
	defer subs.mu.Unlock()
	if subs.gone {
		return ErrGone
	}
	if c.add(s) {
		subs.all = append(subs.all, c)
	}
	return nil
}

// unsubscribe ends a subscription, if there is one.
func (s *Seat) unsubscribe(c *channel) {
	subs := s.subs.Load()
	if subs == nil {
		return
	}
	subs.mu.Lock()
	defer subs.mu.Unlock()
	c.remove(s)
	if i := slices.Index(subs.all, c); i >= 0 {
		subs.all = slices.Delete(subs.all, i, i+1)
	}
}

// unsubscribeAll ends all subscriptions of a seat that leaves.
func (s *Seat) unsubscribeAll() {
	if s.subs.CompareAndSwap(nil, leftAll) {
		return
	}
	subs := s.subs.Load()
	subs.mu.Lock()
	defer subs.mu.Unlock()
	subs.gone = true
	for _, c := range subs.all {
		c.remove(s)
	}
	subs.all = nil
}
