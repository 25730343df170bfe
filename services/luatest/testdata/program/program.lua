-- program fails three times.
local program, runs = {}, 0

function program.init() bcast:create(1) bcast:create(2) end

function program.run()
  runs = runs + 1
  bcast:send(1, {cid = 1, message = {runs, os.clock()}})
  if runs < 4 then error("run " .. runs) end
end

return program
