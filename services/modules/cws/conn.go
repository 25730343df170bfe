package cws

import (
	"context"
	"errors"
	"sync"
	"time"

	"lapps/protocol/wire"
)

// A phase is where a connection is in its life, as its event loop sees it:
//
//	         Attached        Ready           101        Close frame         both are through
//	dialling ------> securing ---> upgrading ---> open -----------> leaving ------> lingering
//	   |                |              |           |                   |                |
//	   +----------------+--------------+-----------+-------------------+----------------+--> lost
type phase uint8

const (
	dialling phase = iota
	securing
	upgrading
	open
	leaving // a Close frame is on its way: ours, or our answer
	lingering
	lost
)

// A conn is a connection to a server. It knows nothing of Lua; see group.
type conn struct {
	// Immutable.
	group    *group
	target   target
	options  *options
	trust    *trust
	handle   uint64        // of the form with callbacks; 0: the direct form
	deadline time.Time     // for becoming open
	opened   chan struct{} // closed once it is open, or will not be
	bell     chan struct{} // there is something to be received, or the end; capacity 1
	room     chan struct{} // there is room for something to be sent, or the end; capacity 1

	// Owned by the loop; set when there is one.
	scratch   *scratch
	phase     phase
	shake     *wire.ClientHandshake // until it is open
	decoder   wire.Decoder
	held      []byte // received while paused
	paused    bool
	deaf      bool    // nothing is decoded any more
	gotClose  bool    // nothing is waited for once our Close frame is sent
	sentClose bool    // it is encoded
	backlog   int     // bytes that the socket keeps
	part      part    // of a message, that is being sent
	pong      *string // to be sent
	times     times

	listed bool // in the group's ready; guarded by its mu

	mu          sync.Mutex // guards the fields below
	sock        Socket     // set by the loop, which reads it without mu; nil: none yet
	cancel      context.CancelFunc
	subprotocol string
	isOpen      bool // it has been
	ended       bool
	isLost      bool
	quiet       bool // nobody wants to hear of it any more
	ending      ending
	inbox       inbox
	outbox      outbox
	dirty       bool // Flush will be called
	resume      bool // it is to go on with what is held
}

var _ Receiver = (*conn)(nil)

// An ending says how a connection has ended.
type ending struct {
	code    wire.Code
	reason  string // from the Close frame
	failure string // what went wrong; "": nothing
}

// why is the reason, or what went wrong.
func (e ending) why() string {
	if e.reason == "" {
		return e.failure
	}
	return e.reason
}

func newConn(g *group, t target, o *options, tr *trust, handle uint64) *conn {
	return &conn{
		group: g, target: t, options: o, trust: tr, handle: handle,
		deadline: time.Now().Add(o.timeout),
		opened:   make(chan struct{}), bell: make(chan struct{}, 1), room: make(chan struct{}, 1),
	}
}

// errTimeout is what has taken too long.
var errTimeout = errors.New("timeout")

// dial connects, and hands the connection to an event loop.
func (c *conn) dial() {
	ctx, cancel := context.WithDeadline(context.Background(), c.deadline)
	defer cancel()
	if !c.begin(cancel) {
		c.lose()
		return
	}
	err := c.attach(ctx)
	c.begin(nil)
	if err == nil {
		return
	}
	if ctx.Err() != nil && !time.Now().Before(c.deadline) {
		err = errTimeout
	}
	c.finish(ending{code: wire.Abnormal, failure: err.Error()})
	c.lose()
}

// begin keeps what ends the dialling; false: it has been ended already.
func (c *conn) begin(cancel context.CancelFunc) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancel = cancel
	return !c.ended
}

func (c *conn) attach(ctx context.Context) error {
	p := c.group.pool
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.slots }()
	security, err := c.security()
	if err != nil {
		return err
	}
	sock, err := c.trust.dial(ctx, c.target.address())
	if err != nil {
		return err
	}
	return p.carry(sock, security, c)
}

// security is what TLS needs; nil: the target does without.
func (c *conn) security() (*Security, error) {
	if !c.target.secure {
		return nil, nil
	}
	roots, err := c.trust.roots(c.options.caFile)
	if err != nil {
		return nil, err
	}
	return &Security{Server: c.target.name, Roots: roots}, nil
}

// finish says how the connection has ended. The first word counts. Any goroutine.
func (c *conn) finish(e ending) {
	c.mu.Lock()
	first := c.endLocked(e)
	c.mu.Unlock()
	if first {
		c.tell()
	}
}

// endLocked is finish, without telling it; false: it has ended before.
func (c *conn) endLocked(e ending) bool {
	if c.ended {
		return false
	}
	c.ended, c.ending = true, e
	if !c.isOpen {
		close(c.opened)
	}
	return true
}

// tell has whoever waits look. Any goroutine.
func (c *conn) tell() {
	ring(c.bell)
	ring(c.room)
	if c.handle != 0 {
		c.group.notify(c)
	}
}

// lose is the last end: nothing is left of it but what Lua has not received yet.
func (c *conn) lose() {
	c.mu.Lock()
	c.isLost = true
	c.group.unsent.Add(-int64(c.outbox.bytes))
	c.outbox = outbox{}
	c.mu.Unlock()
	c.group.forget(c)
}

// close ends the connection on our part: what has not been received is dropped, and a
// Close frame goes out behind what was sent; one that is not open yet is aborted. It
// returns the loop that is to be woken then; nil: none. Any goroutine.
func (c *conn) close(code wire.Code, reason string, heard bool) (Loop, bool) {
	c.mu.Lock()
	c.quiet = c.quiet || !heard
	c.dropLocked()
	first := c.endLocked(ending{code: code, reason: reason})
	if first && c.isOpen {
		c.pushLocked(wire.CloseFrame(code, reason))
	}
	if first && c.cancel != nil {
		c.cancel()
	}
	l := c.dirtyLocked()
	c.mu.Unlock()
	if first {
		c.tell()
	}
	return l, first
}

// giveUp ends a connection that is not open yet: the service has to stop. Any goroutine.
func (c *conn) giveUp() {
	c.mu.Lock()
	var l Loop
	first := !c.isOpen && c.endLocked(ending{code: wire.Abnormal, failure: errEnded.Error()})
	if first {
		if c.cancel != nil {
			c.cancel()
		}
		l = c.dirtyLocked()
	}
	c.mu.Unlock()
	if first {
		c.tell()
	}
	if l != nil {
		l.Wake()
	}
}

// abandon closes a connection that Lua has forgotten.
func (c *conn) abandon() {
	if l, _ := c.close(wire.GoingAway, "", false); l != nil {
		l.Wake()
	}
}

// dirtyLocked has Flush called once the loop, which is returned, has been woken; nil: there
// is none.
func (c *conn) dirtyLocked() Loop {
	if c.sock == nil || c.isLost {
		return nil
	}
	if !c.dirty {
		c.dirty = true
		c.sock.Dirty()
	}
	return c.sock.Loop()
}

// status is the word for it.
func (c *conn) status() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended && c.isLost:
		return "closed"
	case c.ended:
		return "closing"
	case c.isOpen:
		return "open"
	}
	return "connecting"
}

// chosen is the subprotocol that the server has chosen, or "".
func (c *conn) chosen() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.subprotocol
}

// failed is how it has ended, where it has.
func (c *conn) failed() (e ending, ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending, c.ended
}
