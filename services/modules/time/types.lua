---@meta time

--- The time, as LAppS's module `time` has it.
---
--- ```lua
--- local time = require "time"
--- local began = time.now()
--- work()
--- print(("%d ms"):format(time.now() - began))
--- ```
---
--- It is the machine's clock, which may be set, and then leaps. In tests (`lapps test`) it is the
--- time of the test.
---@class time
local time = {}

--- Gives the milliseconds since the beginning of 1970, in UTC.
---@return integer milliseconds
function time.now() end

return time
