-- broadcast sends every message to all who are connected, its sender too.
local broadcast = {}

local everyone = 1

function broadcast.onStart()
  bcast:create(everyone)
end

function broadcast.onConnect(handler)
  return bcast:subscribe(everyone, handler)
end

function broadcast.onMessage(handler, opcode, message)
  return bcast:send(everyone, opcode, message)
end

return broadcast
