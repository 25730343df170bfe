-- clients has many connections send messages of 64 bytes to an echo, each the next one when the
-- last has come back, and prints ten times a second how many came.
local cws = require("cws")
local time = require("time")

local clients = {}

local url = os.getenv("ECHO")
local connections = tonumber(os.getenv("CONNECTIONS")) -- of each instance
local message = ("x"):rep(64)

local opened = {} -- what cws:new has returned: a connection that is garbage is closed
local open, received = 0, 0

local callbacks = {
  onopen = function(h)
    open = open + 1
    cws:send(h, message, 2)
  end,
  onmessage = function(h, data, opcode)
    received = received + 1
    cws:send(h, data, opcode)
  end,
  onerror = function(_, why) error("a connection failed: " .. why) end,
  onclose = function() open = open - 1 end,
}

function clients.run()
  for i = 1, connections do
    opened[i] = assert(cws:new(url, callbacks, {timeout = 60})) -- which begins here, for all at once
  end
  local told = time.now()
  while not must_stop() do
    cws:eventLoop(0.1)
    local now = time.now()
    if now - told >= 100 then
      print(("inside: %d open, %d received at %d"):format(open, received, now))
      told = now
    end
  end
  for _, client in ipairs(opened) do client:close() end
end

return clients
