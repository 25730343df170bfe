package vm

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// TestBlockedLimit has no more handlers wait than may, others begin as these
// end, and all be handled.
func TestBlockedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, events = 10, 100
		in := start(t, `n = 0; most = 0; now = 0
			function f() now = now + 1; most = math.max(most, now); sleep(1); sleep(1); now = now - 1; n = n + 1 end`,
			Config{Limits: Limits{InFlight: limit}})
		began := time.Now()
		for range events {
			post(t, in, &target{handle: func(in *Instance, _ Event) {
				if _, err := in.Call(in.State().GetGlobal("f")); err != nil {
					t.Error(err)
				}
			}})
		}
		synctest.Wait()
		if s := in.Stats(); s.Blocked != limit || s.Executors > limit+maxIdleExecutors {
			t.Errorf("%+v, want %d blocked", s, limit)
		}
		time.Sleep(events/limit*2*time.Second - time.Since(began))
		synctest.Wait()
		want(t, in, `return n .. " " .. most .. " " .. now`, "100 10 0")
	})
}

// TestManyBlocked has thousands of handlers wait at once, in every shape, and go
// on; it states what each costs.
func TestManyBlocked(t *testing.T) {
	shapes := []string{
		`sleep(60)`,
		`return sleep(60)`,
		`pcall(sleep, 60)`,
		`xpcall(function() sleep(60) end, print)`,
		`local _ = setmetatable({}, {__index = function() sleep(60) return 1 end}).x`,
		`for _ in function(_, i) sleep(60) end do end`,
		`local t = {2, 1}; local slept; table.sort(t, function(a, b) if not slept then slept = true; sleep(60) end return a < b end)`,
		`string.gsub("a", "a", function() sleep(60) end)`,
		`coroutine.wrap(function() sleep(60) end)()`,
		`pcall(function() coroutine.wrap(function() pcall(sleep, 60) end)() end)`,
		`pcall(error); sleep(60); pcall(error)`,
	}
	for _, handlers := range []int{1000, 5000} {
		synctest.Test(t, func(t *testing.T) {
			source := "n = 0\nf = {}\n"
			for _, s := range shapes {
				source += "f[#f + 1] = function() local function g() " + s + " end g() n = n + 1 end\n"
			}
			in := start(t, source+`function run(i) f[i % #f + 1]() end; function other() return "other" end`, Config{})
			runtime.GC()
			before := live()
			for i := range handlers {
				post(t, in, &target{gate: new(Gate), handle: func(in *Instance, _ Event) {
					if _, err := in.Call(in.State().GetGlobal("run"), number(i)); err != nil {
						t.Error(err)
					}
				}})
			}
			synctest.Wait()
			if s := in.Stats(); s.Blocked != handlers {
				t.Errorf("%+v, want %d blocked", s, handlers)
			}
			t.Logf("%d handlers that wait: %d bytes each", handlers, (live()-before)/int64(handlers))
			want(t, in, `return other() .. n`, "other0") // others are handled meanwhile
			time.Sleep(61 * time.Second)
			synctest.Wait()
			want(t, in, `return n`, number(handlers).String())
			if s := in.Stats(); s.Blocked != 0 || s.Executors > maxIdleExecutors {
				t.Errorf("afterwards: %+v", s)
			}
		})
	}
}

// live is the memory of the heap and of stacks that is in use after a collection.
func live() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

func number(i int) lua.LValue { return lua.LNumber(i) }

// TestLoose has events of a loose gate overtake those that wait, and the last one
// come last.
func TestLoose(t *testing.T) {
	for _, seconds := range [][]int{{3, 1, 2}, {0, 5, 0}, {1}, {}, {0, 0, 1, 0}} {
		synctest.Test(t, func(t *testing.T) {
			in := start(t, `said = ""; function f(n, name) if n > 0 then sleep(n) end said = said .. name end`, Config{})
			g := &Gate{Loose: true}
			call := func(n int, name string, last bool) {
				if err := in.Post(Event{Last: last, Target: &target{gate: g, handle: func(in *Instance, _ Event) {
					if _, err := in.Call(in.State().GetGlobal("f"), number(n), lua.LString(name)); err != nil {
						t.Error(err)
					}
				}}}); err != nil {
					t.Error(err)
				}
			}
			expected := make([]string, 6)
			for i, n := range seconds {
				name := string(rune('a' + i))
				call(n, name, false)
				expected[n] += name
			}
			call(2, ".", true)
			time.Sleep(time.Minute)
			synctest.Wait()
			want(t, in, `return said`, strings.Join(expected, "")+".")
			synctest.Wait() // until the turn of that has ended, too
			if s := in.Stats(); s.Queued != 0 || s.Blocked != 0 || g.events != 0 || g.blocked != 0 {
				t.Errorf("afterwards: %+v, %+v", s, g)
			}
		})
	}
}
