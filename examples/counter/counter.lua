-- counter counts messages, per connection and per instance, and admits only
-- those who say their name in a header.
local counter = {}

local names, counts -- by handler
local total         -- of this instance

function counter.onStart()
  names, counts, total = {}, {}, 0
end

-- Called before the upgrade is answered: the place to refuse.
function counter.onConnect(handler, request)
  local name = request.headers["x-name"]
  if name == nil then
    return {status = 401, reason = "say who you are in the header X-Name"}
  end
  if name == "mallory" then
    return false -- 403
  end
  names[handler], counts[handler] = name, 0
  return true
end

function counter.onMessage(handler, opcode, message)
  if message == "bye" then
    return ws:close(handler, 1000, "goodbye, " .. names[handler])
  end
  counts[handler] = counts[handler] + 1
  total = total + 1
  return ws:send(handler, 1, string.format("%s: %d of %d, %s",
    names[handler], counts[handler], total, instance_id))
end

-- Called once for every connection that onConnect admitted, however it ended.
function counter.onDisconnect(handler)
  print(names[handler] .. " sent " .. counts[handler])
  names[handler], counts[handler] = nil, nil
end

function counter.onShutdown()
  print("counted " .. total)
end

return counter
