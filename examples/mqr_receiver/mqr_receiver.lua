-- mqr_receiver receives what mqr_sender posts to the queue "testpipe", and says every
-- ten seconds how many messages there were.
local mqr_receiver = {}

function mqr_receiver.run()
  local pipe = assert(mqr.create("testpipe"))
  local received, began = 0, time.now()
  while not must_stop() do
    if pipe:recv(1) then
      received = received + 1
      for _ = 1, 999 do -- what else is there
        if not pipe:try_recv() then break end
        received = received + 1
      end
    end
    local took = (time.now() - began) / 1000
    if took >= 10 then
      print(("received %.0f messages a second"):format(received / took))
      received, began = 0, time.now()
    end
  end
end

return mqr_receiver
