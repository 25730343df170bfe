package vm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// An eventLoop is a Loop: one goroutine that runs what is posted, in order.
type eventLoop struct {
	mu     sync.Mutex // guards the fields below
	some   sync.Cond
	posted []func()
	ended  bool

	inside atomic.Bool // it is calling a function
	done   chan struct{}
}

// newLoop makes a loop that ends with the test, after the instances that begin behind
// it.
func newLoop(t testing.TB) *eventLoop {
	l := &eventLoop{done: make(chan struct{})}
	l.some.L = &l.mu
	go l.run()
	t.Cleanup(func() {
		l.mu.Lock()
		l.ended = true
		l.some.Signal()
		l.mu.Unlock()
		<-l.done
	})
	return l
}

func (l *eventLoop) Post(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posted = append(l.posted, f)
	l.some.Signal()
}

func (l *eventLoop) run() {
	defer close(l.done)
	for {
		l.mu.Lock()
		for len(l.posted) == 0 && !l.ended {
			l.some.Wait()
		}
		if len(l.posted) == 0 {
			l.mu.Unlock()
			return
		}
		f := l.posted[0]
		l.posted = l.posted[1:]
		l.mu.Unlock()
		l.inside.Store(true)
		f()
		l.inside.Store(false)
	}
}

// call has f called on the loop, and waits for it.
func (l *eventLoop) call(f func()) {
	done := make(chan struct{})
	l.Post(func() { f(); close(done) })
	<-done
}

// TestInlineOnTheLoop has handlers run on the loop, one turn of them between two
// functions of others, and what Do is given not.
func TestInlineOnTheLoop(t *testing.T) {
	l := newLoop(t)
	in := start(t, "", Config{Loop: l})
	do(t, in, func(*Instance) {
		if in.running.inline {
			t.Error("Do runs on the loop")
		}
	})
	const n = 4 * turnEvents
	handled, between := 0, []int{}
	tg := &target{gate: new(Gate), handle: func(in *Instance, _ Event) {
		if !in.running.inline || !l.inside.Load() {
			t.Error("a handler does not run on the loop")
		}
		handled++
	}}
	var look func()
	look = func() {
		between = append(between, handled)
		if handled < n {
			l.Post(look)
		}
	}
	l.call(func() {
		events := make([]Event, turnEvents)
		for i := range events {
			events[i].Target = tg
		}
		for range n / turnEvents {
			for _, e := range events {
				if err := in.Post(e); err != nil {
					t.Error(err)
				}
			}
		}
		l.Post(look)
	})
	do(t, in, func(*Instance) {})
	l.call(func() {})
	if handled != n || len(between) < n/turnEvents {
		t.Errorf("%d of %d handled; others had their turn after %v", handled, n, between)
	}
	for i := 1; i < len(between); i++ {
		if between[i]-between[i-1] > turnEvents {
			t.Errorf("a turn of %d events", between[i]-between[i-1])
		}
	}
}

// TestInlineMustNotWait has a wait end with an error that Lua can catch, and the loop
// go on; where the event was moved off it waits.
func TestInlineMustNotWait(t *testing.T) {
	d := newDoor()
	l := newLoop(t)
	in := start(t, `door = require "door"`, Config{Loop: l, Modules: []Module{d.module()}})
	var got []string
	wait := func(in *Instance) string {
		door := in.State().GetGlobal("door").(*lua.LTable)
		v, err := in.Call(door.RawGetString("wait"), lua.LString("x"))
		if err != nil {
			return err.Error()
		}
		return v.String()
	}
	gate := new(Gate)
	moved := &target{gate: gate, handle: func(in *Instance, _ Event) {
		if !in.MoveOff() {
			got = append(got, wait(in))
		}
	}}
	next := &target{gate: gate, handle: func(*Instance, Event) { got = append(got, "next") }}
	other := &target{gate: new(Gate), handle: func(in *Instance, _ Event) { got = append(got, wait(in)) }}
	l.call(func() {
		for _, tg := range []*target{moved, next, other} {
			post(t, in, tg)
		}
	})
	w := <-d.waits
	do(t, in, func(*Instance) { got = append(got, "done") })
	w.open <- "opened"
	for n := 0; n < 4; {
		do(t, in, func(*Instance) { n = len(got) })
	}
	if len(got) != 4 || !strings.Contains(got[0], errWaits.Error()) || strings.Join(got[1:], " ") != "done opened next" {
		t.Errorf("got %q", got)
	}
}

// TestInlineOrder has events of many gates, of which some move off and some of these
// wait, be handled in order, once each, never two at a time.
func TestInlineOrder(t *testing.T) {
	const gates, events = 20, 300
	l := newLoop(t)
	in := start(t, "", Config{Loop: l})
	type source struct {
		*target
		next  int
		moved int
	}
	var inside atomic.Int32
	var left sync.WaitGroup
	sources := make([]*source, gates)
	for i := range sources {
		s := &source{}
		r := rand.New(rand.NewPCG(uint64(i), 1))
		s.target = &target{gate: &Gate{Loose: false}, handle: func(in *Instance, e Event) {
			if inside.Add(1) != 1 {
				t.Error("two at a time")
			}
			defer inside.Add(-1)
			if in.running.inline && r.IntN(10) == 0 {
				in.MoveOff()
				return
			}
			if want := fmt.Sprint(s.next); e.Data != want {
				t.Errorf("got %s, want %s", e.Data, want)
			}
			s.next++
			if !in.running.inline {
				s.moved++
				if r.IntN(3) == 0 {
					inside.Add(-1)
					in.Wait(func(context.Context) { pausing(r.IntN(3)) })
					inside.Add(1)
				}
			}
			left.Done()
		}}
		sources[i] = s
	}
	left.Add(gates * events)
	for i := range events {
		for _, s := range sources {
			if err := in.Post(Event{Target: s, Data: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	left.Wait()
	do(t, in, func(*Instance) {
		for _, s := range sources {
			if s.next != events || s.moved == 0 {
				t.Errorf("%d handled, %d moved off", s.next, s.moved)
			}
		}
	})
	if s := in.Stats(); s.Queued != 0 || s.Blocked != 0 || s.Handled < gates*events {
		t.Errorf("%+v", s)
	}
}

// TestInlineEnds has Lua that does not end be ended, on the loop, too, and Stop
// interrupt it.
func TestInlineEnds(t *testing.T) {
	l := newLoop(t)
	in := start(t, `function spin() while true do end end`, Config{Loop: l, LoopTime: 20 * time.Millisecond})
	var err error
	tg := &target{handle: func(in *Instance, _ Event) { _, err = in.Call(in.State().GetGlobal("spin")) }}
	post(t, in, tg)
	do(t, in, func(*Instance) {})
	if err == nil || !strings.Contains(err.Error(), ErrTime.Error()) {
		t.Errorf("got %v", err)
	}
	limitless := started(t, `function spin() while true do end end`, Config{Loop: l})
	began := make(chan bool)
	post(t, limitless, &target{handle: func(in *Instance, _ Event) {
		close(began)
		_, err = in.Call(in.State().GetGlobal("spin"))
	}})
	<-began
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := limitless.Stop(ctx); got != context.Canceled {
		t.Error(got)
	}
	<-limitless.Done()
	if err == nil || !strings.Contains(err.Error(), ErrStopped.Error()) {
		t.Errorf("got %v", err)
	}
}

// TestInlineStops has what was accepted be handled before an instance ends.
func TestInlineStops(t *testing.T) {
	l := newLoop(t)
	for i := range 50 {
		in := started(t, "", Config{Loop: l})
		handled := 0
		tg := &target{gate: new(Gate), handle: func(in *Instance, e Event) {
			if e.Kind == 1 && in.MoveOff() {
				return
			}
			handled++
		}}
		for j := range 100 {
			if err := in.Post(Event{Target: tg, Kind: uint8(max(0, 1-j%7))}); err != nil {
				t.Fatal(err)
			}
		}
		stop(t, in)
		if handled != 100 {
			t.Fatalf("round %d: %d of 100 handled", i, handled)
		}
		if s := in.Stats(); s.Executors != 0 || s.Queued != 0 {
			t.Fatalf("round %d: %+v", i, s)
		}
	}
}

// TestInlineInFlight: no more handlers wait beside the loop than Limits.InFlight says; the
// others follow as these end.
func TestInlineInFlight(t *testing.T) {
	const inFlight, peers, each = 10, 7, 9
	l := newLoop(t)
	in := start(t, "", Config{Loop: l, Limits: Limits{InFlight: inFlight}})
	waiting, release := make(chan bool), make(chan bool)
	handled := 0
	for range peers {
		tg := &target{gate: &Gate{Loose: true}, handle: func(in *Instance, _ Event) {
			if in.MoveOff() {
				return
			}
			in.Wait(func(context.Context) { waiting <- true; <-release })
			handled++
		}}
		l.call(func() {
			for range each {
				post(t, in, tg)
			}
		})
	}
	for range inFlight {
		<-waiting
	}
	l.call(func() {}) // what it would do now is done
	in.mu.Lock()
	if in.blocked != inFlight || in.executors > inFlight+2 {
		t.Errorf("%d handlers wait, of %d executors, want %d", in.blocked, in.executors, inFlight)
	}
	in.mu.Unlock()
	for range peers*each - inFlight {
		release <- true
		<-waiting
	}
	for range inFlight {
		release <- true
	}
	for n := 0; n < peers*each; {
		do(t, in, func(*Instance) { n = handled })
	}
}

// TestInlineTurn: an instance that waits for its loop is not one that hangs, whether the
// loop has given the baton to itself or was given it by another executor.
func TestInlineTurn(t *testing.T) {
	l := newLoop(t)
	in := start(t, "", Config{Loop: l})
	held, release := make(chan bool), make(chan bool)
	elsewhere := func() { held <- true; <-release }
	handled := 0
	tg := &target{gate: new(Gate), handle: func(*Instance, Event) { handled++ }}
	l.call(func() {
		for range 2 * turnEvents {
			post(t, in, tg)
		}
		l.Post(elsewhere)
	})
	<-held
	if n := in.Turn(); n != 0 {
		t.Errorf("while the loop does something else it is turn %d, want none", n)
	}
	release <- true
	for n := 0; n < 2*turnEvents; {
		do(t, in, func(*Instance) { n = handled })
	}

	do(t, in, func(*Instance) {
		l.Post(elsewhere)
		<-held
		post(t, in, tg)
	})
	if n := in.Turn(); n != 0 {
		t.Errorf("behind another executor it is turn %d, want none", n)
	}
	release <- true
	for n := 0; n < 2*turnEvents+1; {
		do(t, in, func(*Instance) { n = handled })
	}
}
