package vm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// Whatever the shape in which Lua calls a binding that waits, the caller gets
// its result, and another event is handled meanwhile, which may use
// coroutines, errors and waits of its own.
func TestBlockInEveryShape(t *testing.T) {
	shapes := []struct{ name, source, result string }{
		{"plain", `local x = wait("a"); return x`, "A"},
		{"tail call", `return wait("a")`, "A"},
		{"pcall", `local ok, x = pcall(wait, "a"); return tostring(ok) .. x`, "trueA"},
		{"pcall of Lua", `local l = 1; local ok, x = pcall(function() l = l + 1; return wait("a") end); return x .. l`, "A2"},
		{"error after", `local ok, x = pcall(function() error(wait("a"), 0) end); return tostring(ok) .. x`, "falseA"},
		{"xpcall", `local ok, x = xpcall(function() return wait("a") end, print); return x`, "A"},
		{"xpcall's handler", `local ok, x = xpcall(error, function() return wait("a") end); return tostring(ok) .. x`, "falseA"},
		{"__index", `return setmetatable({}, {__index = function(_, k) return wait(k) end}).a`, "A"},
		{"__newindex", `local r; setmetatable({}, {__newindex = function(_, k) r = wait(k) end}).a = 1; return r`, "A"},
		{"__add", `return setmetatable({}, {__add = function() return wait("a") end}) + 1`, "A"},
		{"__eq", `local mt = {__eq = function() return wait("a") == "A" end}; return tostring(setmetatable({}, mt) == setmetatable({}, mt))`, "true"},
		{"__concat", `return setmetatable({}, {__concat = function(_, s) return wait("a") .. s end}) .. "x"`, "Ax"},
		{"__call", `return setmetatable({}, {__call = function(_, k) return wait(k) end})("a")`, "A"},
		{"__tostring", `return tostring(setmetatable({}, {__tostring = function() return wait("a") end}))`, "A"},
		{"iterator", `local s = ""; local function it(_, i) if i < 2 then return i + 1, wait("a") end end; for i, x in it, nil, 0 do s = s .. i .. x end; return s`, "1A2A"},
		{"table.sort", `local t = {1, 2}; local n = 0; table.sort(t, function(a, b) n = n + #wait("a"); return a > b end); return t[1] .. t[2] .. tostring(n > 0)`, "21true"},
		{"string.gsub", `return (string.gsub("a-a", "%a", wait))`, "A-A"},
		{"coroutine.resume", `local co = coroutine.create(function() coroutine.yield(wait("a")); return wait("b") end); local _, x = coroutine.resume(co); local _, y = coroutine.resume(co); return x .. y`, "AB"},
		{"coroutine.wrap", `local f = coroutine.wrap(function() for i = 1, 2 do coroutine.yield(wait("a") .. i) end end); return f() .. f()`, "A1A2"},
		{"coroutine of it", `return coroutine.wrap(wait)("a")`, "A"},
		{"nested", `local s = ""; for i = 1, 3 do s = s .. select(2, pcall(function() return coroutine.wrap(function() return wait("a") .. wait("b") end)() end)) end; return s`, "ABABAB"},
		{"require", `return require("waiting")`, "A"},
		{"load's reader", `local n = 0; return load(function() n = n + 1; if n == 1 then return "return '" .. wait("a") .. "'" end end)()`, "A"},
	}
	other := `
		local co = coroutine.wrap(function() coroutine.yield(1); error("x") end)
		co(); local ok = pcall(co)
		return tostring(ok) .. tostring(coroutine.running()) .. select(2, pcall(wait, "other"))`
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			d := newDoor()
			p := program(t, map[string]string{"main.lua": `wait = require("door").wait`, "waiting.lua": `return wait("a")`})
			in := start(t, "", Config{Program: p, Modules: []Module{d.module()}})
			results := make(chan string, 2)
			run := func(source string) {
				proto, bad := compile("test", source)
				if bad != nil {
					t.Error(bad)
				}
				post(t, in, &target{handle: func(in *Instance, _ Event) {
					v, err := in.Call(in.main.NewFunctionFromProto(proto))
					results <- fmt.Sprintf("%v %v", v, err)
				}})
			}
			run(s.source)
			w := <-d.waits // blocked
			run(other)     // is handled up to its own wait
			o := <-d.waits
			o.open <- "O"
			if got, want := <-results, "falsenilO <nil>"; got != want {
				t.Errorf("meanwhile: got %s, want %s", got, want)
			}
			for {
				w.open <- strings.ToUpper(w.name)
				select {
				case w = <-d.waits:
					continue
				case got := <-results:
					if got != s.result+" <nil>" {
						t.Errorf("got %q, want %q", got, s.result)
					}
				}
				return
			}
		})
	}
}

func post(t testing.TB, in *Instance, to *target) {
	t.Helper()
	if err := in.Post(Event{Target: to}); err != nil {
		t.Error(err)
	}
}

// A thousand handlers wait at once, each with its own gate, while more come
// for the gates; each gate's results come in order.
func TestThousandBlocked(t *testing.T) {
	const n = 1000
	d := newDoor()
	in := start(t, `wait = require("door").wait; function handle(s) return wait(s) .. s end`, Config{Modules: []Module{d.module()}})
	var mu sync.Mutex
	got := make([][]string, n)
	var left sync.WaitGroup
	left.Add(2 * n)
	for i := range n {
		tg := &target{gate: new(Gate)}
		tg.handle = func(in *Instance, e Event) {
			v, err := in.Call(in.main.G.Global.RawGetString("handle"), lua.LString(e.Data))
			mu.Lock()
			got[i] = append(got[i], fmt.Sprintf("%v %v", v, err))
			mu.Unlock()
			left.Done()
		}
		for _, s := range []string{"first", "second"} {
			if err := in.Offer(Event{Target: tg, Data: s}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var blocked []wait
	for range n {
		blocked = append(blocked, <-d.waits)
	}
	if s := in.Stats(); s.Blocked != n || s.Queued < n {
		t.Errorf("blocked: %+v", s)
	}
	rand.Shuffle(n, func(i, j int) { blocked[i], blocked[j] = blocked[j], blocked[i] })
	for _, w := range blocked {
		w.open <- "1"
	}
	for range n {
		(<-d.waits).open <- "2"
	}
	left.Wait()
	for i, g := range got {
		if !slices.Equal(g, []string{"1first <nil>", "2second <nil>"}) {
			t.Fatalf("gate %d: %q", i, g)
		}
	}
	do(t, in, func(in *Instance) {
		if len(in.threads) > maxFreeThreads {
			t.Errorf("%d free threads", len(in.threads))
		}
	})
	if s := in.Stats(); s.Executors > maxIdleExecutors+1 || s.Blocked != 0 {
		t.Errorf("after: %+v", s)
	}
}

// However handlers block, each event is handled once, and those of a gate in
// order, never two at a time.
func TestOrderAndOnce(t *testing.T) {
	const gates, events = 20, 100
	pause := Module{Name: "pause", Open: func(_ *Instance, L *lua.LState) lua.LValue {
		return L.NewFunction(func(L *lua.LState) int {
			n := L.CheckInt(1)
			Block(L, func(context.Context) { pausing(n) })
			return 0
		})
	}}
	in := started(t, `local pause, random = require("pause"), math.random
		function handle(s)
			for i = 1, random(0, 3) do pcall(pause, random(0, 3)) end
			if random(1, 10) == 1 then error("sometimes") end
			return s
		end`, Config{Modules: []Module{pause}})
	got := make([][]string, gates) // each owned by its gate
	busy := make([]bool, gates)
	var producers sync.WaitGroup
	for i := range gates {
		tg := &target{gate: new(Gate)}
		tg.handle = func(in *Instance, e Event) {
			if busy[i] {
				t.Error("two at a time")
			}
			busy[i] = true
			v, err := in.Call(in.main.G.Global.RawGetString("handle"), lua.LString(e.Data))
			if err == nil && v.String() != e.Data || err != nil && !strings.Contains(err.Error(), "sometimes") {
				t.Errorf("%s: got %v, %v", e.Data, v, err)
			}
			busy[i] = false
			got[i] = append(got[i], e.Data)
		}
		producers.Go(func() {
			for j := range events {
				if err := in.Offer(Event{Target: tg, Data: strconv.Itoa(j)}); err != nil {
					t.Error(err)
				}
				pausing(j % 4)
			}
		})
	}
	producers.Wait()
	stop(t, in)
	var all []string
	for j := range events {
		all = append(all, strconv.Itoa(j))
	}
	for i := range got {
		if !slices.Equal(got[i], all) {
			t.Errorf("gate %d: %q", i, got[i])
		}
	}
	if s := in.Stats(); s.Handled != gates*events+1 || s.Queued != 0 || s.QueuedBytes != 0 || s.Executors != 0 {
		t.Errorf("after: %+v", s)
	}
}

// pausing lets others run, n times.
func pausing(n int) {
	for range n {
		c := make(chan struct{})
		go close(c)
		<-c
	}
}

// What comes for the gate of a blocked handler waits; all else goes on.
func TestGates(t *testing.T) {
	d := newDoor()
	in := start(t, `wait = require("door").wait`, Config{Modules: []Module{d.module()}})
	var mu sync.Mutex
	var log []string
	say := func(s string) { mu.Lock(); log = append(log, s); mu.Unlock() }
	done := make(chan struct{})
	one := &target{gate: new(Gate)}
	one.handle = func(in *Instance, e Event) {
		say("one " + e.Data)
		if e.Data == "1" {
			if _, err := in.Call(in.main.G.Global.RawGetString("wait"), lua.LString("a")); err != nil {
				t.Error(err)
			}
			say("one 1 goes on")
		}
		if e.Data == "3" {
			close(done)
		}
	}
	two := &target{gate: new(Gate), handle: func(_ *Instance, e Event) { say("two " + e.Data) }}
	none := &target{handle: func(_ *Instance, e Event) { say("none " + e.Data) }}
	offer := func(to *target, s string) {
		if err := in.Offer(Event{Target: to, Data: s}); err != nil {
			t.Error(err)
		}
	}
	offer(one, "1")
	w := <-d.waits
	offer(one, "2")
	offer(two, "1")
	offer(one, "3")
	offer(none, "1")
	do(t, in, func(*Instance) {}) // behind all of them
	say("opened")
	w.open <- ""
	<-done
	if want := []string{"one 1", "two 1", "none 1", "opened", "one 1 goes on", "one 2", "one 3"}; !slices.Equal(log, want) {
		t.Errorf("got %q, want %q", log, want)
	}
}

// A wait that panics is an error of the call, with everything restored.
func TestBlockPanics(t *testing.T) {
	bad := Module{Name: "bad", Open: func(_ *Instance, L *lua.LState) lua.LValue {
		return L.NewFunction(func(L *lua.LState) int {
			Block(L, func(context.Context) { panic("broken") })
			return 0
		})
	}}
	in := start(t, `bad = require("bad")`, Config{Modules: []Module{bad}})
	_, err := eval(t, in, `local x = 1
		bad()`)
	e, ok := err.(*Error)
	if !ok || !e.Panic || e.Message != "test:2: broken" || !strings.Contains(e.Traceback, "goroutine") {
		t.Errorf("got %+v", err)
	}
	want(t, in, `return tostring(pcall(bad)) .. tostring(coroutine.running())`, "falsenil")
	want(t, in, `return tostring(select(2, pcall(coroutine.wrap(bad))))`, "broken")
}
