package secure

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"lapps/server"
)

// A Config says how a Layer is to be.
type Config struct {
	Keys  *Keys        // nil will do for Connect
	Slots *Slots       // of its handshakes; nil means its own, without limit
	Log   *slog.Logger // nil means slog.Default(). Handshakes that fail are logged at level debug
}

// A Layer encrypts the connections of a listener, or of several. Its methods
// may be called from any goroutine.
type Layer struct {
	// Immutable.
	keys  *Keys
	slots *Slots
	log   *slog.Logger

	scratch sync.Map // server.Loop to *scratch
	running sync.WaitGroup
	counts  counts
}

// Stats are what a Layer has counted since New.
type Stats struct {
	Completed uint64 // handshakes
	Resumed   uint64 // of those, the ones that took up an earlier session
	Failed    uint64 // handshakes, for any reason but the peer's going
	Evicted   uint64 // handshakes that were ended because others waited
	NotTLS    uint64 // connections whose first byte was not TLS's
}

type counts struct{ completed, resumed, failed, evicted, notTLS atomic.Uint64 }

// A scratch is what the connections of a loop read and write with. Owned by
// the loop.
type scratch struct {
	layer  *Layer
	record []byte         // what of a record its tls.Conn has not read
	plain  [maxPlain]byte // that record, decrypted
	join   []byte         // a record, to be encrypted
	out    []byte         // records, encrypted, to be sent
	vec    [1][]byte
}

// New makes a layer.
func New(c Config) *Layer {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Slots == nil {
		c.Slots = NewSlots(0, nil)
	}
	return &Layer{keys: c.Keys, slots: c.Slots, log: c.Log}
}

// Accept returns the Acceptor whose connections next gets in plain text. They
// are server.Certified. next is called before the handshake.
func (l *Layer) Accept(next server.Acceptor) server.Acceptor {
	return func(sock server.Socket) (server.Receiver, error) {
		s := &conn{Socket: sock, scratch: l.scratchOf(sock.Loop())}
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
	return Stats{
		Completed: l.counts.completed.Load(),
		Resumed:   l.counts.resumed.Load(),
		Failed:    l.counts.failed.Load(),
		Evicted:   l.counts.evicted.Load(),
		NotTLS:    l.counts.notTLS.Load(),
	}
}

func (l *Layer) scratchOf(loop server.Loop) *scratch {
	if known, ok := l.scratch.Load(loop); ok {
		return known.(*scratch)
	}
	known, _ := l.scratch.LoadOrStore(loop, &scratch{layer: l})
	return known.(*scratch)
}
