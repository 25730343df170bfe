package vm

import "testing"

func TestPairs(t *testing.T) {
	in := start(t, `
		function keys(...) local s = ""; for k, v in ... do s = s .. tostring(k) .. "=" .. tostring(v) .. " " end; return s end
		function three(t) return function(_, i) i = (i or 0) + 1; if i <= 3 then return i, t.name end end, t, nil end
		proxy = setmetatable({name = "p"}, {__pairs = three, __ipairs = three})`, Config{})
	for _, tt := range []struct{ source, want string }{
		{`return keys(pairs({5, 6, nil, 7}))`, "1=5 2=6 4=7 "},
		{`return keys(pairs({a = 1}))`, "a=1 "},
		{`return keys(ipairs({5, 6, nil, 7}))`, "1=5 2=6 "},
		{`return keys(pairs(setmetatable({a = 1}, {})))`, "a=1 "},
		{`return keys(pairs(proxy))`, "1=p 2=p 3=p "},
		{`return keys(ipairs(proxy))`, "1=p 2=p 3=p "},
		{`return select("#", pairs(setmetatable({}, {__pairs = function() end})))`, "3"},
		{`return select("#", pairs(setmetatable({}, {__pairs = function() return 1, 2, 3, 4 end})))`, "3"},
		{`local t = {}; return tostring(select(2, pairs(t)) == t) .. tostring(select(3, ipairs(t)))`, "true0"},
		{`local mt = {__call = function(_, t) return next, {called = t.name} end}; return keys(pairs(setmetatable({name = "x"}, {__pairs = setmetatable({}, mt)})))`, "called=x "},
	} {
		want(t, in, tt.source, tt.want)
	}
}

func TestPairsRefuses(t *testing.T) {
	in := start(t, "", Config{})
	for _, tt := range []struct{ source, message string }{
		{`pairs()`, `test:1: bad argument #1 to pairs (table expected, got nil)`},
		{`ipairs("x")`, `test:1: bad argument #1 to ipairs (table expected, got string)`},
		{`pairs(setmetatable({}, {__pairs = 1}))`, `test:1: attempt to call a non-function object`},
		{`pairs(setmetatable({}, {__pairs = function() error("no", 0) end}))`, `test:1: no`},
		{`local t = {}; setmetatable(t, {__pairs = function() return pairs(t) end}); for _ in pairs(t) do end`, `test:1: stack overflow`},
	} {
		_, err := eval(t, in, tt.source)
		if e, ok := err.(*Error); !ok || e.Message != tt.message || e.Panic {
			t.Errorf("%s:\n\tgot  %v\n\twant %s", tt.source, err, tt.message)
		}
	}
}

// A metamethod may wait, as any function may.
func TestPairsWaits(t *testing.T) {
	d := newDoor()
	in := start(t, `wait = require("door").wait`, Config{Modules: []Module{d.module()}})
	go func() { (<-d.waits).open <- "A" }()
	want(t, in, `for k, v in pairs(setmetatable({}, {__pairs = function() return next, {[wait("a")] = 1} end})) do return k .. v end`, "A1")
}
