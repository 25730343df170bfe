package server

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lapps/protocol/wire"
	"lapps/services"
)

// A conn is a peer inside the server.
//
//	     request         admitted:        Close frame,         all answered:       outbox
//	     parsed          101              breach, 1001         our Close frame     written
//	new ------> joining ---------> open -------------> leaving ------------> closing ----> lingering
//	 |             |                |                                           ^             ^
//	 |             |                +-------------------------------------------+             |
//	 |             |                 the service closes, or the peer reads too slowly         |
//	 +-------------+--------------------------------------------------------------------------+
//	     refused: a complete HTTP response
//
// From leaving on, what the peer still sends is discarded. Lost ends every
// state.
type conn struct {
	// Immutable.
	srv      *Server
	listener *Listener
	sock     Socket
	scratch  *scratch // its loop's
	id       uint64

	// Owned by the loop.
	state   state
	places  places // what it has of what is limited
	pinged  bool   // our ping is not answered yet
	excused bool   // it is silent for too long, which has been counted only
	paused  bool   // the socket is not read
	left    bool   // the seat was told to leave

	joinEnded bool // the service has answered, or was not asked
	ours      bool // the loop itself appended to the outbox: Receive flushes
	decoder   wire.Decoder
	identity  *identity // nil: all that is known is the socket's address
	head      *head     // until open
	held      *held     // what waits for the service to take it
	service   *services.Service
	seat      *services.Seat // set with mu held
	timer     Timer
	due       time.Duration // when the timer is armed for, on the loop's clock; 0: it is not
	heard     time.Duration // when something was received last
	since     time.Duration // when the ping was sent, the reading paused, or the state entered
	begun     time.Duration // when the unfinished message began; 0: there is none
	terms     *terms        // nil: the service has none
	stuck     time.Duration // when the backlog began, or went last
	backlog   int           // bytes the carrier holds
	part      *part         // of a message: what is not written yet; nil: there is none
	pong      *string       // payload of the pong that waits for the backlog to go
	verdict   *wire.Frame   // the Close frame, while going or leaving

	mu     sync.Mutex   // guards the fields below
	outbox []wire.Frame // what waits for the loop; nil while nothing does
	queued int          // bytes of the outbox, part and backlog
	slow   *slow        // what the policy for slow peers needs; nil: nothing
	lent   int          // bytes of queued that are payloads which other outboxes refer to as well
	input  int          // bytes received that no mailbox has taken yet; the loop alone changes it
	booked int          // of all of these, what stands in the loop's book
	over   bool         // the outbox was half full or more, or something was dropped: see Seat.Emptied
	dirty  bool         // on the dirty list, or to be flushed by the loop anyway
	plain  bool         // it is open, and nothing is compressed

	full    atomic.Bool // the outbox is well filled: see high; changed with mu held
	parting atomic.Bool // the seat is left: what was accepted waits for no reader
	closed  ending      // nothing may follow: the last frame is a Close frame, or all is over; changed with mu held

	next, prev *conn // guarded by srv.mu
}

// An ending is whether a connection has ended, and the code that it has ended with. The
// zero value: it has not. It takes no more room than a boolean.
type ending struct{ code atomic.Uint32 }

// Load reports whether it has ended.
func (e *ending) Load() bool { return e.code.Load() != 0 }

// end ends it. Of several codes the first counts.
func (e *ending) end(code wire.Code) { e.code.CompareAndSwap(0, uint32(code)) }

type state uint8

const (
	stateNew state = iota
	stateJoining
	stateOpen
	stateLeaving
	stateClosing
	stateLingering
	stateLost
)

// held is what a connection keeps while its service is busy.
type held struct {
	messages []services.Message // were not taken
	then     func()             // what follows them: how the connection ends; or nil
	rest     []byte             // what came behind them, not decoded
}

var _ services.Peer = (*conn)(nil)
var _ Receiver = (*conn)(nil)

// ID implements services.Peer.
func (c *conn) ID() uint64 { return c.id }

// Waker implements services.Peer.
func (c *conn) Waker() services.Waker { return c.sock.Loop() }

// Receive implements Receiver.
func (c *conn) Receive(p []byte) error {
	c.heard = c.sock.Loop().Now()
	if c.pinged || c.excused { // whatever is received answers our ping
		c.pinged, c.excused = false, false
		c.schedule() // the next ping may be due before this answer was
	}
	switch c.state {
	case stateNew:
		c.receiveHead(p)
	case stateJoining:
		c.hold(p)
	case stateOpen:
		if c.held != nil {
			c.hold(p)
		} else {
			c.receive(p)
		}
	}
	if c.ours {
		c.Flush()
	}
	c.countInput()
	return nil
}

// receive decodes frames, and keeps the time of an unfinished message.
func (c *conn) receive(p []byte) {
	c.decode(p)
	if c.state != stateOpen || c.held != nil {
		return
	}
	if !c.decoder.Unfinished() {
		c.begun = 0
	} else if c.begun == 0 {
		c.begun = c.heard
		c.schedule()
	}
}

// decode hands the messages of p to the seat, all at once as a rule, until the
// seat takes no more or the connection ends.
func (c *conn) decode(p []byte) {
	s := c.scratch
	for size := 0; ; {
		m, rest, err := c.decoder.Next(p)
		p = rest
		switch {
		case err != nil:
			c.deliver(nil, func() { c.breach(err) })
			return
		case !c.allowed(m):
			return
		case m.Op == wire.Text || m.Op == wire.Binary:
			c.begun = 0
			c.terms.began()
			s.messages = append(s.messages, services.Message{Kind: uint8(m.Op), Data: string(m.Payload)})
			if len(p) > 0 && c.decoder.Deflate != nil && c.decoder.Deflate.Tired() {
				if c.deliver(p, nil) {
					c.continueLater(p)
				}
				return
			}
			if size += len(m.Payload); size < slice && len(s.messages) < maxBatch {
				continue
			}
			if size = 0; !c.deliver(p, nil) {
				return
			}
		case m.Op == wire.Ping:
			c.answerPing(m.Payload)
		case m.Op == wire.Pong:
			// Unsolicited ones mean nothing (section 5.5.3).
		case m.Op == wire.Close:
			payload := append([]byte(nil), m.Payload...)
			c.deliver(nil, func() { c.answerClose(payload) })
			return
		case c.decoder.Inflating():
			if c.deliver(p, nil) {
				c.continueLater(p)
			}
			return
		default:
			c.deliver(nil, nil)
			return
		}
	}
}

// allowed reports whether the peer may send now what the decoder has returned, be
// it no message. Where not, what came before is delivered and the connection ends.
func (c *conn) allowed(m wire.Message) bool {
	if m.Op == wire.Close {
		return true
	}
	why := c.accepts(m)
	if why != "" {
		c.deliver(nil, func() { c.leave(wire.PolicyViolation, why) })
	}
	return why == ""
}

// continueLater gives others their turn: much has been inflated. rest is what
// comes next.
func (c *conn) continueLater(rest []byte) {
	c.held = &held{rest: slices.Clone(rest)}
	c.pause()
	c.sock.Loop().Post(c.resume)
}

// deliver hands the scratch's messages to the seat, and then does what
// follows, if it is not nil. What the seat does not take is held, with rest,
// which came behind it.
func (c *conn) deliver(rest []byte, then func()) (taken bool) {
	messages := c.scratch.messages
	n, err := 0, error(nil)
	if len(messages) > 0 {
		n, err = c.seat.Deliver(messages)
		c.delivered(messages[:n])
	}
	switch {
	case err == nil && then != nil:
		then()
	case errors.Is(err, services.ErrBusy):
		c.held = &held{slices.Clone(messages[n:]), then, slices.Clone(rest)}
		c.pause()
	case err != nil:
		c.leave(wire.GoingAway, "the service has stopped")
	}
	clear(messages)
	c.scratch.messages = messages[:0]
	return err == nil
}

// hold keeps p until the service takes messages.
func (c *conn) hold(p []byte) {
	if c.held == nil {
		c.held = &held{}
	}
	c.held.rest = append(c.held.rest, p...)
	if c.state == stateOpen {
		c.pause()
	} else if !c.paused {
		c.paused = true
		c.sock.Pause(true)
	}
}

// pause stops reading: the peer feels TCP's back-pressure. Its idle and pong
// timers stand still meanwhile. The time without progress is limited by
// Timeouts.Busy.
func (c *conn) pause() {
	if !c.going() {
		c.since = c.heard
	}
	c.terms.pause(c.heard)
	if !c.paused {
		c.paused = true
		c.sock.Pause(true)
	}
	c.schedule()
}

// Resume implements services.Peer.
func (c *conn) Resume() { c.sock.Loop().Post(c.resume) }

// resume delivers what was held, and reads on if all of it was taken.
func (c *conn) resume() {
	h := c.held
	if c.state != stateOpen || h == nil {
		return
	}
	c.held = nil
	c.heard = c.sock.Loop().Now()
	c.terms.resume(c.heard) // before what was held is counted
	c.scratch.messages = append(c.scratch.messages, h.messages...)
	if c.deliver(h.rest, h.then) && c.state == stateOpen {
		c.receive(h.rest)
	}
	switch {
	case c.held != nil || c.state != stateOpen:
	case c.going():
		c.quit()
	default:
		c.paused = false
		if c.begun > 0 { // a message cannot go on while it is not read
			c.begun = c.heard
		}
		c.sock.Pause(false)
		c.schedule()
	}
	if c.ours {
		c.Flush()
	}
	c.countInput()
}

// Lost implements Receiver.
func (c *conn) Lost(err error) {
	c.mu.Lock()
	c.closed.end(wire.Abnormal)
	c.abandonLocked()
	c.mu.Unlock()
	if c.head == nil {
		c.logClosed(err)
	}
	if c.state == stateNew || c.state == stateJoining {
		c.forgo()
		c.logLost(err)
		c.shaken()
	}
	c.state = stateLost
	c.sock.Loop().Stop(&c.timer)
	c.decoder.Release()
	if c.decoder.Deflate != nil {
		c.decoder.Deflate.Release()
	}
	c.held, c.head, c.part, c.pong = nil, nil, nil, nil
	c.leaveSeat(nil)
	if c.joinEnded { // or else joined does it: the service may still admit the peer
		c.srv.exit(c)
	}
}

// leaveSeat gives the seat up, once.
func (c *conn) leaveSeat(then func()) {
	if c.seat != nil && !c.left {
		c.left = true
		c.parting.Store(true)
		c.seat.Drained() // nothing of it waits for a peer that is going
		c.seat.Leave(then)
	}
}
