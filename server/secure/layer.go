package secure

import (
	"container/list"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"lapps/server"
)

// A Config says how a Layer is to be.
type Config struct {
	Keys *Keys

	// Handshakes is how many may be under way at a time; 0 means no limit.
	// Further ones wait for their turn, or with DryRun are only counted.
	Handshakes int
	DryRun     bool

	Log *slog.Logger // nil means slog.Default(). Handshakes that fail are logged at level debug
}

// patience is how long a handshake may wait for its peer while others wait for
// its slot.
const patience = time.Second

// A Layer encrypts the connections of a listener, or of several. Its methods
// may be called from any goroutine.
type Layer struct {
	// Immutable.
	keys    *Keys
	slots   int           // handshakes at a time; 0: no limit
	dry     bool          // slots are not enforced
	compute chan struct{} // holds one for each handshake that computes
	log     *slog.Logger

	scratch sync.Map // server.Loop to *scratch
	running sync.WaitGroup
	counts  counts

	mu      sync.Mutex // guards the fields below; nothing is called with it held
	shaking list.List  // of *handshake: those that have a slot, the oldest first
	waiting list.List  // of *handshake: those that wait for one
}

// Stats are what a Layer has counted since New, and what is now.
type Stats struct {
	Completed uint64 // handshakes
	Resumed   uint64 // of those, the ones that took up an earlier session
	Failed    uint64 // handshakes, for any reason but the peer's going
	Queued    uint64 // handshakes that were more than Config.Handshakes
	Evicted   uint64 // handshakes that were ended because others waited
	NotTLS    uint64 // connections whose first byte was not TLS's

	Shaking int // handshakes that have a slot
	Waiting int // handshakes that wait for one
}

type counts struct{ completed, resumed, failed, queued, evicted, notTLS atomic.Uint64 }

// A scratch is what the connections of a loop read and write with. Owned by
// the loop.
type scratch struct {
	plain [maxPlain]byte // a record, decrypted
	join  []byte         // a record, to be encrypted
	out   []byte         // records, encrypted, to be sent
	vec   [1][]byte
}

// New makes a layer.
func New(c Config) *Layer {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Layer{
		keys:    c.Keys,
		slots:   c.Handshakes,
		dry:     c.DryRun,
		compute: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		log:     c.Log,
	}
}

// Accept returns the Acceptor whose connections next gets in plain text. They
// are server.Certified. next is called before the handshake.
func (l *Layer) Accept(next server.Acceptor) server.Acceptor {
	return func(sock server.Socket) (server.Receiver, error) {
		s := &conn{Socket: sock, layer: l, scratch: l.scratchOf(sock.Loop())}
		recv, err := next(s)
		if err != nil {
			return nil, err
		}
		s.recv = recv
		return s, nil
	}
}

// Stop waits for the goroutines of handshakes. They end with their connections:
// the carrier must have stopped. When ctx ends first, its error is returned.
func (l *Layer) Stop(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		l.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("secure: stop: %w", ctx.Err())
	}
}

// Stats tells the counters.
func (l *Layer) Stats() Stats {
	l.mu.Lock()
	shaking, waiting := l.shaking.Len(), l.waiting.Len()
	l.mu.Unlock()
	return Stats{
		Completed: l.counts.completed.Load(),
		Resumed:   l.counts.resumed.Load(),
		Failed:    l.counts.failed.Load(),
		Queued:    l.counts.queued.Load(),
		Evicted:   l.counts.evicted.Load(),
		NotTLS:    l.counts.notTLS.Load(),
		Shaking:   shaking,
		Waiting:   waiting,
	}
}

func (l *Layer) scratchOf(loop server.Loop) *scratch {
	if known, ok := l.scratch.Load(loop); ok {
		return known.(*scratch)
	}
	known, _ := l.scratch.LoadOrStore(loop, new(scratch))
	return known.(*scratch)
}

// enter has a handshake begin, at once or when there is a slot. It is called on
// its loop.
func (l *Layer) enter(h *handshake) {
	l.mu.Lock()
	over := l.slots > 0 && l.shaking.Len() >= l.slots
	if over {
		l.counts.queued.Add(1)
	}
	if !over || l.dry {
		h.place = l.shaking.PushBack(h)
		l.mu.Unlock()
		h.begin()
		return
	}
	h.place = l.waiting.PushBack(h)
	l.mu.Unlock()
	h.queue()
}

// relieve ends the handshake that has had its slot longest of those that wait
// for their peers, if that is longer than patience. Any goroutine.
func (l *Layer) relieve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for e := l.shaking.Front(); e != nil; e = e.Next() {
		if h := e.Value.(*handshake); !h.chosen && h.idle() > patience {
			h.chosen = true
			h.s.Loop().Post(h.evict)
			return
		}
	}
}

// leave frees the slot of a handshake that is over, for the one that has waited
// longest. Any goroutine.
func (l *Layer) leave(h *handshake) {
	l.mu.Lock()
	l.shaking.Remove(h.place)
	var next *handshake
	if first := l.waiting.Front(); first != nil {
		next = l.waiting.Remove(first).(*handshake)
		next.place = l.shaking.PushBack(next)
	}
	l.mu.Unlock()
	if next != nil {
		next.s.Loop().Post(next.begin)
	}
}

// forget removes a handshake from those that wait. One that is not there any
// more has a slot, and its begin is posted.
func (l *Layer) forget(h *handshake) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting.Remove(h.place) // does nothing where it is in the other list
}
