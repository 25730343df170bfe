-- time_broadcast tells the time, once a second, to all who are subscribed to
-- channel 1000: the clients of echo_lapps that have asked for it.
local time_broadcast = {}

function time_broadcast.init()
  bcast:create(1000)
end

function time_broadcast.run()
  while not must_stop() do
    bcast:send(1000, {cid = 5, message = {"Server time: " .. os.date("!%Y-%m-%d %H:%M:%S")}})
    nap:sleep(1)
  end
end

return time_broadcast
