---@meta timer

--- Functions that are called later, in the same instance.
---
--- ```lua
--- local timer = require "timer"
--- timer.every(60, function() save(state) end)
---
--- local late = timer.after(10, function() ws:close(handler, 4000, "too late") end)
--- late:cancel()
--- ```
---
--- What is called runs as a handler does: other events of the instance are handled before and behind
--- it, and others go on while it waits. It has the time of a handler (`limits.handler_ms`), which it
--- shares with what has started it. In a service with `"execution": "inline"` it does not run on
--- the event loop, and may wait.
---
--- An error in it is logged, and told to `onError`; `every` goes on. All timers end when the service
--- stops. An instance has at most 10,000 (`too many timers: …`).
---@class timer
local timer = {}

--- Has a function called once.
---@param seconds number  0 or more
---@param fn function
---@param ... any  its arguments
---@return timer.timer timer
function timer.after(seconds, fn, ...) end

--- Has a function called again and again, until it returns `false`: first when the time is over
--- once, and then by the clock, however long the calls take. A call that is due while the one
--- before still runs, or waits for its turn, is left out.
---@param seconds number  at least 0.001
---@param fn function
---@param ... any  its arguments
---@return timer.timer timer
function timer.every(seconds, fn, ...) end

--- A call that is to come.
---@class timer.timer
local t = {}

--- Has the function not be called any more. What runs of it goes on.
---@return boolean did  false: there was nothing left to cancel
function t:cancel() end

return timer
