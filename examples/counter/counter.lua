-- counter counts messages, per connection and per instance, and admits only
-- those who say their name in a header.
local counter = {}

local people -- by handler: {name = …, count = …}
local total  -- messages of this instance
local gone   -- connections that have left since people was made

function counter.onStart()
  people, total, gone = {}, 0, 0
end

-- A table keeps the room of keys that are no longer in it: a new one, now and
-- then, does not.
local function tidy()
  local alive = {}
  for handler, person in pairs(people) do alive[handler] = person end
  people, gone = alive, 0
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
  people[handler] = {name = name, count = 0}
  return true
end

function counter.onMessage(handler, opcode, message)
  local person = people[handler]
  if message == "bye" then
    return ws:close(handler, 1000, "goodbye, " .. person.name)
  end
  person.count = person.count + 1
  total = total + 1
  return ws:send(handler, 1, string.format("%s: %d of %d, %s",
    person.name, person.count, total, instance_id))
end

-- Called once for every connection that onConnect admitted, however it ended.
function counter.onDisconnect(handler)
  print(people[handler].name .. " sent " .. people[handler].count)
  people[handler] = nil
  gone = gone + 1
  if gone == 10000 then tidy() end
end

function counter.onShutdown()
  print("counted " .. total)
end

return counter
