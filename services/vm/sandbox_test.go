package vm

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// Every name that Lua can reach from the global table is on this list.
func TestNames(t *testing.T) {
	in := start(t, "", Config{})
	do(t, in, func(in *Instance) {
		for lib, names := range allowed {
			table := in.main.G.Global
			if lib != "" {
				table = table.RawGetString(lib).(*lua.LTable)
			}
			var got []string
			table.ForEach(func(k, _ lua.LValue) { got = append(got, k.String()) })
			slices.Sort(got)
			want := slices.Clone(names)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%q has %q, want %q", lib, got, want)
			}
		}
	})
	want(t, in, `local n = {}; for k in pairs(package.loaded) do n[#n + 1] = k end; table.sort(n); return table.concat(n, " ")`,
		"_G coroutine math os package string table")
}

func TestNil(t *testing.T) {
	in := start(t, "", Config{})
	for _, name := range []string{
		"io", "debug", "channel", "dofile", "loadfile", "module", "newproxy", "_printregs", "_GOPHER_LUA_VERSION",
		"os.execute", "os.exit", "os.remove", "os.rename", "os.getenv", "os.setenv", "os.tmpname", "os.setlocale",
		"string.dump", "string.gfind", "string.__index", "package.loadlib", "package.loaders", "package.path",
		"package.preload", `getmetatable("").__index.dump`, `getfenv(0).io`, `getfenv(print).debug`, `_G._G.io`, `package.loaded.io`,
	} {
		want(t, in, "return tostring("+name+")", "nil")
	}
}

func TestRefused(t *testing.T) {
	in := start(t, "", Config{})
	for _, tt := range []struct{ source, message string }{
		{`setmetatable("", {})`, `test:1: bad argument #1 to setmetatable (table expected, got string)`},
		{`setmetatable(print, {})`, `test:1: bad argument #1 to setmetatable (table expected, got function)`},
		{`setfenv(0, {})`, `test:1: bad argument #1 to setfenv (level must be at least 1)`},
		{`setfenv(0/0, {})`, `test:1: bad argument #1 to setfenv (level must be at least 1)`},
		{`setfenv(print, {})`, `test:1: cannot change the environment of given object`},
		{`string.rep("x", 1e12)`, `test:1: resulting string too large (string.rep: at most 67108864 bytes)`},
		{`collectgarbage("all")`, `test:1: bad argument #1 to collectgarbage (invalid option 'all')`},
		{`load("return 1", "x", "b")`, `test:1: bad argument #3 to load (only text can be loaded)`},
		{`assert(loadstring("\27Lua", "x"))`, `test:1: x: is bytecode: only text is loaded`},
		{`assert(loadstring("x = = 1", "=x"))`, `test:1: x:1: syntax error near '='`},
		{`assert(load(function() return {} end))`, `test:1: reader function must return a string`},
		{`assert(load(function() return "x = 1 " end))`, `test:1: <load>: longer than 1048576 bytes`},
		{`assert(loadstring("return " .. string.rep("#", 1100000)))`, `test:1: <string>: longer than 1048576 bytes`},
		{`require("io")`, `test:1: module 'io' not found: no module 'io' in the server; no file 'io.lua'; no file 'io/init.lua'`},
		{`math.random(0)`, `test:1: bad argument #1 to random (interval is empty)`},
		{`local function f() return 1 + f() end f()`, `test:1: stack overflow`},
		{`unpack({}, 1, 1e8)`, `test:1: too many results to unpack`},
		{`coroutine.yield()`, `test:1: attempt to yield from outside a coroutine, or across pcall`},
	} {
		_, err := eval(t, in, tt.source)
		if e, ok := err.(*Error); !ok || e.Message != tt.message || e.Panic {
			t.Errorf("%s:\n\tgot  %v\n\twant %s", tt.source, err, tt.message)
		}
	}
}

// gopher-lua panics outside of its own protection.
func TestPanicWhileRecovering(t *testing.T) {
	in := start(t, "function f(...) return f("+strings.Repeat("1,", 100)+"...) end", Config{})
	for _, source := range []string{
		`f()`,
		`error(select(2, pcall(f)), 0)`,
		`coroutine.wrap(f)()`,
		`error(select(2, coroutine.resume(coroutine.create(f))), 0)`,
	} {
		_, err := eval(t, in, source)
		if err == nil || !strings.Contains(err.Error(), "registry overflow") && !strings.Contains(err.Error(), "index out of range") {
			t.Errorf("%s: got %v", source, err)
		}
		want(t, in, `return tostring(coroutine.running())`, "nil")
	}
}

// Nothing that recurses ends the process.
func TestDepth(t *testing.T) {
	in := start(t, "", Config{})
	for _, source := range []string{
		`local function f() local ok, e = pcall(f); if not ok then error(e, 0) end end f()`,
		`local function f() coroutine.wrap(f)() end f()`,
		`local function f() coroutine.wrap(function() pcall(function() local t = setmetatable({}, {}); getmetatable(t).__index = function() return f() end; return t.x end); error("stack overflow") end)() end f()`,
		`local t = setmetatable({}, {}); getmetatable(t).__index = function(t, k) return t[k .. "x"] .. "" end; return t.x`,
		`local t = setmetatable({}, {}); getmetatable(t).__tostring = function(t) return tostring(t) .. "" end; return tostring(t)`,
		`local function f() table.sort({1, 2}, function() f() end) end f()`,
		`local function f() return (string.gsub("x", "x", f)) end f()`,
		`local function f(n) return xpcall(function() return 1 + f() end, error) end; local _, e = f(); error("stack overflow")`,
	} {
		_, err := eval(t, in, source)
		if e, ok := err.(*Error); !ok || !strings.Contains(e.Message, "stack overflow") || e.Panic {
			t.Errorf("%s: got %v", source, err)
		}
	}
}

// What is deeply nested is refused before the compiler sees it; what is merely
// long is not.
func TestNesting(t *testing.T) {
	for _, s := range []struct {
		before, open, close, after string
		times                      int
		want                       string
	}{
		{"return ", "#", "", "a", 1e5, "nested more than 1000 levels deep"},
		{"x = ", "- ", "", "a", 2e4, "nested more than 1000 levels deep"},
		{"x = ", "not ", "", "a", 2e4, "nested more than 1000 levels deep"},
		{"x = a", "()", "", "", 2e4, "nested more than 1000 levels deep"},
		{"x = a", ".b", "", "", 2e4, "nested more than 1000 levels deep"},
		{"x = a", "+a", "", "", 2e4, "nested more than 1000 levels deep"},
		{"x = a", "..a", "", "", 2e4, "nested more than 1000 levels deep"},
		{"x = a", " and a", "", "", 1e5, "nested more than 1000 levels deep"},
		{"x = ", "f{", "}", "", 2e4, "nested more than 1000 levels deep"},
		{"", "do ", "end ", "", 1e5, "nested more than 1000 levels deep"},
		{"", "f(function() ", "end) ", "", 2e4, "nested more than 1000 levels deep"},
		{"if a then ", "elseif a then ", "", "end", 2e4, "nested more than 1000 levels deep"},
		{"x = ", "- ", "", "a", 900, ""},
		{"", "f(function() ", "end) ", "", 100, ""},
		{"return {", "{{{1}}},", "", "}", 1e4, ""},
		{"", "x = 1 + 2 * y ", "", "", 1e4, ""},
	} {
		source := s.before + strings.Repeat(s.open, s.times) + strings.Repeat(s.close, s.times) + s.after
		var got string
		if _, err := compile("deep", source); err != nil {
			got = strings.TrimPrefix(err.Message, "deep:1: ")
		}
		if got != s.want {
			t.Errorf("%s%s... %d times: got %q, want %q", s.before, s.open, s.times, got, s.want)
		}
	}
}

func TestPrint(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	start(t, `print("a", 1, nil, setmetatable({}, {__tostring = function() return "T" end})); print()`, Config{Service: "s", Instance: "1", Log: log})
	if got, want := b.String(), "level=INFO msg=\"a\\t1\\tnil\\tT\" service=s instance=1\nlevel=INFO msg=\"\" service=s instance=1\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestStandard(t *testing.T) {
	in := start(t, "", Config{})
	for _, tt := range []struct{ source, want string }{
		{`return collectgarbage("count") > 0`, "true"},
		{`return collectgarbage()`, "0"},
		{`return ("x"):rep(3) .. ("x"):rep(-1) .. ("ab"):upper()`, "xxxAB"},
		{`return getmetatable("").__index == string`, "true"},
		{`math.randomseed(7); local a = math.random(1, 100); math.randomseed(7); return math.random(1, 100) == a`, "true"},
		{`for i = 1, 100 do local r = math.random(3); assert(r >= 1 and r <= 3 and r % 1 == 0); r = math.random(); assert(r >= 0 and r < 1); assert(math.random(-1, 0) <= 0) end; return 1`, "1"},
		{`return load("return ...", "x")(5)`, "5"},
		{`return load("return y", "x", "t", {y = 6})()`, "6"},
		{`local n = 0; return load(function() n = n + 1; return ({"return ", "7", ""})[n] end)()`, "7"},
		{`return loadstring("return 8")()`, "8"},
		{`local f = function() return z end; setfenv(f, {z = 9}); return f() .. tostring(getfenv(f).z)`, "99"},
		{`local e = setmetatable({}, {__index = _G}); setfenv(1, e); q = 1; return tostring(rawget(_G, "q")) .. e.q`, "nil1"},
		{`return os.date("!%Y-%m-%d", 0)`, "1970-01-01"},
		{`return type(os.time()) .. type(os.clock()) .. os.difftime(3, 2)`, "numbernumber1"},
		{`return _VERSION`, "Lua 5.1"},
		{`return tostring(math.huge == 1/0) .. tostring(-math.huge == -1/0)`, "truetrue"},
		{`return math.log(8, 2) .. " " .. math.log(1000, 10) .. " " .. math.log(81, 9) .. " " .. math.log(1)`, "3 3 2 0"},
		{`return ("ab"):rep(3, ",") .. ("ab"):rep(1, ",") .. ("ab"):rep(0, ",") .. ("ab"):rep(-1, ",")`, "ab,ab,abab"},
		{`return rawset(setmetatable({}, {__newindex = error}), "a", 1).a`, "1"},
		{`return os.time{year = 2020, month = 13, day = "1", hour = 0} - os.time{year = 2021, month = 1, day = 0, hour = 0}`, "86400"},
		{`return select(2, pcall(os.time, {year = 2020})):match("%S.*")`, "field 'month' missing in date table"},
		{`return os.time(nil) - os.time()`, "0"},
		{`return select("#", unpack({1, nil, 3}, 1, 3))`, "3"},
	} {
		want(t, in, tt.source, tt.want)
	}
}

// TestDate has os.date say what C's strftime says, in the C locale.
func TestDate(t *testing.T) {
	in := start(t, "", Config{})
	for _, tt := range []struct{ code, want string }{
		{`return os.date("!%c", 1700000000)`, "Tue Nov 14 22:13:20 2023"},
		{`return os.date("!%x %X %D %F %T %R %r", 1700000000)`, "11/14/23 22:13:20 11/14/23 2023-11-14 22:13:20 22:13 10:13:20 PM"},
		{`return os.date("!%a %A %b %B %h %d %e %j", 1700000000)`, "Tue Tuesday Nov November Nov 14 14 318"},
		{`return os.date("!%U %W %V %G %g %u %w %C %y %Y", 1700000000)`, "46 46 46 2023 23 2 2 20 23 2023"},
		{`return os.date("!%H %I %M %S %p %k %Z %s %% %Q %", 1700000000)`, "22 10 13 20 PM 22 GMT 1700000000 % %Q %"},
		{`return os.date("!%U %W %j %a", 0)`, "00 00 001 Thu"},
		{`local d = os.date("!*t", 1700000000); return d.year .. d.month .. d.day .. d.wday .. d.yday .. tostring(d.isdst)`, "20231114" + "3318false"},
	} {
		want(t, in, tt.code, tt.want)
	}
}
