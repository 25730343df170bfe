local task = require "task"

local inline = {}

function inline.onMessage(handler, opcode, message)
  if message == "sleep" then
    sleep(1)
  elseif message == "spawn" then
    task.spawn(function()
      sleep(1)
      ws:send(handler, opcode, "slept")
    end)
  else
    ws:send(handler, opcode, message)
  end
  return true
end

return inline
