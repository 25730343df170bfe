package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"lapps/protocol/wire"
	"lapps/server"
	"lapps/services"
)

// A bench is a loop, and a server with one service, that a test drives by hand.
type bench struct {
	*server.Server
	log    bytes.Buffer
	posted []func()
	dirty  []server.Flusher
}

func (b *bench) Dirty(f server.Flusher)           { b.dirty = append(b.dirty, f) }
func (b *bench) Wake()                            {}
func (b *bench) Post(f func())                    { b.posted = append(b.posted, f) }
func (b *bench) Now() time.Duration               { return time.Second }
func (b *bench) Arm(*server.Timer, time.Duration) {}
func (b *bench) Stop(*server.Timer)               {}

// turn does what the loop has to do.
func (b *bench) turn() {
	for len(b.posted) > 0 || len(b.dirty) > 0 {
		posted, dirty := b.posted, b.dirty
		b.posted, b.dirty = nil, nil
		for _, f := range posted {
			f()
		}
		for _, f := range dirty {
			f.Flush()
		}
	}
}

// newBench starts a service with a policy.
func newBench(t testing.TB, policy services.SlowConsumer, limit int) *bench {
	t.Helper()
	b := &bench{}
	log := slog.New(slog.NewTextHandler(&b.log, nil))
	registry, err := services.New([]services.Config{{
		Name:          "test",
		Files:         luaFiles(`return {onMessage = print, onDrain = function() print("drained") end}`),
		RequestTarget: "/test",
		AutoStart:     true,
		Instances:     1,
		OutboxBytes:   limit,
		SlowConsumer:  policy,
	}}, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := registry.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { registry.Stop(context.Background()) })
	b.Server = &server.Server{Services: registry}
	return b
}

// A twin is a connection of a bench, its socket, and a slow and plain model of
// its outbox: a list, walked from its beginning each time.
type twin struct {
	t        testing.TB
	bench    *bench
	policy   services.SlowConsumer
	limit    int
	receiver server.Receiver
	peer     services.Peer

	room    int    // bytes that the network takes now
	backlog int    // bytes that the socket keeps
	stream  []byte // what was written of frames that are not complete
	opened  bool   // the 101 has been written
	ended   bool   // the server has closed the socket

	waiting []wire.Frame // what should be in the outbox
	writing *wire.Frame  // what has begun to be written
	begun   int          // bytes of frames that have begun, less what the server knows to be gone
	kept    int          // what Write has returned last
	pong    *wire.Frame  // waits for the backlog to go
	closed  bool
}

func (w *twin) Pause(bool)                 {}
func (w *twin) Close(time.Duration)        { w.ended = true }
func (w *twin) RemoteAddr() netip.AddrPort { return netip.AddrPort{} }
func (w *twin) Loop() server.Loop          { return w.bench }

// Write takes as much as there is room for.
func (w *twin) Write(p [][]byte) (int, error) {
	if !w.opened {
		w.opened = true
		return 0, nil
	}
	for _, b := range p {
		w.stream = append(w.stream, b...)
		w.backlog += len(b)
	}
	w.parse()
	w.begun -= w.drain()
	w.kept = w.backlog
	return w.backlog, nil
}

// drain has the network take what it can.
func (w *twin) drain() (n int) {
	n = min(w.room, w.backlog)
	w.room, w.backlog = w.room-n, w.backlog-n
	return n
}

// parse compares the frames that were written with those that were to come next.
func (w *twin) parse() {
	for len(w.stream) > 0 {
		if w.writing == nil {
			if len(w.waiting) == 0 {
				w.t.Fatalf("%.20q was written, and nothing should have been waiting", w.stream)
			}
			w.writing, w.waiting = &w.waiting[0], w.waiting[1:]
			w.begun += w.writing.Size()
		}
		want := w.writing.Append(nil)
		n := min(len(want), len(w.stream))
		if string(w.stream[:n]) != string(want[:n]) {
			w.t.Fatalf("%.20q was written, want %.20q", w.stream, want)
		}
		if n < len(want) {
			return
		}
		w.writing, w.stream = nil, w.stream[n:]
	}
}

// grant gives the network room for n bytes more.
func (w *twin) grant(n int) {
	w.room += n
	if w.backlog > 0 {
		if w.drain(); w.backlog == 0 {
			w.begun -= w.kept
			if w.pong != nil && !w.closed {
				w.waiting = append(w.waiting, *w.pong)
			}
			w.pong = nil
			w.receiver.Writable()
		}
	}
}

// ping has the peer send a ping.
func (w *twin) ping(payload string) {
	pong := wire.Frame{Op: wire.Pong, Payload: payload}
	switch {
	case w.closed:
	case w.backlog > 0:
		w.pong = &pong
	default:
		w.waiting = append(w.waiting, pong)
	}
	w.receiver.Receive([]byte(frame(0x89, payload)))
}

func charge(f wire.Frame) int { return f.Size() + 48 }

// queued is what is on the outbox's account.
func (w *twin) queued() int {
	n := w.begun
	for _, f := range w.waiting {
		n += charge(f)
	}
	return n
}

// send has the service send f.
func (w *twin) send(f wire.Frame) {
	want := w.model(f)
	if _, err := w.peer.Send(f); !errors.Is(err, want) {
		w.t.Fatalf("sending %.10q: %v, want %v", f.Payload, err, want)
	}
}

// model does to the model what Send is to do, and returns its error.
func (w *twin) model(f wire.Frame) error {
	if w.closed {
		return services.ErrGone
	}
	old := -1
	if w.policy == services.Latest && f.Channel != 0 {
		old = slices.IndexFunc(w.waiting, func(o wire.Frame) bool { return o.Channel == f.Channel })
	}
	fits := func() bool {
		rest := w.queued()
		if old >= 0 {
			rest -= charge(w.waiting[old])
		}
		return rest == 0 || rest+charge(f) <= w.limit
	}
	if w.policy == services.DropOldest {
		for i := 0; i < len(w.waiting) && !fits(); {
			if o := w.waiting[i]; o.Reply || o.Op == wire.Pong {
				i++
			} else {
				w.waiting = slices.Delete(slices.Clone(w.waiting), i, i+1)
			}
		}
	}
	switch {
	case fits() || w.policy == services.DropOldest && len(w.waiting) == 0:
		if old >= 0 {
			w.waiting = slices.Clone(w.waiting)
			w.waiting[old] = f
		} else {
			w.waiting = append(w.waiting, f)
		}
		return nil
	case !f.Reply && (w.policy == services.DropNewest || w.policy == services.DropOldest):
		return services.ErrDropped
	}
	w.waiting = slices.DeleteFunc(slices.Clone(w.waiting), func(o wire.Frame) bool { return o.Op != wire.Pong })
	w.close(wire.TryAgainLater, "reading too slowly")
	return services.ErrBackpressure
}

// close is the Close frame, which nothing follows.
func (w *twin) close(code wire.Code, reason string) {
	if !w.closed {
		w.closed = true
		w.waiting = append(w.waiting, wire.CloseFrame(code, reason))
	}
}

// check compares the account.
func (w *twin) check() {
	n, err := w.peer.Buffered()
	if (err != nil) != w.closed || err == nil && n != w.queued() {
		w.t.Fatalf("%d bytes are on the account, %v, want %d, closed %v", n, err, w.queued(), w.closed)
	}
}

// holds is what the peer's connection alone holds. The payloads that it shares
// are put into shared.
func (w *twin) holds(shared map[*wire.Shared]int) int {
	n := w.queued()
	lend := func(f wire.Frame, size int) {
		if f.Shared != nil && len(f.Payload) > 256 {
			n -= size
			shared[f.Shared] = len(f.Payload)
		}
	}
	for _, f := range w.waiting {
		lend(f, len(f.Payload))
	}
	if w.writing != nil {
		lend(*w.writing, w.writing.Size()-len(w.stream))
	}
	return n
}

// TestPolicyWalk has services send, peers ping, and the network take, anything
// at random: each frame that is written is the one that is to come next, and what
// is counted is what waits.
func TestPolicyWalk(t *testing.T) {
	for _, policy := range []services.SlowConsumer{services.CloseSlow, services.DropNewest, services.DropOldest, services.Latest} {
		for seed := range uint64(12) {
			t.Run(fmt.Sprintf("policy %d, seed %d", policy, seed), func(t *testing.T) {
				walk(t, policy, rand.New(rand.NewPCG(seed, 1)))
			})
		}
	}
}

// join opens a connection.
func (b *bench) join(t testing.TB, policy services.SlowConsumer, limit int) *twin {
	t.Helper()
	w := &twin{t: t, bench: b, policy: policy, limit: limit}
	receiver, err := b.Accept(w)
	if err != nil {
		t.Fatal(err)
	}
	w.receiver, w.peer = receiver, receiver.(services.Peer)
	receiver.Receive([]byte(strings.Replace(handshake, "%s", "", 1)))
	b.turn()
	return w
}

func walk(t *testing.T, policy services.SlowConsumer, random *rand.Rand) {
	limit := []int{2_000, 30_000, 200_000, 1_000_000}[random.IntN(4)]
	bandwidth := 10_000 << random.IntN(6)
	b := newBench(t, policy, limit)
	var all []*twin
	for range 4 {
		all = append(all, b.join(t, policy, limit))
	}
	message := func(i int) wire.Frame {
		size := random.IntN([]int{100, 1500, min(limit/10, 5000)}[random.IntN(3)])
		if random.IntN(60) == 0 {
			size = random.IntN([]int{limit / 2, limit, 150_000}[random.IntN(3)])
		}
		return wire.Frame{Op: wire.Text, Reply: random.IntN(8) == 0, Payload: fmt.Sprint(i, strings.Repeat(".", size))}
	}
	direct := 40 // in a hundred
	if policy == services.Latest {
		direct = 3 // or they would soon be too many
	}
	for i := range 600 {
		w := all[random.IntN(len(all))]
		switch op := random.IntN(100); {
		case op < direct:
			w.send(message(i))
		case op < 75:
			f := message(i)
			f.Reply, f.Channel, f.Shared = false, 1+uint32(random.IntN(60)), new(wire.Shared)
			for _, w := range all {
				w.send(f)
			}
		case op < 80:
			w.ping(fmt.Sprint(i))
		case op < 90:
			w.grant(random.IntN(bandwidth))
		case op < 91:
			w.grant(1_000_000)
		case op < 99:
			b.turn()
		case random.IntN(5) == 0:
			w.close(4000, "")
			w.peer.Close(4000, "")
		}
		for _, w := range all {
			w.check()
		}
		b.checkBooks(t, all)
	}
	b.end(t, all)
}

// checkBooks compares what is booked: of each connection less than 1 KiB may be
// missing, or too much.
func (b *bench) checkBooks(t *testing.T, all []*twin) {
	t.Helper()
	shared, want := map[*wire.Shared]int{}, 0
	for _, w := range all {
		want += w.holds(shared)
	}
	for _, n := range shared {
		want += n
	}
	if got := int(b.Booked()); got <= want-1024*len(all) || got >= want+1024*len(all) {
		t.Fatalf("%d bytes are booked, want %d", got, want)
	}
}

// end has half of the peers read all that is left, and the others vanish: nothing
// is counted any more.
func (b *bench) end(t *testing.T, all []*twin) {
	t.Helper()
	for i, w := range all {
		if i%2 == 0 {
			w.grant(1 << 30)
			b.turn()
			if len(w.waiting) > 0 || w.writing != nil || w.closed != w.ended {
				t.Fatalf("%d frames were not written; closed: %v, ended: %v", len(w.waiting), w.closed, w.ended)
			}
			w.check()
		} else {
			w.receiver.Lost(nil)
		}
	}
	if n, booked := b.Queued(), b.Booked(); n != 0 || booked != 0 {
		t.Fatalf("%d bytes are still counted, and %d booked", n, booked)
	}
	for i, w := range all {
		if i%2 == 0 {
			w.receiver.Lost(nil)
		}
	}
}

// BenchmarkSlow is a message for a peer that does not read, for which so many
// wait: it costs the same however many those are.
func BenchmarkSlow(b *testing.B) {
	for name, policy := range map[string]services.SlowConsumer{
		"drop_newest": services.DropNewest, "drop_oldest": services.DropOldest, "latest": services.Latest,
	} {
		for _, waiting := range []int{10, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", name, waiting), func(b *testing.B) {
				f := wire.Frame{Op: wire.Text, Payload: strings.Repeat("x", 64)}
				limit := waiting * charge(f)
				h := newBench(b, policy, limit)
				peer := h.join(b, policy, limit).peer
				i := 0
				send := func() {
					i++
					f.Channel = uint32(i%waiting) + 1
					peer.Send(f)
				}
				for range waiting {
					send()
				}
				b.ReportAllocs()
				for b.Loop() {
					send()
				}
			})
		}
	}
}
