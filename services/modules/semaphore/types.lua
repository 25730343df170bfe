---@meta semaphore

--- A number of places for handlers of one instance: so many do a thing at a time.
---
--- ```lua
--- local semaphore = require "semaphore"
--- local requests = semaphore.new(10)
--- local answer = requests:with(fetch, url)   -- ten at a time
--- ```
---
--- Instances share no semaphores. Whoever has waited longest is next.
---
--- A timeout is in seconds; none means no limit, and with 0 nothing waits.
---
--- In a standalone service that has to stop waits end, since nobody may be left to release:
--- `acquire` returns false, `with` raises an error, `the service has to stop`. Where it has to
--- already, a place that is free is still taken, and where there is none the wait takes 10 ms at
--- most. In services with connections handlers get what they wait for also while the service
--- stops.
---@class semaphore
local semaphore = {}

--- Makes a semaphore, all of whose places are free.
---@param n integer  how many places; at least 1
---@return semaphore.semaphore semaphore
function semaphore.new(n) end

--- A number of places.
---@class semaphore.semaphore
local s = {}

--- Calls a function with a place taken, waiting for one as long as it takes. It is given
--- back however the function ends.
---@param fn function
---@param ... any  its arguments
---@return any ... results  what the function returns
function s:with(fn, ...) end

--- Takes a place. It stays taken until it is released, also behind the end of the handler.
---@param timeout? number  in seconds
---@return boolean acquired
---@return string? why  `"timeout"` or `"the service has to stop"`
function s:acquire(timeout) end

--- Gives a place back; any handler may. It is an error where none is taken (`more is released than was
--- acquired`).
function s:release() end

--- Says how many places are free.
---@return integer places
function s:free() end

return semaphore
