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
	for _, tt := range []struct{ source, want string }{
		{"return outer", "main.lua:5: in function 'inner'\n\tmain.lua:2: in function <main.lua:1>\n\t[G]: ?"},
		{"return function() pcall(outer); inner() end", "main.lua:5: in function 'inner'\n\ttest:1: in function <test:1>\n\t[G]: ?"},
		{"return loadstring('inner()', 'chunk')", "main.lua:5: in function 'inner'\n\tchunk:1: in main chunk\n\t[G]: ?"},
		{"local function deep(n) if n == 0 then error('no') end; deep(n - 1) end; return function() deep(500) end", "test:1: in function <test:1>\n\t[G]: ?"},
	} {
		fn, err := eval(t, in, tt.source)
		if err != nil {
			t.Fatal(err)
		}
		do(t, in, func(in *Instance) {
			_, err := in.Call(fn)
			var e *Error
			if !errors.As(err, &e) || !strings.HasSuffix(e.Traceback, tt.want) || strings.Count(e.Traceback, "main chunk") > strings.Count(tt.want, "main chunk") {
				t.Errorf("%s: got %v\n%s", tt.source, err, e.Traceback)
			}
		})
	}
}

// Where nothing of Lua has called what raised an error there is no place before its
// text, and no space.
func TestCaughtFromGo(t *testing.T) {
	in := start(t, "", Config{})
	want(t, in, `return select(2, pcall(require, "none")):sub(1, 13)`, "module 'none'")
	want(t, in, `return select(2, pcall(error, "x"))`, "x")
	want(t, in, `return select(2, xpcall(require, function(e) return "<" .. e end, "none")):sub(1, 8)`, "<module ")
	want(t, in, `return select(2, pcall(function() error(" kept", 0) end))`, " kept")
}
