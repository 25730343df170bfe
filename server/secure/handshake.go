package secure

import (
	"container/list"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lapps/server"
)

// A handshake is what a conn needs until it is open. Its goroutine runs the
// tls.Conn, and waits for records that the loop brings. From the first record
// until the tls.Conn asks for more than has come, the socket is not read: what is
// ahead stays with the kernel, and a FIN behind it does not end the connection
// before it is answered. A client of TLS 1.3 sends behind its Finished without
// waiting.
type handshake struct {
	s      *conn
	client *tls.Config   // of a connection that we have opened; nil: a peer has
	place  *list.Element // in one of the lists of its Slots; guarded by their mu
	out    []byte        // what the tls.Conn has written; the goroutine's
	since  atomic.Int64  // when it got its slot, on the loop's clock
	queued time.Duration // when it began to wait for one, on the loop's clock; immutable then
	alarm  server.Timer  // while it waits for a slot; the loop's

	blocked atomic.Bool // it waits for the peer
	chosen  bool        // it is to be evicted; guarded by the mu of its Slots

	mu      sync.Mutex // guards the fields below
	changed sync.Cond
	in      [][]byte // complete records
	err     error    // the connection is over
	paused  bool     // the socket is not read
}

func newHandshake(s *conn) *handshake {
	h := &handshake{s: s}
	h.changed.L = &h.mu
	return h
}

// begin starts a handshake that has a slot. Loop only.
func (h *handshake) begin() {
	s, l := h.s, h.s.scratch.layer
	if s.state != waiting { // it is over
		l.slots.leave(h)
		return
	}
	s.state = shaking
	if h.client != nil {
		s.tls = tls.Client((*transport)(s), h.client)
	} else {
		s.tls = tls.Server((*transport)(s), l.keys.server())
	}
	s.Loop().Stop(&h.alarm)
	h.since.Store(int64(s.Loop().Now()))
	l.running.Go(func() {
		defer l.slots.leave(h)
		l.slots.compute <- struct{}{}
		err := s.tls.Handshake()
		<-l.slots.compute
		s.Loop().Post(func() { s.shaken(err) })
	})
}

// shaken is the end of the handshake. Loop only.
func (s *conn) shaken(err error) {
	h := s.shake
	if s.state != shaking { // closed or lost meanwhile
		s.shake = nil
		return
	}
	s.scratch.out = append(s.scratch.out[:0], h.out...)
	s.shake = nil
	s.state = open
	if s.flush(); err != nil {
		s.scratch.layer.counts.failed.Add(1)
		s.scratch.layer.log.Debug("TLS handshake failed", "remote_addr", s.RemoteAddr(), "err", err)
		s.fail(err)
		return
	}
	s.scratch.layer.counts.completed.Add(1)
	if s.tls.ConnectionState().DidResume {
		s.scratch.layer.counts.resumed.Add(1)
	}
	if r, ok := s.recv.(Secured); ok {
		r.Secured()
	}
	for i, record := range h.in {
		if s.paused {
			s.hold(append(h.in[i:], s.records.partial))
			break
		}
		if s.state == open {
			s.open(record)
		}
	}
	if s.state == open {
		s.Socket.Pause(s.paused)
	}
}

// evict ends a handshake whose peer lets others wait, if it still does. Loop
// only.
func (h *handshake) evict() {
	h.s.scratch.layer.slots.spare(h)
	if s := h.s; s.state == shaking && h.idle() > patience {
		s.scratch.layer.counts.evicted.Add(1)
		s.scratch.layer.log.Debug("TLS handshake ended: others wait", "remote_addr", s.RemoteAddr())
		s.fail(errEvicted)
	}
}

// offer takes the records in p. Loop only.
func (h *handshake) offer(p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		record, rest := h.s.records.next(p)
		if record == nil {
			break
		}
		p = rest
		if h.s.state == silent && len(h.in) == 0 {
			h.in = cut(record)
		} else {
			h.in = append(h.in, slices.Clone(record))
		}
	}
	if len(h.in) > 0 && !h.paused {
		h.paused = true
		h.s.Socket.Pause(true)
	}
	h.changed.Signal()
}

// read is the tls.Conn's, on the goroutine of the handshake. It gives what is
// left of one record. While it waits, what was written goes out, and others
// compute.
func (h *handshake) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.in) == 0 && h.err == nil {
		h.wait()
	}
	if h.err != nil {
		return 0, h.err
	}
	n := copy(b, h.in[0])
	if h.in[0] = h.in[0][n:]; len(h.in[0]) == 0 {
		h.in[0] = nil
		h.in = h.in[1:]
	}
	return n, nil
}

// wait waits for the peer. mu is held.
func (h *handshake) wait() {
	if len(h.out) > 0 {
		out := h.out
		h.out = nil
		h.s.Loop().Post(func() { h.s.sendShake(out) })
	}
	if h.paused {
		h.paused = false
		h.s.Loop().Post(h.resume)
	}
	h.blocked.Store(true)
	<-h.s.scratch.layer.slots.compute
	for len(h.in) == 0 && h.err == nil {
		h.changed.Wait()
	}
	h.blocked.Store(false)
	h.mu.Unlock()
	h.s.scratch.layer.slots.compute <- struct{}{}
	h.mu.Lock()
}

// resume has the socket read on. Loop only.
func (h *handshake) resume() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.s.state == shaking && !h.paused {
		h.s.Socket.Pause(false)
	}
}

// idle is how long the handshake has had its slot, if it waits for its peer now.
// Any goroutine.
func (h *handshake) idle() time.Duration {
	if !h.blocked.Load() {
		return 0
	}
	return h.s.Loop().Now() - time.Duration(h.since.Load())
}

// waited is how long the handshake has waited for a slot. Any goroutine.
func (h *handshake) waited() time.Duration { return h.s.Loop().Now() - h.queued }

// queue has others asked to make room, now and then, while h waits for a slot.
// Loop only.
func (h *handshake) queue() {
	h.alarm.F = func() {
		if h.s.state == waiting {
			h.queue()
		}
	}
	h.s.scratch.layer.slots.relieve()
	h.s.Loop().Arm(&h.alarm, patience)
}

// end has the goroutine end.
func (h *handshake) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		h.err = net.ErrClosed
	}
	h.changed.Signal()
}
