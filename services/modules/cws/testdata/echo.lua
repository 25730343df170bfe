-- The example of the reference, with an echo.
local c, why = cws.connect(url .. "/echo", {subprotocols = {"two"}})
assert(c, why)
assert(c:subprotocol() == "two" and c:status() == "open")
assert(c:send("one"))
assert(c:send("two", 2))
local data, opcode = c:recv()
assert(data == "one" and opcode == 1)
for data, opcode in c:messages() do
  assert(data == "two" and opcode == 2)
  break
end
assert(c:close())

-- In coroutines, pcall, iterators and comparators it waits as well.
local c = dial()
local co = coroutine.wrap(function() c:send("1") coroutine.yield(c:recv()) end)
assert(co() == "1")
assert(select(2, pcall(function() c:send("2") return (c:recv()) end)) == "2")
local t = {3, 1, 2}
table.sort(t, function(a, b) c:send(tostring(a < b)) return c:recv() == "true" end)
assert(table.concat(t) == "123")

-- Two connections that speak with each other's messages.
local a, b = dial(), dial()
a:send("x")
for i = 1, 100 do
  b:send((a:recv()))
  a:send((b:recv()))
end
assert(a:recv() == "x")
