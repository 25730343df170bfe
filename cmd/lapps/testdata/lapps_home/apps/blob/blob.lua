-- Large notifications, as LAppS's test of auto_fragment has them. Its helper lies in no
-- directory of a service: LUA_PATH names it.
blob = {}
blob.__index = blob

local words = require("words.blob");

blob["init"] = function()
  bcast:create(2000);
end

blob["run"] = function()
  local n = nap:new();
  local oon = nljson.decode('{"cid":6,"status":1,"message":[]}');
  oon.message[1] = words.text(100000);
  while not must_stop()
  do
    bcast:send(2000, oon);
    n:usleep(50000);
  end
end

return blob
