package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"lapps/protocol/wire"
)

// breach ends the connection of a peer that broke the protocol.
func (c *conn) breach(err error) {
	var e *wire.Error
	if !errors.As(err, &e) {
		e = &wire.Error{Code: wire.InternalError}
	}
	c.log().Debug("breach", "id", c.id, "err", err)
	if e.Code == wire.MessageTooBig {
		c.srv.Exceed(LimitMessageSize)
	}
	c.leave(e.Code, e.Reason)
}

// answerClose answers the peer's Close frame with its own code.
func (c *conn) answerClose(payload []byte) {
	code, _, err := wire.ParseClose(payload)
	if err != nil {
		c.breach(err)
		return
	}
	c.leave(code, "")
}

// answerPing answers a ping. While the carrier keeps a backlog only the last
// one waits for its answer (section 5.5.3), so that a peer that pings and
// does not read costs nothing.
func (c *conn) answerPing(payload []byte) {
	p := string(payload)
	if c.backlog > 0 {
		c.pong = &p
		return
	}
	c.own(wire.Frame{Op: wire.Pong, Payload: p})
}

// leave ends an open connection: nothing is decoded any more, what was
// delivered is answered first, and then our Close frame goes out, at the
// latest after Timeouts.Close.
func (c *conn) leave(code wire.Code, reason string) {
	verdict := wire.CloseFrame(code, reason)
	c.verdict = &verdict
	c.quit()
}

// quit does what leave says, with the verdict that there is.
func (c *conn) quit() {
	c.state = stateLeaving
	c.since = c.sock.Loop().Now()
	c.held = nil
	c.decoder.Release()
	c.countInput()
	c.readNoMore()
	c.reschedule()
	c.leaveSeat(func() { c.sock.Loop().Post(c.answered) })
}

// answered sends our Close frame.
func (c *conn) answered() {
	if c.state == stateLeaving {
		c.own(*c.verdict)
		c.Flush()
	}
}

// closing is told when a Close frame stands in the outbox.
func (c *conn) closing() {
	c.state = stateClosing
	c.since = c.sock.Loop().Now()
	c.held = nil
	c.decoder.Release()
	c.countInput()
	c.readNoMore()
	c.reschedule()
	c.leaveSeat(nil)
}

// readNoMore has the socket not read while there is something to be said: a
// FIN right behind the peer's Close frame would be the connection's end, and our
// Close frame, and the answers before it, would be lost. Socket.Close reads on;
// it comes within the close timeout.
func (c *conn) readNoMore() {
	if !c.paused {
		c.paused = true
		c.sock.Pause(true)
	}
}

// hangUp lets the peer read what was written, our Close frame last, for what
// is left of the close timeout. Closing at once would send a RST if input is
// unread, and destroy the Close frame.
func (c *conn) hangUp() {
	spent := c.sock.Loop().Now() - c.since
	c.linger(max(c.srv.closeTimeout()-spent, time.Millisecond))
}

// goAway ends the connection because the server does. What has been received
// is delivered first, within the close timeout.
func (c *conn) goAway() {
	switch {
	case c.state < stateOpen:
		c.refuse(&wire.Refusal{Status: http.StatusServiceUnavailable, Reason: "the server is shutting down"})
	case c.state == stateOpen:
		c.depart(wire.GoingAway, "the server is shutting down")
	}
}

// Depart implements services.Peer.
func (c *conn) Depart(code wire.Code, reason string) {
	c.sock.Loop().Post(func() {
		if c.state == stateOpen {
			c.depart(code, reason)
		}
	})
}

// depart ends an open connection. What has been received is delivered first, within
// the close timeout.
func (c *conn) depart(code wire.Code, reason string) {
	switch {
	case c.going():
	case c.held == nil:
		c.leave(code, reason)
	default:
		verdict := wire.CloseFrame(code, reason)
		c.verdict = &verdict
		c.since = c.sock.Loop().Now()
		c.reschedule()
	}
}

// going reports whether c leaves when what it has received is delivered.
func (c *conn) going() bool { return c.state == stateOpen && c.verdict != nil }

// abort ends the connection at once.
func (c *conn) abort() {
	if c.state != stateLost {
		c.linger(0)
	}
}

func (s *Server) closeTimeout() time.Duration {
	if s.Timeouts.Close > 0 {
		return s.Timeouts.Close
	}
	return 5 * time.Second
}

// logOpened logs, where anybody wants to know, that a connection is open.
func (c *conn) logOpened() {
	if log := c.log(); log.Enabled(context.Background(), slog.LevelDebug) {
		log.Debug("connection opened", "id", c.id, "remote_addr", c.client(), "service", c.service.Name)
	}
}

// logClosed logs, where anybody wants to know, the end of a connection that was open. The
// code is that of our Close frame, or 1006 where there was none; err is the carrier's.
func (c *conn) logClosed(err error) {
	log := c.log()
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	args := []any{"id", c.id, "remote_addr", c.client(), "service", c.service.Name, "code", c.closed.code.Load()}
	if err != nil {
		args = append(args, "err", err)
	}
	log.Debug("connection closed", args...)
}

// logLost logs the end of a connection that was never open. One that closes
// without a byte is a health check: it is not mentioned.
func (c *conn) logLost(err error) {
	if c.head.began {
		c.log().Debug("lost during the handshake", "id", c.id, "err", err)
	}
}

func (c *conn) log() *slog.Logger { return c.srv.log() }
