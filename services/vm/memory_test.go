package vm

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// greedy are functions f that take memory without end, each another way. What
// strings and tables cost in one operation is bounded elsewhere.
var greedy = map[string]string{
	"strings, doubled":           `function f() local s = ("x"):rep(1000); while true do s = s .. s end end`,
	"strings, doubled, then off": `function f() for i = 1, 26 do local s = ("x"):rep(1000); for j = 1, i do s = s .. s end end return f() end`,
	"strings in a table":         `function f() local t = {}; for i = 1, math.huge do t[i] = ("x"):rep(1000) .. i end end`,
	"strings in the globals":     `kept = {}; function f() for i = 1, math.huge do kept[i] = ("x"):rep(100) .. i end end`,
	"short strings as keys":      `function f() local t = {}; for i = 1, math.huge do t["k" .. i] = true end end`,
	"tables in tables":           `function f() local t = {}; while true do t = {t} end end`,
	"tables in an array":         `function f() local t = {}; for i = 1, math.huge do t[i] = {} end end`,
	"closures":                   `function f() local t = {}; for i = 1, math.huge do t[i] = function() return i end end end`,
	"coroutines":                 `function f() local t = {}; for i = 1, math.huge do t[i] = coroutine.create(function() end) end end`,
	"upvalues":                   `local kept; function f() kept = nil; while true do kept = {kept, ("x"):rep(100)} end end`,
	"metatables":                 `function f() local t = {}; while true do t = setmetatable({}, {t, __index = t}) end end`,
	"a gap":                      `function f() local t = {}; for i = 1, math.huge do t[i] = {}; t[i][1e6] = 1 end end`,
	"swallowed":                  `function f() local t = {}; while true do pcall(function() while true do t[#t + 1] = {} end end) end end`,
	"in a coroutine":             `function f() coroutine.wrap(function() local t = {}; while true do t[#t + 1] = {} end end)() end`,
	"in sort":                    `function f() local t = {}; table.sort({3, 2, 1}, function() while true do t[#t + 1] = {} end end) end`,
	"on the stack":               `local function g(s, ...) return g(s .. s, s, ...) end; function f() g("x") end`,
	"in iterators":               `function f() local t = {}; for i = 1, math.huge do t[i] = (("x"):rep(1e5) .. i):gmatch("x") end end`,
	"in its errors":              `function f() local e = {}; while true do local _, x = pcall(error, {e, ("x"):rep(1000)}); e = x end end`,
	"in its environment":         `function f() local g = function() local n = 0; while true do n = n + 1; _G2["k" .. n] = n end end; local env = {}; env._G2 = env; setfenv(g, env); g() end`,
}

// TestMemory ends all of them, and has the next call go on as ever.
func TestMemory(t *testing.T) {
	const limit = 16 << 20
	for name, source := range greedy {
		t.Run(name, func(t *testing.T) {
			in := start(t, source+"\nfunction probe() return 7 end", Config{Memory: limit, CallTime: time.Minute})
			for range 2 {
				err := handled(t, in)
				var e *Error
				if !errors.As(err, &e) || !errors.Is(err, ErrMemory) && !strings.Contains(e.Message, "overflow") {
					t.Fatalf("%v, want %v", err, ErrMemory)
				}
			}
			runtime.GC()
			if !strings.Contains(source, "kept") { // or it is still too much
				want(t, in, `return probe()`, "7")
			}
		})
	}
}

// TestMemoryKept ends calls for as long as too much is kept, but lets those that
// come last give it back.
func TestMemoryKept(t *testing.T) {
	in := start(t, `
		kept = {}
		function f() for i = 1, math.huge do kept[i] = ("x"):rep(100) .. i end end
		function g() for i = 1, 2000 do end end
		function last() for i = 1, 2000 do end kept = nil end`, Config{Memory: 16 << 20})
	if err := handled(t, in); !errors.Is(err, ErrMemory) {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := eval(t, in, `g()`); !errors.Is(err, ErrMemory) {
			t.Errorf("%v, want %v", err, ErrMemory)
		}
	}
	outcome := make(chan error, 1)
	if err := in.Post(Event{Last: true, Target: &target{gate: new(Gate), handle: func(in *Instance, _ Event) {
		_, err := in.Call(in.State().GetGlobal("last"))
		outcome <- err
	}}}); err != nil {
		t.Fatal(err)
	}
	if err := <-outcome; err != nil {
		t.Errorf("the last event: %v", err)
	}
	want(t, in, `g() return 1`, "1")
}

// TestMemoryModest leaves alone what makes much garbage and keeps little.
func TestMemoryModest(t *testing.T) {
	in := start(t, `
		shared = ("x"):rep(1e6)
		function f()
			local t = {}
			for i = 1, 10000 do t[i % 100 + 1] = ("y"):rep(10000) .. i; t.s = {shared, shared, shared} end
			local many = {}
			for i = 1, 10000 do many[i] = shared end
		end`, Config{Memory: 16 << 20})
	for range 10 {
		if err := handled(t, in); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReachableWaiting sees what handlers that wait hold.
func TestReachableWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := start(t, `function f(n) local s = ("x"):rep(1e6) .. n; pcall(function() local t = {("y"):rep(1e6) .. n}; sleep(1) return s, t end) end`, Config{})
		for i := range 5 {
			post(t, in, &target{handle: func(in *Instance, _ Event) {
				if _, err := in.Call(in.State().GetGlobal("f"), number(i)); err != nil {
					t.Error(err)
				}
			}})
		}
		synctest.Wait()
		reaches := func(least, most int64) {
			t.Helper()
			do(t, in, func(in *Instance) {
				if n := in.reachable(1 << 40); n < least || n > most {
					t.Errorf("%d bytes, want %d to %d", n, least, most)
				}
			})
		}
		reaches(10e6, 11e6)
		time.Sleep(time.Minute)
		synctest.Wait()
		reaches(0, 1e6)
	})
}

// TestReachable adds up about what values take.
func TestReachable(t *testing.T) {
	in := start(t, ``, Config{})
	measure := func() (n int64) {
		do(t, in, func(in *Instance) { n = in.reachable(1 << 40) })
		return n
	}
	empty := measure()
	for source, least := range map[string]int64{
		`kept = ("x"):rep(1e6)`: 1e6,
		`kept = {}; for i = 1, 1000 do kept[i] = ("x"):rep(1000) .. i end`:                     1000 * 1000,
		`kept = {}; for i = 1, 1000 do kept["k" .. i] = i end`:                                 1000 * 100,
		`local s = ("x"):rep(1e6); kept = function() return s end`:                             1e6,
		`kept = coroutine.wrap(function(s) coroutine.yield() end); kept(("x"):rep(1e6))`:       1e6,
		`kept = setmetatable({}, {__index = {("x"):rep(1e6)}})`:                                1e6,
		`local s = ("x"):rep(1e6); kept = {}; for i = 1, 100 do kept[i] = {s, [s] = s, s} end`: 1e6,
		`kept = {}; kept[1e6] = 1`: 16e6,
	} {
		want(t, in, source+` return 1`, "1")
		if n := measure() - empty; n < least || n > least+least/2+100_000 {
			t.Errorf("%s: %d bytes, want about %d", source, n, least)
		}
		want(t, in, `kept = nil return 1`, "1")
	}
	if n := measure(); n < empty-1000 || n > empty+1000 {
		t.Errorf("%d bytes at the end, %d at the beginning", n, empty)
	}
}
