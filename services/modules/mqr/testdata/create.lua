local usage = 'usage: mqr.create(name [, {messages = n, bytes = n, full = "wait" or "fail"}])'

-- The same name is the same queue.
local q = mqr.create("a")
is(q == mqr.create("a"), true)
is(q == mqr.create("b"), false)
is(q == mqr, false)
is(q == nljson.null, false)
is(tostring(q), 'mqr.queue "a"')
is(q:name(), "a")
is(#mqr.create("\0\255" .. ("x"):rep(253)):name(), 255)
is(mqr.create("\0") == mqr.create("\0x"), false)
is(type(q), "userdata")
is(getmetatable(q), false)
is(q.none, nil)

-- What create cannot make nothing of.
is({mqr.create()}, {nil, usage})
is({mqr.create(7)}, {nil, usage})
is({mqr:create("a")}, {nil, usage}) -- as in LAppS
is({mqr.create("a", "b")}, {nil, usage})
is({mqr.create("a", {}, 1)}, {nil, usage})
is({mqr.create("")}, {nil, "the name of a queue has 1 to 255 bytes, not 0"})
is({mqr.create(("x"):rep(256))}, {nil, "the name of a queue has 1 to 255 bytes, not 256"})
is({mqr.create("c", {message = 1})}, {nil, 'there is no option "message": there are messages, bytes and full'})
is({mqr.create("c", {1})}, {nil, 'there is no option "1": there are messages, bytes and full'})
for _, n in ipairs {0, -1, 1.5, 1001, 0/0, 1/0, "1", {}, true} do
  is({mqr.create("c", {messages = n})}, {nil, "messages must be a whole number from 1 to 1000"})
end
for _, n in ipairs {0, -1, 1.5, 100001, 0/0, 1/0, "1", {}, true} do
  is({mqr.create("c", {bytes = n})}, {nil, "bytes must be a whole number from 1 to 100000"})
end
for _, w in ipairs {"", "Wait", 1, {}, true} do
  is({mqr.create("c", {full = w})}, {nil, 'full must be "wait" or "fail"'})
end

-- Options are for who makes it, and others must not ask for something else.
local c = mqr.create("c", {messages = 3, bytes = 100, full = "fail"})
is(c == mqr.create("c"), true)
is(c == mqr.create("c", {}), true)
is(c == mqr.create("c", {messages = 3, bytes = 100, full = "fail"}), true)
is({mqr.create("c", {messages = 4})}, {nil, 'the queue "c" exists with messages = 3, not 4'})
is({mqr.create("c", {bytes = 99})}, {nil, 'the queue "c" exists with bytes = 100, not 99'})
is({mqr.create("c", {full = "wait"})}, {nil, 'the queue "c" exists with full = "fail", not "wait"'})
is({mqr.create("a", {messages = 999})}, {nil, 'the queue "a" exists with messages = 1000, not 999'})

-- Methods want a queue.
q.post("x") --> "create.lua:48: bad argument #1 to post (queue expected, got string)"
q.recv() --> "create.lua:49: bad argument #1 to recv (queue expected, got nil)"
q.try_recv({}) --> "create.lua:50: bad argument #1 to try_recv (queue expected, got table)"
q.size(nljson.null) --> "create.lua:51: bad argument #1 to size (queue expected, got userdata)"
q.bytes(print) --> "create.lua:52: bad argument #1 to bytes (queue expected, got function)"
q.name(7) --> "create.lua:53: bad argument #1 to name (queue expected, got number)"
q.x = 1 --> "create.lua:54: attempt to index a non-table object(userdata) with key 'x'"
setmetatable(q, {}) --> "create.lua:55: bad argument #1 to setmetatable (table expected, got userdata)"
