package cws

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync"

	"lapps/protocol/wire"
)

// maxConnecting is how many connections of a process are being connected at a time, up to
// where an event loop has them.
const maxConnecting = 64

// A Pool is what all instances of a process share: the way to the event loops. Its
// methods may be called from any goroutine.
type Pool struct {
	// Immutable.
	carry   Carry
	slots   chan struct{} // one for each that is being connected
	scratch sync.Map      // Loop to *scratch

	mu      sync.Mutex // guards the fields below
	count   int        // connections, from when they are asked for until they are lost
	stopped bool
	none    chan struct{} // closed once it is stopped and has no connections
}

// NewPool makes a pool of connections that carry carries.
func NewPool(carry Carry) *Pool {
	return &Pool{carry: carry, slots: make(chan struct{}, maxConnecting), none: make(chan struct{})}
}

// Len is how many connections there are, those that are being connected or closed
// included.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// Stop refuses new connections, and waits until those that there are, which end with their
// instances, are over. When ctx ends first its error is returned. It may be called again.
func (p *Pool) Stop(ctx context.Context) error {
	p.mu.Lock()
	if !p.stopped {
		p.stopped = true
		p.endLocked()
	}
	p.mu.Unlock()
	select {
	case <-p.none:
		return nil
	default:
	}
	select {
	case <-p.none:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cws: stop: %w", ctx.Err())
	}
}

func (p *Pool) endLocked() {
	if p.stopped && p.count == 0 {
		close(p.none)
	}
}

var errStopped = errors.New("the server is stopping")

// enter counts a connection more.
func (p *Pool) enter() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return errStopped
	}
	p.count++
	return nil
}

// leave counts a connection less.
func (p *Pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count--
	p.endLocked()
}

// A scratch is what the connections of an event loop share. Owned by the loop.
type scratch struct {
	random *mathrand.ChaCha8 // of keys that mask frames: unpredictable (RFC 6455, section 5.3)
	frames []wire.Frame      // taken off an outbox
	buf    []byte            // encoded
	vec    [1][]byte
	flate  wire.Flate
}

// scratchOf is that of a loop.
func (p *Pool) scratchOf(l Loop) *scratch {
	if known, ok := p.scratch.Load(l); ok {
		return known.(*scratch)
	}
	var seed [32]byte
	rand.Read(seed[:]) // never fails
	known, _ := p.scratch.LoadOrStore(l, &scratch{
		random: mathrand.NewChaCha8(seed),
		buf:    make([]byte, 0, slice+slice/8),
	})
	return known.(*scratch)
}

// key is a new masking key.
func (s *scratch) key() (key [4]byte) {
	binary.LittleEndian.PutUint32(key[:], uint32(s.random.Uint64()))
	return key
}
