---@meta mqr

--- Named queues in the process, between the instances of all services: what one instance
--- posts another receives, each message once. They stay within the server, so that no grant
--- is needed.
---
--- ```lua
--- local mqr = require "mqr"
--- local jobs = mqr.create("jobs")
---
--- jobs:post({id = 7, text = "hello"})      -- true
---
--- while not must_stop() do                 -- in run() of another service
---   local job, why = jobs:recv(10)
---   if job then print(job.id, job.text)
---   elseif why == "timeout" then print("nothing to do") end
--- end
--- ```
---
--- A message is an nljson value, a table, a string or a number. Strings may hold any bytes.
--- A table arrives as an nljson value. What is posted is copied: whatever the sender does
--- with it later the receiver does not see, and the receiver may change what it gets. A
--- value that is frozen (`nljson.freeze`) is not copied, however large, but handed over as
--- it is, to any number of receivers; nobody can change it.
---
--- A queue is first in, first out. Any number of instances may post, and of several that
--- wait in `recv` the one that has waited longest is next. The messages of one instance
--- stay in the order in which they were posted. A message is lost only with the process, or
--- when what received it fails.
---
--- A queue is bounded, by default to 65,536 messages and 64 MiB (`limits.queue_messages`
--- and `limits.queue_mb` of the configuration). All queues together, with the posts that
--- wait, hold as much as 16 full ones. There may be 65,536 queues; they live as long as the
--- process, and so does what is in them.
---
--- Waits let others of the instance go on, end when the service has to stop, and are errors
--- in handlers that run inline. Where the wait is ended for another reason (the connection
--- of the handler has gone, its task was cancelled) they raise `cancelled while waiting`.
---@class mqr
local mqr = {}

--- What a queue is like. Each may be left out.
---@class mqr.options
---@field messages? integer  how many messages it holds: 1 to `limits.queue_messages`, which is the default
---@field bytes? integer  how many bytes they take: 1 to `limits.queue_mb`, which is the default; see `q:bytes()`
---@field full? "wait"|"fail"  what becomes of a post when it is full: it waits, which is the default, or fails at once

--- Makes the queue of that name, or finds it: the same name is the same queue in the whole
--- process. The options are for who makes it; where it exists with others, that is an
--- error.
---
--- Wrong arguments raise no error.
---@param name string  1 to 255 bytes
---@param options? mqr.options
---@return mqr.queue? queue  nil where something is wrong
---@return string? why  then: a usage, which option is wrong, how the queue that exists differs, or that there are 65,536
function mqr.create(name, options) end

--- A queue. Two values for the same queue are equal (`==`); `#q` is `q:size()`, and
--- `tostring(q)` tells its name.
---@class mqr.queue
local queue = {}

--- How many bytes the messages take that are in the queue, about: a string as many as it
--- has, a value with parts some 32 for each key and each value besides its strings.
---@return integer
function queue:bytes() end

--- What it is called.
---@return string
function queue:name() end

--- Puts a message at the end of the queue. Where there is no room it waits, behind others
--- that do already, or fails, as the queue has it. Where there is room it is posted even
--- when the service has to stop: a program that posts for ever asks `must_stop()`.
---
--- nil, a boolean, a function or userdata of others raises an error, and so does a table
--- that is neither an array nor an object, or a value that is nested deeper than 64 and not
--- frozen.
---@param message nljson.value|table|string|number
---@param timeout? number  seconds; none means no limit, 0 not to wait
---@return boolean posted
---@return string? why  where it was not: `timeout`, `full` (the queue does not let wait), `the service has to stop`; or, at once, that it is larger than the whole queue, or that all queues hold too much together
function queue:post(message, timeout) end

--- Takes the first message of the queue. Where there is none it waits.
---
--- Where the service has to stop a message that is there is still received. A call that
--- finds none returns then after 10 ms at most.
---@param timeout? number  seconds; none means no limit, 0 not to wait
---@return nljson.value|string|number|false message  false where there is none
---@return string? why  then: `timeout` or `the service has to stop`
function queue:recv(timeout) end

--- How many messages are in the queue, without those whose posts wait. `#q` is the same.
---@return integer
function queue:size() end

--- Takes the first message of the queue, and never waits.
---@return nljson.value|string|number|nil message  nil where there is none
function queue:try_recv() end

return mqr
