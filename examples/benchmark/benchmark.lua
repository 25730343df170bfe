-- benchmark has many connections send messages of 64 bytes to an echo, each the next one when the
-- last has come back, and prints how many that were. It is LAppS's benchmark.
local cws = require("cws")
local time = require("time")

local benchmark = {}

local url = os.getenv("BENCHMARK_URL") or "ws://127.0.0.1:5083/echo"
local connections = tonumber(os.getenv("BENCHMARK_CONNECTIONS") or 80) -- of each instance
local message = ("x"):rep(64)

local clients = {} -- what cws:new has returned: a connection that is garbage is closed
local open, received, failed = 0, 0, 0

local callbacks = {
  onopen = function(h)
    open = open + 1
    cws:send(h, message, 2)
  end,
  onmessage = function(h, data, opcode)
    received = received + 1
    cws:send(h, data, opcode)
  end,
  onerror = function(h, why)
    failed = failed + 1
    if failed == 1 then print("the first that failed: " .. why) end
  end,
  onclose = function() open = math.max(open - 1, 0) end,
}

function benchmark.run()
  for i = 1, connections do
    local client, why = cws:new(url, callbacks, {timeout = 60}) -- which begins here, for all at once
    if not client then error(why) end
    clients[i] = client
  end
  local began, before = time.now(), 0
  while not must_stop() do
    cws:eventLoop(0.1)
    local now = time.now()
    if now - began >= 1000 then
      print(("%d messages received per %dms, on %d connections"):format(received - before, now - began, open))
      began, before = now, received
    end
  end
  for _, client in ipairs(clients) do client:close() end
end

return benchmark
