---@meta nap

--- Sleeping, as LAppS's module `nap` has it.
---
--- ```lua
--- local nap = require "nap"
--- while not must_stop() do
---   tick()
---   nap:sleep(0.5)
--- end
--- ```
---
--- The handler that sleeps lets others of its instance go on; messages of its own connection
--- stay behind it. In a service with `"execution": "inline"` only tasks may sleep. `nap` keeps
--- no state: it is the same as the global `sleep(seconds)`, in three units.
---
--- All three return early where the service has to stop: at once, or, where that was known before
--- the sleep began, after 10 ms. Where the wait is ended for another reason (its connection has been gone for
--- `timeouts.gone_ms`, its task is cancelled) that is the error `cancelled while waiting`.
---
--- It is an error where there is not one argument behind the colon (`usage: nap:sleep(n)`), where it is no
--- number (`bad argument #2 to sleep (number expected, got table)`; the first is what stands before the colon), or
--- where it is negative or NaN (`bad argument #2 to sleep (must not be negative)`). Text that is a number counts as
--- one, as everywhere in Lua. A time may have a fraction, and be as long as one likes.
---@class nap
local nap = {}

--- Sleeps for seconds.
---@param seconds number  0 or more
---@return boolean whole  false: the service has to stop, and the sleep may have ended early
function nap:sleep(seconds) end

--- Sleeps for microseconds, millionths of a second.
---@param microseconds number  0 or more
---@return boolean whole  false: the service has to stop, and the sleep may have ended early
function nap:usleep(microseconds) end

--- Sleeps for nanoseconds. How exact that is, is up to the system.
---@param nanoseconds number  0 or more
---@return boolean whole  false: the service has to stop, and the sleep may have ended early
function nap:nsleep(nanoseconds) end

--- Gives an object to sleep with, as LAppS has them: it is `nap` itself.
---@return nap nap
function nap:new() end

return nap
