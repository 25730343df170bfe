package cws

import (
	"errors"
	"fmt"
	"io"
	"time"

	"lapps/protocol/wire"
)

// Attached implements Receiver.
func (c *conn) Attached(s Socket) {
	c.scratch = c.group.pool.scratchOf(s.Loop())
	c.phase = securing
	c.times.since = s.Now() + time.Until(c.deadline)
	c.mu.Lock()
	c.sock = s
	ended := c.ended
	c.mu.Unlock()
	if ended {
		c.abort()
		return
	}
	c.schedule()
}

// Ready implements Receiver: it sends the opening handshake.
func (c *conn) Ready() {
	if c.phase != securing {
		return
	}
	c.phase = upgrading
	var nonce [16]byte
	c.scratch.random.Read(nonce[:]) // never fails
	c.shake = &wire.ClientHandshake{
		Key:          wire.Key(nonce),
		Subprotocols: c.options.subprotocols,
		Compression:  c.options.settings(),
		Limits:       wire.HeadLimits{Bytes: 16 << 10},
	}
	request := c.shake.AppendRequest(nil, c.target.host, c.target.path, c.options.fields())
	if backlog, err := c.sock.Write([][]byte{request}); err == nil {
		c.backlog = backlog
	}
}

// Receive implements Receiver.
func (c *conn) Receive(p []byte) error {
	c.times.heard = c.sock.Now()
	if c.times.pinged { // whatever is received answers our ping
		c.times.pinged = false
		c.schedule()
	}
	switch {
	case c.deaf:
	case c.phase == upgrading:
		c.upgrade(p)
	case c.paused:
		c.held = append(c.held, p...)
	default:
		c.decode(p)
	}
	if c.pong != nil {
		c.write()
	}
	return nil
}

// upgrade reads the answer to the opening handshake.
func (c *conn) upgrade(p []byte) {
	r, rest, err := c.shake.Feed(p)
	switch {
	case err != nil:
		var refused *wire.ResponseError
		if errors.As(err, &refused) {
			err = errors.New("the server's answer: " + refused.Reason)
		}
		c.fail(err.Error())
		return
	case r == nil:
		return
	}
	c.decoder = wire.Decoder{Role: wire.Client, Limits: &c.options.limits}
	if r.Agreement != nil {
		c.decoder.Deflate = wire.NewClientDeflate(c.shake.Compression, *r.Agreement, &c.scratch.flate)
	}
	c.shake = nil
	c.phase = open
	c.schedule()
	c.mu.Lock()
	ended := c.ended
	if !ended {
		c.isOpen, c.subprotocol = true, r.Subprotocol
		close(c.opened)
	}
	c.mu.Unlock()
	if ended { // meanwhile; Flush will abort it
		return
	}
	if c.handle != 0 {
		c.group.notify(c)
	}
	c.decode(rest)
}

// decode takes p, up to where it has to stop: then the rest is held, and the socket paused.
func (c *conn) decode(p []byte) {
	for !c.deaf && (c.phase == open || c.phase == leaving) {
		m, rest, err := c.decoder.Next(p)
		if err != nil {
			c.breach(err)
			return
		}
		full := false
		switch m.Op {
		case wire.Text, wire.Binary:
			full = c.deliver(m)
		case wire.Ping: // only the last one needs an answer (RFC 6455, section 5.5.3)
			payload := string(m.Payload)
			c.pong = &payload
		case wire.Pong: // that something has come is all it says
		case wire.Close:
			c.goodbye(m.Payload)
			return
		default:
			if c.decoder.Inflating() {
				c.hold(rest)
				c.again(true)
			}
			return
		}
		switch p = rest; {
		case full:
			c.hold(p)
			return
		case c.decoder.Deflate != nil && c.decoder.Deflate.Tired():
			c.hold(p)
			c.again(true)
			return
		}
	}
}

// hold keeps p until goOn.
func (c *conn) hold(p []byte) {
	c.held = append(c.held, p...)
	if !c.paused {
		c.paused = true
		c.sock.Pause(true)
	}
}

// goOn goes on with what is held, and reads.
func (c *conn) goOn() {
	if !c.paused || c.phase > leaving {
		return
	}
	held := c.held
	c.held, c.paused = nil, false
	if c.decode(held); c.paused || c.phase > leaving {
		return
	}
	c.sock.Pause(false)
	c.times.heard = max(c.times.heard, c.sock.Now()) // nothing could be while it was paused
	c.schedule()
}

// goodbye takes the server's Close frame. Where it is not the answer to ours it is
// answered with its code; what has not been sent by now is dropped.
func (c *conn) goodbye(payload []byte) {
	code, reason, _ := wire.ParseClose(payload) // the decoder has looked at it
	c.depart(ending{code: code, reason: reason}, wire.CloseFrame(code, ""))
}

// breach ends the connection to a server that has broken the protocol, or a limit of ours.
func (c *conn) breach(err error) {
	e := &wire.Error{Code: wire.InternalError}
	errors.As(err, &e)
	c.depart(ending{code: e.Code, failure: e.Reason}, wire.CloseFrame(e.Code, e.Reason))
}

// depart ends an open connection with a last frame, unless we have sent ours; the server has
// nothing more to say.
func (c *conn) depart(e ending, last wire.Frame) {
	c.deaf, c.gotClose = true, true
	c.held, c.pong = nil, nil
	c.decoder.Release()
	c.mu.Lock()
	first := c.endLocked(e)
	if first {
		c.replaceLocked(last)
	}
	c.mu.Unlock()
	if first {
		c.tell()
		if c.part.packed { // of a message that nobody reads any more
			c.part = part{}
		}
		c.leave()
	}
	c.write()
}

// leave begins to close: a Close frame is in the outbox.
func (c *conn) leave() {
	if c.phase == open {
		c.phase = leaving
		c.times.since = c.sock.Now()
		c.schedule()
	}
}

// fail ends a connection at once, with no Close frame: it is not open yet, or the server
// does not hear.
func (c *conn) fail(why string) {
	c.finish(ending{code: wire.Abnormal, failure: why})
	c.abort()
}

func (c *conn) abort() {
	if c.phase < lost {
		c.phase, c.deaf = lingering, true
		c.sock.Close(0)
	}
}

// Writable implements Receiver.
func (c *conn) Writable() {
	c.backlog = 0
	c.times.heard, c.times.pinged = c.sock.Now(), false // who reads is alive
	c.schedule()
	c.write()
}

// Flush implements Receiver.
func (c *conn) Flush() {
	c.mu.Lock()
	resume, ended := c.resume, c.ended
	c.dirty, c.resume = false, false
	c.mu.Unlock()
	if ended {
		switch c.phase {
		case securing, upgrading:
			c.abort()
		case open:
			if !c.wasOpen() { // it was closed while the server's answer was on its way
				c.abort()
				return
			}
			c.leave()
		}
	}
	if resume {
		c.goOn()
	}
	c.write()
}

func (c *conn) wasOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.isOpen
}

// Lost implements Receiver.
func (c *conn) Lost(err error) {
	before := c.phase
	c.phase, c.deaf = lost, true
	c.decoder.Release()
	if c.decoder.Deflate != nil {
		c.decoder.Deflate.Release()
	}
	c.held, c.shake, c.pong, c.part = nil, nil, nil, part{}
	c.finish(ending{code: wire.Abnormal, failure: lossText(before, err)})
	c.lose()
}

// lossText says why a connection is lost, where we have not closed it.
func lossText(before phase, err error) string {
	switch {
	case !errors.Is(err, io.EOF):
		return fmt.Sprintf("the connection was lost: %v", err)
	case before < open:
		return "the server closed the connection before it answered"
	}
	return "the server closed the connection without a Close frame"
}
