package vm

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

func TestErrors(t *testing.T) {
	bug := Module{Name: "bug", Open: func(_ *Instance, L *lua.LState) lua.LValue {
		return L.NewFunction(func(*lua.LState) int { var p *Event; p.Kind = 1; return 0 })
	}}
	in := start(t, `bug = require("bug")`, Config{Service: "echo", Modules: []Module{bug}})
	for _, tt := range []struct {
		source, message string
		value           string
		isPanic         bool
	}{
		{`error("boom")`, "test:1: boom", "test:1: boom", false},
		{"\n" + `error("boom", 0)`, "test:2: boom", "boom", false},
		{`error({code = 1})`, "test:1: (error object is a table value)", "table", false},
		{`error(42)`, "test:1: 42", "test:1: 42", false},
		{`error("a\nb\r\n\tc")`, "test:1: a; b; c", "test:1: a\nb\r\n\tc", false},
		{`error(string.rep("x", 1e6))`, "test:1: " + strings.Repeat("x", 1016) + "...", "", false},
		{`local x = nil + 1`, "test:1: cannot perform add operation between nil and number", "", false},
		{`undefined()`, "test:1: attempt to call 'undefined' (a nil value)", "", false},
		{`bug()`, "test:1: runtime error: invalid memory address or nil pointer dereference", "", true},
		{`coroutine.wrap(function() error("inner") end)()`, "test:1: inner", "test:1: inner", false},
	} {
		_, err := eval(t, in, tt.source)
		e, ok := err.(*Error)
		if !ok {
			t.Errorf("%s: got %v", tt.source, err)
			continue
		}
		if e.Message != tt.message || e.Error() != tt.message || e.Panic != tt.isPanic || e.Service != "echo" || !strings.Contains(e.Traceback, "stack traceback:") {
			t.Errorf("%s: got %+v\nwant %q", tt.source, e, tt.message)
		}
		if tt.value != "" && e.Value.String() != tt.value && e.Value.Type().String() != tt.value {
			t.Errorf("%s: threw %v, want %s", tt.source, e.Value, tt.value)
		}
	}
	if s := in.Stats(); s.Errors != 10 {
		t.Errorf("%d errors counted", s.Errors)
	}
	do(t, in, func(in *Instance) {
		if _, err := in.Call(lua.LNil); err == nil || err.Error() != "attempt to call a non-function object" {
			t.Errorf("calling nil: %v", err)
		}
	})
}

// A panic that Lua catches is logged: nobody else would hear of it.
func TestCaughtPanic(t *testing.T) {
	var b bytes.Buffer
	bug := Module{Name: "bug", Open: func(_ *Instance, L *lua.LState) lua.LValue {
		return L.NewFunction(func(*lua.LState) int { panic("bug") })
	}}
	in := start(t, `bug = require("bug")`, Config{Service: "echo", Modules: []Module{bug}, Log: slog.New(slog.NewTextHandler(&b, nil))})
	want(t, in, `local ok, e = pcall(bug); return tostring(ok) .. e`, "falsebug")
	if !strings.Contains(b.String(), `msg="panic in a module" service=echo`) {
		t.Errorf("logged: %s", b.String())
	}
}

// What gopher-lua's own pcall and coroutines get wrong.
func TestProtected(t *testing.T) {
	in := start(t, "", Config{})
	for _, tt := range []struct{ name, source, want string }{
		{"variables survive pcall", `local x = 1; local f = function() x = x + 1 end; pcall(error, "boom"); f(); return x`, "2"},
		{"variables survive xpcall", `local g; xpcall(function() local x = 5; g = function() return x end; error("e") end, function(e) return e end); return g()`, "5"},
		{"pcall passes values", `return table.concat({select(2, pcall(function(...) return ..., select("#", ...) end, 1, nil, 3))}, " ", 1, 2)`, "1 3"},
		{"pcall of nothing", `return tostring(pcall(nil)) .. select(2, pcall(nil))`, "falseattempt to call a nil value"},
		{"pcall of a table", `return select(2, pcall(setmetatable({}, {__call = function(_, x) return x end}), 4))`, "4"},
		{"error of any type", `local e = {}; return select(2, pcall(error, e)) == e`, "true"},
		{"error nil", `return tostring(select(2, pcall(error, nil)))`, "nil"},
		{"xpcall's results", `return select("#", xpcall(function(...) return ... end, print, 1, 2))`, "3"},
		{"xpcall's handler", `return select(2, xpcall(error, function(e) return e .. "!" end, "x", 0))`, "x!"},
		{"xpcall's handler returns many", `return select("#", xpcall(error, function() return 1, 2, 3 end))`, "2"},
		{"xpcall's handler returns nothing", `return tostring(select(2, xpcall(error, function() end)))`, "nil"},
		{"xpcall's handler fails", `return tostring(xpcall(error, function() error("worse", 0) end)) .. select(2, xpcall(error, function() error("worse", 0) end))`, "falseworse"},
		{"yield across pcall", `local f = coroutine.wrap(function() return pcall(coroutine.yield, 1) end); local ok, e = f(); return tostring(ok) .. e`, "falseattempt to yield from outside a coroutine, or across pcall"},
		{"yield across sort", `return select(2, coroutine.resume(coroutine.create(function() table.sort({1, 2, 3}, function() coroutine.yield() end) end)))`, "test:1: attempt to yield across a Go function"},
		{"stack overflow is caught", `local function f() return 1 + f() end; local ok, e = pcall(f); return e`, "stack overflow"},
	} {
		t.Run(tt.name, func(t *testing.T) { want(t, in, tt.source, tt.want) })
	}
}

// deep is a function that yields from within n calls.
const deep = `local function deep(n) if n == 0 then return coroutine.yield("y") end return (deep(n - 1)) end `

func TestCoroutines(t *testing.T) {
	in := start(t, "", Config{})
	for _, tt := range []struct{ name, source, want string }{
		{"yield across gsub, deep within", deep + `return select(2, coroutine.resume(coroutine.create(function() return (("abc"):gsub("b", function() return deep(100) end)) end)))`, "test:1: attempt to yield across a Go function"},
		{"yield, deep", deep + `local f = coroutine.wrap(function() return deep(190) end); return f() .. f("x")`, "yx"},
		{"yield, too deep", deep + `return select(2, coroutine.resume(coroutine.create(function() return deep(300) end)))`, "test:1: attempt to yield from within more than 200 calls"},
		{"values", `local co = coroutine.create(function(a, b) local c = coroutine.yield(a + b); local d, e = coroutine.yield(c * 2); return d + e end)
			local _, x = coroutine.resume(co, 1, 2); local _, y = coroutine.resume(co, 10); local _, z = coroutine.resume(co, 3, 4); return x .. " " .. y .. " " .. z`, "3 20 7"},
		{"generator", `local s = 0; for i in coroutine.wrap(function() for i = 1, 5 do coroutine.yield(i) end end) do s = s + i end; return s`, "15"},
		{"status", `local co; local inner; co = coroutine.create(function() inner = coroutine.create(function() return coroutine.status(co) end); local _, s = coroutine.resume(inner); coroutine.yield(s .. coroutine.status(co)) end)
			local s = coroutine.status(co); local _, t = coroutine.resume(co); s = s .. " " .. t .. " " .. coroutine.status(co); coroutine.resume(co); return s .. " " .. coroutine.status(co)`, "suspended normalrunning suspended dead"},
		{"running", `local co; co = coroutine.create(function() return coroutine.running() == co and select(2, pcall(coroutine.running)) == co end); return tostring(coroutine.running()) .. tostring(select(2, coroutine.resume(co)))`, "niltrue"},
		{"resume dead", `local co = coroutine.create(function() end); coroutine.resume(co); return select(2, coroutine.resume(co))`, "cannot resume dead coroutine"},
		{"resume itself", `local co; co = coroutine.create(function() return select(2, coroutine.resume(co)) end); return select(2, coroutine.resume(co))`, "cannot resume non-suspended coroutine"},
		{"resume its parent", `local co; co = coroutine.create(function() return coroutine.wrap(function() return select(2, coroutine.resume(co)) end)() end); return select(2, coroutine.resume(co))`, "cannot resume non-suspended coroutine"},
		{"error", `local co = coroutine.create(function() error("x", 0) end); local ok, e = coroutine.resume(co); return tostring(ok) .. e .. coroutine.status(co)`, "falsexdead"},
		{"error of wrap", `local f = coroutine.wrap(function() error({7}) end); local ok, e = pcall(f); return tostring(ok) .. e[1] .. tostring(coroutine.running()) .. select(2, pcall(f))`, "false7nilcannot resume dead coroutine"},
		{"of a Go function", `local co = coroutine.create(math.max); return select(2, coroutine.resume(co, 3, 4)) .. coroutine.status(co)`, "4dead"},
		{"of yield", `local co = coroutine.wrap(coroutine.yield); return co(1) + co(2)`, "3"},
		{"yield in tail position", `local f = coroutine.wrap(function(...) return coroutine.yield(...) end); return f(1) .. f(2)`, "12"},
		{"yield in tail position, deeper", `local function g(x) return coroutine.yield(x) end; local f = coroutine.wrap(function(x) local y = g(x); return y + 1 end); return f(1) .. f(2)`, "13"},
		{"upvalues", `local n = 0; local co = coroutine.wrap(function() while true do n = n + 1; coroutine.yield() end end); co(); co(); return n`, "2"},
		{"many suspended", `local all = {}; for i = 1, 2000 do all[i] = coroutine.wrap(function() coroutine.yield(i) end); all[i]() end; return #all`, "2000"},
		{"not a function", `return select(2, pcall(function() coroutine.create(1) end))`, "test:1: bad argument #1 to create (function expected, got number)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := eval(t, in, tt.source)
			if err != nil || strings.TrimSpace(v.String()) != tt.want {
				t.Errorf("got %v, %v; want %s", v, err, tt.want)
			}
		})
	}
}

// A coroutine whose handler is blocked cannot be resumed by another.
func TestBlockedCoroutine(t *testing.T) {
	d := newDoor()
	in := start(t, `local door = require("door").wait
		co = coroutine.create(function() return door("a") end)
		function wait() return select(2, coroutine.resume(co)) end`, Config{Modules: []Module{d.module()}})
	got := make(chan lua.LValue, 1)
	waiting(t, in, func(v lua.LValue, err error) { got <- v })
	w := <-d.waits
	want(t, in, `return coroutine.status(co) .. ": " .. select(2, coroutine.resume(co))`, "normal: cannot resume non-suspended coroutine")
	w.open <- "A"
	if v := <-got; v != lua.LString("A") {
		t.Errorf("got %v", v)
	}
	want(t, in, `return coroutine.status(co)`, "dead")
}

func TestIndex(t *testing.T) {
	in := start(t, `plain = {x = 1}; meta = setmetatable({}, {__index = function(_, k) return k .. "!" end}); bad = setmetatable({}, {__index = error})`, Config{})
	do(t, in, func(in *Instance) {
		for _, tt := range []struct{ table, key, want string }{{"plain", "x", "1 <nil>"}, {"plain", "y", "nil <nil>"}, {"meta", "x", "x! <nil>"}} {
			v, err := in.Index(in.main.G.Global.RawGetString(tt.table), tt.key)
			if got := strings.Join([]string{v.String(), errString(err)}, " "); got != tt.want {
				t.Errorf("%s.%s: got %s, want %s", tt.table, tt.key, got, tt.want)
			}
		}
		if _, err := in.Index(in.main.G.Global.RawGetString("bad"), "x"); err == nil {
			t.Error("no error")
		}
	})
}

func errString(err error) string {
	if err == nil {
		return "<nil>"
	}
	return err.Error()
}
