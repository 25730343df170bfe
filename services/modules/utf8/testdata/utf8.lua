local utf8 = require "utf8"

local function all(...)
  local t = {...}
  for i = 1, select("#", ...) do t[i] = tostring(t[i]) end
  return table.concat(t, " ")
end

-- char
same(utf8.char(), "")
same(utf8.char(77, 252, 8364, 0x1F600), "M\195\188\226\130\172\240\159\152\128")
same(utf8.char(0, 127, 128), "\0\127\194\128")
same(utf8.char(0x7FF, 0x800), "\223\191\224\160\128")
same(utf8.char(0xFFFF, 0x10000, 0x10FFFF), "\239\191\191\240\144\128\128\244\143\191\191")
same(utf8.char(0xD800, 0xDFFF), "\237\160\128\237\191\191")
same(utf8.char("65"), "A")
utf8.char(-1) --> "bad argument #1 to char (value out of range)"
utf8.char(65, 0x110000) --> "bad argument #2 to char (value out of range)"
utf8.char(65.5) --> "bad argument #1 to char (number has no integer representation)"
utf8.char(0/0) --> "bad argument #1 to char (number has no integer representation)"
utf8.char(1/0) --> "bad argument #1 to char (number has no integer representation)"
utf8.char({}) --> "bad argument #1 to char (number expected, got table)"

-- charpattern
same(utf8.charpattern, "[\0-\127\194-\244][\128-\191]*")
do
  local out = {}
  for c in ("M\195\188\0\226\130\172\240\159\152\128."):gmatch(utf8.charpattern) do out[#out + 1] = #c end
  same(table.concat(out, " "), "1 2 1 3 4 1")
end
same((("a\195\188b"):gsub(utf8.charpattern, {["\195\188"] = "ue"})), "aueb")

-- codes
do
  local out = {}
  for p, c in utf8.codes("M\195\188\0\226\130\172") do out[#out + 1] = p .. ":" .. c end
  same(table.concat(out, " "), "1:77 2:252 4:0 5:8364")
  for _ in utf8.codes("") do error("none") end
  local f, s, i = utf8.codes("\195\188")
  same(all(type(f), s, i), "function \195\188 0")
  same(all(f(s, i)), "1 252")
  same(all(f(s, 1)), "")
  same(all(f(s, 1e300)), "")
  same(all(f(s, -5)), "1 252")
  same(all(f(s)), "1 252")
end
for _ in utf8.codes("a\255") do end --> "invalid UTF-8 code"
for _ in utf8.codes("\128") do end --> "invalid UTF-8 code"
for _ in utf8.codes("a\128") do end --> "invalid UTF-8 code"
for _ in utf8.codes("\195") do end --> "invalid UTF-8 code"
for _ in utf8.codes("\195\188\188") do end --> "invalid UTF-8 code"
for _ in utf8.codes({}) do end --> "bad argument #1 to codes (string expected, got table)"

-- codepoint
same(all(utf8.codepoint("M\195\188")), "77")
same(all(utf8.codepoint("M\195\188", 1, -1)), "77 252")
same(all(utf8.codepoint("M\195\188", 2)), "252")
same(all(utf8.codepoint("M\195\188", -2)), "252")
same(all(utf8.codepoint("M\195\188", 3, 2)), "")
same(all(utf8.codepoint("\237\160\128")), "55296")
same(all(utf8.codepoint("\239\191\189")), "65533")
same(all(utf8.codepoint("", 1, 0)), "")
same(all(utf8.codepoint(12, 1, 2)), "49 50")
same(select("#", utf8.codepoint(("x"):rep(32000), 1, -1)), 32000)
same(select("#", utf8.codepoint(("\240\159\152\128"):rep(32000), 1, -1)), 32000)
utf8.codepoint(("x"):rep(32001), 1, -1) --> "string slice too long"
utf8.codepoint("M\195\188", 3) --> "invalid UTF-8 code"
utf8.codepoint("\195") --> "invalid UTF-8 code"
utf8.codepoint("\192\128") --> "invalid UTF-8 code"
utf8.codepoint("\224\128\128") --> "invalid UTF-8 code"
utf8.codepoint("\240\128\128\128") --> "invalid UTF-8 code"
utf8.codepoint("\244\144\128\128") --> "invalid UTF-8 code"
utf8.codepoint("\248\136\128\128\128") --> "invalid UTF-8 code"
utf8.codepoint("x", 0) --> "bad argument #2 to codepoint (out of range)"
utf8.codepoint("x", -2) --> "bad argument #2 to codepoint (out of range)"
utf8.codepoint("x", 1, 2) --> "bad argument #3 to codepoint (out of range)"
utf8.codepoint("") --> "bad argument #3 to codepoint (out of range)"
utf8.codepoint("x", 1.5) --> "bad argument #2 to codepoint (number has no integer representation)"
utf8.codepoint() --> "bad argument #1 to codepoint (string expected, got nil)"

-- len
same(all(utf8.len("M\195\188sli")), "5")
same(all(utf8.len("")), "0")
same(all(utf8.len("M\195\188", 2)), "1")
same(all(utf8.len("M\195\188", 4)), "0")
same(all(utf8.len("M\195\188", 1, 2)), "2")
same(all(utf8.len("M\195\188", 1, 0)), "0")
same(all(utf8.len("M\195\188", 3)), "nil 3")
same(all(utf8.len("ab\255c")), "nil 3")
same(all(utf8.len("ab\255c", 1, 2)), "2")
same(all(utf8.len("ab\195")), "nil 3")
same(all(utf8.len("abc", -1)), "1")
same(all(utf8.len("abc", nil, -2)), "2")
same(all(utf8.len("abc", 1, -9)), "0")
utf8.len("abc", 5) --> "bad argument #2 to len (initial position out of string)"
utf8.len("abc", 0) --> "bad argument #2 to len (initial position out of string)"
utf8.len("abc", -4) --> "bad argument #2 to len (initial position out of string)"
utf8.len("abc", -2^63) --> "bad argument #2 to len (initial position out of string)"
utf8.len("abc", 1, 4) --> "bad argument #3 to len (final position out of string)"
utf8.len("abc", 1, 2^63) --> "bad argument #3 to len (number has no integer representation)"
utf8.len(nil) --> "bad argument #1 to len (string expected, got nil)"

-- offset
local s = "a\195\188\226\130\172z"
same(all(utf8.offset(s, 1), utf8.offset(s, 2), utf8.offset(s, 3), utf8.offset(s, 4), utf8.offset(s, 5), utf8.offset(s, 6)), "1 2 4 7 8 nil")
same(all(utf8.offset(s, -1), utf8.offset(s, -2), utf8.offset(s, -3), utf8.offset(s, -4), utf8.offset(s, -5)), "7 4 2 1 nil")
same(all(utf8.offset(s, 0), utf8.offset(s, 0, 3), utf8.offset(s, 0, 6), utf8.offset(s, 0, 8)), "1 2 4 8")
same(all(utf8.offset(s, 2, 4), utf8.offset(s, -1, 4), utf8.offset(s, 1, 8), utf8.offset(s, -1, -1)), "7 2 8 4")
same(all(utf8.offset("", 1), utf8.offset("", 0), utf8.offset("", -1)), "1 1 nil")
same(utf8.offset("\128\128\128", 0, 3), 1)
same(utf8.offset(s, 2^62), nil)
same(utf8.offset(s, -2^63), nil)
utf8.offset(s, 1, 3) --> "initial position is a continuation byte"
utf8.offset(s, 1, 9) --> "bad argument #3 to offset (position out of range)"
utf8.offset(s, 1, 0) --> "bad argument #3 to offset (position out of range)"
utf8.offset(s, 1, -8) --> "bad argument #3 to offset (position out of range)"
utf8.offset(s) --> "bad argument #2 to offset (number expected, got nil)"
utf8.offset(s, 0.5) --> "bad argument #2 to offset (number has no integer representation)"

-- What other functions of Lua make of these.
same(utf8.char(utf8.codepoint(s, 1, -1)), s)
same(pcall(utf8.len, "x", 9), false)
