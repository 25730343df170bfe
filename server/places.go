package server

import (
	"net/http"
	"sync/atomic"

	"lapps/protocol/wire"
)

// places are those that a connection has taken of the limited ones, and gives
// back. Who is refused for want of a place has not taken it: a client that is
// told to come later, and lingers, does not keep itself out.
type places uint8

const (
	placeServer places = 1 << iota
	placeListener
	placePrefix
	placeHandshake
)

// take takes a place, one of limit (0: as many as one likes), of which taken
// have gone. Where there is none left, and l is only counted, it takes one all
// the same. However many goroutines are at it, no more than limit succeed.
func (s *Server) take(taken *atomic.Int64, limit int, l Limit) bool {
	if n := taken.Add(1); limit > 0 && n > int64(limit) && s.Exceed(l) {
		taken.Add(-1)
		return false
	}
	return true
}

// takePlaces takes what c needs to connect at all.
func (c *conn) takePlaces() error {
	s, l := c.srv, c.listener
	if s.refusing.Load() && s.Exceed(LimitMemory) {
		return unavailable("the server runs short of memory")
	}
	if !s.take(&s.taken, s.MaxConns, LimitConnections) {
		return unavailable("too many connections")
	}
	c.places |= placeServer
	if !s.take(&l.open, l.MaxConns, LimitListener) {
		return unavailable("too many connections to this address and port")
	}
	c.places |= placeListener
	return nil
}

// takePrefix takes one of the places of the client's prefix. A client whose
// address is not known, such as one of a Unix-domain socket, needs none.
func (c *conn) takePrefix() error {
	s := c.srv
	if s.Limits.PerPrefix == 0 || !c.client().IsValid() {
		return nil
	}
	p := prefixOf(c.client().Addr())
	if s.prefixes.enter(p) > s.Limits.PerPrefix && s.Exceed(LimitPrefix) {
		s.prefixes.leave(p)
		return &wire.Refusal{Status: http.StatusTooManyRequests, Reason: "too many connections from your address"}
	}
	c.places |= placePrefix
	return nil
}

// takeHandshake takes a place among the opening handshakes under way.
func (c *conn) takeHandshake() error {
	s := c.srv
	if !s.take(&s.shaking, s.Limits.Handshakes, LimitHandshakes) {
		return unavailable("too many opening handshakes at a time")
	}
	c.places |= placeHandshake
	return nil
}

// shaken gives the place of takeHandshake back, once.
func (c *conn) shaken() {
	if c.places&placeHandshake != 0 {
		c.places &^= placeHandshake
		c.srv.shaking.Add(-1)
	}
}

// giveBack gives all other places back.
func (c *conn) giveBack() {
	if c.places&placeServer != 0 {
		c.srv.taken.Add(-1)
	}
	if c.places&placeListener != 0 {
		c.listener.open.Add(-1)
	}
	if c.places&placePrefix != 0 {
		c.srv.prefixes.leave(prefixOf(c.client().Addr()))
	}
	c.places = 0
}

func unavailable(why string) *wire.Refusal {
	return &wire.Refusal{Status: http.StatusServiceUnavailable, Reason: why}
}
