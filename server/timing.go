package server

import (
	"fmt"
	"net/http"
	"time"

	"lapps/protocol/wire"
)

// A connection has one timer for all its timeouts, armed for the first that
// may be due. Receiving does not touch it: it fires, sees what was received
// meanwhile, and is armed again. So timeouts cost nothing per message.

// deadline is when the connection's state must change for want of events, and
// what then happens; 0: never.
func (c *conn) deadline() (at time.Duration, then func(*conn)) {
	t := &c.srv.Timeouts
	sooner := func(from, limit time.Duration, do func(*conn)) {
		if limit > 0 && (then == nil || from+limit < at) {
			at, then = from+limit, do
		}
	}
	switch c.state {
	case stateNew, stateJoining:
		if !c.head.late {
			sooner(c.since, t.Handshake, (*conn).lateHandshake)
		}
	case stateOpen:
		if c.going() {
			sooner(c.since, c.srv.closeTimeout(), (*conn).quit)
			return at, then
		}
		terms := c.terms.orNone()
		sooner(0, terms.expires, (*conn).old)
		switch {
		case c.paused:
			sooner(c.since, t.Busy, (*conn).lateService)
			return at, then
		case c.backlog > 0: // a ping would wait behind it; Writable says that the peer is alive
			sooner(c.stuck, t.Busy, (*conn).lateReader)
		case c.pinged:
			sooner(c.since, t.Pong, (*conn).latePong)
		default:
			sooner(max(c.heard, c.since), t.Ping, (*conn).ping)
		}
		sooner(0, terms.first, (*conn).lateFirst)
		if !c.excused {
			sooner(c.heard, t.Idle, (*conn).lateInput)
		}
		if c.begun > 0 {
			sooner(c.begun, t.Message, (*conn).lateMessage)
		}
	case stateLeaving:
		sooner(c.since, c.srv.closeTimeout(), (*conn).answered)
	case stateClosing:
		sooner(c.since, c.srv.closeTimeout(), (*conn).abort)
	}
	return at, then
}

// schedule arms the timer for the next deadline. One that is armed for an
// earlier moment stays.
func (c *conn) schedule() {
	at, then := c.deadline()
	if then == nil || c.due != 0 && c.due <= at {
		return
	}
	c.due = at
	loop := c.sock.Loop()
	loop.Arm(&c.timer, max(at-loop.Now(), 0))
}

// reschedule arms the timer for the next deadline, later ones included.
func (c *conn) reschedule() {
	c.due = 0
	c.schedule()
}

// tick is called by the timer.
func (c *conn) tick() {
	c.due = 0
	if at, then := c.deadline(); then != nil && at <= c.sock.Loop().Now() {
		then(c)
	}
	if c.state < stateLingering {
		c.schedule()
	}
}

func (c *conn) lateHandshake() {
	if !c.srv.Exceed(LimitHandshakeTime) {
		c.head.late = true
		return
	}
	switch {
	case c.state == stateJoining:
		c.forgo()
		c.refuse(&wire.Refusal{Status: http.StatusServiceUnavailable, Reason: "the service did not answer in time"})
	case c.head.began:
		c.refuse(&wire.Refusal{Status: http.StatusRequestTimeout, Reason: "the request was not complete in time"})
	default:
		c.linger(c.srv.closeTimeout())
	}
}

func (c *conn) ping() {
	c.pinged = true
	c.since = c.sock.Loop().Now()
	c.own(wire.Frame{Op: wire.Ping})
	c.Flush()
}

// Where a limit is only counted, its time begins anew; a silence counts once.

func (c *conn) latePong() {
	if c.pinged = false; !c.excused && c.silent() {
		c.leave(wire.PolicyViolation, fmt.Sprintf("no pong within %v", c.srv.Timeouts.Pong))
	}
}

func (c *conn) lateInput() {
	if c.silent() {
		c.leave(wire.PolicyViolation, fmt.Sprintf("nothing received or read for %v", c.srv.Timeouts.Idle))
	}
}

// silent counts that the peer is, and reports whether it has to go.
func (c *conn) silent() bool {
	c.excused = !c.srv.Exceed(LimitIdle)
	return !c.excused
}

func (c *conn) lateMessage() {
	if c.begun = c.sock.Loop().Now(); c.srv.Exceed(LimitMessageTime) {
		c.leave(wire.PolicyViolation, fmt.Sprintf("a message was not complete within %v", c.srv.Timeouts.Message))
	}
}

func (c *conn) lateReader() {
	if c.stuck = c.sock.Loop().Now(); c.srv.Exceed(LimitBusy) {
		c.leave(wire.TryAgainLater, "reading too slowly")
	}
}

func (c *conn) lateService() {
	if c.since = c.sock.Loop().Now(); c.srv.Exceed(LimitBusy) {
		c.leave(wire.TryAgainLater, "the service does not keep up")
	}
}

func (c *conn) lateFirst() {
	if c.terms.first = 0; c.srv.Exceed(LimitFirstMessage) {
		c.leave(wire.PolicyViolation, fmt.Sprintf("no message within %v", c.service.FirstMessage))
	}
}

// old ends a connection for its age.
func (c *conn) old() {
	if c.terms.expires = 0; c.srv.Exceed(LimitAge) {
		c.depart(wire.GoingAway, "the connection has become as old as may be")
	}
}
