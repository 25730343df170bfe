---@meta task

--- Functions that run beside the handler that has started them, in the same instance.
---
--- ```lua
--- local task = require "task"
--- local a = task.spawn(fetch, "http://a.example")
--- local b = task.spawn(fetch, "http://b.example")
--- local ok, results = task.all({a, b}, 5)   -- both at once, within 5 s
--- ```
---
--- A task begins when the handler waits or ends, and gives way when it waits itself: there
--- is one Lua state, and one function runs at a time. Variables need no locks but across
--- waits (see `mutex`).
---
--- An instance has at most 4,000 tasks that have not ended. From one wait to the next a
--- task has the time of a handler (`limits.handler_ms`), which it shares with the handler that has spawned
--- it, and with all that that has. In a service with `"execution": "inline"` tasks do not
--- run on the event loop, and may wait. A task goes on when the connection has gone whose handler has
--- spawned it. When the service stops tasks may come to their end, within the deadline.
---
--- An error in a task that nobody waits for is logged, and told to `onError`.
---
--- A timeout is in seconds; none means no limit. One that is over gives `false, "timeout"`, and
--- the task goes on. With 0 nothing waits. A negative one is an error.
---
--- In a standalone service that has to stop waits end likewise, with `false, "the service has to
--- stop"`, and the tasks go on; where it has to already a wait takes 10 ms at most. In services
--- with connections waits go on while the service stops.
---@class task
local task = {}

--- Has a function called, soon.
---@param fn function
---@param ... any  its arguments
---@return task.task task  an error where there are 4,000 (`too many tasks: …`), or the service has stopped (`the service has to stop`)
function task.spawn(fn, ...) end

--- Waits for a task: it is `t:wait(timeout)`.
---@param t task.task
---@param timeout? number  in seconds
---@return boolean ok
---@return any ... results
function task.wait(t, timeout) end

--- Waits until all tasks have ended, or until it comes, in the order of the list, to one that has
--- failed.
---@param list task.task[]
---@param timeout? number  in seconds, for all together
---@return boolean ok
---@return any[]|any results  an array of the first result of each; where ok is false, the error, `"timeout"`, or `"the service has to stop"`
---@return integer? index  of the task whose error it is
function task.all(list, timeout) end

--- Waits until one of the tasks has ended.
---@param list task.task[]  at least one
---@param timeout? number  in seconds
---@return integer|false index  of the first in the list that has ended; false where the time is over, or the service has to stop
---@return boolean|string ok  what `wait` returns for it; where there is none, `"timeout"` or `"the service has to stop"`
---@return any ... results
function task.any(list, timeout) end

--- A function that runs, or is to run, or has.
---@class task.task
local t = {}

--- Waits until the task has ended. It may be called as often as one likes, by whomever but the task
--- itself, which would wait for ever: an error.
---@param timeout? number  in seconds
---@return boolean ok  false: it has failed, or was cancelled, or the time is over, or the service has to stop
---@return any ... results  all that the function has returned; where ok is false, what was thrown, or `"cancelled while waiting"`, `"timeout"`, or `"the service has to stop"`
function t:wait(timeout) end

--- Says how far it is.
---@return "waiting"|"running"|"done"|"failed"|"cancelled" status
function t:status() end

--- Has the task not begin; or where it waits, or once it does, has that end with an error. One that catches
--- the error goes on.
---@return boolean did  false: it has ended already
function t:cancel() end

return task
