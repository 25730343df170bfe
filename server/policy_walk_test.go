package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lapps/protocol/wire"
	"lapps/server"
	"lapps/services"
)

// A bench is a loop, and a server with one service, that a test drives by hand.
type bench struct {
	*server.Server
	log   bytes.Buffer
	now   time.Duration
	armed map[*server.Timer]bool

	mu     sync.Mutex // guards the fields below: the service's goroutines post, too
	posted []func()
	dirty  []server.Flusher
}

func (b *bench) Dirty(f server.Flusher) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dirty = append(b.dirty, f)
}

func (b *bench) Post(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.posted = append(b.posted, f)
}

func (b *bench) Wake()                                {}
func (b *bench) Later(f func())                       { f() }
func (b *bench) Now() time.Duration                   { return b.now }
func (b *bench) Arm(t *server.Timer, _ time.Duration) { b.armed[t] = true }
func (b *bench) Stop(t *server.Timer)                 { delete(b.armed, t) }

// tick has a second pass, and all timers fire, due or not.
func (b *bench) tick() {
	b.now += time.Second
	for t := range maps.Clone(b.armed) {
		delete(b.armed, t)
		t.F()
	}
}

// turn does what the loop has to do.
func (b *bench) turn() {
	for {
		b.mu.Lock()
		posted, dirty := b.posted, b.dirty
		b.posted, b.dirty = nil, nil
		b.mu.Unlock()
		if len(posted) == 0 && len(dirty) == 0 {
			return
		}
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
	b := &bench{now: time.Second, armed: map[*server.Timer]bool{}}
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
	b.Server = &server.Server{Services: registry, Timeouts: server.Timeouts{Ping: time.Second, Close: time.Hour}}
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
	pinged  bool         // and nothing was received or read since
	closed  bool
	gaveUp  bool // closed for want of room

	promised, written []string // controls and replies that have to be written, and all that was
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
		w.written = append(w.written, label(*w.writing))
		w.writing, w.stream = nil, w.stream[n:]
	}
}

// label tells frames apart: controls, replies, and others.
func label(f wire.Frame) string {
	kind := "message"
	if f.Reply {
		kind = "reply"
	} else if !f.Message() {
		kind = fmt.Sprint(f.Op)
	}
	return kind + " " + strings.TrimRight(f.Payload, ".")
}

// control puts a control frame of the server's own behind what waits.
func (w *twin) control(f wire.Frame) {
	if !w.closed {
		w.waiting = append(w.waiting, f)
		w.promised = append(w.promised, label(f))
	}
}

// checkPromises asks of what was written, whatever the model says: all control
// frames are there, and all replies, unless the connection was closed for want of
// room, in their order; and nothing follows the Close frame.
func (w *twin) checkPromises() {
	var got []string
	for i, s := range w.written {
		if strings.HasPrefix(s, "close ") && i < len(w.written)-1 {
			w.t.Fatalf("%q follows the Close frame", w.written[i+1])
		}
		if !strings.HasPrefix(s, "message ") {
			got = append(got, s)
		}
	}
	want := w.promised
	if w.gaveUp {
		isReply := func(s string) bool { return strings.HasPrefix(s, "reply ") }
		got, want = slices.DeleteFunc(got, isReply), slices.DeleteFunc(slices.Clone(want), isReply)
	}
	if !slices.Equal(got, want) {
		w.t.Fatalf("written were %q, promised %q", got, want)
	}
}

// grant gives the network room for n bytes more.
func (w *twin) grant(n int) {
	w.room += n
	if w.backlog > 0 {
		if w.drain(); w.backlog == 0 {
			w.begun -= w.kept
			if w.pong != nil {
				w.control(*w.pong)
			}
			w.pong, w.pinged = nil, false
			w.receiver.Writable()
		}
	}
}

// ping has the peer send a ping.
func (w *twin) ping(payload string) {
	pong := wire.Frame{Op: wire.Pong, Payload: payload}
	w.pinged = false
	switch {
	case w.closed:
	case w.backlog > 0:
		w.pong = &pong
	default:
		w.control(pong)
	}
	w.receiver.Receive([]byte(frame(0x89, payload)))
}

// tick precedes the bench's: the server pings who is silent, and has read all.
func (w *twin) tick() {
	if !w.pinged && w.backlog == 0 {
		w.pinged = true
		w.control(wire.Frame{Op: wire.Ping})
	}
}

// leave has the peer send a Close frame, which is answered.
func (w *twin) leave() {
	w.receiver.Receive([]byte(frame(0x88, "\x03\xe8")))
	synctest.Wait()
	w.close(1000, "")
	w.bench.turn()
}

// evict has the connection closed for what it holds.
func (w *twin) evict() {
	w.giveUp("the server holds too much for its peers")
	server.Evict(w.peer)
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
func (w *twin) send(f wire.Frame) error {
	want := w.model(f)
	_, err := w.peer.Send(f)
	if !errors.Is(err, want) {
		w.t.Fatalf("sending %.10q: %v, want %v", f.Payload, err, want)
	}
	if err == nil && f.Reply {
		w.promised = append(w.promised, label(f))
	}
	return err
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
			if o := w.waiting[i]; o.Reply || !o.Message() {
				i++
			} else {
				w.waiting = slices.Delete(slices.Clone(w.waiting), i, i+1)
			}
		}
	}
	switch {
	case fits() || w.policy == services.DropOldest && w.fitsReplies(f):
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
	w.giveUp("reading too slowly")
	return services.ErrBackpressure
}

// giveUp drops all messages that wait.
func (w *twin) giveUp(reason string) {
	if !w.closed {
		w.gaveUp = true
		w.waiting = slices.DeleteFunc(slices.Clone(w.waiting), wire.Frame.Message)
		w.close(wire.TryAgainLater, reason)
	}
}

// fitsReplies reports whether f is within the limit beside the replies that wait,
// or there are none.
func (w *twin) fitsReplies(f wire.Frame) bool {
	owed := 0
	for _, o := range w.waiting {
		if o.Reply {
			owed += charge(o)
		}
	}
	return owed == 0 || owed+charge(f) <= w.limit
}

// close is the Close frame, which nothing follows.
func (w *twin) close(code wire.Code, reason string) {
	w.control(wire.CloseFrame(code, reason))
	w.closed = true
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
				synctest.Test(t, func(t *testing.T) { walk(t, policy, rand.New(rand.NewPCG(seed, 1))) })
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
		case op < 98:
			b.turn()
		case op < 99:
			for _, w := range all {
				w.tick()
			}
			b.tick()
		default:
			w.end(random.IntN(15))
		}
		for _, w := range all {
			w.check()
		}
		b.checkBooks(t, all)
	}
	b.end(t, all)
}

// end ends the connection in one of three ways, or in none.
func (w *twin) end(way int) {
	switch way {
	case 0:
		w.close(4000, "")
		w.peer.Close(4000, "")
	case 1:
		w.leave()
	case 2:
		w.evict()
	}
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
			w.checkPromises()
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
