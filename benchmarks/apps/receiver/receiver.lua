-- receiver takes what poster posts, and prints ten times a second how many messages that were.
local mqr = require("mqr")
local time = require("time")

local receiver = {}

local kind = os.getenv("KIND")
local each = kind == "back" and 100 or 1000 -- messages from one look at the clock to the next

function receiver.run()
  local there, back = mqr.create("there"), mqr.create("back")
  local received, told = 0, time.now()
  while true do
    for _ = 1, each do
      local message = there:recv()
      if not message then return end
      if kind == "back" then back:post(message) end
    end
    received = received + each
    local now = time.now()
    if now - told >= 100 then
      print(("inside: %d open, %d received at %d"):format(1, received, now))
      told = now
    end
  end
end

return receiver
