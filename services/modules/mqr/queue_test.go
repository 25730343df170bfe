package mqr

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/nljson"
	"lapps/services/vm"
)

// A fifo does what a slice that is kept sorted does.
func TestFifo(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var f fifo
	var twin, taken []uint64
	next := uint64(0)
	for step := range 200_000 {
		most := 10 + step%1000
		switch k := r.IntN(5); {
		case k < 2 && len(twin) < most:
			next++
			f.push(message{number: next})
			twin = append(twin, next)
		case k < 4 && len(twin) > 0:
			if got := f.pop().number; got != twin[0] {
				t.Fatalf("%d: %d, want %d", step, got, twin[0])
			}
			taken = append(taken, twin[0])
			twin = twin[1:]
		case k == 4 && len(taken) > 0: // one of the last few comes back
			i := len(taken) - 1 - r.IntN(min(3, len(taken)))
			n := taken[i]
			taken = slices.Delete(taken, i, i+1)
			f.putBack(message{number: n})
			at, _ := slices.BinarySearch(twin, n)
			twin = slices.Insert(slices.Clone(twin), at, n)
		}
		taken = taken[max(0, len(taken)-8):]
		if f.len() != len(twin) {
			t.Fatalf("%d: length %d, want %d", step, f.len(), len(twin))
		}
	}
	for i := range twin {
		if got := f.pop().number; got != twin[i] {
			t.Fatalf("at the end: %d, want %d", got, twin[i])
		}
	}
	if cap(f.all) > keepMessages {
		t.Errorf("it keeps room for %d", cap(f.all))
	}
}

// parcel is a string, on its way.
func parcel(t testing.TB, s string) nljson.Parcel {
	t.Helper()
	p, err := new(nljson.Lib).Export(lua.LString(s))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func text(p nljson.Parcel) string { return new(nljson.Lib).Import(p).String() }

// mustQueue makes a queue.
func mustQueue(t testing.TB, qs *Queues, name string, s settings) *queue {
	t.Helper()
	q, err := qs.queue(name, s)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestPutBack: what was given and not claimed is in its place again, whoever gives up
// first, and however many there are.
func TestPutBack(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}, {0, 2, 1}, {1, 0, 2}} {
		qs := New(Limits{Messages: 2, Bytes: 2})
		q := mustQueue(t, qs, "q", settings{})
		var ws []*waiter
		for range order {
			_, w := q.receive()
			ws = append(ws, w)
		}
		for _, s := range []string{"a", "b", "c", "d", "e"} { // three are given, two are kept
			if w, err := q.post(parcel(t, s)); w != nil || err != nil {
				t.Fatal(s, w, err)
			}
		}
		for _, i := range order {
			q.giveUp(ws[i])
			q.giveUp(ws[i]) // means nothing
		}
		if n, bytes := q.size(); n != 5 || bytes != 5 { // above the limit: they were in
			t.Errorf("%d messages of %d bytes", n, bytes)
		}
		w, _ := q.post(parcel(t, "f"))
		if w == nil {
			t.Error("there is room")
		}
		var got strings.Builder
		for range 6 {
			m, _ := q.take()
			got.WriteString(text(m.parcel))
		}
		if got.String() != "abcdef" || !q.withdraw(w) {
			t.Errorf("%v: %s", order, got.String())
		}
		if held := qs.held.Load(); held != 0 {
			t.Errorf("%d bytes are held", held)
		}
	}
}

// TestAll bounds what all queues hold together, and how many there are.
func TestAll(t *testing.T) {
	qs := New(Limits{Messages: 10, Bytes: 1000 - 10*messageBytes})
	big := strings.Repeat("x", 1000-10*messageBytes)
	n := 0
	for i := 0; ; i++ {
		q := mustQueue(t, qs, fmt.Sprint(i), settings{})
		if _, err := q.post(parcel(t, big)); err != nil {
			if err.Error() != "the queues of the server hold too much together" {
				t.Error(err)
			}
			break
		}
		n++
	}
	if want := fullQueues * 1000 / (len(big) + messageBytes); n != want {
		t.Errorf("%d messages were taken, want %d", n, want)
	}
	q := mustQueue(t, qs, "0", settings{})
	q.take()
	if _, err := q.post(parcel(t, big)); err != nil {
		t.Error(err)
	}

	for i := len(qs.byName); i < maxQueues; i++ {
		mustQueue(t, qs, fmt.Sprint("empty", i), settings{})
	}
	if _, err := qs.queue("one more", settings{}); err == nil || err.Error() != "there are 65536 queues already" {
		t.Error(err)
	}
	mustQueue(t, qs, "0", settings{})
}

// A post and a take that do not wait allocate nothing, nor does a message that waits
// for its receiver.
func TestNothingIsAllocated(t *testing.T) {
	q := mustQueue(t, New(Limits{}), "q", settings{})
	p := parcel(t, "x")
	if n := testing.AllocsPerRun(1000, func() {
		for range 3 {
			if w, err := q.post(p); w != nil || err != nil {
				t.Fatal(w, err)
			}
		}
		for range 3 {
			if _, w := q.receive(); w != nil {
				t.Fatal("empty")
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestStop: Halt wakes who waits, at once; who calls again does not make the
// processor hot; and an instance that is interrupted loses nothing.
func TestStop(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"recv", `return show({mqr.create("q"):recv()})`, "boolean false, string the service has to stop"},
		{"recv, with a timeout", `return show({mqr.create("q"):recv(60)})`, "boolean false, string the service has to stop"},
		{"post", `local q = mqr.create("q", {messages = 1}) q:post(1) return show({q:post(2)}) .. "; " .. #q`, "boolean false, string the service has to stop; 1"},
		{"tasks", `local n, t = 0, {} for i = 1, 100 do t[i] = task.spawn(function() local m, why = mqr.create("q"):recv() if why == "the service has to stop" then n = n + 1 end end) end task.all(t) return n`, "100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := start(t, New(Limits{}), "main.lua", c.source, nil)
				result := make(chan string)
				began := time.Now()
				go func() { result <- runMain(t, in) }()
				time.Sleep(time.Second)
				in.Halt()
				if got := <-result; got != c.want || time.Since(began) != time.Second {
					t.Errorf("%s after %v, want %s", got, time.Since(began), c.want)
				}
				stop(t, in)
			})
		})
	}
	for _, c := range []struct {
		name, source, want string
		took               time.Duration
	}{
		{"empty", `local q = mqr.create("q") for i = 1, 10 do q:recv() end return show({q:recv()})`, "boolean false, string the service has to stop", 110 * time.Millisecond},
		{"a short timeout", `return show({mqr.create("q"):recv(0.001)})`, "boolean false, string the service has to stop", time.Millisecond},
		{"no time", `return show({mqr.create("q"):recv(0)})`, "boolean false, string timeout", 0},
		{"full", `local q = mqr.create("q", {messages = 1}) return show({q:post(1), q:post(2)})`, "boolean true, boolean false, string the service has to stop", 10 * time.Millisecond},
		{"what is there", `local q = mqr.create("q") q:post("a") return show({q:recv()})`, "string a", 0},
		{"what comes", `local q = mqr.create("q") task.spawn(q.post, q, "a") return show({q:recv()})`, "string a", 0},
	} {
		t.Run("halted, "+c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := start(t, New(Limits{}), "main.lua", c.source, nil)
				in.Halt()
				began := time.Now()
				if got := runMain(t, in); got != c.want || time.Since(began) != c.took {
					t.Errorf("%s after %v, want %s after %v", got, time.Since(began), c.want, c.took)
				}
				stop(t, in)
			})
		})
	}
}

// TestInterrupted: an instance that is interrupted while it waits loses nothing that
// comes at that moment, and leaves nobody in the queue.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		qs := New(Limits{})
		q := mustQueue(t, qs, "q", settings{})
		in := start(t, qs, "main.lua", `for i = 1, 10 do task.spawn(function() while true do mqr.create("q"):recv() end end) end sleep(1) while true do mqr.create("q"):recv() end`, nil)
		result := make(chan string)
		go func() { result <- runMain(t, in) }()
		time.Sleep(2 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		// One executor is kept from the baton until the instance is interrupted.
		blocked, go_on := make(chan struct{}), make(chan struct{})
		go func() {
			_ = in.Do(t.Context(), func(*vm.Instance) error { close(blocked); <-go_on; return nil })
		}()
		<-blocked
		for _, s := range []string{"a", "b", "c"} {
			if w, err := q.post(parcel(t, s)); w != nil || err != nil {
				t.Error(w, err)
			}
		}
		if n, _ := q.size(); n != 0 || q.receivers.Len() != 8 {
			t.Errorf("%d messages, %d receivers; three should have been given one", n, q.receivers.Len())
		}
		stopped := make(chan error)
		go func() { stopped <- in.Stop(ctx) }()
		time.Sleep(time.Millisecond)
		close(go_on)
		if err := <-stopped; err != context.Canceled {
			t.Error(err)
		}
		if got := <-result; !strings.Contains(got, vm.ErrStopped.Error()) {
			t.Error(got)
		}
		<-in.Done()
		var got strings.Builder
		for m, ok := q.take(); ok; m, ok = q.take() {
			got.WriteString(text(m.parcel))
		}
		if got.String() != "abc" || q.receivers.Len() != 0 || qs.held.Load() != 0 {
			t.Errorf("%q is there, and %d receivers", got.String(), q.receivers.Len())
		}
	})
}

// A loop is one that runs inline.
type loop struct{ calls chan func() }

func (l loop) Post(f func()) { l.calls <- f }

// TestInline: handlers that run on an event loop must not wait; else they may post and
// receive.
func TestInline(t *testing.T) {
	l := loop{make(chan func(), 100)}
	qs := New(Limits{})
	source := `local q = mqr.create("q", {messages = 1}) return function() return show({q:post(1), q:recv(), pcall(q.recv, q), pcall(q.recv, q, 0), q:post(1), pcall(q.post, q, 2)}) end`
	in := start(t, qs, "main.lua", source, func(c *vm.Config) { c.Loop = l })
	done := make(chan struct{})
	go func() {
		defer close(done)
		for f := range l.calls {
			f()
		}
	}()
	var handler lua.LValue
	do(t, in, func(in *vm.Instance) (err error) { handler, err = in.Main(); return err })
	answer := make(chan string, 1)
	if err := in.Post(vm.Event{Target: &inliner{handler, answer}}); err != nil {
		t.Fatal(err)
	}
	const must = "a handler of a service that runs inline must not wait; a task may"
	if got, want := <-answer, "boolean true, number 1, boolean false, boolean true, boolean true, boolean false, string main.lua:1: "+must; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	q := mustQueue(t, qs, "q", settings{})
	if q.posters.Len() != 0 || q.receivers.Len() != 0 {
		t.Error("somebody waits")
	}
	stop(t, in)
	close(l.calls)
	<-done
}

// An inliner is a target whose event is handled on the loop.
type inliner struct {
	fn     lua.LValue
	answer chan string
}

func (i *inliner) Gate() *vm.Gate { return nil }
func (i *inliner) Room()          {}
func (i *inliner) Handle(in *vm.Instance, _ vm.Event) {
	v, err := in.Call(i.fn)
	i.answer <- fmt.Sprint(v.String(), strings.TrimPrefix(fmt.Sprint(err), "<nil>"))
}
