-- sample does what its messages say.
local sample = {}

local count = 0

function sample.onConnect(handler, request)
  if request.headers["x-who"] == "mallory" then return false end
  if request.path == "/sample" and request.query == "slow" then sleep(5) end
  if request.query == "close" then ws:close(handler, 4000, "at once") end
end

local acts = {
  count = function(h) count = count + 1 ws:send(h, 1, tostring(count)) end,
  fail = function() error("no good") end,
  forever = function() while true do end end,
  later = function(h) sleep(2) ws:send(h, 1, "later") end,
  close = function(h) ws:close(h, 4001, "go away") end,
  print = function(h) print("printed", 1) end,
}

function sample.onMessage(handler, opcode, message)
  local act = acts[message]
  if act then act(handler) else ws:send(handler, opcode, message) end
  return true
end

function acts.info(h)
  local i = ws:info(h)
  ws:send(h, 1, table.concat({i.service, i.path, i.remote_addr, i.subprotocol, tostring(i.tls)}, ", "))
end

function acts.visit(h)
  local data = ws:data(h)
  data.visits = (data.visits or 0) + 1
  ws:send(h, 1, tostring(data.visits))
end

return sample
