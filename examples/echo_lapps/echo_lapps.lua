-- echo_lapps is an echo with a login, in LAppS's own form: one onMessage for
-- all messages of the protocol, which come as nljson values.
--
--   login  [{user, password}]    a request: [{authkey}]
--   echo   [{authkey, …}, …]     a request: its own parameters
--   subscribe                    a notification: its cid says what is wanted
--   logout                       a notification: ends the connection
local users = require("users")

local echo_lapps = {}

-- What may be subscribed to: the cid of the notifications, and the channel that
-- they are broadcast on.
local channels = {
  [5] = 1000, -- the time, from the service time_broadcast
  [6] = 1001, -- who logs in
  [7] = 2000, -- something large, from the service broadcast_blob
}

local function answer(handler, result)
  return ws:send(handler, {cid = 0, status = 1, result = result})
end

-- fail answers a request (cid 0), or tells that something on a channel failed.
local function fail(handler, cid, code, message)
  return ws:send(handler, {cid = cid, status = 0, error = {code = code, message = message}})
end

local requests = {}

function requests.login(handler, params)
  local who = params and params[1]
  if nljson.typename(who) ~= "object" then
    return fail(handler, 0, -32602, "login takes an object: user and password")
  end
  local key = users.login(handler, who.user, who.password)
  if key == nil then
    return fail(handler, 0, -32000, "wrong user or password")
  end
  bcast:send(channels[6], {cid = 6, message = {who.user .. " has logged in"}})
  return answer(handler, {{authkey = key}})
end

function requests.echo(handler, params)
  local first = params and params[1]
  if nljson.typename(first) ~= "object" or not users.known(handler, first.authkey) then
    return fail(handler, 0, -32000, "log in first: echo takes an object with your authkey")
  end
  return answer(handler, params)
end

local notifications = {}

function notifications.subscribe(handler, cid)
  if cid == 0 then return end -- there it would be the answer to a request
  if channels[cid] == nil then
    return fail(handler, cid, -32602, "there is no such channel")
  end
  if not users.logged_in(handler) then
    return fail(handler, cid, -32000, "log in first")
  end
  return bcast:subscribe(channels[cid], handler)
end

function notifications.logout(handler) return ws:close(handler, 1000, "logged out") end

function echo_lapps.onStart()
  for _, channel in pairs(channels) do bcast:create(channel) end
end

-- kind is 1 for a notification, 2 for one with parameters, 3 for a request, 4
-- for one with parameters.
function echo_lapps.onMessage(handler, kind, message)
  if kind <= 2 then
    local notified = notifications[message.method]
    if notified then notified(handler, message.cid) end
    return true -- nobody waits for an answer
  end
  local requested = requests[message.method]
  if requested == nil then
    return fail(handler, 0, -32601, "there is no method " .. message.method)
  end
  return requested(handler, kind == 4 and message.params or nil)
end

function echo_lapps.onDisconnect(handler) users.forget(handler) end

function echo_lapps.onShutdown() end

return echo_lapps
