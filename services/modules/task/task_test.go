package task

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"
	"go.uber.org/goleak"

	"lapps/services/modules/mutex"
	"lapps/services/modules/semaphore"
	"lapps/services/modules/timer"
	"lapps/services/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const prelude = `
task, timer, mutex, semaphore = require "task", require "timer", require "mutex", require "semaphore"
log = {}
function say(...) log[#log + 1] = table.concat({...}, " ") end
function all(ok, ...) local t = {tostring(ok)}; for i = 1, select("#", ...) do t[i + 1] = tostring((select(i, ...))) end; return table.concat(t, " ") end
`

// eval runs source in an instance of its own, waits a virtual hour, and returns
// what the chunk returned, and then the lines of log.
func eval(t *testing.T, source string) (result, log string, took time.Duration, failures []string) {
	t.Helper()
	p, err := vm.Load(fstest.MapFS{"main.lua": {Data: []byte(prelude + source)}}, "main.lua")
	if err != nil {
		t.Fatal(err)
	}
	in, err := vm.New(vm.Config{
		Program: p,
		Modules: []vm.Module{Module(), timer.Module(), mutex.Module(), semaphore.Module()},
		OnError: func(what string, err error) { failures = append(failures, what+": "+err.Error()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	do := func(f func(in *vm.Instance)) {
		if err := in.Do(context.Background(), func(in *vm.Instance) error { f(in); return nil }); err != nil {
			t.Error(err)
		}
	}
	do(func(in *vm.Instance) {
		v, err := in.Main()
		if result = v.String(); err != nil {
			result = err.Error()
		}
	})
	took = time.Since(began)
	time.Sleep(time.Hour)
	synctest.Wait()
	do(func(in *vm.Instance) {
		var lines []string
		in.State().G.Global.RawGetString("log").(*lua.LTable).ForEach(func(_, v lua.LValue) { lines = append(lines, v.String()) })
		log = strings.Join(lines, ", ")
	})
	if err := in.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	return result, log, took, failures
}

func TestTogether(t *testing.T) {
	for _, c := range []struct {
		name, source, want, log string
		took                    time.Duration
		failure                 string
	}{
		{"results", `return all(task.spawn(function(a, b) sleep(1) return a + b, nil, "x" end, 1, 2):wait())`, "true 3 nil x", "", time.Second, ""},
		{"beside", `task.spawn(function() say "a" sleep(2) say "c" end) sleep(1) say "b" sleep(2) say "d"`, "nil", "a, b, c, d", 3 * time.Second, ""},
		{"an error", `return all(task.wait(task.spawn(function() error("no", 0) end)))`, "false no", "", 0, ""},
		{"an error that is a table", `local ok, e = task.spawn(function() error({code = 7}) end):wait() return e.code`, "7", "", 0, ""},
		{"an error nobody waits for", `task.spawn(function() error("no", 0) end)`, "nil", "", 0, "task: main.lua:6: no"},
		{"a timeout", `local t = task.spawn(sleep, 5) return all(t:wait(1)) .. " " .. t:status() .. " " .. all(t:wait())`, "false timeout running true true", "", 5 * time.Second, ""},
		{"no time at all", `return all(task.spawn(sleep, 5):wait(0))`, "false timeout", "", 0, ""},
		{"twice", `local t = task.spawn(function() return 1 end) return all(t:wait()) .. all(t:wait())`, "true 1true 1", "", 0, ""},
		{"itself", `local t; t = task.spawn(function() return t:wait() end) return all(t:wait())`, "false main.lua:6: a task cannot wait for itself", "", 0, ""},
		{"cancelled before", `local t = task.spawn(say, "x") local did = t:cancel() return all(did, t:cancel(), t:status(), t:wait())`, "true false cancelled false cancelled while waiting", "", 0, ""},
		{"cancelled within", `local t = task.spawn(function() task.spawn(sleep, 9):wait() say "x" end) sleep(1) t:cancel() return all(t:wait()) .. t:status()`,
			"false cancelled while waitingcancelled", "", time.Second, ""},
		{"all", `local ok, r = task.all({task.spawn(function() sleep(2) return "a" end), task.spawn(function() sleep(1) return "b" end)}) return all(ok, r[1], r[2])`, "true a b", "", 2 * time.Second, ""},
		{"all, one fails", `return all(task.all({task.spawn(sleep, 1), task.spawn(function() error("no", 0) end)}))`, "false no 2", "", time.Second, ""},
		{"all, too late", `return all(task.all({task.spawn(sleep, 2), task.spawn(sleep, 4)}, 3))`, "false timeout", "", 3 * time.Second, ""},
		{"all of none", `local ok, r = task.all({}) return all(ok, #r)`, "true 0", "", 0, ""},
		{"any", `return all(task.any({task.spawn(sleep, 2), task.spawn(function() sleep(1) return "b" end)}))`, "2 true b", "", time.Second, ""},
		{"any, ended", `local t = task.spawn(function() return "a" end) sleep(1) return all(task.any({task.spawn(sleep, 5), t}))`, "2 true a", "", time.Second, ""},
		{"any, too late", `return all(task.any({task.spawn(sleep, 2)}, 1))`, "false timeout", "", time.Second, ""},
		{"any twice", `local a, b = task.spawn(sleep, 1), task.spawn(sleep, 2) return all(task.any({a, b})) .. all(task.any({b}))`, "1 true true1 true true", "", 2 * time.Second, ""},
		{"no tasks", `task.any({})`, "main.lua:6: bad argument #1 to any (no task to wait for)", "", 0, ""},
		{"no task", `task.wait(7)`, "main.lua:6: bad argument #1 to wait (task expected, got number)", "", 0, ""},
		{"array of others", `task.all({7})`, "main.lua:6: bad argument #1 to all (array of tasks expected)", "", 0, ""},
		{"too many", `for i = 1, 4001 do task.spawn(sleep, 1) end`, "main.lua:6: too many tasks: there are 4000 that have not ended", "", 0, ""},
		{"through pcall, sort and a metamethod", `
			local slow = setmetatable({}, {__index = function(_, k) sleep(1) return k end})
			local list = {3, 1, 2}
			table.sort(list, function(a, b) sleep(1) return a < b end)
			return all(pcall(function() return slow.x, table.concat(list) end))`, "true x 123", "", 4 * time.Second, ""},

		{"after", `timer.after(2, say, "b") timer.after(1, say, "a") say "0"`, "nil", "0, a, b", 0, ""},
		{"after, cancelled", `local t = timer.after(2, say, "b") return all(t:cancel(), t:cancel())`, "true false", "", 0, ""},
		{"every", `local n = 0 timer.every(1, function(x) n = n + 1 say(x, n) return n < 3 end, "t")`, "nil", "t 1, t 2, t 3", 0, ""},
		{"every, slower than its period", `local n = 0 timer.every(1, function() n = n + 1 say(n) sleep(2.5) return n < 2 end) sleep(5.9) say "x"`, "nil", "1, 2, x", 5900 * time.Millisecond, ""},
		{"every, with an error", `local n = 0 timer.every(1, function() n = n + 1 if n == 1 then error("no", 0) end say(n) return false end)`, "nil", "2", 0, "timer: main.lua:6: no"},
		{"every, cancelled from within", `local t t = timer.every(1, function() say "x" t:cancel() end)`, "nil", "x", 0, ""},
		{"every, too often", `timer.every(0.0001, say)`, "main.lua:6: bad argument #1 to every (must be at least 0.001)", "", 0, ""},
		{"timers, too many", `for i = 1, 10001 do timer.after(1, function() end) end`, "main.lua:6: too many timers: there are 10000", "", 0, ""},

		{"mutex", `local m = mutex.new() local function f(x) m:with(function() say(x) sleep(1) say(x) end) end
			task.all({task.spawn(f, "a"), task.spawn(f, "b")})`, "nil", "a, a, b, b", 2 * time.Second, ""},
		{"mutex, an error within", `local m = mutex.new() local ok, e = pcall(m.with, m, error, "no", 0) return all(ok, e, m:locked())`, "false no false", "", 0, ""},
		{"mutex, held to the end", `local m = mutex.new() task.spawn(function() m:lock() sleep(1) error("no", 0) end):wait(0)
			local t = task.spawn(function() m:lock() sleep(1) error("no", 0) end) sleep(0.5) m:lock() return all(m:locked())`, "true", "", 2 * time.Second, "task: main.lua:7: no"},
		{"mutex, too late", `local m = mutex.new() task.spawn(function() m:lock() sleep(9) end) sleep(1) return all(m:lock(2))`, "false timeout", "", 3 * time.Second, ""},
		{"mutex, twice", `local m = mutex.new() m:lock() m:lock()`, "main.lua:6: the handler has locked this mutex already", "", 0, ""},
		{"mutex, not its own", `local m = mutex.new() m:unlock()`, "main.lua:6: this handler has not locked the mutex", "", 0, ""},
		{"semaphore", `local s, now, most = semaphore.new(3), 0, 0
			local function f() s:with(function() now = now + 1 most = math.max(most, now) sleep(1) now = now - 1 end) end
			local t = {} for i = 1, 7 do t[i] = task.spawn(f) end task.all(t) return all(most, s:free())`, "3 3", "", 3 * time.Second, ""},
		{"semaphore, in order", `local s = semaphore.new(1) s:acquire() for _, x in ipairs {"a", "b", "c"} do task.spawn(function() s:acquire() say(x) s:release() end) end sleep(1) s:release()`, "nil", "a, b, c", time.Second, ""},
		{"semaphore, given too often", `semaphore.new(1):release()`, "main.lua:6: more is released than was acquired", "", 0, ""},
		{"semaphore, one who gave up is passed over", `local s = semaphore.new(1) s:acquire() task.spawn(function() say(tostring(s:acquire(1))) end) task.spawn(function() s:acquire() say "b" end) sleep(2) s:release()`, "nil", "false, b", 2 * time.Second, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				result, log, took, failures := eval(t, c.source)
				if result != c.want || log != c.log || took != c.took {
					t.Errorf("%q, log %q in %v; want %q, log %q in %v", result, log, took, c.want, c.log, c.took)
				}
				if got := strings.Join(failures, "; "); got != c.failure && !(c.failure != "" && strings.HasPrefix(got, c.failure)) {
					t.Errorf("failures %q, want %q", got, c.failure)
				}
			})
		})
	}
}

// TestStopping has what waits end where the instance is interrupted, and timers
// when it halts.
func TestStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := vm.Load(fstest.MapFS{"main.lua": {Data: []byte(prelude + `
			timer.every(3600, say, "never") timer.after(3600, say, "never")
			for i = 1, 100 do task.spawn(function() task.spawn(sleep, 1e6):wait() end) end
			local m = mutex.new() m:lock()
			for i = 1, 100 do task.spawn(function() m:lock() end) end`)}}, "main.lua")
		if err != nil {
			t.Fatal(err)
		}
		in, err := vm.New(vm.Config{Program: p, Modules: []vm.Module{Module(), timer.Module(), mutex.Module(), semaphore.Module()}})
		if err != nil {
			t.Fatal(err)
		}
		if err := in.Do(context.Background(), func(in *vm.Instance) error { _, err := in.Main(); return err }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		began := time.Now()
		if err := in.Stop(ctx); err != nil || time.Since(began) > time.Second { // sleeps end as the instance halts
			t.Errorf("stop: %v after %v", err, time.Since(began))
		}
		if s := in.Stats(); s.Executors != 0 || s.Queued != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestHalting has waits for others end in a program that has to stop, whoever was to give what
// is waited for; handlers of a service with connections get it all the same.
func TestHalting(t *testing.T) {
	for _, c := range []struct{ name, source, program, service string }{
		{"acquire", `local s = semaphore.new(1) s:acquire() free(s.release, s) return all(s:acquire())`,
			"false the service has to stop", "true"},
		{"lock", `local m = mutex.new() holds(m) return all(m:lock())`,
			"false the service has to stop", "true"},
		{"with, a semaphore", `local s = semaphore.new(1) s:acquire() free(s.release, s) return all(pcall(s.with, s, say, "x"))`,
			"false the service has to stop", "true"},
		{"with, a mutex", `local m = mutex.new() holds(m) return all(pcall(m.with, m, say, "x"))`,
			"false the service has to stop", "true"},
		{"wait", `return all(task.spawn(outlast):wait())`, "false the service has to stop", "true late"},
		{"wait, with a timeout", `return all(task.spawn(outlast):wait(90))`, "false the service has to stop", "true late"},
		{"all", `local ok, r = task.all({task.spawn(outlast)}) return all(ok, ok and r[1] or r)`, "false the service has to stop", "true late"},
		{"any", `return all(task.any({task.spawn(outlast)}))`, "false the service has to stop", "1 true late"},
		{"no end", `local s = semaphore.new(1) s:acquire() free(s.release, s) local n = 0
			while not s:acquire() and n < 50 do n = n + 1 end return all(n)`, "50", "0"},
		{"what is there is had", `sleep(60) local s, m = semaphore.new(1), mutex.new()
			return all(s:acquire(), m:lock(), task.spawn(function() return "x" end):wait())`, "true true true x", "true true true x"},
		{"not to wait", `sleep(60) return all(task.spawn(outlast):wait(0))`, "false timeout", "false timeout"},
	} {
		for standalone, want := range map[bool]string{true: c.program, false: c.service} {
			t.Run(fmt.Sprintf("%s, standalone %v", c.name, standalone), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					if got, took := halted(t, standalone, c.source); got != want || standalone && took > time.Second {
						t.Errorf("%q, %v after it had to stop, want %q", got, took, want)
					}
				})
			})
		}
	}
}

// halted runs source, tells its instance to stop meanwhile, and returns its result and how long it
// went on. In Lua outlast is what takes its time although the instance has to stop, free(f, …) calls
// f then, and holds(m) has m locked until then.
func halted(t *testing.T, standalone bool, source string) (result string, took time.Duration) {
	t.Helper()
	const given = `
		function outlast() work() return "late" end
		function free(f, ...) local args = {...} task.spawn(function() work() f(unpack(args)) end) end
		function holds(m) task.spawn(m.with, m, work) sleep(0.1) end
		`
	p, err := vm.Load(fstest.MapFS{"main.lua": {Data: []byte(prelude + given + source)}}, "main.lua")
	if err != nil {
		t.Fatal(err)
	}
	in, err := vm.New(vm.Config{
		Program: p, Standalone: standalone,
		Modules: []vm.Module{Module(), timer.Module(), mutex.Module(), semaphore.Module()},
		Globals: func(_ *vm.Instance, L *lua.LState) {
			L.SetGlobal("work", L.NewFunction(func(L *lua.LState) int {
				vm.Block(L, func(ctx context.Context) { time.Sleep(time.Minute) })
				return 0
			}))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	time.AfterFunc(time.Second, in.Halt)
	if err := in.Do(t.Context(), func(in *vm.Instance) error {
		v, err := in.Main()
		result, took = v.String(), time.Since(began)-time.Second
		return err
	}); err != nil {
		t.Error(err)
	}
	if err := in.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	return result, took
}

// TestBudgetIsShared: what a handler spawns shares its time, 2 s here, of which a
// wait gives a task all back. busy(s) runs for so long, and looks at the clock meanwhile.
func TestBudgetIsShared(t *testing.T) {
	const work = `function busy(s) for i = 1, 10 do work(s / 10) for i = 1, 2000 do end end end
		function try(name, fn, ...) local t = task.spawn(fn, ...) task.spawn(function() say(name, tostring(t:wait())) end) end `
	for _, c := range []struct{ name, source, want string }{
		{"alone", `try("a", busy, 1.9) try("b", busy, 0)`, "a true, b true"},
		{"too long alone", `try("a", busy, 2.1)`, "a false"},
		{"together", `try("a", busy, 1.5) try("b", busy, 1.5) try("c", busy, 0) timer.after(10, function() try("d", busy, 0.5) end)`, "a true, b false, c false, d true"},
		{"with the handler", `try("a", busy, 1) busy(1.5) say("x")`, "x, a false"},
		{"of tasks", `task.spawn(function() try("a", busy, 1.5) try("b", busy, 1.5) end)`, "a true, b false"},
		{"waits", `try("a", function() for i = 1, 10 do busy(1.5) sleep(0) end end) timer.after(60, try, "b", busy, 1.9)`, "a true, b true"},
		{"timers", `timer.after(1, busy, 1.9) timer.after(1.1, busy, 1.9) timer.after(1.2, function() try("a", busy, 0) end) timer.after(60, try, "b", busy, 1.9)`, "a false, b true"},
		{"after an error", `onError = function() say("oh") try("a", busy, 0) end busy(0) busy(2.1)`, "oh, a false"},
		{"every", `local n = 0 timer.every(2, function() n = n + 1 busy(0.9) if n == 10 then say("ten") return false end end)`, "ten"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, err := vm.Load(fstest.MapFS{"main.lua": {Data: []byte(prelude + work + "function handler() " + c.source + " end")}}, "main.lua")
				if err != nil {
					t.Fatal(err)
				}
				in, err := vm.New(vm.Config{
					Program:  p,
					Modules:  []vm.Module{Module(), timer.Module(), mutex.Module(), semaphore.Module()},
					CallTime: 2 * time.Second,
					Globals: func(_ *vm.Instance, L *lua.LState) {
						L.SetGlobal("work", L.NewFunction(func(L *lua.LState) int {
							time.Sleep(vm.CheckSeconds(L, 1)) // with the baton held
							return 0
						}))
					},
				})
				if err != nil {
					t.Fatal(err)
				}
				do := func(f func(in *vm.Instance) error) {
					if err := in.Do(context.Background(), f); err != nil {
						t.Error(err)
					}
				}
				do(func(in *vm.Instance) error { _, err := in.Main(); return err })
				if err := in.Post(vm.Event{Target: handler{}}); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				do(func(in *vm.Instance) error {
					log, err := in.Call(in.State().NewFunction(func(L *lua.LState) int {
						L.Push(L.GetField(L.GetGlobal("table"), "concat"))
						L.Push(L.GetGlobal("log"))
						L.Push(lua.LString(", "))
						L.Call(2, 1)
						return 1
					}))
					if log.String() != c.want {
						t.Errorf("%s; want %s", log, c.want)
					}
					return err
				})
				if err := in.Stop(context.Background()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A handler is a target whose event calls the global handler.
type handler struct{}

func (handler) Gate() *vm.Gate { return nil }
func (handler) Room()          {}
func (handler) Handle(in *vm.Instance, _ vm.Event) {
	if _, err := in.Call(in.State().GetGlobal("handler")); err != nil {
		in.Renew()
		_, _ = in.Call(in.State().GetGlobal("onError"))
	}
}
