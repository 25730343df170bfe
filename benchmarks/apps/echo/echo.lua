-- echo sends every message back as it came.
local echo = {}

function echo.onMessage(handler, opcode, message)
  return ws:send(handler, opcode, message)
end

return echo
