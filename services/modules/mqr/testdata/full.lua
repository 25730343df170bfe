-- A queue that lets fail.
local f = mqr.create("f", {messages = 2, bytes = 100, full = "fail"})
is({f:post(("x"):rep(60)), f:post(("x"):rep(41))}, {true, false, "full"})
is({f:post("x"), f:post("x", 10)}, {true, false, "full"})
f:recv()
is({f:post("x")}, {true})

-- One that lets wait.
local q = mqr.create("q", {messages = 2})
q:post(1) q:post(2)
is({q:post(3, 0)}, {false, "timeout"})
took(0)
is({q:post(3, 1.5)}, {false, "timeout"})
took(1.5)
is(q:size(), 2)
task.spawn(function() sleep(2) q:recv() end)
is({q:post(3, 10)}, {true})
took(2)
is({q:recv(), q:recv(), q:try_recv()}, {2, 3})

-- Those that wait are accepted in their order, and nobody overtakes them: the first is too large for what there
-- is room for, the others are not.
local p = mqr.create("p", {bytes = 100})
p:post(("a"):rep(50)) p:post(("b"):rep(50))
for _, m in ipairs {("c"):rep(100), "d", "e"} do task.spawn(function() say(tostring(p:post(m))) end) end
sleep(1)
p:recv()
is({p:post("f", 0)}, {false, "timeout"})
is({p:size(), p:bytes()}, {1, 50})
is(#p:recv(), 50)
settle()
is(said(), "true")
is({#p:recv(), p:recv(), p:recv(), p:try_recv()}, {100, "d", "e"})
settle()
is(said(), "true true")
took(1)

-- One that gives up makes way.
p:post(("a"):rep(99))
local big = task.spawn(function() return p:post("cc", 2) end)
task.spawn(function() say(tostring(p:post("d"))) end)
sleep(1)
is(said(), "")
is({big:wait()}, {true, false, "timeout"})
settle()
is(said(), "true")
took(2)
is({#p:recv(), p:recv()}, {99, "d"})

-- One that is cancelled does, too, and has posted nothing.
p:post(("a"):rep(99))
big = task.spawn(function() p:post("cc") end)
task.spawn(function() say(tostring(p:post("d"))) end)
settle()
big:cancel()
is({big:wait()}, {false, "cancelled while waiting"})
settle()
is(said(), "true")
is({#p:recv(), p:recv(), p:try_recv()}, {99, "d"})
