-- clock has timers, and says what happens in order.
local timer, task = require("timer"), require("task")
local clock = {}

function clock.onStart() sleep(3600) end

local acts = {
  hour = function(h) timer.after(3600, function() ws:send(h, 1, "an hour") end) end,
  order = function(h)
    local function say(x) return function() ws:send(h, 1, x) end end
    timer.after(2, say("c"))
    timer.after(1, say("a"))
    task.spawn(function() sleep(1) say("b")() end)
    timer.after(0, say("0"))
    sleep(2)
    say("d")()
  end,
  every = function(h)
    local n = 0
    timer.every(0.25, function() n = n + 1 ws:send(h, 1, n .. " at " .. os.clock()) return n < 4 end)
  end,
  timeout = function(h)
    local t = task.spawn(sleep, 10)
    local ok, why = t:wait(2.5)
    ws:send(h, 1, tostring(ok) .. " " .. why .. " " .. os.date("!%H:%M:%S"))
  end,
}

function clock.onMessage(h, _, message) acts[message](h) return true end

return clock
