package cws

import (
	"lapps/protocol/wire"
)

// messageCost is what a message that waits costs besides its bytes: its place. It
// counts, so that a million empty ones do.
const messageCost = 48

// A message is one that has been received.
type message struct {
	op      wire.Op // Text or Binary
	payload string
}

// An inbox are messages that wait for Lua. Where it is full the socket is read no further,
// until half of it is empty.
type inbox struct {
	queue   []message
	head    int // how many of queue have been taken
	bytes   int
	stalled bool // the socket is not read
}

func (b *inbox) len() int { return len(b.queue) - b.head }

// push puts a message behind the others.
func (b *inbox) push(m message) {
	b.queue = append(b.queue, m)
	b.bytes += len(m.payload) + messageCost
}

// pop takes the first message; there is one.
func (b *inbox) pop() message {
	m := b.queue[b.head]
	b.queue[b.head] = message{}
	b.bytes -= len(m.payload) + messageCost
	if b.head++; b.head == len(b.queue) {
		b.queue, b.head = b.queue[:0], 0
		if cap(b.queue) > 16 { // an idle connection has little
			b.queue = nil
		}
	}
	return m
}

// deliver puts a message where Lua finds it. full: that is enough for now. Loop only.
func (c *conn) deliver(m wire.Message) (full bool) {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return false
	}
	b := &c.inbox
	first := b.len() == 0
	b.push(message{m.Op, string(m.Payload)})
	total := c.group.received.Add(int64(len(m.Payload) + messageCost))
	b.stalled = b.bytes >= c.options.inbox || b.len() >= maxWaiting || total > maxBuffered
	full = b.stalled
	c.mu.Unlock()
	if !first {
		return full // whoever takes the one before will look again
	}
	if c.handle != 0 {
		c.group.notify(c)
	} else {
		ring(c.bell)
	}
	return full
}

// take takes the first message that waits, if there is one. l is to be woken where it is not
// nil: there is room again.
func (c *conn) take() (m message, ok bool, l Loop) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inbox.len() == 0 {
		return m, false, nil
	}
	m, l = c.takeLocked()
	if c.handle == 0 && (c.inbox.len() > 0 || c.ended) {
		ring(c.bell) // somebody else may wait
	}
	return m, true, l
}

func (c *conn) takeLocked() (m message, l Loop) {
	b := &c.inbox
	m = b.pop()
	total := c.group.received.Add(-int64(len(m.payload) + messageCost))
	if b.stalled && b.bytes <= c.options.inbox/2 && b.len() <= maxWaiting/2 && (total <= maxBuffered || b.len() == 0) {
		b.stalled = false
		c.resume = true
		l = c.dirtyLocked()
	}
	return m, l
}

// dropLocked drops what waits.
func (c *conn) dropLocked() {
	c.group.received.Add(-int64(c.inbox.bytes))
	if c.inbox.stalled {
		c.resume = true
	}
	c.inbox = inbox{}
}

// An event is what a callback is told.
type event struct {
	kind    kind
	message message // of onMessage
	ending  ending  // of onEnd
}

type kind uint8

const (
	nothing kind = iota
	onOpen
	onMessage
	onEnd
	forgotten // nobody is told anything any more
)

// next takes the next event; opened says that onOpen has been taken. l is as take's.
func (c *conn) next(opened bool) (e event, l Loop) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.quiet:
		e.kind = forgotten
	case !opened && c.isOpen:
		e.kind = onOpen
	case c.inbox.len() > 0:
		e.kind = onMessage
		e.message, l = c.takeLocked()
	case c.ended:
		e.kind, e.ending = onEnd, c.ending
	}
	return e, l
}

// waits reports whether next has something.
func (c *conn) waits(opened bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quiet || !opened && c.isOpen || c.inbox.len() > 0 || c.ended
}

// empty reports whether nothing waits.
func (c *conn) empty() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inbox.len() == 0
}
