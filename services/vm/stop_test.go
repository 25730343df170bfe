package vm

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// However Lua loops, Stop's deadline ends it.
func TestStopInterrupts(t *testing.T) {
	for _, source := range []string{
		`while true do end`,
		`while true do pcall(function() while true do end end) end`,
		`while true do xpcall(function() while true do end end, function() while true do end end) end`,
		`coroutine.wrap(function() while true do end end)()`,
		`while true do coroutine.resume(coroutine.create(function() pcall(function() while true do end end) end)) end`,
		`table.sort({1, 2, 3}, function() while true do end end)`,
		`string.gsub("x", "x", function() while true do end end)`,
		`local t = setmetatable({}, {__index = function() while true do end end}); return t.x`,
		`local function f() return f() end; f()`,
		`repeat local ok = pcall(error) until ok`,
	} {
		t.Run(source, func(t *testing.T) {
			in := started(t, "", Config{})
			began := make(chan struct{})
			var got error
			post(t, in, &target{handle: func(in *Instance, _ Event) {
				close(began)
				proto, _ := compile("test", source)
				_, got = in.Call(in.main.NewFunctionFromProto(proto))
			}})
			var later error
			post(t, in, &target{handle: func(in *Instance, _ Event) { _, later = in.Main() }})
			<-began
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if err := in.Stop(ctx); err != context.Canceled {
				t.Errorf("Stop: %v", err)
			}
			if err := in.Stop(context.Background()); err != nil { // has ended
				t.Errorf("second Stop: %v", err)
			}
			if !errors.Is(got, ErrStopped) || !errors.Is(later, ErrStopped) {
				t.Errorf("calls ended with %v and %v", got, later)
			}
		})
	}
}

// A handler that is blocked when Stop is called may finish.
func TestStopWaitsForBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor()
		in := started(t, `wait = require("door").wait`, Config{Modules: []Module{d.module()}})
		var got lua.LValue
		waiting(t, in, func(v lua.LValue, _ error) { got = v })
		w := <-d.waits
		stopped := make(chan error)
		go func() { stopped <- in.Stop(context.Background()) }()
		synctest.Wait()
		if err := in.Offer(Event{Target: &target{}}); err != ErrStopped {
			t.Errorf("Offer: %v", err)
		}
		w.open <- "late"
		if err := <-stopped; err != nil || got != lua.LString("late") {
			t.Errorf("Stop: %v; got %v", err, got)
		}
	})
}

// waiting posts a handler that waits at the door.
func waiting(t *testing.T, in *Instance, then func(lua.LValue, error)) {
	post(t, in, &target{handle: func(in *Instance, _ Event) {
		then(in.Call(in.main.G.Global.RawGetString("wait"), lua.LString("a")))
	}})
}

// At the deadline the contexts of Block end, and Lua behind them.
func TestStopCancelsBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor()
		in := started(t, `local door = require("door").wait; function wait(n) local x = door(n); return x end`, Config{Modules: []Module{d.module()}})
		var errs []error
		for range 3 {
			waiting(t, in, func(_ lua.LValue, err error) { errs = append(errs, err) })
		}
		for range 3 {
			<-d.waits
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		begin := time.Now()
		if err := in.Stop(ctx); err != context.DeadlineExceeded || time.Since(begin) != time.Minute {
			t.Errorf("Stop: %v after %v", err, time.Since(begin))
		}
		if len(errs) != 3 {
			t.Fatalf("%d handlers ended", len(errs))
		}
		for _, err := range errs {
			if !errors.Is(err, ErrStopped) {
				t.Errorf("got %v", err)
			}
		}
	})
}

// A binding that does not heed its context costs Stop a second, no more.
func TestStopGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		deaf := Module{Name: "deaf", Open: func(_ *Instance, L *lua.LState) lua.LValue {
			return L.NewFunction(func(L *lua.LState) int {
				Block(L, func(context.Context) { <-end })
				return 0
			})
		}}
		in := started(t, `wait = require("deaf")`, Config{Modules: []Module{deaf}})
		waiting(t, in, func(lua.LValue, error) {})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		begin := time.Now()
		if err := in.Stop(ctx); err != context.DeadlineExceeded || time.Since(begin) != time.Minute+grace {
			t.Errorf("Stop: %v after %v", err, time.Since(begin))
		}
		close(end)
		if err := in.Stop(context.Background()); err != nil {
			t.Errorf("second Stop: %v", err)
		}
	})
}

func TestStopUnused(t *testing.T) {
	in, err := New(Config{Program: program(t, map[string]string{"main.lua": ""})})
	if err != nil {
		t.Fatal(err)
	}
	stop(t, in)
	stop(t, in)
	if _, err := New(Config{}); err == nil || err.Error() != "vm: New: Config.Program is nil" {
		t.Errorf("without a program: %v", err)
	}
}
