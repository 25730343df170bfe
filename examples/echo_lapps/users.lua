-- users knows who may log in, and which key each connection was given.
local users = {}

local passwords = {admin = "admin", guest = "guest"}
local keys = {} -- by handler

local function randomKey()
  local digits = {}
  for i = 1, 32 do digits[i] = string.format("%x", math.random(0, 15)) end
  return table.concat(digits)
end

-- login returns a new key for the connection, or nil.
function users.login(handler, name, password)
  if type(name) ~= "string" or passwords[name] == nil or passwords[name] ~= password then
    return nil
  end
  keys[handler] = randomKey()
  return keys[handler]
end

-- known says whether the connection was given that key.
function users.known(handler, key) return key ~= nil and keys[handler] == key end

-- logged_in says whether the connection was given any.
function users.logged_in(handler) return keys[handler] ~= nil end

function users.forget(handler) keys[handler] = nil end

return users
