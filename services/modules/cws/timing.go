package cws

import (
	"fmt"
	"time"

	"lapps/protocol/wire"
)

// times are moments on the loop's clock. A connection has one timer, armed for the first
// that may be due: it fires, sees what has been received meanwhile, and is armed again.
// So time costs nothing per message. Owned by the loop.
type times struct {
	since  time.Duration // what the phase's time counts from; before it is open: when it must be
	heard  time.Duration // something was received
	asked  time.Duration // our last ping
	stuck  time.Duration // the socket began to keep a backlog
	pinged bool          // and nothing was received since
	armed  time.Duration // for when the timer is; 0: it is not
}

// due is when something must be done for want of events, and what.
func (c *conn) due() (at time.Duration, then func(*conn)) {
	o, t := c.options, &c.times
	sooner := func(from, limit time.Duration, do func(*conn)) {
		if limit > 0 && (then == nil || from+limit < at) {
			at, then = from+limit, do
		}
	}
	switch c.phase {
	case securing, upgrading:
		return t.since, (*conn).lateOpening
	case leaving:
		sooner(t.since, c.group.wait, (*conn).abort)
	case open:
		if c.paused { // an answer could not be read
			return 0, nil
		}
		switch {
		case c.backlog > 0: // a ping would wait behind it
			sooner(t.stuck, stuckTime, (*conn).lateReader)
		case t.pinged:
			sooner(t.asked, o.pong, (*conn).latePong)
		default:
			sooner(max(t.heard, t.asked), o.ping, (*conn).sendPing)
		}
		sooner(t.heard, o.idle, (*conn).lateInput)
	}
	return at, then
}

// schedule arms the timer. One that is armed for an earlier moment stays.
func (c *conn) schedule() {
	at, then := c.due()
	if then == nil || c.times.armed != 0 && c.times.armed <= at {
		return
	}
	c.times.armed = max(at, 1)
	c.sock.Arm(max(at-c.sock.Now(), 0))
}

// Alarm implements Receiver.
func (c *conn) Alarm() {
	c.times.armed = 0
	if at, then := c.due(); then != nil && at <= c.sock.Now() {
		then(c)
	}
	c.schedule()
}

func (c *conn) lateOpening() { c.fail(errTimeout.Error()) }

func (c *conn) sendPing() {
	c.times.pinged = true
	c.times.asked = c.sock.Now()
	c.mu.Lock()
	if !c.ended {
		c.pushLocked(wire.Frame{Op: wire.Ping})
	}
	c.mu.Unlock()
	c.write()
}

func (c *conn) latePong() { c.fail(fmt.Sprintf("no pong within %v", c.options.pong)) }

func (c *conn) lateReader() {
	c.fail(fmt.Sprintf("the server has read nothing for %v", stuckTime))
}

// lateInput ends a connection on which nothing has come for too long.
func (c *conn) lateInput() {
	why := fmt.Sprintf("nothing received for %v", c.options.idle)
	c.depart(ending{code: wire.PolicyViolation, failure: why}, wire.CloseFrame(wire.PolicyViolation, why))
}
