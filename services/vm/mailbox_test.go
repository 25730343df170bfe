package vm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// held has in's baton held until release is called.
func held(t *testing.T, in *Instance) (release func()) {
	t.Helper()
	began, end, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		do(t, in, func(*Instance) { close(began); <-end })
	}()
	<-began
	return func() { close(end); <-ended }
}

func TestLimits(t *testing.T) {
	const full = "full"
	quiet := func(*Instance, Event) {}
	a, b, c := &target{gate: new(Gate), handle: quiet}, &target{gate: new(Gate), handle: quiet}, &target{handle: quiet}
	type step struct {
		to   *target
		size int
		want string
	}
	// The errand that holds the baton counts as one event.
	for _, tt := range []struct {
		name   string
		limits Limits
		steps  []step
	}{
		{"events", Limits{Events: 3}, []step{{a, 1, ""}, {b, 1, ""}, {b, 1, full}, {c, 0, full}}},
		{"bytes", Limits{Bytes: 10}, []step{{a, 6, ""}, {b, 5, full}, {c, 4, ""}, {c, 0, ""}, {b, 1, full}}},
		{"gate events", Limits{GateEvents: 2}, []step{{a, 1, ""}, {a, 1, ""}, {a, 1, full}, {b, 1, ""}, {c, 1, ""}, {c, 1, ""}, {c, 1, ""}}},
		{"gate bytes", Limits{GateBytes: 10}, []step{{a, 10, ""}, {a, 0, ""}, {a, 1, full}, {b, 9, ""}, {b, 2, full}, {b, 1, ""}, {c, 99, ""}}},
		{"a gate's first, whatever its size", Limits{GateBytes: 10, Bytes: 100}, []step{{a, 90, ""}, {a, 0, full}, {b, 11, full}, {b, 10, ""}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := start(t, "", Config{Limits: tt.limits})
			release := held(t, in)
			for i, s := range tt.steps {
				err := in.Offer(Event{Target: s.to, Data: strings.Repeat("x", s.size)})
				if (s.want == full) != errors.Is(err, ErrBusy) || s.want == "" && err != nil {
					t.Errorf("step %d: got %v, want %q", i, err, s.want)
				}
			}
			release()
		})
	}
}

func TestEmptyInstanceTakesOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := started(t, "", Config{Limits: Limits{Bytes: 1, GateBytes: 1}})
		synctest.Wait() // the main chunk's turn has ended: nothing is on the account
		n := 0
		a := &target{gate: new(Gate), handle: func(_ *Instance, e Event) { n = len(e.Data) }}
		if err := in.Offer(Event{Target: a, Data: "much more"}); err != nil {
			t.Error(err)
		}
		stop(t, in)
		if n != 9 {
			t.Errorf("got %d bytes", n)
		}
	})
}

// Room is called once for each target that was refused, not before the
// instance and the gate are below half; Post is never refused.
func TestRoom(t *testing.T) {
	in := started(t, "", Config{Limits: Limits{Events: 1024, GateEvents: 6}})
	a, b := &target{gate: new(Gate)}, &target{}
	var roomsA []int // before each event of a
	a.handle = func(in *Instance, _ Event) { roomsA = append(roomsA, a.rooms) }
	b.handle = func(*Instance, Event) {}
	release := held(t, in)
	for i := range 8 {
		err := in.Offer(Event{Target: a})
		if (i >= 6) != errors.Is(err, ErrBusy) {
			t.Errorf("offer %d: %v", i, err)
		}
	}
	if err := in.Post(Event{Target: a}); err != nil {
		t.Error(err)
	}
	for {
		if err := in.Offer(Event{Target: b}); errors.Is(err, ErrBusy) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	release()
	stop(t, in)
	if a.rooms != 1 || b.rooms != 1 || len(roomsA) != 7 || roomsA[6] != 0 {
		t.Errorf("Room was called %d and %d times; %d events, before them %v", a.rooms, b.rooms, len(roomsA), roomsA)
	}
	if err := in.Offer(Event{Target: a}); !errors.Is(err, ErrStopped) {
		t.Errorf("after Stop: %v", err)
	}
}

// While the instance is fuller than half, one refused target is told of room
// for each turn; the others when it is below half.
func TestRoomForOneByOne(t *testing.T) {
	const limit, refused = 4 * turnEvents, 100
	early, all := 0, 0
	in := started(t, "", Config{Limits: Limits{Events: limit}})
	targets := make([]*roomTarget, refused)
	for i := range targets {
		targets[i] = &roomTarget{room: func() {
			all++
			if in.Stats().Queued >= limit/2 {
				early++
			}
		}}
	}
	release := held(t, in)
	for in.Offer(Event{Target: &roomTarget{room: func() {}}}) == nil {
	}
	for _, r := range targets {
		if err := in.Offer(Event{Target: r}); !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
	}
	release()
	stop(t, in)
	if all != refused || early == 0 || early > refused/2 {
		t.Errorf("Room was called %d times, %d of them above half", all, early)
	}
}

// What waits for blocked handlers counts against their gates' shares, and does
// not keep others out of the instance.
func TestBlockedKeepNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := started(t, "", Config{Limits: Limits{Events: 8, Bytes: 80, GateEvents: 4}})
		synctest.Wait()
		release := make(chan struct{})
		var handled []string
		wait := func(in *Instance, e Event) {
			in.Wait(func(context.Context) { <-release })
			handled = append(handled, e.Data)
		}
		blocked := []*target{{gate: new(Gate), handle: wait}, {gate: new(Gate), handle: wait}, {gate: new(Gate), handle: wait}}
		for _, b := range blocked {
			for range 4 {
				if err := in.Offer(Event{Target: b, Data: "0123456789"}); err != nil {
					t.Error(err)
				}
			}
			synctest.Wait()
			if err := in.Offer(Event{Target: b}); !errors.Is(err, ErrBusy) {
				t.Errorf("beyond its share: %v", err)
			}
		}
		other := &target{gate: new(Gate), handle: func(_ *Instance, e Event) { handled = append(handled, e.Data) }}
		if err := in.Offer(Event{Target: other, Data: "other"}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if !slices.Equal(handled, []string{"other"}) {
			t.Errorf("handled %q while others were blocked", handled)
		}
		close(release)
		synctest.Wait()
		in.mu.Lock()
		if len(handled) != 13 || in.events != 0 || in.bytes != 0 || in.aside != 0 || in.asideBytes != 0 {
			t.Errorf("%d handled; left on the accounts: %d events, %d bytes, aside %d, %d", len(handled), in.events, in.bytes, in.aside, in.asideBytes)
		}
		in.mu.Unlock()
		stop(t, in)
	})
}

// A turn ends after about a millisecond, so that what slow handlers write does
// not wait for each other.
func TestSlowTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var handled int
		var turns []int // how many events had been handled when they ended
		in := started(t, "", Config{TurnEnd: func() { turns = append(turns, handled) }})
		slow := &target{handle: func(*Instance, Event) {
			time.Sleep(10 * time.Millisecond)
			handled++
		}}
		release := held(t, in)
		for range 5 {
			if err := in.Offer(Event{Target: slow}); err != nil {
				t.Fatal(err)
			}
		}
		turns = nil
		release()
		stop(t, in)
		if want := []int{0, 1, 2, 3, 4, 5}; !slices.Equal(slices.Compact(turns), want) {
			t.Errorf("turns ended after %v, want %v", turns, want)
		}
	})
}

type roomTarget struct{ room func() }

// TestFairness has one gate full of slow events: those of others, and what comes
// later, wait for a few of them, not for all.
func TestFairness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := started(t, "", Config{})
		var order []string
		slow := func(name string) *target {
			return &target{gate: new(Gate), handle: func(_ *Instance, e Event) {
				order = append(order, name+e.Data)
				time.Sleep(100 * time.Millisecond) // with the baton held
			}}
		}
		a, b, late := slow("a"), slow("b"), slow("late ")
		free := slow("free")
		free.gate = nil
		post := func(to *target, data string) {
			if err := in.Offer(Event{Target: to, Data: data}); err != nil {
				t.Error(err)
			}
		}
		release := held(t, in)
		for i := range 200 {
			post(a, fmt.Sprint(i))
		}
		for i := range 3 {
			post(b, fmt.Sprint(i))
		}
		post(free, "")
		release()
		time.Sleep(5 * time.Second)
		post(late, "0")
		post(late, "1")
		stop(t, in)
		at := func(name string) int { return slices.Index(order, name) }
		for _, c := range []struct {
			name string
			most int
		}{{"b0", 11}, {"free", 12}, {"b1", 13}, {"b2", 16}, {"late 0", 53}, {"late 1", 56}} {
			if i := at(c.name); i < 0 || i > c.most {
				t.Errorf("%s was handled as number %d, want %d at most", c.name, i, c.most)
			}
		}
		var own []string
		for _, o := range order {
			if rest, ok := strings.CutPrefix(o, "a"); ok {
				own = append(own, rest)
			}
		}
		if len(order) != 206 || !slices.IsSortedFunc(own, func(a, b string) int { x, _ := strconv.Atoi(a); y, _ := strconv.Atoi(b); return x - y }) {
			t.Errorf("%d events, a's in the order %v", len(order), own)
		}
		if s := in.Stats(); s.Queued != 0 || s.QueuedBytes != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func (r *roomTarget) Handle(*Instance, Event) {}
func (r *roomTarget) Gate() *Gate             { return nil }
func (r *roomTarget) Room()                   { r.room() }

// An event that waits at a gate, or whose handler is blocked, counts.
func TestHeldUpEventsCount(t *testing.T) {
	d := newDoor()
	in := started(t, `wait = require("door").wait`, Config{Modules: []Module{d.module()}, Limits: Limits{GateEvents: 3}})
	a := &target{gate: new(Gate)}
	a.handle = func(in *Instance, e Event) {
		if e.Data == "wait" {
			if _, err := in.Call(in.main.G.Global.RawGetString("wait"), lua.LString("a")); err != nil {
				t.Error(err)
			}
		}
	}
	offer := func(s string, want error) {
		t.Helper()
		if err := in.Offer(Event{Target: a, Data: s}); !errors.Is(err, want) {
			t.Errorf("%s: %v", s, err)
		}
	}
	offer("wait", nil)
	w := <-d.waits
	offer("2", nil)
	offer("3", nil)
	do(t, in, func(*Instance) {})
	offer("4", ErrBusy)
	if s := in.Stats(); s.Queued < 3 || s.QueuedBytes != 6 {
		t.Errorf("got %+v", s)
	}
	w.open <- ""
	stop(t, in)
	if a.rooms != 1 {
		t.Errorf("Room was called %d times", a.rooms)
	}
}

func TestTurnEnd(t *testing.T) {
	turns, handled := 0, 0
	var at []int
	d := newDoor()
	in := started(t, `wait = require("door").wait`, Config{Modules: []Module{d.module()}, TurnEnd: func() { turns++; at = append(at, handled) }})
	a := &target{handle: func(*Instance, Event) { handled++ }}
	release := held(t, in)
	for range 2*turnEvents + 10 {
		if err := in.Offer(Event{Target: a}); err != nil {
			t.Fatal(err)
		}
	}
	release()
	do(t, in, func(*Instance) { at = at[:0] })
	if handled != 2*turnEvents+10 {
		t.Errorf("%d events handled", handled)
	}
	// The replies so far go out before a wait.
	post(t, in, &target{handle: func(in *Instance, _ Event) {
		turns = 0
		if _, err := in.Call(in.main.G.Global.RawGetString("wait"), lua.LString("a")); err != nil {
			t.Error(err)
		}
	}})
	w := <-d.waits
	do(t, in, func(*Instance) {
		if turns != 1 {
			t.Errorf("%d turns ended before the wait", turns)
		}
	})
	w.open <- ""
	stop(t, in)
	if turns != 3 {
		t.Errorf("%d turns ended, want 3: before the wait, the errand's, after the wait", turns)
	}
}

// Turns are of up to 256 events, and each ends once.
func TestTurns(t *testing.T) {
	var sizes []int
	n := 0
	in := started(t, "", Config{TurnEnd: func() { sizes = append(sizes, n); n = 0 }})
	a := &target{handle: func(*Instance, Event) { n++ }}
	release := held(t, in)
	sizes = nil
	for range turnEvents + 5 {
		if err := in.Offer(Event{Target: a}); err != nil {
			t.Fatal(err)
		}
	}
	release()
	stop(t, in)
	// The first is the errand's own, which held the baton.
	if len(sizes) != 3 || sizes[0] != 0 || sizes[1] != turnEvents || sizes[2] != 5 {
		t.Errorf("turns of %v", sizes)
	}
}

// What a burst needed is given back.
func TestMailboxShrinks(t *testing.T) {
	in := start(t, "", Config{})
	a := &target{handle: func(*Instance, Event) {}}
	release := held(t, in)
	for range 20000 {
		if err := in.Offer(Event{Target: a}); err != nil {
			t.Fatal(err)
		}
	}
	release()
	do(t, in, func(in *Instance) {})
	do(t, in, func(in *Instance) {
		in.mu.Lock()
		defer in.mu.Unlock()
		if cap(in.batch) > keepItems || cap(in.queue) > keepItems {
			t.Errorf("room for %d and %d events is kept", cap(in.batch), cap(in.queue))
		}
	})
}

// An event costs no allocation from Offer to Handle, nor does a call.
func TestAllocations(t *testing.T) {
	in := start(t, `function f(s) return s end`, Config{})
	done := make(chan struct{}, 1)
	a := &target{gate: new(Gate)}
	var f, arg lua.LValue = lua.LNil, lua.LString("hello")
	do(t, in, func(in *Instance) { f = in.main.G.Global.RawGetString("f") })
	a.handle = func(in *Instance, e Event) {
		if _, err := in.Call(f, arg); err != nil {
			t.Error(err)
		}
		if e.Kind == 1 {
			done <- struct{}{}
		}
	}
	n := testing.AllocsPerRun(1000, func() {
		for i := range 16 {
			e := Event{Target: a, Data: "data"}
			if i == 15 {
				e.Kind = 1
			}
			if err := in.Offer(e); err != nil {
				t.Error(err)
			}
		}
		<-done
	})
	if n != 0 {
		t.Errorf("%v allocations for 16 events", n)
	}
}

func TestDo(t *testing.T) {
	in := started(t, "", Config{})
	failure := errors.New("failure")
	if err := in.Do(context.Background(), func(*Instance) error { return failure }); err != failure {
		t.Errorf("got %v", err)
	}
	release := held(t, in)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := in.Do(ctx, func(*Instance) error { t.Error("called"); return nil }); err != context.Canceled {
		t.Errorf("got %v", err)
	}
	release()
	stop(t, in)
	if err := in.Do(context.Background(), func(*Instance) error { return nil }); err != ErrStopped {
		t.Errorf("after Stop: %v", err)
	}
}
