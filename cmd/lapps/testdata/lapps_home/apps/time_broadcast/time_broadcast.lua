-- A standalone service as LAppS has it: init, run, and must_stop again and again.
time_broadcast = {}
time_broadcast.__index = time_broadcast

time_broadcast["init"] = function()
  bcast:create(1000);
  print("time_broadcast::init() of instance " .. instance_id);
end

time_broadcast["run"] = function()
  local n = nap:new();
  while not must_stop()
  do
    local oon = nljson.decode('{"cid":5,"message":[]}');
    oon.message[1] = "Server time: " .. os.date("%Y-%m-%d %H:%M:%S") .. ", " .. time.now();
    local result, errmsg = bcast:send(1000, oon);
    if not result then print("time_broadcast::run(): " .. tostring(errmsg)); end
    n:sleep(0);
    n:usleep(20000);
    n:nsleep(1000);
  end
  print("time_broadcast::run() ends");
end

return time_broadcast
