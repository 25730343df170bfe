package luatest

import (
	"fmt"
	"net/http"
	"slices"
	"sync"

	"lapps/protocol/rpc"
	"lapps/protocol/wire"
	"lapps/services"
)

// A conn is a test's connection to a service: a peer that keeps what it is sent.
type conn struct {
	// Immutable.
	id      uint64
	service *services.Service
	loop    *loop
	info    services.PeerInfo

	mu       sync.Mutex // guards the fields below
	answered bool       // the opening handshake
	seat     *services.Seat
	refusal  *wire.Refusal // nil: there is a seat, or was
	inbox    []arrival     // what has come, in order
	ended    bool          // by either side
	left     bool          // the seat has been given up
}

// An arrival is a message, or the end of the connection.
type arrival struct {
	op      wire.Op // Close: the end
	payload string
	code    wire.Code
	reason  string
}

func (a arrival) String() string {
	switch a.op {
	case wire.Close:
		return fmt.Sprintf("the connection was closed: %d %s", a.code, a.reason)
	case wire.Text:
		return "the text " + quote(a.payload)
	}
	return "the binary " + bytesOf(a.payload)
}

var _ services.Peer = (*conn)(nil)

// ID implements services.Peer.
func (c *conn) ID() uint64 { return c.id }

// Send implements services.Peer.
func (c *conn) Send(f wire.Frame) (queued int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return 0, services.ErrGone
	}
	c.inbox = append(c.inbox, arrival{op: f.Op, payload: f.Payload})
	return f.Size(), nil
}

// SendAll implements services.Peer.
func (c *conn) SendAll(frames []wire.Frame, _ wire.Frame) error {
	for _, f := range frames {
		if _, err := c.Send(f); err != nil {
			return err
		}
	}
	return nil
}

// Buffered implements services.Peer: a test reads at once.
func (c *conn) Buffered() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return 0, services.ErrGone
	}
	return 0, nil
}

// Close implements services.Peer.
func (c *conn) Close(code wire.Code, reason string) {
	c.mu.Lock()
	if !c.ended {
		c.ended = true
		c.inbox = append(c.inbox, arrival{op: wire.Close, code: code, reason: reason})
	}
	c.mu.Unlock()
	c.leave()
}

// Depart implements services.Peer.
func (c *conn) Depart(code wire.Code, reason string) { c.Close(code, reason) }

// Full implements services.Peer.
func (c *conn) Full() bool { return false }

// Resume implements services.Peer: who is refused fails the test.
func (c *conn) Resume() {}

// Info implements services.Peer.
func (c *conn) Info() services.PeerInfo { return c.info }

// Waker implements services.Peer.
func (c *conn) Waker() services.Waker { return c.loop }

// joined is what Join answers.
func (c *conn) joined(seat *services.Seat, err error) {
	c.mu.Lock()
	c.answered, c.seat = true, seat
	if err != nil {
		c.refused(err)
	}
	ended := c.ended
	c.mu.Unlock()
	if ended { // within onConnect
		c.leave()
	}
}

// refused notes why there is no connection. mu is held.
func (c *conn) refused(err error) {
	refusal, ok := err.(*wire.Refusal)
	if !ok {
		refusal = &wire.Refusal{Status: http.StatusInternalServerError, Reason: err.Error()}
	}
	c.answered, c.refusal, c.ended = true, refusal, true
}

// leave gives the seat up, once: the peer has gone.
func (c *conn) leave() {
	c.mu.Lock()
	seat := c.seat
	if c.left || seat == nil {
		c.mu.Unlock()
		return
	}
	c.left = true
	c.mu.Unlock()
	seat.Leave(nil)
}

// hangUp ends the connection, on the client's side.
func (c *conn) hangUp() {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.leave()
}

// status is that of the opening handshake's answer.
func (c *conn) status() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusal != nil {
		return c.refusal.Status
	}
	return http.StatusSwitchingProtocols
}

// deliver sends a message to the service.
func (c *conn) deliver(op wire.Op, data string) error {
	c.mu.Lock()
	seat, ended, refusal := c.seat, c.ended, c.refusal
	c.mu.Unlock()
	switch {
	case refusal != nil:
		return fmt.Errorf("the connection was refused: %d %s", refusal.Status, refusal.Reason)
	case ended:
		return fmt.Errorf("the connection is closed%s", c.why())
	}
	if _, err := seat.Deliver([]services.Message{{Kind: uint8(op), Data: data}}); err != nil {
		return fmt.Errorf("the service takes no more messages: %w", err)
	}
	return nil
}

// why is how the service has closed the connection.
func (c *conn) why() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.inbox); n > 0 && c.inbox[n-1].op == wire.Close {
		return fmt.Sprintf(": %d %s", c.inbox[n-1].code, c.inbox[n-1].reason)
	}
	return ""
}

// has reports whether there is an arrival that is wanted, or none that is can
// come any more. The end of the connection is always wanted.
func (c *conn) has(wanted func(arrival) bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended || slices.ContainsFunc(c.inbox, wanted)
}

// take takes the first arrival that is wanted; else the end of the connection,
// which stays. ok: there is one of these.
func (c *conn) take(wanted func(arrival) bool) (a arrival, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.IndexFunc(c.inbox, wanted); i >= 0 {
		a = c.inbox[i]
		if a.op != wire.Close {
			c.inbox = slices.Delete(c.inbox, i, i+1)
		}
		return a, true
	}
	if n := len(c.inbox); n > 0 && c.inbox[n-1].op == wire.Close {
		return c.inbox[n-1], true
	}
	return a, false
}

// anything is wanted by who takes what comes next.
func anything(arrival) bool { return true }

// response is wanted by who has sent a request.
func response(a arrival) bool {
	if a.op != wire.Binary || rpc.Check(a.payload) != nil {
		return false
	}
	kind, err := rpc.ParseReply(a.payload)
	return err == nil && kind.Answers()
}
