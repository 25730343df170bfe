package vm

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"
)

func TestCallAll(t *testing.T) {
	in := start(t, `
		function none() end
		function three() return 1, nil, "x" end
		function fail() error("no") end
		function many() return unpack({}, 1, 200) end`, Config{})
	do(t, in, func(in *Instance) {
		for _, c := range []struct {
			fn   string
			want []string
		}{
			{"none", []string{"before"}},
			{"three", []string{"before", "1", "nil", "x"}},
			{"fail", []string{"before"}},
		} {
			got, err := in.CallAll([]lua.LValue{lua.LString("before")}, in.State().GetGlobal(c.fn))
			if (err != nil) != (c.fn == "fail") {
				t.Errorf("%s: %v", c.fn, err)
			}
			var texts []string
			for _, v := range got {
				texts = append(texts, v.String())
			}
			if !slices.Equal(texts, c.want) {
				t.Errorf("%s: %q, want %q", c.fn, texts, c.want)
			}
		}
		if got, err := in.CallAll(nil, in.State().GetGlobal("many")); err != nil || len(got) != 200 {
			t.Errorf("many: %d, %v", len(got), err)
		}
	})
}

func TestHalt(t *testing.T) {
	in := started(t, ``, Config{})
	if in.Halted() {
		t.Error("halted from the start")
	}
	in.Halt()
	in.Halt()
	<-in.Halting()
	if !in.Halted() {
		t.Error("not halted")
	}
	want(t, in, `return 1`, "1") // nothing is refused yet
	stop(t, in)

	in = started(t, ``, Config{})
	stop(t, in)
	if !in.Halted() {
		t.Error("Stop does not halt")
	}
}

// TestBreathe has a handler that goes on for long let its output go, and
// another event be handled, in its midst; and go on as if nothing had been.
func TestBreathe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string // owned by the baton's holder
		breathe := Module{Name: "breathe", Open: func(_ *Instance, L *lua.LState) lua.LValue {
			return L.NewFunction(func(L *lua.LState) int {
				Of(L).Breathe()
				return 0
			})
		}}
		in := start(t, `local breathe = require("breathe"); function long() breathe() breathe() return "done" end`, Config{
			Modules: []Module{breathe},
			TurnEnd: func() { order = append(order, "turn end") },
		})
		synctest.Wait()
		do(t, in, func(in *Instance) {
			order = nil
			other := &target{handle: func(*Instance, Event) { order = append(order, "other") }}
			if err := in.Post(Event{Target: other}); err != nil {
				t.Fatal(err)
			}
			got, err := in.Call(in.State().GetGlobal("long"))
			if err != nil || got.String() != "done" {
				t.Errorf("%v, %v", got, err)
			}
			order = append(order, "long")
		})
		synctest.Wait()
		do(t, in, func(*Instance) {
			i, j := slices.Index(order, "other"), slices.Index(order, "long")
			if order[0] != "turn end" || i < 0 || j < i {
				t.Errorf("%q", order)
			}
		})
	})
}

// TestBreatheAlone ends a turn and blocks nothing where nobody waits.
func TestBreatheAlone(t *testing.T) {
	turns := 0 // owned by the baton's holder
	in := start(t, ``, Config{TurnEnd: func() { turns++ }})
	if err := in.Do(context.Background(), func(in *Instance) error {
		before := turns
		in.Breathe()
		in.Breathe()
		if turns != before+2 || in.Stats().Blocked != 0 {
			t.Errorf("%d turns ended, want 2", turns-before)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestAwaitHalt has a wait end for each of its reasons.
func TestAwaitHalt(t *testing.T) {
	for _, c := range []struct {
		name    string
		timeout time.Duration
		during  func(in *Instance, done chan struct{})
		err     error
		took    time.Duration
	}{
		{"done before", -1, func(_ *Instance, done chan struct{}) { close(done) }, nil, 0},
		{"done", -1, func(_ *Instance, done chan struct{}) { time.Sleep(time.Second); close(done) }, nil, time.Second},
		{"no time", 0, func(*Instance, chan struct{}) {}, ErrTimeout, 0},
		{"timeout", time.Second, func(*Instance, chan struct{}) {}, ErrTimeout, time.Second},
		{"halt", time.Minute, func(in *Instance, _ chan struct{}) { time.Sleep(time.Second); in.Halt() }, ErrHalted, time.Second},
		{"halted before", time.Minute, func(in *Instance, _ chan struct{}) { in.Halt() }, ErrHalted, shortRest},
		{"halted before, no limit", -1, func(in *Instance, _ chan struct{}) { in.Halt() }, ErrHalted, shortRest},
		{"halted before, less time", time.Millisecond, func(in *Instance, _ chan struct{}) { in.Halt() }, ErrHalted, time.Millisecond},
		{"interrupted", -1, func(in *Instance, _ chan struct{}) { in.cancel() }, ErrCancelled, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in, done, during := start(t, ``, Config{}), make(chan struct{}), make(chan struct{})
				go func() {
					defer close(during)
					c.during(in, done)
				}()
				synctest.Wait()
				began := time.Now()
				do(t, in, func(in *Instance) {
					if err := AwaitHalt(in.main, done, c.timeout); err != c.err || time.Since(began) != c.took {
						t.Errorf("%v after %v, want %v after %v", err, time.Since(began), c.err, c.took)
					}
				})
				<-during
			})
		})
	}
}
