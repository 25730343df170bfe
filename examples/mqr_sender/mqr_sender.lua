-- mqr_sender posts messages to the queue "testpipe", for mqr_receiver, and says every
-- ten seconds how many they were.
local mqr_sender = {}

local rate = 1000                -- messages a second; 0: as many as the queue takes
local lot = 100                  -- messages between two pauses
local text = ("x"):rep(64)

function mqr_sender.run()
  local pipe = assert(mqr.create("testpipe"))
  local sent, began = 0, time.now()
  while not must_stop() do
    for _ = 1, lot do
      if not pipe:post(text) then return end -- it was full until the service had to stop
      sent = sent + 1
    end
    local took = (time.now() - began) / 1000
    if took >= 10 then
      print(("sent %.0f messages a second"):format(sent / took))
      sent, began = 0, time.now()
    end
    if rate > 0 then nap:sleep(lot / rate) end
  end
end

return mqr_sender
