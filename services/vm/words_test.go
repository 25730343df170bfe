package vm

import (
	"errors"
	"strings"
	"testing"
)

// What is called that is no function has its name and its type in the error.
func TestCallOfNothing(t *testing.T) {
	in := start(t, "", Config{})
	for _, tt := range []struct{ source, want string }{
		{`undefined()`, "'undefined' (a nil value)"},
		{`local n = 5; n()`, "'n' (a number value)"},
		{`local t = {}; t.field()`, "'field' (a nil value)"},
		{`local t = {}; t:method(1)`, "'method' (a nil value)"},
		{`return tail(1, ...)`, "'tail' (a nil value)"},
		{`return tostring(outer(tostring(1)))`, "'outer' (a nil value)"},
		{`return tostring(inner(tostring(1)), outer)`, "'inner' (a nil value)"},
		{`local up; local function f() up() end; f()`, "'up' (a nil value)"},
		{`table.sort({3, 2, 1}, function(a, b) return less(a) end)`, "'less' (a nil value)"},
		{`local t = {}; t[1]()`, "a nil value"},
		{`local t = {}; t.` + strings.Repeat("n", 81) + `()`, "a nil value"},
		{`for x in 5 do end`, "'for iterator' (a number value)"},
		{`local ok, e = coroutine.resume(coroutine.create(function() within() end)); error(e, 0)`, "'within' (a nil value)"},
		{`local next = coroutine.wrap(function() coroutine.yield() within() end); next(); next()`, "'within' (a nil value)"},
		{`({})()`, "a table value"},
	} {
		for _, source := range []string{tt.source, "local ok, e = pcall(function(...) " + tt.source + " end); error(e, 0)"} {
			_, err := eval(t, in, source)
			if want := "test:1: attempt to call " + tt.want; err == nil || err.Error() != want {
				t.Errorf("%s: got %v, want %s", source, err, want)
			}
		}
	}
	want(t, in, `setmetatable(_G, {__index = function(_, k) return setmetatable({}, {__call = function() return k end}) end}); return callable()`, "callable")
}

// A traceback names the function that Go has called by its place, and only a main
// chunk so.
func TestTracebackOfCalls(t *testing.T) {
	in := start(t, "function outer()\n  inner()\nend\nfunction inner()\n  error('no')\nend", Config{})
	const top = "stack traceback:\n\t[G]: in function 'error'\n\tmain.lua:5: in function 'inner'\n\t"
	for _, tt := range []struct{ source, want string }{
		{"return outer", top + "main.lua:2: in function <main.lua:1>\n\t[G]: ?"},
		{"return function() pcall(outer); inner() end", top + "test:1: in function <test:1>\n\t[G]: ?"},
		{"return loadstring('inner()', '=chunk')", top + "chunk:1: in main chunk\n\t[G]: ?"},
		{"return function() loadstring('inner()', '@chunk')() end", top + "chunk:1: in main chunk\n\ttest:1: in function <test:1>\n\t[G]: ?"},
		{"return error", "stack traceback:\n\t[G]: in ?\n\t[G]: ?"},
		{"return function() return inner() end", "stack traceback:\n\t[G]: in function 'error'\n\tmain.lua:5: in function <main.lua:4>\n\t(...tail calls...)\n\t[G]: ?"},
	} {
		if got := traceOf(t, in, tt.source); got != tt.want {
			t.Errorf("%s: got %s\nwant %s", tt.source, got, tt.want)
		}
	}
}

// A traceback is bounded, whatever the stack is and whatever functions and chunks are called.
func TestTracebackIsBounded(t *testing.T) {
	in := start(t, "", Config{})
	long := strings.Repeat("n", 100_000)
	for _, tt := range []struct{ source, top, bottom string }{
		{"local function deep(n) if n == 0 then error('no') end; deep(n - 1); return end; return function() deep(900) end",
			"\n\ttest:1: in function 'deep'\n", "\n\ttest:1: in function <test:1>\n\t[G]: ?"},
		{"local function deep(n) if n == 0 then error('no') end; return deep(n - 1) end; return function() deep(100000) return end",
			"\n\t(...tail calls...)\n", "\n\ttest:1: in function <test:1>\n\t[G]: ?"},
		{"local t = {}; function t." + long + "(n) if n == 0 then error('no') end; t." + long + "(n - 1) return end; return function() t." + long + "(500) end",
			"\n\ttest:1: in function <test:1>\n", "\n\ttest:1: in function <test:1>\n\t[G]: ?"},
		{"return loadstring('error()', '" + long + "')", "\n\tnnn", "...:1: in main chunk\n\t[G]: ?"},
	} {
		got := traceOf(t, in, tt.source)
		if len(got) > 2000 || strings.Count(got, "\n") > 2*tracebackEnds+3 || !strings.Contains(got, tt.top) || !strings.HasSuffix(got, tt.bottom) {
			t.Errorf("got %d bytes: %.2000s", len(got), got)
		}
	}
}

// traceOf is the traceback of the error that the function raises which source returns.
func traceOf(t *testing.T, in *Instance, source string) (trace string) {
	t.Helper()
	fn, err := eval(t, in, source)
	if err != nil {
		t.Fatal(err)
	}
	do(t, in, func(in *Instance) {
		_, err := in.Call(fn)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%.100s: got %v", source, err)
			return
		}
		trace = e.Traceback
	})
	return trace
}

// Levels of error are Lua 5.1's: what is expected is what that says. Beyond a pcall there
// is no place.
func TestErrorLevels(t *testing.T) {
	in := start(t, "", Config{})
	for _, tt := range []struct{ source, want string }{
		{"local function h(n)\n error('y', n) end\n local ok, e = pcall(function()\n h(0) end)\n return e", "y"},
		{"local function h(n)\n error('y', n) end\n local ok, e = pcall(function()\n h(1) end)\n return e", "test:2: y"},
		{"local function h(n)\n error('y', n) end\n local ok, e = pcall(function()\n h(2) end)\n return e", "test:4: y"},
		{"local function h(n)\n error('y', n) end\n local ok, e = pcall(function()\n h(3) end)\n return e", "y"},
		{"local function h(n)\n error('y', n) end\n local ok, e = pcall(function()\n return h(2) end)\n return e", "y"},
		{"return select(2, pcall(error, 'x'))", "x"},
		{"return select(2, pcall(error, 'x', 2))", "x"},
		{"return select(2, pcall(error))", "nil"},
		{"return select(2, pcall(function() error(5) end))", "test:1: 5"},
		{"return select(2, pcall(function() error('x', -1) end))", "x"},
		{"return select(2, pcall(function() error('x', '1') end))", "test:1: x"},
		{"return select(2, pcall(string.gsub, 'a', 'a', function() error('x', 2) end))", "x"},
	} {
		v, err := eval(t, in, tt.source)
		if err != nil || v.String() != tt.want {
			t.Errorf("%s: got %v, %v, want %s", tt.source, v, err, tt.want)
		}
	}
}

// Where nothing of Lua has called what raised an error there is no place before its
// text, and no space but its own.
func TestCaughtFromGo(t *testing.T) {
	in := start(t, "", Config{Program: program(t, map[string]string{"main.lua": "", "spaced.lua": `error("  two", 0)`})})
	for _, tt := range []struct{ source, want string }{
		{`pcall(require, "none")`, "module 'none' not found:"},
		{`pcall(string.rep)`, "bad argument #1 to "},
		{`pcall(setmetatable({}, {__call = require}), "none")`, "bad argument #1 to "},
		{`xpcall(require, function(e) return "<" .. e end, "none")`, "<module 'none'"},
		{`pcall(error, " kept", 0)`, " kept"},
		{`pcall(error, " kept")`, " kept"},
		{`pcall(function() error(" kept", 0) end)`, " kept"},
		{`pcall(coroutine.wrap(function() error(" kept", 0) end))`, " kept"},
		{`pcall(table.sort, {3, 1, 2}, function() error(" kept", 0) end)`, " kept"},
		{`pcall(string.gsub, "a", "a", function() error(" kept", 0) end)`, " kept"},
		{`pcall(require, "spaced")`, "  two"},
	} {
		v, err := eval(t, in, "package.loaded.spaced = nil return select(2, "+tt.source+")")
		if err != nil || !strings.HasPrefix(v.String(), tt.want) {
			t.Errorf("%s: got %q, %v, want %q", tt.source, v, err, tt.want)
		}
	}
}
