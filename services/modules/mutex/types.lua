---@meta mutex

--- Sections of handlers of one instance that must not interleave where they wait.
---
--- ```lua
--- local mutex = require "mutex"
--- local account = mutex.new()
---
--- local function pay(amount)
---   account:with(function()
---     local balance = load()      -- waits: others of the instance go on
---     store(balance - amount)
---   end)
--- end
--- ```
---
--- Without a wait inside there is nothing to lock: one handler of an instance runs at a time.
--- Instances share no mutexes. Whoever has waited longest is next.
---
--- A timeout is in seconds; none means no limit, and with 0 nothing waits.
---
--- In a standalone service that has to stop waits end: `lock` returns false, and has not
--- locked; `with` raises an error, `the service has to stop`. Where it has to already, a mutex
--- that is free is still locked, and one that is not is waited for 10 ms at most. In services with
--- connections handlers get what they wait for also while the service stops.
---@class mutex
local mutex = {}

--- Makes a mutex, which is not locked.
---@return mutex.mutex mutex
function mutex.new() end

--- A lock.
---@class mutex.mutex
local m = {}

--- Calls a function with the mutex locked, waiting for that as long as it takes. It is
--- unlocked however the function ends. It is an error where the handler has locked it
--- already.
---@param fn function
---@param ... any  its arguments
---@return any ... results  what the function returns
function m:with(fn, ...) end

--- Locks the mutex, for the handler or task at hand, until `unlock` or its end, be that an error. One
--- that has locked it already would wait for itself: an error.
---@param timeout? number  in seconds
---@return boolean locked
---@return string? why  `"timeout"` or `"the service has to stop"`
function m:lock(timeout) end

--- Unlocks the mutex. It is an error where it was not this handler that has locked it.
function m:unlock() end

--- Says whether it is locked, by whomever.
---@return boolean locked
function m:locked() end

return mutex
