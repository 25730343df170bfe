-- chat has rooms. Its methods are a table: what one returns is the result, what
-- it raises with error{code, message} is the error that the client gets.
--
--   name  [name]          who I am, first of all
--   rooms []              the rooms, by name: their cids
--   join  [room]          what is said there comes as notifications with its cid
--   say   [room, text]    to all who have joined
--   leave [room]
local chat = {}

-- A room is a broadcast channel, which all instances share; its number is the
-- cid of its notifications, too.
local rooms = {lobby = 3001, lua = 3002, cats = 3003}

local people = {} -- by handler: {name = …, rooms = {[room] = true}}

local function fail(code, message) error({code = code, message = message}) end

-- text checks that a parameter is a string of a sensible length.
local function text(v, what, longest)
  if type(v) ~= "string" or v == "" or #v > longest then
    fail(-32602, what .. " must be a text of 1 to " .. longest .. " bytes")
  end
  return v
end

local function person(handler)
  return people[handler] or fail(1, "say your name first: name")
end

local function channel(room)
  return rooms[text(room, "the room", 32)] or fail(2, "there is no such room")
end

local function tell(room, from, what)
  bcast:send(rooms[room], {cid = rooms[room], message = {{room = room, from = from, text = what}}})
end

local function leave(handler, room)
  local who = people[handler]
  if who.rooms[room] then
    who.rooms[room] = nil
    bcast:unsubscribe(rooms[room], handler)
    tell(room, who.name, "has left")
  end
end

chat.methods = {
  name = function(handler, params)
    local name = text(params[1], "the name", 32)
    if people[handler] then fail(3, "you are " .. people[handler].name .. " already") end
    people[handler] = {name = name, rooms = {}}
    return name
  end,

  rooms = function() return rooms end,

  join = function(handler, params)
    local who, room, cid = person(handler), params[1], channel(params[1])
    if not who.rooms[room] then
      who.rooms[room] = true
      bcast:subscribe(cid, handler)
      tell(room, who.name, "has joined")
    end
    return cid
  end,

  say = function(handler, params)
    local who, room = person(handler), params[1]
    channel(room)
    if not who.rooms[room] then fail(4, "join the room first") end
    tell(room, who.name, text(params[2], "what you say", 1000))
  end,

  leave = function(handler, params)
    person(handler)
    channel(params[1])
    leave(handler, params[1])
  end,
}

function chat.onStart()
  for _, cid in pairs(rooms) do bcast:create(cid) end
end

function chat.onDisconnect(handler)
  local who = people[handler]
  if who == nil then return end
  for room in pairs(who.rooms) do tell(room, who.name, "has left") end
  people[handler] = nil
end

return chat
