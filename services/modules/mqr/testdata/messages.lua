local q = mqr.create("a")

-- First in, first out.
is(q:try_recv(), nil)
for i = 1, 10 do is({q:post(i)}, {true}) end
is(q:size(), 10)
is(#q, 10)
for i = 1, 5 do is({q:recv()}, {i}) end
for i = 6, 10 do is({q:try_recv()}, {i}) end
is(#q, 0)

-- What can be sent, and what comes.
local function sent(v)
  q:post(v)
  return (q:recv(0))
end
is(sent("a\0\255"), "a\0\255")
is(sent(""), "")
is(sent(-2^53), -2^53)
is(sent(0.5), 0.5)
is(tostring(sent({1, {a = "x"}, nljson.null})), '[1,{"a":"x"},null]')
is(tostring(sent({})), "[]")
is(tostring(sent(nljson.object())), "{}")
is(sent(nljson.null), nljson.null)
is(#nljson.to_cbor(sent(nljson.bytes("x"))), 2)
is(nljson.typename(sent(nljson.decode("5"))), "number")

-- A copy ...
local v = nljson.decode('{"a": [1]}')
local w = sent(v)
w.a[1] = 2
v.b = true
is(tostring(v) .. tostring(w), '{"a":[1],"b":true}{"a":[2]}')
is(nljson.frozen(w), false)

-- ... unless it is frozen.
nljson.freeze(v)
is(rawequal(sent(v), v), true)
is(rawequal(sent({v})[1], v), true)
is(rawequal(sent(v.a), v.a), true)
sent(v).c = 1 --> "messages.lua:41: nljson: the value is frozen: nljson.copy makes one that can be changed"

-- What cannot be sent.
q:post() --> "messages.lua:44: bad argument #2 to post (nljson value, table, string or number expected, got nil)"
q:post(nil) --> "messages.lua:45: bad argument #2 to post (nljson value, table, string or number expected, got nil)"
q:post(true) --> "messages.lua:46: bad argument #2 to post (nljson value, table, string or number expected, got boolean)"
q:post(print) --> "messages.lua:47: bad argument #2 to post (nljson value, table, string or number expected, got function)"
q:post(q) --> "messages.lua:48: bad argument #2 to post (nljson value, table, string or number expected, got userdata)"
q:post({1, a = 1}) --> "messages.lua:49: bad argument #2 to post (a table has both strings and numbers as keys, so it is neither an object nor an array)"
q:post(1, "x") --> "messages.lua:50: bad argument #3 to post (number expected, got string)"
q:post(1, -1) --> "messages.lua:51: bad argument #3 to post (must not be negative)"
q:post(1, 0/0) --> "messages.lua:52: bad argument #3 to post (must not be negative)"
q:recv({}) --> "messages.lua:53: bad argument #2 to recv (number expected, got table)"
q:recv(-1) --> "messages.lua:54: bad argument #2 to recv (must not be negative)"
local t = {} t[1] = t q:post(t) --> "messages.lua:55: bad argument #2 to post (nested more than 64 levels deep (does it contain itself?))"
is(#q, 0)

-- What they take.
is(q:bytes(), 0)
q:post("12345") q:post("")
is(q:bytes(), 5)
is(q:recv() .. q:recv(), "12345")
is(q:bytes(), 0)
is({q:post(("x"):rep(100001))}, {false, "it takes 100001 bytes, and the queue holds 100000"})
is({q:post({("x"):rep(100001)})}, {false, "it takes 100065 bytes, and the queue holds 100000"})
is({q:post(("x"):rep(100000))}, {true})
is(#q:recv(), 100000)
