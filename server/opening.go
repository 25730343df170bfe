package server

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"lapps/protocol/wire"
	"lapps/services"
)

// A head is what a connection needs until it is open.
type head struct {
	shake       wire.Handshake
	strict      *wire.Handshake // nil, unless Server.Head is only counted: it obeys it
	began       bool            // a byte has arrived
	late        bool            // it has taken longer than it may, which is only counted
	large       bool            // it is larger than it may be, which has been counted
	request     *wire.Request
	subprotocol string // what was agreed on; "": none
	gone        func() // tells the service that nobody waits for its answer; nil: it has come
}

// looseHead bounds opening handshakes where Server.Head is only counted.
var looseHead = wire.HeadLimits{Bytes: 1 << 20, Line: 1 << 20, Headers: 1 << 20}

func (s *Server) newHead() *head {
	h := &head{shake: wire.Handshake{Limits: s.Head}}
	if s.Dry(LimitHeader) {
		h.strict = &wire.Handshake{Limits: s.Head}
		h.shake.Limits = looseHead
	}
	return h
}

// start begins the life of a connection.
func (c *conn) start() {
	c.timer.F = c.tick
	c.since = c.sock.Loop().Now()
	if err := c.enter(); err != nil { // told at once, so that it costs as little as may be
		c.refuse(err)
		return
	}
	c.schedule()
}

// enter asks what can be asked before a byte has been received.
func (c *conn) enter() error {
	if err := c.takePlaces(); err != nil {
		return err
	}
	if c.listener.forwards(c.sock.RemoteAddr().Addr()) {
		return nil // the head says whose connection it is
	}
	return c.identified()
}

// identified asks what depends on the client's address. The carrier has asked
// Server.Access before; that may have been about a proxy.
func (c *conn) identified() error {
	if !c.srv.Access.Allows(c.client().Addr()) {
		return errAddress
	}
	return c.takePrefix()
}

var errAddress = &wire.Refusal{Status: http.StatusForbidden, Reason: "your address is not allowed"}

// receiveHead takes bytes of the opening handshake.
func (c *conn) receiveHead(p []byte) {
	if !c.head.began {
		c.head.began = true
		if err := c.takeHandshake(); err != nil {
			c.refuse(err)
			return
		}
	}
	r, rest, err := c.feed(p)
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

// feed is that of the Handshake, and counts heads that are too large.
func (c *conn) feed(p []byte) (r *wire.Request, rest []byte, err error) {
	h := c.head
	if h.strict != nil {
		if _, _, err := h.strict.Feed(p); err != nil {
			h.strict = nil
			c.countLarge(err)
		}
	}
	r, rest, err = h.shake.Feed(p)
	c.countLarge(err)
	return r, rest, err
}

// countLarge counts the head, once, if err says that it is larger than
// Server.Head.
func (c *conn) countLarge(err error) {
	var refusal *wire.Refusal
	if c.head.large || !errors.As(err, &refusal) {
		return
	}
	switch refusal.Status {
	case http.StatusRequestHeaderFieldsTooLarge, http.StatusRequestURITooLong:
		c.head.large = true
		c.srv.Exceed(LimitHeader)
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
	c.head.subprotocol = service.Subprotocol(c.head.request.Subprotocols)
	c.noteCertificate()
	c.state = stateJoining
	if len(rest) > 0 {
		c.hold(rest)
	}
	c.ask(false)
}

// ask asks the service for a seat, be it one too many.
func (c *conn) ask(surplus bool) {
	request := services.Request{
		Request:     c.head.request,
		RemoteAddr:  c.client(),
		Subprotocol: c.head.subprotocol,
		Certificate: c.Info().Certificate,
		Surplus:     surplus,
	}
	c.joinEnded = false
	c.head.gone = c.service.Join(c, request, func(seat *services.Seat, err error) {
		c.sock.Loop().Post(func() { c.joined(seat, err) })
	})
}

// askAgain asks the service that has taken the place of the one that was found.
func (c *conn) askAgain() {
	service, err := c.find()
	if err == nil && service == c.service {
		err = unavailable("the service is restarted")
	}
	if err != nil {
		c.refuse(err)
		return
	}
	c.service = service
	c.head.subprotocol = service.Subprotocol(c.head.request.Subprotocols)
	c.ask(false)
}

// forgo tells the service that the client does not wait for its answer any more.
func (c *conn) forgo() {
	if c.state == stateJoining && c.head.gone != nil {
		c.head.gone()
	}
}

// route finds the service for the request.
func (c *conn) route() (*services.Service, error) {
	if err := c.identify(); err != nil {
		return nil, err
	}
	return c.find()
}

// find finds the service for the request of a client that is known.
func (c *conn) find() (*services.Service, error) {
	r := c.head.request
	service := c.srv.Services.Lookup(r.Path)
	if service == nil {
		return nil, &wire.Refusal{Status: http.StatusNotFound, Reason: "no service has this path"}
	}
	if !service.Admits(c.client().Addr()) {
		return nil, errAddress
	}
	switch origins := r.Header["Origin"]; {
	case len(origins) > 1:
		return nil, &wire.Refusal{Status: http.StatusBadRequest, Reason: fmt.Sprintf("there are %d Origin lines, want 1", len(origins))}
	case len(origins) == 1 && !service.AdmitsOrigin(origins[0]):
		return nil, &wire.Refusal{Status: http.StatusForbidden, Reason: "your origin is not allowed"}
	}
	return service, nil
}

// joined is the service's answer.
func (c *conn) joined(seat *services.Seat, err error) {
	c.mu.Lock()
	c.seat = seat
	c.mu.Unlock()
	c.joinEnded = true
	if c.state != stateJoining { // refused or lost meanwhile
		c.leaveSeat(nil)
		if c.state == stateLost {
			c.srv.exit(c)
		}
		return
	}
	switch {
	case err == services.ErrReplaced:
		c.askAgain()
	case err == services.ErrFull && !c.srv.Exceed(LimitService):
		c.ask(true)
	case err != nil:
		c.refuse(err)
	default:
		c.open()
	}
}

// open answers that the peer is admitted.
func (c *conn) open() {
	c.shaken()
	accept := c.head.request.AppendAccept(nil, c.head.subprotocol, c.negotiate(), c.service.ExtraHeaders)
	backlog, err := c.sock.Write([][]byte{accept})
	if err != nil {
		return // Lost follows
	}
	c.head = nil
	c.state = stateOpen
	c.logOpened()
	c.begin()
	c.heard = c.sock.Loop().Now()
	c.mu.Lock()
	c.plain = c.decoder.Deflate == nil
	c.queued += backlog
	c.countLocked()
	c.mu.Unlock()
	c.backlog, c.stuck = backlog, c.heard
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
	c.log().Debug("handshake refused", "remote_addr", c.client(), "status", refusal.Status, "reason", refusal.Reason)
	if _, err := c.sock.Write([][]byte{refusal.Append(nil)}); err == nil {
		c.linger(c.srv.closeTimeout())
	}
}

// linger hands the connection to its carrier, which ends it.
func (c *conn) linger(d time.Duration) {
	c.shaken()
	c.state = stateLingering
	c.sock.Loop().Stop(&c.timer)
	c.due = 0
	c.sock.Close(d)
}
