package vm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// handled has an event handled that calls the global f, and returns the error.
func handled(t testing.TB, in *Instance) error {
	t.Helper()
	outcome := make(chan error, 1)
	tg := &target{handle: func(in *Instance, _ Event) {
		_, err := in.Call(in.State().GetGlobal("f"))
		outcome <- err
	}}
	if err := in.Post(Event{Target: tg}); err != nil {
		t.Fatal(err)
	}
	return <-outcome
}

// endless are functions f that never end by themselves, each another way.
var endless = map[string]string{
	"while":             `function f() while true do end end`,
	"empty while":       `function f() while true do local _ end end`,
	"repeat":            `function f() repeat until false end`,
	"goto":              `function f() ::again:: goto again end`,
	"for":               `function f() for i = 1, math.huge do end end`,
	"iterator":          `function f() for _ in function() return 1 end do end end`,
	"next":              `function f() local t = {1}; while next(t) do end end`,
	"tail call":         `function f() return f() end`,
	"mutual recursion":  `local g; function f() return g() end; g = function() return f() end`,
	"pcall":             `function f() while true do pcall(error) end end`,
	"pcall within":      `function f() while true do pcall(function() while true do end end) end end`,
	"pcall of itself":   `function f() while true do pcall(f) end end`,
	"xpcall":            `function f() while true do xpcall(function() while true do end end, function() while true do end end) end end`,
	"coroutine":         `function f() local co = coroutine.wrap(function() while true do coroutine.yield() end end); while true do co() end end`,
	"in a coroutine":    `function f() while true do coroutine.resume(coroutine.create(function() while true do end end)) end end`,
	"many coroutines":   `function f() while true do coroutine.create(function() end) end end`,
	"__index":           `function f() local t = setmetatable({}, {__index = function() while true do end end}); return t.x end`,
	"__index chain":     `function f() local t = {}; setmetatable(t, {__index = function(t, k) return pcall(function() while true do end end) end}); while true do local _ = t.x end end`,
	"__newindex":        `function f() setmetatable({}, {__newindex = function() while true do end end}).x = 1 end`,
	"__concat":          `function f() return setmetatable({}, {__concat = function() while true do end end}) .. "" end`,
	"__eq":              `local mt = {__eq = function() while true do end end}; function f() return setmetatable({}, mt) == setmetatable({}, mt) end`,
	"__call":            `function f() setmetatable({}, {__call = function() while true do end end})() end`,
	"__tostring":        `function f() tostring(setmetatable({}, {__tostring = function() while true do end end})) end`,
	"error object":      `function f() error(setmetatable({}, {__tostring = function() while true do end end})) end; local g = f; function f() while true do pcall(g) end end`,
	"sort":              `function f() while true do table.sort({1, 2, 3}, function() while true do end end) end end`,
	"gsub":              `function f() while true do pcall(string.gsub, "aaa", "a", function() while true do end end) end end`,
	"load":              `function f() while true do load(function() return "while true do end " end) end end`,
	"loadstring":        `function f() loadstring("while true do end")() end`,
	"table that grows":  `function f() local t = {}; while true do t[1] = {} end end`,
	"setfenv":           `function f() setfenv(1, setmetatable({}, {__index = function() while true do end end})); return x end`,
	"assert":            `function f() while true do pcall(assert, false) end end`,
	"select":            `function f() while true do select("#", 1, 2, 3) end end`,
	"error in handlers": `function f() while true do xpcall(error, error) end end`,
}

// TestCallTime ends all of them, and has the next call go on as ever.
func TestCallTime(t *testing.T) {
	for name, source := range endless {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := start(t, source+"\nfunction probe() return 7 end", Config{CallTime: 20 * time.Millisecond})
			for range 2 {
				err := handled(t, in)
				var e *Error
				if !errors.Is(err, ErrTime) || !errors.As(err, &e) || !strings.Contains(e.Message, "longer than it may") {
					t.Fatalf("%v, want %v", err, ErrTime)
				}
			}
			do(t, in, func(in *Instance) {
				v, err := in.Call(in.State().GetGlobal("probe"))
				if err != nil || v != lua.LNumber(7) {
					t.Errorf("afterwards: %v, %v", v, err)
				}
			})
		})
	}
}

// TestCallTimeWaits does not count the time of a wait, but that before and after.
func TestCallTimeWaits(t *testing.T) {
	d := newDoor()
	in := start(t, `
		local door = require("door")
		function f() door.wait("one"); door.wait("two"); while true do end end`, Config{
		CallTime: 50 * time.Millisecond,
		Modules:  []Module{d.module()},
	})
	outcome := make(chan error)
	go func() { outcome <- handled(t, in) }()
	for range 2 {
		w := <-d.waits
		time.Sleep(60 * time.Millisecond)
		w.open <- ""
	}
	if err := <-outcome; !errors.Is(err, ErrTime) {
		t.Errorf("%v", err)
	}
}

// TestCallTimePause has the machine stand still between two looks at the clock: once
// ends no call, and again and again does.
func TestCallTimePause(t *testing.T) {
	c := clock{limit: time.Hour}
	c.look()
	for pause := 1; pause <= 3; pause++ {
		c.since = c.since.Add(-24 * time.Hour)
		c.look()
		if over := c.over != nil; over != (pause == 3) {
			t.Errorf("after %d pauses of a day: %v", pause, c.over)
		}
	}

	shared := &Budget{}
	c = clock{limit: time.Hour, budget: shared}
	c.look()
	c.since = c.since.Add(-24 * time.Hour)
	c.charge()
	if used := shared.spent(time.Now()); used > time.Hour/2 {
		t.Errorf("a pause of a day leaves %v for those it has spawned, of an hour", time.Hour-used)
	}
}

// TestNoCallTime has what Do runs, and what has no limit, go on until Stop.
func TestNoCallTime(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Millisecond} {
		in := started(t, `function f() while true do end end`, Config{CallTime: limit})
		outcome, begun := make(chan error, 1), make(chan bool)
		go func() {
			outcome <- in.Do(context.Background(), func(in *Instance) error {
				close(begun)
				_, err := in.Call(in.State().GetGlobal("f"))
				return err
			})
		}()
		<-begun
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		if err := in.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stop: %v", err)
		}
		cancel()
		if err := <-outcome; !errors.Is(err, ErrStopped) {
			t.Errorf("limit %v: %v", limit, err)
		}
	}
}
