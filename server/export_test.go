package server

import (
	"time"

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
type Meters struct{ meters }

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
