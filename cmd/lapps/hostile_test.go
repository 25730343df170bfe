package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// hostile are scripts that mean no good, each by another way.
var hostile = []struct{ name, lua string }{
	{"while", `while true do end`},
	{"repeat", `repeat until false`},
	{"goto", `::again:: goto again`},
	{"for", `for i = 1, math.huge do end`},
	{"iterator", `for _ in function() return 1 end do end`},
	{"tail call", `local function f() return f() end f()`},
	{"recursion", `local function f() return 1 + f() end f()`},
	{"recursion through pcall", `local function f() return pcall(f) end f() while true do f() end`},
	{"recursion with varargs", `local function f(...) return f(1, ...) end f()`},
	{"mutual recursion", `local a, b function a() return b() + 1 end function b() return a() + 1 end a()`},
	{"pcall swallows", `while true do pcall(function() while true do end end) end`},
	{"xpcall swallows", `while true do xpcall(function() while true do end end, function() while true do end end) end`},
	{"errors in handlers", `while true do xpcall(error, error) end`},
	{"coroutine", `coroutine.wrap(function() while true do end end)()`},
	{"coroutines resumed for ever", `local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end`},
	{"coroutines in coroutines", `local function f() coroutine.wrap(f)() end f()`},
	{"coroutines without end", `local t = {} while true do t[#t + 1] = coroutine.create(function() end) end`},
	{"strings doubled", `local s = "x" while true do s = s .. s end`},
	{"strings doubled, swallowed", `while true do pcall(function() local s = "x" while true do s = s .. s end end) end`},
	{"string.rep", `local t = {} while true do t[#t + 1] = ("x"):rep(6e7) end`},
	{"string.rep, too long", `return ("x"):rep(1e10)`},
	{"string.rep of nothing", `while true do (""):rep(1e15) end`},
	{"table that grows", `local t = {} while true do t[#t + 1] = {} end`},
	{"table with a gap", `local t = {} for i = 1, math.huge do t[i] = {} t[i][1e6] = 1 end`},
	{"table of keys", `local t = {} for i = 1, math.huge do t["k" .. i] = i end`},
	{"closures", `local t = {} for i = 1, math.huge do t[i] = function() return i end end`},
	{"chain of tables", `local t while true do t = {t} end`},
	{"globals", `for i = 1, math.huge do _G["g" .. i] = nil end`},
	{"__index without end", `local t = setmetatable({}, {__index = function() while true do end end}) return t.x`},
	{"__index of itself", `local t = {} setmetatable(t, {__index = t}) while true do local _ = pcall(function() return t.x end) end`},
	{"__newindex", `setmetatable({}, {__newindex = function() while true do end end}).x = 1`},
	{"__eq", `local mt = {__eq = function() while true do end end} return setmetatable({}, mt) == setmetatable({}, mt)`},
	{"__concat", `return setmetatable({}, {__concat = function() while true do end end}) .. "x"`},
	{"__tostring of an error", `error(setmetatable({}, {__tostring = function() while true do end end}))`},
	{"__metatable of strings", `getmetatable("").__index = nil return ("x"):upper()`},
	{"__gc", `for i = 1, 1e5 do setmetatable({}, {__gc = function() while true do end end}) end while true do end`},
	{"sort that lies", `local t = {} for i = 1, 1000 do t[i] = i end table.sort(t, function() return true end) while true do end`},
	{"sort without end", `table.sort({3, 2, 1}, function() while true do end end)`},
	{"sort that fails", `while true do pcall(table.sort, {3, 2, 1}, error) end`},
	{"gsub's function", `("x"):gsub("x", function() while true do end end)`},
	{"a*a*a*", `return (("a"):rep(1e4)):find(("a*"):rep(30) .. "b")`},
	{"a*a*a*, swallowed", `while true do pcall(string.find, ("a"):rep(1e4), ("a*"):rep(30) .. "b") end`},
	{"quadratic pattern", `while true do pcall(string.gsub, ("a"):rep(1e6), ".-b", "") end`},
	{"%b without end", `while true do pcall(string.match, ("("):rep(1e6), "%b()") end`},
	{"gmatch without end", `while true do for _ in (("a"):rep(1e6)):gmatch("") do end end`},
	{"gsub that multiplies", `local s = "x" while true do s = s:gsub("x", ("x"):rep(1000)) end`},
	{"format that multiplies", `local s = "x" while true do s = ("%s%s%s%s%s%s%s%s"):format(s, s, s, s, s, s, s, s) end`},
	{"concat that multiplies", `local s = "x" while true do s = table.concat({s, s, s, s, s, s, s, s}) end`},
	{"upper and reverse", `local s = ("x"):rep(6e7) while true do s:upper() s:reverse() end`},
	{"insert in front", `local t = {} while true do table.insert(t, 1, t) end`},
	{"insert at a million", `local t = {} for i = 1, math.huge do table.insert(t, 1e6 * i, 1) end`},
	{"sort of many", `local t = {} for i = 1, 1e6 do t[i] = -i end while true do table.sort(t) end`},
	{"long strings compared", `local a, b = ("x"):rep(4e6) .. "a", ("x"):rep(4e6) .. "b" while a < b do end`},
	{"length without end", `local t = {} t[1e6] = 1 t[1e6] = nil while true do local _ = #t end`},
	{"a table with a far element", `while true do local t = {} t[8e6] = 1 end`},
	{"load's reader", `load(function() return "x = 1 " end)`},
	{"code in code", `local s = "return 1" while true do s = "return loadstring(" .. string.format("%q", s) .. ")" loadstring(s) end`},
	{"unpack", `return unpack({}, 1, 1e8)`},
	{"gigantic error", `error(("x"):rep(5e7))`},
	{"gigantic error, nested", `local e = "x" while true do local _, x = pcall(error, {e}) e = x end`},
	{"setfenv", `setfenv(1, setmetatable({}, {__index = function() while true do end end})) return x`},
	{"getfenv of the main chunk", `getfenv(0).print = nil while true do end`},
	{"package.loaded", `package.loaded.string = nil package.loaded._G = nil while true do end`},
	{"bytecode", `return loadstring("\27Lua")()`},
	{"os.exit", `os.exit(1)`},
	{"io", `return io.open("/etc/passwd")`},
	{"require of a path", `return require("../../etc/passwd")`},
	{"debug", `debug.getregistry()`},
	{"tasks without end", `local task = require "task" for i = 1, 3000 do task.spawn(function() while true do end end) end`},
	{"tasks that spawn tasks", `local task = require "task" local function f() task.spawn(f) task.spawn(f) while true do end end f()`},
	{"timers without end", `local timer = require "timer" for i = 1, 3000 do timer.after(0, function() while true do end end) end`},
	{"tasks that wait", `local task = require "task" for i = 1, 2e4 do task.spawn(sleep, 3600) end`},
	{"timers", `local timer = require "timer" for i = 1, 2e4 do timer.after(3600, function() end) end`},
	{"a mutex twice", `local m = require("mutex").new() m:lock() m:lock()`},
	{"waiting inside everything", `local function slow() sleep(0.001) end
		while true do pcall(function() table.sort({2, 1}, slow) ("x"):gsub("x", slow) coroutine.wrap(slow)() for i = 1, 1e5 do end end) end`},
}

// TestHostileLua has each of them end, while another service echoes on; then the
// hostile one answers again. What each took is logged.
func TestHostileLua(t *testing.T) {
	const service = `return { onMessage = function(h, op, m)
		if m:sub(1, 4) == "do: " then assert(loadstring(m:sub(5)))() end
		return ws:send(h, op, m)
	end }`
	d := startDaemon(t, `{"limits": {"handler_ms": 200, "instance_mb": 32}, "services": {"hostile": {"instances": 1}, "echo": {}}}`,
		map[string]string{"hostile/hostile.lua": service, "echo/echo.lua": echoLua})
	neighbour := dialCoder(t, d.url("/echo"), nil)
	answers := func() bool {
		c := raw(t, d.addr())
		defer c.Close()
		return answerTo(t, c, upgrade("/hostile")).StatusCode == 101
	}
	for _, h := range hostile {
		ok := t.Run(h.name, func(t *testing.T) {
			runtime.GC()
			peak := watchHeap()
			c := dialCoder(t, d.url("/hostile"), nil)
			began := time.Now()
			c.send(t, false, []byte("do: "+h.lua))
			echoes := 0
			ended := make(chan string, 1)
			ctx := patience(t)
			go func() { ended <- fate(ctx, c.(*coderClient)) }()
			var how string
			for how == "" {
				neighbour.send(t, false, []byte("hello"))
				if _, got := neighbour.receive(t); string(got) != "hello" {
					t.Fatalf("the neighbour hears %q", got)
				}
				echoes++
				select {
				case how = <-ended:
				default:
				}
			}
			took := time.Since(began)
			eventually(t, "the service answers again", answers) // the watchdog may have replaced its instance
			mustEcho(t, d.url("/hostile"))
			grown := peak()
			if grown > 1<<30 {
				t.Errorf("the heap has grown by %d MB", grown>>20)
			}
			t.Logf("%-28s %6d ms %6d MB %6d echoes beside: %s", h.name, took.Milliseconds(), grown>>20, echoes, how)
		})
		if !ok { // the neighbour may be gone, and the log says why
			t.Fatalf("the log:\n%s", d.logged.String())
		}
	}
	if text := d.logged.String(); strings.Contains(text, "panic in a module") {
		t.Errorf("a panic:\n%s", text)
	}
}

// fate is what becomes of a connection that has sent a script: its answer, or
// how it was closed.
func fate(ctx context.Context, c *coderClient) string {
	_, data, err := c.c.Read(ctx)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("answered %d bytes", len(data))
}

// watchHeap looks at the heap all the while; peak ends it, and tells by how much it
// grew at most.
func watchHeap() (peak func() int64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	heap := func() int64 {
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	first := heap()
	var most atomic.Int64
	stop, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for {
			most.Store(max(most.Load(), heap()-first))
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-done
		return most.Load()
	}
}
