-- Receives what mqr_sender posts, and says of some of it.
mqr_receiver = {}
mqr_receiver.__index = mqr_receiver

mqr_receiver["init"] = function()
  mqr_receiver.pipe = mqr.create("testpipe");
end

mqr_receiver["run"] = function()
  while not must_stop()
  do
    local message = mqr_receiver.pipe:try_recv();
    if message == nil then message = mqr_receiver.pipe:recv(); end
    if message and message.number % 5 == 0 then print("received " .. message.number); end
  end
end

return mqr_receiver
