-- Posts numbers to a queue.
mqr_sender = {}
mqr_sender.__index = mqr_sender

mqr_sender["init"] = function()
  mqr_sender.pipe = mqr.create("testpipe");
end

mqr_sender["run"] = function()
  local n = nap:new();
  local i = 0;
  while not must_stop()
  do
    i = i + 1;
    local message = nljson.decode('{"number":0}');
    message.number = i;
    local result, errmsg = mqr_sender.pipe:post(message);
    if not result then print("mqr_sender::run(): " .. errmsg); end
    n:usleep(10000);
  end
end

return mqr_sender
