-- poster posts the same message to a queue as fast as it can, or, where KIND is "back", each when
-- the last has come back.
local mqr = require("mqr")
local nljson = require("nljson")

local poster = {}

local text = '{"cid": 5, "message": [{"text": "hello", "n": 12}]}'
local kind = os.getenv("KIND")
local messages = {
  string = ("x"):rep(64),
  back = ("x"):rep(64),
  frozen = nljson.freeze(nljson.decode(text)),
  copied = nljson.decode(text),
  table = {cid = 5, message = {{text = "hello", n = 12}}},
}

function poster.run()
  local there, back = mqr.create("there"), mqr.create("back")
  local message = messages[kind]
  if message == nil then error("KIND: expected string, frozen, copied, table or back") end
  while not must_stop() and there:post(message) do
    if kind == "back" and not back:recv() then break end
  end
end

return poster
