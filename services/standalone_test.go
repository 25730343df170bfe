package services_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"lapps/services"
	"lapps/services/modules/mutex"
	"lapps/services/modules/nap"
	"lapps/services/modules/semaphore"
	"lapps/services/modules/task"
	timemodule "lapps/services/modules/time"
	"lapps/services/modules/timer"
	"lapps/services/vm"
)

var modules = []vm.Module{nap.Module(), timemodule.Module(), semaphore.Module(), mutex.Module(), task.Module(), timer.Module()}

// A logbook is a log that tests read while it is written.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// startOne starts a service and stops it again.
func startOne(t *testing.T, c services.Config, lua string) error {
	t.Helper()
	c.Name, c.AutoStart, c.Instances = "test", true, max(c.Instances, 1)
	c.Files = fstest.MapFS{"test.lua": {Data: []byte(lua)}}
	r, err := services.New([]services.Config{c}, modules, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(r.Start(t.Context()), r.Stop(t.Context()))
}

// world starts services in a bubble, each a Lua file by its name.
func world(t *testing.T, all []services.Config, test func(t *testing.T, r *services.Registry, log *logbook)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		for i := range all {
			all[i].Instances = max(all[i].Instances, 1)
			if !all[i].Standalone {
				all[i].RequestTarget = "/" + all[i].Name
			}
		}
		r, err := services.New(all, modules, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Start(t.Context())
		test(t, r, &log)
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func service(name, lua string, c services.Config) services.Config {
	c.Name, c.Files = name, fstest.MapFS{name + ".lua": {Data: []byte(lua)}}
	return c
}

func TestStandalone(t *testing.T) {
	lua := `
clock = {}
function clock.init() bcast:create(1); print("init", instance_id, type(ws), type(nljson)) end
function clock.run()
	while not must_stop() do
		print("tick", time.now() % 1000)
		nap:sleep(1)
	end
	print("run ends")
end
return clock`
	world(t, []services.Config{service("clock", lua, services.Config{
		Standalone: true, AutoStart: true, Instances: 2, Preload: []string{"nap", "time"},
	})}, func(t *testing.T, r *services.Registry, log *logbook) {
		time.Sleep(3500 * time.Millisecond)
		synctest.Wait()
		if n := strings.Count(log.String(), `tick\t0`); n != 8 {
			t.Errorf("%d ticks after 3.5 s, want 4 of each instance:\n%s", n, log)
		}
		if n := r.Lookup("/clock"); n != nil {
			t.Error("a standalone service has a path")
		}
		began := time.Now()
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("stopping took %v: must_stop does not wake", took)
		}
		for _, want := range []string{`init\tclock/1\ttable\ttable`, `init\tclock/2`, "run ends"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%q is not in %s", want, log)
			}
		}
	})
}

// TestStopOfWaiting: a program that waits for others of its instance ends when it has to stop,
// although nobody gives it what it waits for any more.
func TestStopOfWaiting(t *testing.T) {
	for name, run := range map[string]string{
		"a signal": `local signal = require("semaphore").new(1)
			signal:acquire()
			require("timer").every(0.1, function() signal:release() end)
			while not must_stop() do signal:acquire() end`,
		"each other": `local mutex, task = require("mutex").new(), require("task")
			mutex:lock()
			task.spawn(function() mutex:lock() end):wait()`,
	} {
		t.Run(name, func(t *testing.T) {
			world(t, []services.Config{service("waits", "return {run = function() "+run+` print "run ends" end}`, services.Config{
				Standalone: true, AutoStart: true,
			})}, func(t *testing.T, r *services.Registry, log *logbook) {
				time.Sleep(time.Minute + 50*time.Millisecond) // between two calls of the timer
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				if err := r.Stop(ctx); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > 0 || !strings.Contains(log.String(), "run ends") {
					t.Errorf("it took %v: %s", took, log)
				}
			})
		})
	}
}

// TestRunFails has run called again, with pauses that double.
func TestRunFails(t *testing.T) {
	lua := `
local n = 0
return {
	run = function()
		n = n + 1
		print("run", n)
		if n == 8 then nap:sleep(120) error("after a long time") end
		if n < 12 then error("no " .. n) end
	end}`
	world(t, []services.Config{service("failing", lua, services.Config{
		Standalone: true, AutoStart: true, Preload: []string{"nap"},
	})}, func(t *testing.T, r *services.Registry, log *logbook) {
		at := func(d time.Duration, runs int) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if !strings.Contains(log.String(), fmt.Sprintf(`run\t%d`, runs)) || strings.Contains(log.String(), fmt.Sprintf(`run\t%d`, runs+1)) {
				t.Errorf("not %d runs: %s", runs, log)
			}
		}
		at(0, 1)
		at(time.Second, 2)
		at(2*time.Second, 3)
		at(4*time.Second, 4)
		at(8*time.Second, 5)
		at(16*time.Second, 6)
		at(32*time.Second, 7)
		at(time.Minute, 8)
		at(2*time.Minute+time.Second, 9) // it lasted: the pauses begin anew
		at(2*time.Second, 10)
		at(4*time.Second, 11)
		at(8*time.Second, 12)
		if n := r.Services()[0].Failures(); n != 11 {
			t.Errorf("%d failures are counted, want 11", n)
		}
		if n := strings.Count(log.String(), "run has returned"); n != 1 {
			t.Errorf("run has returned %d times in %s", n, log)
		}
		time.Sleep(time.Hour)
		at(0, 12)
	})
}

// TestStates has a program fail and return, which shows, and starts one again that has finished.
func TestStates(t *testing.T) {
	lua := `
local n = 0
return {
	run = function()
		n = n + 1
		sleep(instance_id:find("^test/2") and 1 or 10)
		if n < 3 then error("no " .. n) end
	end}`
	world(t, []services.Config{service("test", lua, services.Config{Standalone: true, AutoStart: true, Instances: 2})},
		func(t *testing.T, r *services.Registry, log *logbook) {
			s := r.Service("test")
			began := time.Now()
			at := func(second int, want string) {
				t.Helper()
				time.Sleep(time.Until(began.Add(time.Duration(second)*time.Second + time.Millisecond)))
				if got := s.State(); got != want {
					t.Errorf("after %d s it is %s, want %s", second, got, want)
				}
			}
			for range 2 {
				at(0, services.StateRunning)
				at(1, services.StateFailing)  // 2
				at(2, services.StateRunning)  // both again
				at(3, services.StateFailing)  // 2
				at(6, services.StateRunning)  // 2 has finished
				at(10, services.StateFailing) // 1
				at(11, services.StateRunning)
				if err := r.StartService(t.Context(), "test"); err != services.ErrRunning {
					t.Errorf("start: %v", err)
				}
				at(21, services.StateFailing)
				at(23, services.StateRunning)
				at(33, services.StateFinished)
				began = time.Now()
				if err := r.StartService(t.Context(), "test"); err != nil {
					t.Errorf("start: %v", err)
				}
			}
			at(0, services.StateRunning)
			if err := r.StopService(t.Context(), "test"); err != nil {
				t.Error(err)
			}
			at(0, services.StateStopped)
			if n := strings.Count(log.String(), "run has returned"); n != 4 {
				t.Errorf("run has returned %d times in %s", n, log)
			}
		})
}

// TestStopInPause stops a service between two runs.
func TestStopInPause(t *testing.T) {
	world(t, []services.Config{service("failing", `return {run = function() error("no") end}`, services.Config{
		Standalone: true, AutoStart: true,
	})}, func(t *testing.T, r *services.Registry, log *logbook) {
		time.Sleep(500 * time.Millisecond)
		began := time.Now()
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("stopping took %v", took)
		}
	})
}

// A signal is told when a log says "runs".
type signal chan struct{}

func (s signal) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "runs") {
		s <- struct{}{}
	}
	return len(p), nil
}

// TestRunThatDoesNotEnd has shutdown interrupt what does not ask must_stop.
func TestRunThatDoesNotEnd(t *testing.T) {
	for name, body := range map[string]string{
		"deaf sleeper": `while true do nap:sleep(0.001) end`,
		"pcall":        `while true do pcall(function() nap:sleep(1) error("x") end) end`,
		"coroutine":    `while true do coroutine.wrap(function() nap:usleep(10) end)() end`,
	} {
		t.Run(name, func(t *testing.T) {
			c := service("deaf", `return {run = function() print("runs") `+body+` end}`, services.Config{
				Standalone: true, AutoStart: true, Instances: 1, Preload: []string{"nap"},
			})
			runs := make(signal, 1)
			r, err := services.New([]services.Config{c}, modules, slog.New(slog.NewTextHandler(runs, nil)))
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-runs
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if err := r.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("stopped with %v", err)
			}
		})
	}
}

func TestStandaloneDoesNotStart(t *testing.T) {
	for _, c := range []struct{ name, lua, want string }{
		{"no run", "return {init = print}", "test.lua: the function run is missing"},
		{"no functions", "return {init = 1, run = 2}", "test.lua: init must be a function, not a number; run must be a function, not a number"},
		{"init fails", "return {init = function() error('no') end, run = print}", "no"},
		{"reactive", "return {onMessage = print}", "test.lua: the function run is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := startOne(t, services.Config{Standalone: true}, c.lua)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// TestMustStopLetsOutputGo has a program that never waits be heard, because it
// asks must_stop.
func TestMustStopLetsOutputGo(t *testing.T) {
	lua := `return {
		onMessage = function(h)
			ws:send(h, 1, "before")
			must_stop()
			while not heard do must_stop() end
			ws:send(h, 1, "after")
		end,
		onConnect = function(h) heard = h == 2 end}`
	serve(t, services.Config{}, lua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		sent := make(chan bool, 10)
		p := &peerOnLoop{&peer{id: 1}, &loop{woken: sent}}
		s := joinAs(t, r, p)
		deliver(t, s, "go")
		<-sent // while the handler is at it
		joinAs(t, r, &peerOnLoop{&peer{id: 2}, &loop{}})
		if got, want := p.happened(), []string{"text before", "text after"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// TestStopOfFailingRun does not promise another run when the service stops.
func TestStopOfFailingRun(t *testing.T) {
	world(t, []services.Config{service("failing", `return {run = function() nap:sleep(60) error("no") end}`, services.Config{
		Standalone: true, AutoStart: true, Preload: []string{"nap"},
	})}, func(t *testing.T, r *services.Registry, log *logbook) {
		synctest.Wait()
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if text := log.String(); !strings.Contains(text, "run failed") || strings.Contains(text, "called again") {
			t.Error(text)
		}
	})
}

func TestOrder(t *testing.T) {
	reactive := func(deps ...string) services.Config { return services.Config{Depends: deps} }
	lua := func(name string) string {
		return `return {onStart = function() print("start ` + name + `") end, onMessage = print, onShutdown = function() print("stop ` + name + `") end}`
	}
	a, b, c, d := reactive("b", "c"), reactive("d"), reactive("d"), reactive()
	a.AutoStart = true
	world(t, []services.Config{
		service("a", lua("a"), a), service("b", lua("b"), b), service("c", lua("c"), c), service("d", lua("d"), d),
		service("e", lua("e"), reactive()), // nobody wants it
	}, func(t *testing.T, r *services.Registry, log *logbook) {
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		before := func(first, second string) {
			t.Helper()
			i, j := strings.Index(log.String(), first), strings.Index(log.String(), second)
			if i < 0 || j < 0 || i > j {
				t.Errorf("%q is not before %q in %s", first, second, log)
			}
		}
		before("start d", "start b")
		before("start d", "start c")
		before("start b", "start a")
		before("start c", "start a")
		before("stop a", "stop b")
		before("stop a", "stop c")
		before("stop b", "stop d")
		before("stop c", "stop d")
		if strings.Contains(log.String(), "start e") {
			t.Error("e was started")
		}
	})
}

// TestDependencyFails keeps what depends on a failure from starting.
func TestDependencyFails(t *testing.T) {
	ok := `return {onMessage = print}`
	world(t, []services.Config{
		service("a", ok, services.Config{AutoStart: true, Depends: []string{"b"}}),
		service("b", ok, services.Config{AutoStart: true, Depends: []string{"c"}}),
		service("c", `error("broken")`, services.Config{AutoStart: true}),
		service("d", ok, services.Config{AutoStart: true}),
	}, func(t *testing.T, r *services.Registry, log *logbook) {
		for name, want := range map[string]bool{"a": false, "b": false, "c": false, "d": true} {
			if got := r.Lookup("/" + name).Running(); got != want {
				t.Errorf("%s runs: %v", name, got)
			}
		}
		for _, want := range []string{"services: a: it depends on b, which does not run", "services: b: it depends on c, which does not run", "broken"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%q is not in %s", want, log)
			}
		}
	})
}

// TestStuckServiceLeavesTime stops one service that hangs, and what it depends
// on in time.
func TestStuckServiceLeavesTime(t *testing.T) {
	world(t, []services.Config{
		service("stuck", `return {run = function() while true do nap:sleep(1) end end}`,
			services.Config{Standalone: true, AutoStart: true, Preload: []string{"nap"}, Depends: []string{"base"}}),
		service("base", `return {onMessage = print, onShutdown = function() nap:sleep(0.1) print("base shut down") end}`,
			services.Config{AutoStart: true, Preload: []string{"nap"}}),
	}, func(t *testing.T, r *services.Registry, log *logbook) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		synctest.Wait()
		began := time.Now()
		if err := r.Stop(ctx); err == nil || !strings.Contains(err.Error(), "stuck") || strings.Contains(err.Error(), "base") {
			t.Errorf("stopped with %v", err)
		}
		if took := time.Since(began); took < 5*time.Second || took > 6*time.Second { // and a rest
			t.Errorf("it took %v, want half of the time", took)
		}
		if !strings.Contains(log.String(), "base shut down") {
			t.Errorf("base was not shut down: %s", log)
		}
	})
}

// TestUnrelatedServicesHaveAllTheTime stops a slow service beside two that
// depend on each other.
func TestUnrelatedServicesHaveAllTheTime(t *testing.T) {
	idle := `return {run = function() end}`
	program := services.Config{Standalone: true, AutoStart: true}
	dependent := program
	dependent.Depends = []string{"base"}
	world(t, []services.Config{
		service("slow", `return {onMessage = print, onShutdown = function() for i = 1, 900 do nap:sleep(1) end print("slow shut down") end}`,
			services.Config{AutoStart: true, Preload: []string{"nap"}}),
		service("base", idle, program),
		service("dependent", idle, dependent),
	}, func(t *testing.T, r *services.Registry, log *logbook) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // each of the naps rests 10 ms by now
		defer cancel()
		if err := r.Stop(ctx); err != nil || !strings.Contains(log.String(), "slow shut down") {
			t.Errorf("%v: %s", err, log)
		}
	})
}

func TestNewRefusesDependencies(t *testing.T) {
	files := fstest.MapFS{}
	c := func(name string, deps ...string) services.Config {
		return services.Config{Name: name, RequestTarget: "/" + name, Instances: 1, Files: files, Depends: deps}
	}
	for want, all := range map[string][]services.Config{
		"services: a depends on b, which does not exist":                                {c("a", "b")},
		"services: some of these depend on each other in a circle: a":                   {c("a", "a")},
		"services: some of these depend on each other in a circle: a, b, below":         {c("a", "b"), c("b", "a", "below"), c("below")},
		"services: a: preload: there is no module x":                                    {{Name: "a", RequestTarget: "/a", Instances: 1, Files: files, Preload: []string{"x"}}},
		"services: a service cannot be called nap: that is a global of Lua's or ours":   {{Name: "nap", RequestTarget: "/a", Instances: 1, Files: files, Preload: []string{"nap"}}},
		"services: a service cannot be called bcast: that is a global of Lua's or ours": {{Name: "bcast"}},
	} {
		if _, err := services.New(all, modules, slog.New(slog.DiscardHandler)); err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
