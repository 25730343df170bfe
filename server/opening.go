package server

import (
	"errors"
	"net/http"
	"time"

	"lapps/protocol/wire"
	"lapps/services"
)

// A head is what a connection needs until it is open.
type head struct {
	shake   wire.Handshake
	began   bool // a byte has arrived
	request *wire.Request
}

// start begins the life of a connection.
func (c *conn) start() {
	c.timer.F = c.tick
	c.since = c.sock.Loop().Now()
	if c.surplus { // told at once, so that it costs as little as may be
		c.refuse(&wire.Refusal{Status: http.StatusServiceUnavailable, Reason: "too many connections"})
		return
	}
	c.schedule()
}

// receiveHead takes bytes of the opening handshake.
func (c *conn) receiveHead(p []byte) {
	c.head.began = true
	r, rest, err := c.head.shake.Feed(p)
	switch {
	case err != nil:
		c.refuse(err)
	case r != nil:
		c.head.request = r
		if len(rest) > 0 {
			rest = append([]byte(nil), rest...)
		}
		c.join(rest)
	}
}

// join routes the request and asks the service for a seat. rest is what
// came behind the request.
func (c *conn) join(rest []byte) {
	service, err := c.route()
	if err != nil {
		c.refuse(err)
		return
	}
	c.service = service
	c.state = stateJoining
	if len(rest) > 0 {
		c.hold(rest)
	}
	request := services.Request{Request: c.head.request, RemoteAddr: c.sock.RemoteAddr()}
	c.joinEnded = false
	service.Join(c, request, func(seat *services.Seat, err error) {
		c.sock.Loop().Post(func() { c.joined(seat, err) })
	})
}

// route finds the service for the request.
func (c *conn) route() (*services.Service, error) {
	service := c.srv.Services.Lookup(c.head.request.Path)
	if service == nil {
		return nil, &wire.Refusal{Status: http.StatusNotFound, Reason: "no service has this path"}
	}
	if !service.Admits(c.sock.RemoteAddr().Addr()) {
		return nil, &wire.Refusal{Status: http.StatusForbidden, Reason: "your address is not allowed"}
	}
	return service, nil
}

// joined is the service's answer.
func (c *conn) joined(seat *services.Seat, err error) {
	c.seat = seat
	c.joinEnded = true
	if c.state != stateJoining { // refused or lost meanwhile
		c.leaveSeat(nil)
		if c.state == stateLost {
			c.srv.exit(c)
		}
		return
	}
	if err != nil {
		c.refuse(err)
		return
	}
	accept := c.head.request.AppendAccept(nil, "", c.negotiate(), c.service.ExtraHeaders)
	backlog, err := c.sock.Write([][]byte{accept})
	if err != nil {
		return // Lost follows
	}
	c.head = nil
	c.state = stateOpen
	c.begin()
	c.heard = c.sock.Loop().Now()
	c.mu.Lock()
	c.queued += backlog
	c.mu.Unlock()
	c.backlog = backlog
	c.resume()
	c.schedule()
	c.Flush()
}

// negotiate begins the extensions that both sides want, and returns what is to
// be answered to the client's offers.
func (c *conn) negotiate() string {
	settings := c.service.Compression
	if settings == nil {
		return ""
	}
	agreed, ok := settings.Negotiate(c.head.request.Extensions)
	if !ok {
		return ""
	}
	c.decoder.Deflate = wire.NewDeflate(settings, agreed, &c.scratch.flate)
	return agreed.Extension()
}

// refuse answers the opening handshake with an HTTP error.
func (c *conn) refuse(err error) {
	var refusal *wire.Refusal
	if !errors.As(err, &refusal) {
		refusal = &wire.Refusal{Status: http.StatusInternalServerError, Reason: "the server failed"}
	}
	c.log().Debug("handshake refused", "remote_addr", c.sock.RemoteAddr(), "status", refusal.Status, "reason", refusal.Reason)
	if _, err := c.sock.Write([][]byte{refusal.Append(nil)}); err == nil {
		c.linger(c.srv.closeTimeout())
	}
}

// linger hands the connection to its carrier, which ends it.
func (c *conn) linger(d time.Duration) {
	c.state = stateLingering
	c.sock.Loop().Stop(&c.timer)
	c.due = 0
	c.sock.Close(d)
}
