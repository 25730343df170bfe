package vm

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// textBenchmarks run in ours and in gopher-lua's own functions.
var textBenchmarks = []struct{ name, lua string }{
	{"find, literal", `local s = ("x"):rep(1000) .. "needle" return function() return s:find("needle", 1, true) end`},
	{"find, no match", `local s = ("lorem ipsum "):rep(800) return function() return s:find("%d+") end`},
	{"match, captures", `local s = "2026-11-27 01:02:03" return function() return s:match("^(%d+)-(%d+)-(%d+) (%d+):(%d+):(%d+)$") end`},
	{"match, trim", `local s = "   some text to trim    " return function() return s:match("^%s*(.-)%s*$") end`},
	{"gmatch, words", `local s = ("lorem ipsum dolor "):rep(20) return function() local n = 0 for w in string.gmatch(s, "%a+") do n = n + 1 end return n end`},
	{"gsub, string", `local s = ("lorem ipsum dolor "):rep(20) return function() return (s:gsub("%s+", " ")) end`},
	{"gsub, function", `local s = ("lorem ipsum dolor "):rep(20) return function() return (s:gsub("%a+", function(w) return w end)) end`},
	{"gsub, table", `local s, t = ("lorem ipsum dolor "):rep(20), {lorem = "x"} return function() return (s:gsub("%a+", t)) end`},
	{"format", `return function() return string.format("%s is %d and %.2f", "x", 7, 1.5) end`},
	{"format, plain", `return function() return string.format("%d:%d", 12, 34) end`},
	{"concat", `local t = {} for i = 1, 100 do t[i] = "item " .. i end return function() return table.concat(t, ", ") end`},
	{"sort", `local t = {} for i = 1, 1000 do t[i] = (i * 7919) % 10007 end return function() local c = {unpack(t)} table.sort(c) return c[1] end`},
	{"sort, comparator", `local t = {} for i = 1, 200 do t[i] = (i * 7919) % 10007 end local function more(a, b) return a > b end return function() local c = {unpack(t)} table.sort(c, more) return c[1] end`},
	{"insert and remove", `local t = {} return function() for i = 1, 100 do table.insert(t, i) end for i = 1, 100 do table.remove(t) end end`},
	{"upper", `local s = ("Lorem ipsum "):rep(10) return function() return s:upper() end`},
	{"sub and byte", `local s = ("Lorem ipsum "):rep(10) return function() return s:sub(3, 9):byte(2) end`},
	{"tonumber", `return function() return tonumber("12.5") + tonumber("7") end`},
}

func BenchmarkText(b *testing.B) {
	for _, c := range textBenchmarks {
		b.Run(c.name+"/ours", func(b *testing.B) {
			in := started(b, c.lua, Config{})
			defer stop(b, in)
			do(b, in, func(in *Instance) {
				fn, err := in.Main()
				if err != nil {
					b.Fatal(err)
				}
				in.hook.left = 0
				b.ReportAllocs()
				for b.Loop() {
					if _, err := in.Call(fn); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
		b.Run(c.name+"/stock", func(b *testing.B) {
			L := lua.NewState()
			defer L.Close()
			L.SetContext(b.Context())
			if err := L.DoString(c.lua); err != nil {
				b.Fatal(err)
			}
			fn := L.Get(-1)
			b.ReportAllocs()
			for b.Loop() {
				if err := L.CallByParam(lua.P{Fn: fn, NRet: 1, Protect: true}); err != nil {
					b.Fatal(err)
				}
				L.Pop(1)
			}
		})
	}
}

// TestTextBudgets has library functions called that would run, or take memory,
// without end: each ends with an error.
func TestTextBudgets(t *testing.T) {
	const complex, large = "pattern too complex", "resulting string too large"
	for _, c := range []struct{ name, lua, want string }{
		{"a*a*...b", `return (("a"):rep(1000)):find(("a*"):rep(30) .. "b")`, complex},
		{".-.-.-x", `return (("a"):rep(1e5)):find((".-"):rep(10) .. "x")`, complex},
		{"(.*)%1 ...", `return (("ab"):rep(1e5)):find("(.*)%1(.*)%2x")`, complex},
		{"quadratic", `return (("a"):rep(1e6)):find(".-b")`, complex},
		{"quadratic, gsub", `return (("a"):rep(1e6)):gsub(".-b", "")`, complex},
		{"quadratic, gmatch", `for x in string.gmatch(("a"):rep(1e6), ".-b") do end`, complex},
		{"%b", `return (("("):rep(1e6)):find("%b()")`, complex},
		{"many choices", `return (("a"):rep(2000)):find(("a?"):rep(2000) .. ("a"):rep(2000))`, complex},
		{"long pattern", `return (("a"):rep(1e5)):find(("."):rep(1e5))`, complex},
		{"too many captures", `return ("a"):find(("()"):rep(33))`, "too many captures"},
		{"gsub of nothing", `local s = ("x"):rep(1e6) return s:gsub("", ("y"):rep(100))`, large},
		{"gsub that multiplies", `local s, r = ("x"):rep(1e5), ("y"):rep(1e5) return s:gsub("x", r)`, large},
		{"gsub with a function", `local r = ("y"):rep(1e6) return (("x"):rep(1e5)):gsub("x", function() return r end)`, large},
		{"gsub with %0", `local s = ("x"):rep(1e5) return s:gsub("^.*$", ("%0"):rep(1e4))`, large},
		{"rep", `return ("x"):rep(1e12)`, large},
		{"format", `local s = ("x"):rep(1e6) return string.format(("%s"):rep(100), unpack((function() local t = {} for i = 1, 100 do t[i] = s end return t end)()))`, large},
		{"format, width", `return string.format("%999999999d", 1)`, "width or precision too long"},
		{"concat", `local t, s = {}, ("x"):rep(1e6) for i = 1, 1000 do t[i] = s end return table.concat(t)`, large},
		{"concat of nothing", `return table.concat({}, ("x"):rep(1e6), 1, 1e15)`, "invalid value (nil) at index 1"},
		{"unpack", `return unpack({}, 1, 1e9)`, "too many results to unpack"},
		{"byte", `return (("x"):rep(1e6)):byte(1, -1)`, "string slice too long"},
		{"date", `return os.date(("%c"):rep(1e6))`, "format too long"},
		{"require", `require(("x"):rep(1e6))`, "name too long"},
		{"tonumber", `assert(tonumber(("1"):rep(6e7)))`, "assertion failed"},
		{"insert below", `table.insert({}, -1e15, 1)`, "position out of bounds"},
		{"concat of numbers", `local t = {} for i = 1, 3e6 do t[i] = 0.1234567890123456 end return table.concat(t, ("x"):rep(8))`, large},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := started(t, "", Config{})
			defer stop(t, in)
			spent := 0
			do(t, in, func(in *Instance) {
				spend := in.texts.matcher.Spend
				in.texts.matcher.Spend = func(steps int) error { spent += steps; return spend(steps) }
			})
			if _, err := eval(t, in, c.lua); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if most := 40_000_000; spent > most { // 32 for each byte of the longest, 1e6
				t.Errorf("%d steps, want %d at most", spent, most)
			}
			want(t, in, `return ("still"):match("s(.*)")`, "till")
		})
	}
}

// TestTextCost has what goes on in Go counted as Lua's time.
func TestTextCost(t *testing.T) {
	for _, source := range []string{
		`while true do (("a"):rep(1000)):find("b") end`,
		`while true do pcall(string.find, ("a"):rep(3000), ".-.-.-b") end`,
		`local s = ("a"):rep(1e6) while true do s:gsub("a", "b") end`,
		`local s = ("a"):rep(1e6) while true do s:find("b", 1, true) end`,
		`while true do for x in (("a"):rep(1000)):gmatch(".-b") do end end`,
		`local s = ("a"):rep(1e6) while true do s:reverse() end`,
		`local s = ("a"):rep(1e6) while true do s:upper() end`,
		`local s = ("a"):rep(1e6) while true do string.format("%q", s) end`,
		`local t = {} for i = 1, 1e5 do t[i] = "x" end while true do table.concat(t) end`,
		`local t = {} for i = 1, 1e5 do t[i] = i end while true do table.insert(t, 1, table.remove(t)) end`,
		`local t = {} for i = 1, 1e5 do t[i] = -i end while true do table.sort(t) table.sort(t, function(a, b) return a > b end) end`,
		`local t = {} for i = 1, 1e5 do t[i] = -i end while true do table.maxn(t) end`,
		`local s = ("\""):rep(8e6) while true do string.format("%q", s) end`,
		`local s = ("%%"):rep(8e6) while true do string.format(s) end`,
		`local t = {} for i = 1, 100 do t[i] = ("x"):rep(1e6) .. i end while true do table.sort(t) end`,
		`local t = {} for i = 1, math.huge do table.insert(t, -1e6, i) end`,
		`local t = {} for i = 1, 1000 do t[i] = i % 7 end while true do table.sort(t, function(a, b) return true end) end`,
	} {
		in := started(t, "function f() "+source+" end", Config{CallTime: 50 * time.Millisecond})
		if err := handled(t, in); !errors.Is(err, ErrTime) {
			t.Errorf("%s: %v", source, err)
		}
		stop(t, in)
	}
}

// TestSorting has comparators that lie, fail, wait and change what is sorted.
func TestSorting(t *testing.T) {
	d := newDoor()
	in := started(t, `door = require "door"
		t = {} for i = 1, 500 do t[i] = (i * 7) % 501 end
		function sorted(t) for i = 2, #t do if t[i] < t[i - 1] then return false end end return #t end`, Config{Modules: []Module{d.module()}})
	defer stop(t, in)
	for _, less := range []string{"true", "false", "nil", "1", "math.random() < 0.5", "a ~= b", "not (a < b)"} {
		want(t, in, `local c, n = {unpack(t)}, 0 table.sort(c, function(a, b) n = n + 1 return `+less+` end)
			table.sort(c) return n < 500 * 40 and sorted(c)`, "500")
	}
	want(t, in, `local c = {unpack(t)} local n = 0 local ok, e = pcall(table.sort, c, function() n = n + 1 if n == 50 then error("no", 0) end return true end)
		table.sort(c) return tostring(ok) .. e .. sorted(c)`, "falseno500")
	want(t, in, `local c = {unpack(t)} table.sort(c, function(a, b) for i = #c, 1, -1 do c[i] = nil end return a < b end) return sorted(c)`, "500")
	want(t, in, `local ok, e = coroutine.resume(coroutine.create(function() table.sort({2, 1}, function() coroutine.yield() end) end)) return tostring(ok)`, "false")
	result := make(chan error, 1)
	tg := &target{handle: func(in *Instance, _ Event) {
		_, err := in.Call(in.main.GetGlobal("waits"))
		result <- err
	}}
	do(t, in, func(in *Instance) {})
	if _, err := eval(t, in, `function waits() local c = {2, 1} table.sort(c, function(a, b) door.wait("x") return a < b end) assert(c[1] == 1) end`); err != nil {
		t.Fatal(err)
	}
	if err := in.Post(Event{Target: tg}); err != nil {
		t.Fatal(err)
	}
	w := <-d.waits
	want(t, in, `local c = {3, 1, 2} table.sort(c) return table.concat(c)`, "123")
	w.open <- ""
	for {
		select {
		case w := <-d.waits:
			w.open <- ""
			continue
		case err := <-result:
			if err != nil {
				t.Error(err)
			}
		}
		break
	}
}

// TestLongTexts has honest work on long strings succeed.
func TestLongTexts(t *testing.T) {
	in := started(t, `long = ("lorem ipsum "):rep(1e5)`, Config{})
	defer stop(t, in)
	want(t, in, `return select(2, long:gsub("%a+", string.upper))`, "200000")
	want(t, in, `return long:find("z")`, "nil")
	want(t, in, `return long:match("^(.-)%s+(.*)$")`, "lorem")
	want(t, in, `local n = 0 for a, b in long:gmatch("(%a+) (%a+)") do n = n + 1 end return n`, "100000")
	want(t, in, `return #long:match("^%s*(.-)%s*$")`, "1199999")
}

// TestTextWaits has functions within gsub and gmatch wait, while others match.
func TestTextWaits(t *testing.T) {
	d := newDoor()
	in := started(t, `door = require "door"`, Config{Modules: []Module{d.module()}})
	defer stop(t, in)
	result := make(chan string, 2)
	handler := func(source string) {
		proto, err := compile("test", source)
		if err != nil {
			t.Fatal(err)
		}
		tg := &target{handle: func(in *Instance, _ Event) {
			v, err := in.Call(in.main.NewFunctionFromProto(proto))
			if err != nil {
				v = lua.LString(err.Error())
			}
			result <- v.String()
		}}
		if err := in.Post(Event{Target: tg}); err != nil {
			t.Error(err)
		}
	}
	handler(`return (("a1 b2"):gsub("(%a)(%d)", function(a, b) return door.wait(a) .. b .. a end))`)
	first := <-d.waits
	handler(`local t = {} for a in ("x y"):gmatch("%a") do t[#t + 1] = a .. door.wait(a) end return table.concat(t)`)
	second := <-d.waits
	want(t, in, `return (("12-34"):gsub("(%d)(%d)", "%2%1"))`, "21-43")
	first.open <- "A"
	first = <-d.waits
	second.open <- "X"
	second = <-d.waits
	first.open <- "B"
	if got := <-result; got != "A1a B2b" {
		t.Errorf("gsub: %s", got)
	}
	second.open <- "Y"
	if got := <-result; got != "xXyY" {
		t.Errorf("gmatch: %s", got)
	}
}

// TestPartsOfLongTexts has small parts of long strings kept: the strings are not.
func TestPartsOfLongTexts(t *testing.T) {
	for _, part := range []string{`s:sub(1, 1)`, `s:sub(-20)`, `s:match("(x)")`, `s:match("^x")`, `s:gmatch("(x)")()`, `select(3, s:find("(x)"))`} {
		in := started(t, "kept = {}", Config{})
		before := live()
		if _, err := eval(t, in, `for i = 1, 100 do local s = ("x"):rep(1e6) .. i kept[i] = `+part+` end`); err != nil {
			t.Fatal(err)
		}
		if grown := live() - before; grown > 20<<20 {
			t.Errorf("%s: 100 of them keep %d MiB", part, grown>>20)
		}
		want(t, in, `return #kept`, "100")
		stop(t, in)
	}
}

// TestPrintIsBounded logs a part of what is too long.
func TestPrintIsBounded(t *testing.T) {
	var b strings.Builder
	in := started(t, "", Config{Log: slog.New(slog.NewTextHandler(&b, nil))})
	defer stop(t, in)
	if _, err := eval(t, in, `local s, t = ("x"):rep(1e6), {} for i = 1, 1000 do t[i] = s end print(unpack(t)) print("short", 7)`); err != nil {
		t.Fatal(err)
	}
	do(t, in, func(*Instance) {})
	text := b.String()
	if len(text) > maxLine+1000 || !strings.Contains(text, "x...") || !strings.Contains(text, `short\t7`) {
		t.Errorf("%d bytes are logged: %.100s", len(text), text)
	}
}
