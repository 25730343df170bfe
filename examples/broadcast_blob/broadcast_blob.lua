-- broadcast_blob sends something large, every five seconds, to all who are subscribed to
-- channel 2000: the clients of echo_lapps that have asked for it.
local broadcast_blob = {}

local lines, every = 6000, 5 -- of 50 bytes; seconds

-- text is 300,000 bytes, in lines that tell who receives it whether anything is missing.
local function text()
  local all = {}
  for i = 1, lines do all[i] = ("line %5d of %d %s\n"):format(i, lines, ("."):rep(30)) end
  return table.concat(all)
end

function broadcast_blob.init()
  bcast:create(2000)
end

function broadcast_blob.run()
  local blob, n = text(), 0
  while not must_stop() do
    n = n + 1
    bcast:send(2000, {cid = 7, message = {n, blob}})
    nap:sleep(every)
  end
end

return broadcast_blob
