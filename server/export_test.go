package server

import (
	"fmt"
	"math"
	"time"

	"lapps/protocol/wire"
	"lapps/services"
)

// Queued is how many bytes the outboxes of all connections have on their
// accounts.
func (s *Server) Queued() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := s.conns.next; c != nil && c != &s.conns; c = c.next {
		c.mu.Lock()
		n += c.queued
		c.mu.Unlock()
	}
	return n
}

// A Meter is a meter of one event at a time.
type Meter struct{ meter }

// Take counts an event at now.
func (m *Meter) Take(perSecond, burst int, now time.Duration) bool {
	return m.take(1, services.Rate{PerSecond: perSecond, Burst: burst}, now, now)
}

// Meters are meters of messages, of a peer that is read or not.
type Meters struct{ terms }

// Pause and Resume are told when reading stops and goes on.
func (m *Meters) Pause(now time.Duration)  { m.pause(now) }
func (m *Meters) Resume(now time.Duration) { m.resume(now) }

// Take counts a message that is decoded now.
func (m *Meters) Take(perSecond, burst int, now time.Duration) bool {
	return m.messages.take(1, services.Rate{PerSecond: perSecond, Burst: burst}, m.from(now), now)
}

// Places is how many places have been taken of the limited ones: connections,
// opening handshakes, and prefixes.
func (s *Server) Places() (connections, handshakes, prefixes int) {
	for i := range s.prefixes.shards {
		shard := &s.prefixes.shards[i]
		shard.mu.Lock()
		prefixes += len(shard.counts)
		shard.mu.Unlock()
	}
	return int(s.taken.Load()), int(s.shaking.Load()), prefixes
}

// Booked is what the loops' books say that all connections hold.
func (s *Server) Booked() int64 { return s.booked() }

// A Holding is what an open connection or one that is going really holds: counted
// from its frames and bytes, and not from its accounts.
type Holding struct {
	ID       uint64
	Own      int    // bytes that are given up with it
	Lent     int    // bytes of payloads that others may hold as well
	Mailbox  int    // bytes of its messages in the mailbox
	Open     bool   // has a seat, and may be closed
	Accounts string // what is wrong with its accounts; "": nothing
}

// Holdings are those of all connections, and the size of all payloads that they
// share, each counted once, and of those that no open one holds. Nothing may be going
// on meanwhile.
func (s *Server) Holdings() (all []Holding, shared, going int) {
	payloads := map[*wire.Shared]*payload{}
	for _, c := range s.all() {
		all = append(all, c.holding(payloads))
	}
	for _, p := range payloads {
		shared += p.size
		if !p.open {
			going += p.size
		}
	}
	return all, shared, going
}

// A payload is one that connections share.
type payload struct {
	size int
	open bool // an open one holds it
}

func (c *conn) holding(payloads map[*wire.Shared]*payload) Holding {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := Holding{ID: c.id, Own: c.backlog}
	lend := func(f wire.Frame, left int) {
		if f.Shared != nil && len(f.Payload) > lendLimit {
			p := payloads[f.Shared]
			if p == nil {
				p = &payload{size: len(f.Payload)}
				payloads[f.Shared] = p
			}
			p.open = p.open || !c.closed.Load()
			h.Lent += left
			h.Own -= left
		}
	}
	frames := c.outbox
	if c.slow != nil {
		frames = append(frames[:len(frames):len(frames)], c.slow.kept...)
	}
	for _, f := range frames {
		h.Own += charge(f)
		lend(f, len(f.Payload))
	}
	if p := c.part; p != nil {
		h.Own += len(p.frame.Payload) - p.from
		lend(p.frame, len(p.frame.Payload)-p.from)
	}
	input := c.decoder.Buffered()
	if c.held != nil {
		input += len(c.held.rest)
		for _, m := range c.held.messages {
			input += len(m.Data)
		}
	}
	h.Own += input
	if c.seat != nil {
		h.Mailbox = c.seat.Waiting()
		h.Open = !c.closed.Load()
	}
	unbooked := h.Own - c.booked
	if c.queued != h.Own-input+h.Lent || c.lent != h.Lent || c.input != input || c.booked < 0 || unbooked <= -grain || unbooked >= grain {
		h.Accounts = fmt.Sprintf("queued %d, lent %d, input %d, booked %d; of %d, %d, %d, %d",
			c.queued, c.lent, c.input, c.booked, h.Own-input+h.Lent, h.Lent, input, h.Own)
	}
	return h
}

// BookedBy is what the connections think stands in the books for them alone.
func (s *Server) BookedBy() (sum int) {
	for _, c := range s.all() {
		c.mu.Lock()
		sum += c.booked
		c.mu.Unlock()
	}
	return sum
}

// LookAway has the sum looked at no more, on all loops that there are.
func (s *Server) LookAway() {
	s.scratch.Range(func(_, known any) bool {
		known.(*scratch).book.grown.Store(math.MinInt64 / 2)
		return true
	})
}

// CloseLargest looks at the sum now.
func (s *Server) CloseLargest() { s.closeLargest() }

// EvictFor closes those that hold most, for n bytes, and returns how many.
func (s *Server) EvictFor(n int64) (closed int, enough bool) {
	return s.holders().evict(n, "the server holds too much for its peers")
}

// Evict closes a connection for what it holds.
func Evict(p services.Peer) { p.(*conn).evict(besides{}, "the server holds too much for its peers") }
