package nljson

import (
	"testing"
	"testing/fstest"
)

var testFiles = fstest.MapFS{
	"conf/a.json":   {Data: []byte(` {"a": [1, 2]} `)},
	"bad.json":      {Data: []byte(`{"a": [1, 2}`)},
	"long.json":     {Data: make([]byte, maxFile+1)},
	"conf/sub/text": {Data: []byte("5")},
}

func TestFunctions(t *testing.T) {
	b := newBox(t, testFiles)
	for _, tt := range []struct{ source, want string }{
		// decode and what a value looks like
		{`return nljson.decode('{"b": [1, 2.5, "x", null, true], "a": {}}')`, `{"a":{},"b":[1,2.5,"x",null,true]}`},
		{`return type(nljson.decode("{}"))`, "userdata"},
		{`return nljson.decode("5")`, "5"},
		{`return nljson.typename(nljson.decode(" 5 "))`, "number"},
		{`return nljson.typename(nljson.decode("null"))`, "null"},
		{`return nljson.decode('"a\\u0000b"') == nljson.decode('"a\\u0000b"')`, "true"},
		{`return #nljson.decode('["a\\u0000b"]')[1]`, "3"}, // LAppS cut at NUL
		{`return nljson.decode('{"\\u0000k": 1}')["\0k"]`, "1"},
		{`return nljson.decode_file("conf/a.json").a[2]`, "2"},
		{`return nljson.decode_file("conf/sub/text")`, "5"},

		// encode
		{`return nljson.encode(nljson.decode('{"z":1,"a":[{}]}'))`, `{"a":[{}],"z":1}`},
		{`return nljson.encode({1, 2.5, "x", true, {}, a})`, `[1,2.5,"x",true,[]]`},
		{`return nljson.encode({b = 1, a = {c = {}}})`, `{"a":{"c":[]},"b":1}`},
		{`return nljson.encode({5, -5, 2^53, -2^53, 2^53 * 2, 0, 1e300})`, `[5,-5,9007199254740992,-9007199254740992,18014398509481984.0,0,1e+300]`},
		{`return nljson.encode({0 * -1, 1e-7, 0.1, 1e21, 123456789.5})`, `[-0.0,1e-07,0.1,1e+21,123456789.5]`},
		{`return nljson.encode(nil)`, "null"},
		{`return nljson.encode(print)`, "null"},
		{`return nljson.encode({f = print, c = coroutine.create(print)})`, `{"c":null,"f":null}`},
		{`return nljson.encode("\1\31\n\r\t\"\\/<\127é\226\128\168")`, "\"\\u0001\\u001f\\n\\r\\t\\\"\\\\/<\x7fé\u2028\""},
		{`return nljson.encode("\255\254\0")`, `"__4A"`}, // bytes
		{`return nljson.encode({[1] = 1, [3] = 3})`, `[1,null,3]`},
		{`return nljson.encode({nil, nil, 3})`, `[null,null,3]`},
		{`return nljson.encode(setmetatable({}, {__jsontype = "object"}))`, `{}`},
		{`return nljson.encode(setmetatable({1}, {__jsontype = "object"}))`, `[1]`},
		{`return nljson.encode(setmetatable({}, {__index = error, __pairs = error, __len = error, __tostring = error}))`, `[]`},
		{`local t = {}; for i = 1, 100 do t["k" .. i] = i end; for i = 1, 99 do t["k" .. i] = nil end; return nljson.encode(t)`, `{"k100":100}`},
		{`local t = {1, 2, 3}; table.remove(t); t[2] = nil; return nljson.encode(t)`, `[1]`},
		{`local t = {1}; t.a = 1; t[1] = nil; return nljson.encode(t)`, `{"a":1}`},
		{`return nljson.encode({nljson.null, nljson.decode("[1]"), nljson.bytes("a")})`, `[null,[1],"YQ"]`},
		{`return nljson.encode_pretty({a = {1, {}}, b = nljson.object()})`, "{\n  \"a\": [\n    1,\n    []\n  ],\n  \"b\": {}\n}"},
		{`return nljson.encode_pretty({a = {1}}, 0)`, `{"a":[1]}`},
		{`return nljson.encode_pretty({1}, 3)`, "[\n   1\n]"},
		{`return nljson.encode_pretty("x")`, `"x"`},

		// CBOR
		{`return nljson.from_cbor(nljson.to_cbor({a = {1, 2.5, "x", nljson.null}}))`, `{"a":[1,2.5,"x",null]}`},
		{`return nljson.to_cbor(nljson.bytes("a")) .. nljson.to_cbor("a") .. nljson.to_cbor("\255")`, "\x41a\x61a\x41\xff"},
		{`return nljson.from_cbor("\27\255\255\255\255\255\255\255\255")`, "18446744073709551615"},
		{`return nljson.from_cbor("\129\27\255\255\255\255\255\255\255\255")[1] > 1.8e19`, "true"}, // LAppS: negative
		{`return nljson.encode(nljson.from_cbor("\251\64\20\0\0\0\0\0\0"))`, "5.0"},
		{`return nljson.encode(nljson.from_cbor("\159\65\255\255"))`, `["_w"]`},
		{`return nljson.from_cbor(nljson.to_cbor(0/0))`, "nljson number: JSON has no text for NaN and infinities"},
		{`return nljson.from_cbor(nljson.to_cbor({1/0}))[1]`, "+Inf"},

		// find
		{`return nljson.find(nljson.decode('{"a": 1}'), "a")`, "1"},
		{`return nljson.find(nljson.decode('{"1": 2}'), 1)`, "2"},
		{`return nljson.find(nljson.decode('{"a": null}'), "a")`, "nil"},
		{`return nljson.find(nljson.decode('{}'), "a")`, "nil"},
		{`return nljson.find(nljson.decode('[7]'), 1)`, "7"},
		{`return nljson.find(nljson.decode('[7]'), "1")`, "nil"},
		{`return nljson.find(nljson.decode('[7]'), 0)`, "nil"},
		{`return nljson.find(nljson.decode('[7]'), 0/0)`, "nil"},
		{`return nljson.find(nljson.decode('5'), "a")`, "nil"},

		// foreach, traverse, each, pairs
		{`local s = ""; nljson.foreach(nljson.decode('{"b": 2, "a": [1], "c": null}'), function(k, v) s = s .. k .. tostring(v) end); return s`, "a[1]b2cnil"},
		{`local s = ""; nljson.foreach(nljson.decode('[5, null, {}]'), function(k, v) s = s .. k .. tostring(v) end); return s`, "152nil3{}"},
		{`return select("#", nljson.foreach(nljson.array(), print))`, "0"},
		{`local s = ""; nljson.traverse(nljson.decode('{"a": [1, [2, 3]], "b": {"c": 4}}'), function(k, v) s = s .. k .. "=" .. tostring(v) .. " " end); return s`,
			`1=1 1=2 2=3 2=[2,3] a=[1,[2,3]] c=4 b={"c":4} `}, // LAppS: every index was 1
		{`local s = ""; for k, v in nljson.each(nljson.decode('{"b": 2, "a": null}')) do s = s .. k .. tostring(v) end; return s`, "anilb2"},
		{`local s = ""; for k, v in nljson.each(nljson.decode('[5, null, 6]')) do s = s .. k .. tostring(v) end; return s`, "152nil36"},
		{`local s = ""; for k, v in pairs(nljson.decode('{"b": 2, "a": 1}')) do s = s .. k .. v end; return s`, "a1b2"},
		{`local s = ""; for k, v in pairs(nljson.decode('[5, null]')) do s = s .. k .. tostring(v) end; return s`, "152nil"},
		{`local s = ""; for k, v in ipairs(nljson.decode('[5, null, 6]')) do s = s .. k .. tostring(v) end; return s`, "152nil36"},
		{`local s = ""; for k, v in nljson.each(nljson.decode('[5, 6]')) do coroutine.wrap(function() coroutine.yield(k) end)(); s = s .. k end; return s`, "12"},
		{`local f = coroutine.wrap(function() for k in nljson.each(nljson.decode('[5, 6]')) do coroutine.yield(k) end end); return f() .. f()`, "12"},

		// erase, empty, typename, size, keys, push
		{`local o = nljson.decode('{"a": 1, "b": 2}'); return tostring(nljson.erase(o, "a")) .. tostring(nljson.erase(o, "a")) .. tostring(o)`, `truefalse{"b":2}`},
		{`local o = nljson.decode('{"1": 1}'); return tostring(nljson.erase(o, 1)) .. tostring(o)`, `true{}`},
		{`local a = nljson.decode('[1, 2, 3]'); return tostring(nljson.erase(a, 1)) .. tostring(nljson.erase(a, 3)) .. tostring(nljson.erase(a, 0)) .. tostring(a)`, "truefalsefalse[2,3]"}, // LAppS: 0-based
		{`local a = nljson.decode('[1]'); return tostring(nljson.erase(a, "1")) .. tostring(nljson.erase(a, 1.5)) .. tostring(nljson.erase(nljson.decode("5"), 1))`, "falsefalsefalse"},
		{`return tostring(nljson.empty(nljson.decode("[]"))) .. tostring(nljson.empty(nljson.decode('{"a":1}'))) .. tostring(nljson.empty(nljson.null)) .. tostring(nljson.empty({})) .. tostring(nljson.empty(5))`, "truefalsefalsetruefalse"},
		{`local s = ""; for _, v in ipairs({{}, {1}, {a = 1}, nljson.object(), nljson.array(), "x", 5, true, nljson.null, print, nljson.bytes("x")}) do s = s .. nljson.typename(v) .. " " end; return s .. nljson.typename(nil)`,
			"array array object object array string number boolean null null string null"},
		{`return nljson.size({1, 2}) .. nljson.size({a = 1}) .. nljson.size(nljson.decode("[1, 2, 3]")) .. nljson.size(nljson.object())`, "2130"},
		{`return #nljson.decode("[1, null]") .. #nljson.decode('{"a": 1}')`, "21"},
		{`return table.concat(nljson.keys(nljson.decode('{"b": 1, "a": null, "B": 1}')), " ")`, "B a b"},
		{`return table.concat(nljson.keys(nljson.decode('[null, 1]')), " ")`, "1 2"},
		{`local a = nljson.array(); return nljson.push(a, 1, "x", {2}, nil) .. tostring(a)`, `4[1,"x",[2],null]`},

		// constructors
		{`return nljson.array()`, "[]"},
		{`return nljson.array({1, {a = 2}})`, `[1,{"a":2}]`},
		{`return nljson.array(nil)`, "[]"},
		{`return nljson.object()`, "{}"},
		{`return nljson.object{}`, "{}"},
		{`return nljson.object{a = {}}`, `{"a":[]}`},
		{`return nljson.encode({1, nljson.null, 3})`, "[1,null,3]"},
		{`return nljson.decode("[1]") ~= nljson.null and nljson.null == nljson.null`, "true"},
		{`return nljson.array({nljson.null})[1]`, "nil"},
		{`return nljson.array({nljson.bytes("x")})[1]`, "x"},

		// totable
		{`local t = nljson.totable(nljson.decode('{"a": [1, null, {"b": "x"}]}')); return type(t) .. t.a[1] .. tostring(t.a[2]) .. t.a[3].b`, "table1nilx"},
		{`return nljson.encode(nljson.totable(nljson.decode('{"a": {}, "b": [], "c": {"d": null}}')))`, `{"a":{},"b":[],"c":{}}`},
		{`return nljson.totable(nljson.decode("5")) + 1`, "6"},
		{`return nljson.totable(nljson.null)`, "nil"},
		{`local t = {x = {nljson.decode("[1]")}}; return nljson.totable(t).x[1][1]`, "1"},
	} {
		b.want(t, tt.source, tt.want)
	}
}

func TestAccess(t *testing.T) {
	b := newBox(t, nil)
	for _, tt := range []struct{ source, want string }{
		{`local o = nljson.decode('{"a": [{"b": 1}]}'); return o.a[1].b`, "1"},
		{`local o = nljson.decode('{"n": null}'); return tostring(o.n) .. tostring(o.missing)`, "nilnil"}, // LAppS: the process ended
		{`local a = nljson.decode('[1]'); return tostring(a[0]) .. tostring(a[2]) .. tostring(a[-1]) .. tostring(a[1e300]) .. tostring(a[-math.huge])`, "nilnilnilnilnil"},
		{`local o = nljson.decode('{"a": [1]}'); local a = o.a; a[2] = 5; return tostring(o)`, `{"a":[1,5]}`}, // references
		{`local o = nljson.object(); o.a = {1}; o.b = o.a; o.b[1] = 7; return tostring(o)`, `{"a":[7],"b":[7]}`},
		{`local o, p = nljson.object(), nljson.object(); o.a = {x = {p}}; p.y = 1; return tostring(o)`, `{"a":{"x":[{"y":1}]}}`},
		{`local o = nljson.object(); local t = {1}; o.a = t; t[1] = 2; return tostring(o)`, `{"a":[1]}`}, // tables are copied
		{`local o = nljson.decode('{"a": {"b": 1}}'); local a = o.a; o.a = nil; o = nil; return tostring(a)`, `{"b":1}`},
		{`local o = nljson.object(); o.a = nil; o.b = 5; o.b = nil; return tostring(o) .. #o`, `{"a":null,"b":null}2`},
		{`local o = nljson.object(); o.a = nljson.null; return tostring(o.a)`, `nil`},
		{`local o = nljson.object(); o.i, o.f, o.s, o.t, o.g = 5, 5.5, "x\0y", true, print; return tostring(o)`, `{"f":5.5,"g":null,"i":5,"s":"x\u0000y","t":true}`}, // LAppS: 5.0 and "x"
		{`local a = nljson.array(); a[3] = 1; return tostring(a)`, `[null,null,1]`},
		{`local a = nljson.array(); a[1024] = 1; return #a`, `1024`},
		{`local a = nljson.array({1}); a[1] = nil; return tostring(a)`, `[null]`},
		{`local o = nljson.decode('{"a": []}'); return tostring(o.a == o.a) .. tostring(rawequal(o.a, o.a))`, "truetrue"},
		{`local o = nljson.decode('{"a": [], "b": []}'); return o.a == o.b`, "false"},
		{`local o = nljson.decode('{"a": []}'); local t = {[o.a] = 1}; return t[o.a]`, "1"},
		{`return nljson.decode("5") == nljson.decode("5.0")`, "true"},
		{`return nljson.decode('"5"') == nljson.decode("5")`, "false"},
		{`return nljson.decode('null') == nljson.null`, "true"},
		{`return getmetatable(nljson.object())`, "nljson"},
		{`return nljson.object().x`, "nil"},
		{`local o = nljson.object(); o[""] = 1; return o[""]`, "1"},
		{`return "" .. tostring(nljson.decode('["é"]'))`, `["é"]`},
	} {
		b.want(t, tt.source, tt.want)
	}
}

func TestRefused(t *testing.T) {
	b := newBox(t, testFiles)
	for _, tt := range []struct{ source, message string }{
		{`nljson.decode()`, `test:1: bad argument #1 to decode (value expected)`},
		{`nljson.decode("1", 2)`, `test:1: bad argument #2 to decode (no value expected: decode takes at most 1)`},
		{`nljson.decode(5)`, `test:1: bad argument #1 to decode (string expected, got number)`},
		{`nljson.decode(nljson.array())`, `test:1: bad argument #1 to decode (string expected, got nljson array)`},
		{`nljson.decode("")`, `test:1: nljson: unexpected end of JSON input (at byte 0)`},
		{`nljson.decode("[1,]")`, `test:1: nljson: invalid character ']' looking for beginning of value (at byte 4)`},
		{`nljson.decode("[1] x")`, `test:1: nljson: invalid character 'x' after top-level value (at byte 5)`},
		{`nljson.decode("[1")`, `test:1: nljson: unexpected end of JSON input (at byte 2)`},
		{`nljson.decode('["\255"]')`, `test:1: nljson: not valid UTF-8 (at byte 3)`},
		{`nljson.decode('{"a": 1, "b": 2,  "a": 3}')`, `test:1: nljson: an object has the key "a" twice (at byte 19)`},
		{`nljson.decode('[1, 1e999]')`, `test:1: nljson: the number 1e999 is out of range (at byte 5)`},
		{`nljson.decode(string.rep("[", 65) .. string.rep("]", 65))`, `test:1: nljson: nested more than 64 levels deep (does it contain itself?)`},
		{`nljson.decode(string.rep("[", 1e6))`, `test:1: nljson: nested more than 64 levels deep (does it contain itself?)`},
		{`nljson.decode(string.rep('{"a":', 65) .. "1" .. string.rep("}", 65))`, `test:1: nljson: nested more than 64 levels deep (does it contain itself?)`},
		{`nljson.decode_file("none.json")`, `test:1: nljson: none.json: file does not exist`},
		{`nljson.decode_file("conf")`, `test:1: nljson: conf: not a regular file`},
		{`nljson.decode_file("../x")`, `test:1: nljson: ../x: file does not exist`},
		{`nljson.decode_file("/etc/passwd")`, `test:1: nljson: /etc/passwd: file does not exist`},
		{`nljson.decode_file("a\0b")`, `test:1: nljson: a\x00b: file does not exist`},
		{`nljson.decode_file("bad.json")`, `test:1: nljson: bad.json: invalid character '}' after array element (at byte 12)`},
		{`nljson.decode_file("long.json")`, `test:1: nljson: long.json: longer than 16777216 bytes`},
		{`nljson.encode()`, `test:1: bad argument #1 to encode (value expected)`},
		{`nljson.encode({0/0})`, `test:1: nljson: cannot be encoded: JSON has no text for NaN and infinities`},
		{`nljson.encode({[1] = 1, a = 2})`, `test:1: nljson: cannot be encoded: a table has both strings and numbers as keys, so it is neither an object nor an array`},
		{`nljson.encode({[1e9] = 1, a = 2})`, `test:1: nljson: cannot be encoded: a table has both strings and numbers as keys, so it is neither an object nor an array`},
		{`nljson.encode({[true] = 1})`, `test:1: nljson: cannot be encoded: a table has a boolean as a key; only strings or positive integers will do`},
		{`nljson.encode({a = {[0] = 1}})`, `test:1: nljson: cannot be encoded: a table has the key 0; only strings or positive integers will do`},
		{`nljson.encode({[1.5] = 1})`, `test:1: nljson: cannot be encoded: a table has the key 1.5; only strings or positive integers will do`},
		{`nljson.encode({[1e9] = 1})`, `test:1: nljson: cannot be encoded: a table with 1 elements and the key 1000000000 is too sparse for an array`},
		{`nljson.encode({[1027] = 1})`, `test:1: nljson: cannot be encoded: a table with 1 elements and the key 1027 is too sparse for an array`},
		{`nljson.encode({["\255"] = 1})`, `test:1: nljson: cannot be encoded: the key "\xff" is not valid UTF-8`},
		{`nljson.encode_pretty({}, 17)`, `test:1: bad argument #2 to encode_pretty (an integer from 0 to 16 expected)`},
		{`nljson.encode_pretty({}, 0/0)`, `test:1: bad argument #2 to encode_pretty (an integer from 0 to 16 expected)`},
		{`nljson.encode_pretty({}, "x")`, `test:1: bad argument #2 to encode_pretty (number expected, got string)`},
		{`nljson.from_cbor("")`, `test:1: nljson: the message is empty`},
		{`nljson.from_cbor("\130\1")`, `test:1: nljson: the message ends within a CBOR data item`},
		{`nljson.from_cbor({})`, `test:1: bad argument #1 to from_cbor (string expected, got table)`},
		{`nljson.find({}, "a")`, `test:1: bad argument #1 to find (nljson value expected, got table)`},
		{`nljson.find(nljson.object(), true)`, `test:1: bad argument #2 to find (string or number expected, got boolean)`},
		{`nljson.find(nljson.object())`, `test:1: bad argument #2 to find (value expected)`},
		{`nljson.foreach({}, print)`, `test:1: bad argument #1 to foreach (nljson object or array expected, got table)`},
		{`nljson.foreach(nljson.decode("5"), print)`, `test:1: bad argument #1 to foreach (nljson object or array expected, got nljson number)`},
		{`nljson.foreach(nljson.array(), 5)`, `test:1: bad argument #2 to foreach (function expected, got number)`},
		{`nljson.foreach(nljson.array({1}), function() error("mine", 0) end)`, `test:1: mine`},
		{`nljson.traverse(nljson.array({{1}}), function() error("mine", 0) end)`, `test:1: mine`},
		{`nljson.traverse(5, print)`, `test:1: bad argument #1 to traverse (nljson object or array expected, got number)`},
		{`nljson.each(nljson.null)`, `test:1: bad argument #1 to each (nljson object or array expected, got nljson null)`},
		{`pairs(nljson.decode("5"))`, `test:1: attempt to iterate over an nljson number`},
		{`ipairs(nljson.object())`, `test:1: attempt to iterate over an nljson object with ipairs`},
		{`nljson.size("x")`, `test:1: bad argument #1 to size (object, array or table expected, got string)`},
		{`nljson.size({1, a = 1})`, `test:1: bad argument #1 to size (a table has both strings and numbers as keys, so it is neither an object nor an array)`},
		{`nljson.keys({})`, `test:1: bad argument #1 to keys (nljson object or array expected, got table)`},
		{`nljson.push(nljson.object(), 1)`, `test:1: bad argument #1 to push (nljson array expected, got nljson object)`},
		{`nljson.push(nljson.array())`, `test:1: bad argument #2 to push (value expected)`},
		{`nljson.push(nljson.array(), 1, {1, a = 1})`, `test:1: bad argument #3 to push (a table has both strings and numbers as keys, so it is neither an object nor an array)`},
		{`nljson.array({a = 1})`, `test:1: bad argument #1 to array (the table has strings as keys)`},
		{`nljson.object({1})`, `test:1: bad argument #1 to object (the table has numbers as keys)`},
		{`nljson.object(5)`, `test:1: bad argument #1 to object (table expected, got number)`},
		{`nljson.bytes(5)`, `test:1: bad argument #1 to bytes (string expected, got number)`},
		{`local _ = nljson.array().x`, `test:1: array index must be a number, not a string`},
		{`local _ = nljson.array()[1.5]`, `test:1: array index must be an integer, not 1.5`},
		{`local _ = nljson.array()[0/0]`, `test:1: array index must be an integer, not NaN`},
		{`local _ = nljson.object()[1]`, `test:1: object key must be a string, not a number`},
		{`local _ = nljson.object()[nil]`, `test:1: object key must be a string, not a nil`},
		{`local _ = nljson.decode("5").x`, `test:1: attempt to index an nljson number`},
		{`nljson.null.x = 1`, `test:1: attempt to index an nljson null`},
		{`local _ = #nljson.decode('"x"')`, `test:1: attempt to get length of an nljson string`},
		{`nljson.array()[0] = 1`, `test:1: array index must be at least 1, not 0`},
		{`nljson.array()[-3] = 1`, `test:1: array index must be at least 1, not -3`},
		{`nljson.array()[1.5] = 1`, `test:1: array index must be an integer, not 1.5`},
		{`nljson.array()[1025] = 1`, `test:1: array index 1025 is more than 1024 beyond the end of 0 elements`},
		{`nljson.array({1})[1e300] = 1`, `test:1: array index 1e+300 is more than 1024 beyond the end of 1 elements`},
		{`nljson.array()[1/0] = 1`, `test:1: array index +Inf is more than 1024 beyond the end of 0 elements`},
		{`nljson.array().x = 1`, `test:1: array index must be a number, not a string`},
		{`nljson.object()[1] = 1`, `test:1: object key must be a string, not a number`},
		{`nljson.object()["\255"] = 1`, `test:1: nljson: cannot be assigned: the key "\xff" is not valid UTF-8`},
		{`nljson.object().x = {1, a = 1}`, `test:1: nljson: cannot be assigned: a table has both strings and numbers as keys, so it is neither an object nor an array`},
		{`setmetatable(nljson.object(), {})`, `test:1: bad argument #1 to setmetatable (table expected, got userdata)`},
		{`getmetatable(nljson.object()).__index = print`, `test:1: attempt to index a non-table object(string) with key '__index'`},
		{`return nljson.object() .. "x"`, `test:1: cannot perform concat operation between userdata and string`},
		{`return nljson.object() < nljson.object()`, `test:1: attempt to compare userdata with userdata`},
		{`nljson.object():push(1)`, `test:1: attempt to call 'push' (a nil value)`},
	} {
		b.refuses(t, tt.source, tt.message)
	}
}

// decode_file without a directory is refused, not a panic.
func TestNoFiles(t *testing.T) {
	newBox(t, nil).refuses(t, `nljson.decode_file("a.json")`, `test:1: nljson: "a.json": there are no files here`)
}
