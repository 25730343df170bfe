package servertest

import (
	"errors"
	"net"
	"net/netip"
	"sync"

	"lapps/server"
)

// A Carrier connects clients in memory. Set the exported fields before the
// first Dial. Dial and Stop may be called from any goroutine.
type Carrier struct {
	// Accept is called for each client.
	Accept server.Acceptor

	// Buffer is how many bytes each direction holds; 0 means 256 KiB.
	Buffer int

	// Chunk is the size of the pieces in which bytes are received, at most;
	// 0 means 64 KiB.
	Chunk int

	loop *Loop

	mu    sync.Mutex // guards the fields below
	socks map[*socket]bool
	port  uint16
}

// NewCarrier starts a carrier's loop.
func NewCarrier(accept server.Acceptor) *Carrier {
	return &Carrier{Accept: accept, loop: newLoop(), socks: make(map[*socket]bool)}
}

// Loop is the carrier's only loop.
func (c *Carrier) Loop() *Loop { return c.loop }

// Dial connects a client, whose address is 192.0.2.1.
func (c *Carrier) Dial() (net.Conn, error) { return c.DialFrom(netip.MustParseAddr("192.0.2.1")) }

// DialFrom connects a client with the given address. The connection is
// accepted when DialFrom returns.
func (c *Carrier) DialFrom(addr netip.Addr) (net.Conn, error) {
	c.mu.Lock()
	c.port++
	from := netip.AddrPortFrom(addr, c.port)
	c.mu.Unlock()
	size := c.Buffer
	if size == 0 {
		size = 256 << 10
	}
	s := &socket{carrier: c, addr: from, in: newPipe(size), out: newPipe(size)}
	accepted := make(chan error, 1)
	c.loop.Post(func() { accepted <- s.accept() })
	select {
	case err := <-accepted:
		if err != nil {
			return nil, err
		}
		return &client{s: s}, nil
	case <-c.loop.done:
		return nil, errors.New("servertest: the carrier has stopped")
	}
}

// Stop aborts what is left of the connections and ends the loop.
func (c *Carrier) Stop() {
	ended := make(chan struct{})
	c.loop.Post(func() {
		c.mu.Lock()
		left := make([]*socket, 0, len(c.socks))
		for s := range c.socks {
			left = append(left, s)
		}
		c.mu.Unlock()
		for _, s := range left {
			s.Close(0)
		}
		close(ended)
	})
	select {
	case <-ended:
	case <-c.loop.done:
	}
	c.loop.stop()
}

// chunk is the size of the next piece to be received, of n bytes.
func (c *Carrier) chunk(n int) int {
	limit := c.Chunk
	if limit == 0 {
		limit = 64 << 10
	}
	return min(n, limit)
}
