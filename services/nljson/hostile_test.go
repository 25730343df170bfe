package nljson

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// Whatever Lua builds, it gets an answer, and soon.
func TestHostile(t *testing.T) {
	const itself = `nested more than 64 levels deep (does it contain itself?)`
	b := newBox(t, nil)
	b.lib.maxItems = 1 << 20
	for _, tt := range []struct{ source, want string }{
		{`local o = nljson.object(); o.o = o; return pcall(nljson.encode, o)`, itself},
		{`local o = nljson.object(); o.o = o; return false, tostring(o)`, "nljson object: " + itself},
		{`local a = nljson.array(); a[1] = a; return pcall(nljson.to_cbor, a)`, itself},
		{`local a = nljson.array(); a[1] = a; return pcall(nljson.totable, a)`, itself},
		{`local a = nljson.array(); a[1] = a; return pcall(nljson.traverse, a, function() end)`, itself},
		{`local a = nljson.array(); a[1] = a; local o = nljson.object(); o.x = {a}; return false, tostring(o.x[1] == a)`, "true"},
		{`local t = {}; t[1] = t; return pcall(nljson.encode, t)`, itself},
		{`local t = {}; t.t = t; return pcall(nljson.push, nljson.array(), t)`, itself},
		{`local t = {}; t.t = t; return pcall(nljson.totable, t)`, itself},
		{`local t = {}; for i = 1, 63 do t = {t} end; return false, #nljson.encode(t)`, "128"},
		{`local t = {}; for i = 1, 64 do t = {t} end; return pcall(nljson.encode, t)`, itself},

		// exponential sharing
		{`local a = nljson.array(); for i = 1, 60 do a = nljson.array({a, a}) end; return pcall(nljson.encode, a)`, "more than 1048576 items"},
		{`local a = nljson.array(); for i = 1, 60 do a = nljson.array({a, a}) end; return pcall(nljson.to_cbor, a)`, "more than 131072 items"},
		{`local a = nljson.array(); for i = 1, 60 do a = nljson.array({a, a}) end; return pcall(nljson.traverse, a, function() end)`, "more than 1048576 items"},
		{`local t = {}; for i = 1, 60 do t = {a = t, b = t} end; return pcall(nljson.to_cbor, t)`, "more than 131072 items"},
		{`local s = string.rep("x", 1e6); local t = {}; for i = 1, 100 do t[i] = s end; return pcall(nljson.encode, t)`, "more than 67108864 bytes of text"},
		{`local s = string.rep("x", 1e6); local t = {}; for i = 1, 100 do t[i] = {[s] = 1} end; return pcall(nljson.to_cbor, t)`, "more than 67108864 bytes of text"},
		{`return false, #nljson.encode(string.rep("\1", 12e6))`, "72000002"},
		{`return pcall(nljson.encode, {string.rep("\1", 12e6), 1})`, "the JSON text is longer than 67108864 bytes"},
		{`local a = {}; for i = 1, 1e5 do a[i] = {} end; local t = {}; for i = 1, 10 do t[i] = a end; return pcall(nljson.encode_pretty, {{{{{{{t}}}}}}}, 16)`, "the JSON text is longer than 67108864 bytes"},

		// 100,000 keys
		{`local o = nljson.object(); for i = 1, 1e5 do o["k" .. (i * 7919) % 1e5] = i end; return false, #o .. nljson.keys(o)[1] .. nljson.keys(o)[1e5]`, "100000k0k99999"},
		{`local o = nljson.object(); for i = 1, 1e5 do o["k" .. i] = i end; nljson.foreach(o, function(k) nljson.erase(o, k) end); return false, tostring(o)`, "{}"},

		// changes meanwhile
		{`local o = nljson.decode('{"a": 1, "b": 2, "c": 3}'); local s = ""; nljson.foreach(o, function(k) s = s .. k; nljson.erase(o, "b"); o.z = 1 end); return false, s .. tostring(o)`, `ac{"a":1,"c":3,"z":1}`},
		{`local a = nljson.decode('[1, 2, 3]'); local n = 0; nljson.foreach(a, function() n = n + 1; nljson.push(a, 1) end); return false, n .. #a`, "36"},
		{`local a = nljson.decode('[1, 2, 3]'); local n = 0; nljson.foreach(a, function() n = n + 1; nljson.erase(a, 1) end); return false, n .. #a`, "21"},
		{`local a = nljson.decode('[[1, 2], [3]]'); local s = ""; nljson.traverse(a, function(k, v) s = s .. k .. tostring(v) .. " "; nljson.erase(a, 2) end); return false, s`, "11 22 1[1,2] "},
		{`local a = nljson.decode('[[1], [2]]'); return pcall(nljson.traverse, a, function() nljson.push(a[2], a) end)`, itself},
		{`local o = nljson.object{a = 1, b = 2}; local s = ""; for k in pairs(o) do s = s .. k; nljson.erase(o, "b"); o.c = 1 end; return false, s`, "a"},

		// Go's stack
		{`local a = nljson.array(); for i = 1, 60 do a = nljson.array({a}) end; local function f() nljson.traverse(a, f) end; return pcall(f)`, "stack overflow"},
		{`local a = nljson.array({1}); local function f() nljson.foreach(a, f) end; return pcall(f)`, "stack overflow"},
		{`local a = nljson.array({1}); local function f() local _, e = pcall(nljson.foreach, a, f); error(e or "none", 0) end; return pcall(f)`, "stack overflow (protected calls and coroutines within each other)"},

		// what the library hands out is not a way into it
		{`nljson.decode = nil; return false, tostring(nljson.array())`, "[]"},
		{`return pcall(rawset, nljson.array(), "x", 1)`, "(table expected, got userdata)"},
		{`return false, tostring(getfenv(nljson.encode) == _G)`, "true"},
		{`local mt = getmetatable(nljson.totable(nljson.object())); mt.__jsontype = 5; return false, nljson.encode(nljson.totable(nljson.object()))`, "[]"},
	} {
		b.eval(t, "return tostring(select(2, (function() "+tt.source+" end)()))", func(v lua.LValue, err error) {
			if got := v.String(); err != nil || !strings.Contains(got, tt.want) {
				t.Errorf("%s\n\tgot  %.200s %v\n\twant %s", tt.source, got, err, tt.want)
			}
		})
	}
}
