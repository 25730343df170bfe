local q = mqr.create("q")
is({q:recv(0)}, {false, "timeout"})
took(0)
is({q:recv(1.5)}, {false, "timeout"})
took(1.5)

-- Who has waited longest is next, whatever the length of its patience.
for i = 1, 3 do task.spawn(function() say(i .. tostring(q:recv(i == 2 and 1 or nil))) end) end
sleep(2)
is(said(), "2false")
q:post("a") settle() q:post("b") settle() q:post("c")
is(said(), "1a 3b")
is(q:recv(), "c")
took(2)

-- What was posted for somebody who is cancelled before it has seen it is still there, in its place.
local t = task.spawn(function() say(tostring(q:recv())) end)
settle()
q:post("a") q:post("b")
t:cancel()
is({t:wait()}, {false, "cancelled while waiting"})
is({q:recv(), q:recv(), q:try_recv()}, {"a", "b"})

-- ... or goes to the next.
t = task.spawn(function() say(tostring(q:recv())) end)
local u = task.spawn(function() say(tostring(q:recv())) end)
settle()
q:post("a")
t:cancel()
u:wait()
is(said(), "a")
is(#q, 0)

-- One that is cancelled while it waits for nothing leaves nothing behind.
t = task.spawn(function() q:recv() end)
settle()
t:cancel()
is({t:wait()}, {false, "cancelled while waiting"})
q:post("a")
is(q:try_recv(), "a")

-- Whatever shape the call has.
local slow = setmetatable({}, {__index = function() return q:recv() end})
task.spawn(function() sleep(1) q:post("x") q:post("y") end)
is({pcall(function() return slow.a .. q:recv() end)}, {true, "xy"})
took(1)

-- Twice through the same queue.
for i = 1, 3000 do q:post(i, 0) if i % 3 == 0 then q:recv() end if #q == 1000 then for _ = 1, 990 do q:recv() end end end
while q:try_recv() do end
is({#q, q:bytes()}, {0, 0})
