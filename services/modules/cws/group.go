package cws

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"lapps/protocol/wire"
)

const (
	// maxConns is how many connections an instance may have.
	maxConns = 10_000

	// maxDials is how many of an instance's connections are being connected at a time.
	maxDials = 16

	// maxBuffered is how much of what has been received, and of what is to be sent, an
	// instance may have waiting in all, in bytes; then each connection has one message.
	maxBuffered = 64 << 20
)

// A group are the connections of an instance. It knows nothing of Lua, and nor do they: what
// Lua has forgotten would never be garbage otherwise. Its methods may be called from any
// goroutine.
type group struct {
	// Immutable.
	pool *Pool
	most int           // connections
	wait time.Duration // see closeTime

	bell     chan struct{} // something has come for the callbacks; capacity 1
	received atomic.Int64  // bytes that wait for Lua
	unsent   atomic.Int64  // bytes that wait for servers
	halted   atomic.Bool

	mu       sync.Mutex // guards the fields below; a conn's mu may be held when it is taken
	conns    map[*conn]struct{}
	pending  []*conn // to be dialled
	dialling int     // goroutines that do
	ready    []*conn // that have something for their callbacks, each once
	ended    bool
}

func newGroup(c Config) *group {
	return &group{pool: c.Pool, most: cmp.Or(c.MaxConns, maxConns), wait: cmp.Or(c.closeTime, closeTime), bell: make(chan struct{}, 1), conns: make(map[*conn]struct{})}
}

var (
	errEnded  = errors.New("the service is stopping")
	errNoPool = errors.New("nothing can be connected here: only a server that runs has event loops")
)

// start has c connected.
func (g *group) start(c *conn) error {
	if g.pool == nil {
		return errNoPool
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.ended:
		return errEnded
	case len(g.conns) >= g.most:
		return fmt.Errorf("too many connections: an instance has at most %d", g.most)
	}
	if err := g.pool.enter(); err != nil {
		return err
	}
	g.conns[c] = struct{}{}
	g.pending = append(g.pending, c)
	if g.dialling < maxDials {
		g.dialling++
		go g.dial()
	}
	return nil
}

// dial is a goroutine that connects what is to be connected.
func (g *group) dial() {
	for {
		g.mu.Lock()
		if len(g.pending) == 0 {
			g.pending = nil
			g.dialling--
			g.mu.Unlock()
			return
		}
		c := g.pending[0]
		g.pending[0] = nil
		g.pending = g.pending[1:]
		g.mu.Unlock()
		c.dial()
	}
}

// forget is the end of a connection.
func (g *group) forget(c *conn) {
	g.mu.Lock()
	_, known := g.conns[c]
	delete(g.conns, c)
	g.mu.Unlock()
	if known {
		g.pool.leave()
	}
}

// notify has the callbacks of c called.
func (g *group) notify(c *conn) {
	g.mu.Lock()
	if !c.listed && !g.ended {
		c.listed = true
		g.ready = append(g.ready, c)
	}
	g.mu.Unlock()
	ring(g.bell)
}

// takeReady takes all that have something for their callbacks.
func (g *group) takeReady() []*conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.ready
	g.ready = nil
	for _, c := range all {
		c.listed = false
	}
	return all
}

// all are the connections.
func (g *group) all() (all []*conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.conns {
		all = append(all, c)
	}
	return all
}

// halt wakes all who wait, and gives up what is being connected: the instance has to stop.
func (g *group) halt() {
	g.halted.Store(true)
	ring(g.bell)
	for _, c := range g.all() {
		c.giveUp()
		ring(c.bell)
		ring(c.room)
	}
}

// end closes all connections: the instance is over.
func (g *group) end() {
	g.mu.Lock()
	g.ended = true
	g.ready = nil
	g.mu.Unlock()
	loops := make(map[Loop]struct{})
	for _, c := range g.all() {
		if l, _ := c.close(wire.GoingAway, "", false); l != nil {
			loops[l] = struct{}{}
		}
	}
	for l := range loops {
		l.Wake()
	}
}

// ring rings a bell: whoever waits, or the next who does, looks.
func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default: // it rings already
	}
}
