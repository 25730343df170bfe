package server

import (
	"fmt"
	"math/rand/v2"
	"time"

	"lapps/protocol/wire"
	"lapps/services"
)

// A meter holds events to a rate by the generic cell rate algorithm (GCRA, ITU-T
// I.371): it is when all that came would have come, one by one at the rate, on
// the loop's clock. Its zero value has seen nothing.
type meter time.Duration

// take counts n events that came between from and now; false: they are too many,
// and not counted. In any time t at most burst events pass, and what the rate
// allows in t. More than burst at once pass when nothing is owed.
func (m *meter) take(n int, r services.Rate, from, now time.Duration) bool {
	at := max(time.Duration(*m), from)
	next := at + span(n, r.PerSecond)
	if next-now > span(r.Burst, r.PerSecond) && at > from {
		return false
	}
	*m = meter(next)
	return true
}

// each takes n events one by one, until they are too many.
func (m *meter) each(n int, r services.Rate, from, now time.Duration) bool {
	for range n {
		if !m.take(1, r, from, now) {
			return false
		}
	}
	return true
}

// span is the time in which n events come at a rate.
func span(n, perSecond int) time.Duration {
	return time.Duration(float64(n) / float64(perSecond) * float64(time.Second))
}

// terms hold a peer to what its service allows. While a peer is not read, the
// kernel gathers what it sends, and all of it is decoded at once when it is read
// again: for as long as it was not read, the meters then count from when
// reading stopped.
type terms struct {
	first   time.Duration // when the first message is due; 0: it has come, or need not
	expires time.Duration // when the connection is too old; 0: never

	messages, bytes meter
	stopped         time.Duration // when reading stopped; 0: it is read
	credit          time.Duration // for how long it was not read lately
	until           time.Duration // when that credit ends
}

// noTerms are those of a service that has none.
var noTerms terms

// orNone are the terms to be read.
func (m *terms) orNone() *terms {
	if m == nil {
		return &noTerms
	}
	return m
}

// began is told of each message.
func (m *terms) began() {
	if m != nil {
		m.first = 0
	}
}

// pause and resume are told when reading stops and goes on.
func (m *terms) pause(now time.Duration) {
	if m != nil && m.stopped == 0 {
		m.stopped = now
	}
}

func (m *terms) resume(now time.Duration) {
	if m == nil || m.stopped == 0 {
		return
	}
	if m.stopped >= m.until {
		m.credit, m.until = 0, now
	}
	m.credit += now - m.stopped
	m.until += now - m.stopped
	m.stopped = 0
}

// from is when what is decoded now may have been sent, at the earliest.
func (m *terms) from(now time.Duration) time.Duration {
	if now < m.until {
		return now - m.credit
	}
	return now
}

// begin sets what limits an open connection, by its service.
func (c *conn) begin() {
	s := c.service
	c.decoder.Limits = c.srv.sizes(s)
	now := c.sock.Loop().Now()
	if s.Messages.PerSecond > 0 || s.Bytes.PerSecond > 0 || s.FirstMessage > 0 || s.MaxAge > 0 {
		c.terms = new(terms)
	}
	if s.FirstMessage > 0 {
		c.terms.first = now + s.FirstMessage
	}
	if s.MaxAge > 0 {
		c.terms.expires = now + s.MaxAge
		if s.MaxAgeJitter > 0 {
			c.terms.expires += rand.N(s.MaxAgeJitter)
		}
	}
}

// largest are the limits of messages where their service's are only counted.
var largest = wire.Limits{Frame: 1 << 30, Message: 1 << 30}

// sizes are the limits of the messages of s.
func (s *Server) sizes(service *services.Service) *wire.Limits {
	if service.MaxMessage > 0 && s.Dry(LimitMessageSize) {
		return &largest
	}
	return service.Limits()
}

// accepts counts a message, or a control frame, and the fragments without payload
// that came before it; Op 0: those alone. It is "" or why the peer must go: it
// sends too much.
func (c *conn) accepts(m wire.Message) (why string) {
	s := c.service
	if limit := s.MaxMessage; limit > 0 && len(m.Payload) > limit && (m.Op == wire.Text || m.Op == wire.Binary) {
		c.srv.Exceed(LimitMessageSize) // only counted, or else the decoder would have refused it
	}
	if c.terms == nil {
		return ""
	}
	frames := c.decoder.Empty()
	if m.Op != 0 {
		frames++
	}
	from := c.terms.from(c.heard)
	if r := s.Messages; r.PerSecond > 0 && !c.terms.messages.each(frames, r, from, c.heard) && c.srv.Exceed(LimitMessages) {
		return fmt.Sprintf("more than %d messages per second", r.PerSecond)
	}
	if r := s.Bytes; r.PerSecond > 0 && len(m.Payload) > 0 && !c.terms.bytes.take(len(m.Payload), r, from, c.heard) && c.srv.Exceed(LimitBytes) {
		return fmt.Sprintf("more than %d bytes per second", r.PerSecond)
	}
	return ""
}
