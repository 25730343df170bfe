---@meta bcast

--- Broadcast channels: one message to many connections. A global of every service, also of
--- standalone ones.
---
--- ```lua
--- bcast:create(3001)
---
--- function chat.onConnect(handler)
---   return (bcast:subscribe(3001, handler))
--- end
---
--- function chat.methods.say(handler, params)
---   bcast:send(3001, {cid = 3001, message = {params[1]}})
--- end
--- ```
---
--- Channels are the same for all services and instances of the server. A channel is called by a
--- whole number from 0 to 2^53, or by a string of 1 to 255 bytes, whatever they are; 5 and `"5"` are two
--- channels.
---
--- | | a number | a string |
--- |---|---|---|
--- | `subscribe` | to one that was created; else `no such channel: bcast:create makes it` | makes it where it is not there |
--- | `create` | makes it; `true` too where it is there | has it stay without subscribers |
--- | without subscribers | stays | is gone, unless it was created |
--- | `send`, `send_except`, `count`, `unsubscribe` where it is not there | `no such channel: bcast:create makes it` | `true`, `true`, 0, `true`: nobody is subscribed |
--- | `remove` | ends it and all subscriptions; `true` too where it is not there | the same |
---
--- So a string for each room, or for each user, costs something only while somebody is in it. There may
--- be 1,048,576 channels at a time, all together, and their strings may take 64 MiB. A channel and the
--- `cid` of what is sent to it are independent; with numbers it is simplest to use the same.
---
--- A message is encoded once, and goes out when the handlers at hand have ended, or one of
--- them waits. Each subscriber receives it once; what one instance sends, be it by `bcast` or
--- `ws`, arrives in the order in which it was sent. One who reads too slowly keeps nobody
--- waiting: what it misses, or whether it is closed, is its service's `slow_consumer`, see
--- [slow connections](../lua.md#slow-connections).
---
--- All functions return `true`, or `count` a number and `channels` an array; where something is wrong
--- `false`, or `channels` nil, and why not. They raise no errors and do not block.
--- Why not is one of these:
---
--- | | |
--- |---|---|
--- | `no such channel: bcast:create makes it` | for numbers |
--- | `no such connection` | it has gone, or never was |
--- | `there are 1048576 channels already` | |
--- | `the names of all channels take 67108864 bytes already` | |
--- | `the text message is not valid UTF-8` | opcode 1 is for text; use 2 for bytes |
--- | `not a message of the LAppS protocol: …` | and what is wrong with it |
--- | `not a notification: cid must not be 0, and there is no error` | responses belong to one connection: `ws:send` |
--- | `usage: …` | the arguments are wrong, and how |
---@class bcast
bcast = {}

--- Makes a channel, or has one that is there stay: until `remove`, or as long as the process.
---@param channel bcast.channel
---@return boolean made  true where it exists already, too
---@return string? why  where it was not
function bcast:create(channel) end

--- Subscribes a connection to a channel: once, however often. It leaves its channels after
--- its `onDisconnect`.
---@param channel bcast.channel
---@param handler integer
---@return boolean subscribed
---@return string? why  where it was not
function bcast:subscribe(channel, handler) end

--- Ends a subscription. That there was none is no mistake.
---@param channel bcast.channel
---@param handler integer
---@return boolean unsubscribed
---@return string? why  where it was not
function bcast:unsubscribe(channel, handler) end

--- Sends a message to all who are subscribed. There are two forms:
--- `bcast:send(channel, message)` sends a notification of the LAppS protocol, a Lua table or an
--- nljson value of the form `{cid = 5, message = {…}}`, and `bcast:send(channel, opcode, string)` a raw
--- message, as `ws:send` does. It returns `true`, whatever becomes of the message at single
--- connections.
---@param channel bcast.channel
---@param opcode 1|2  1 is text, which must be UTF-8; 2 is binary
---@param string string|number
---@return boolean sent
---@return string? why  where it was not
---@overload fun(self: bcast, channel: bcast.channel, message: table|userdata): boolean, string?
function bcast:send(channel, opcode, string) end

--- Ends a channel and all subscriptions to it. What was sent to it before is still
--- delivered. A channel that is not there is no error.
---@param channel bcast.channel
---@return boolean ok  true, or false where the arguments are wrong
---@return string? why
function bcast:remove(channel) end

--- Sends to all who are subscribed to a channel but one: as a rule the connection that what
--- is sent comes from. Where that connection is not subscribed, or has gone, all get it.
--- What is sent is a notification of the LAppS protocol, or an opcode (1 text, 2 binary) and
--- a string. Otherwise it is like `bcast:send`: what one instance sends arrives in the order
--- in which it was sent.
---@param channel bcast.channel
---@param handler integer  the connection that does not get it
---@param message table|userdata  a notification: `{cid = 5, message = {…}}`, a table or nljson value
---@return boolean ok  true also where nobody is subscribed, and whatever becomes of it at single connections
---@return string? why
---@overload fun(self: bcast, channel: bcast.channel, handler: integer, opcode: 1|2, message: string): boolean, string?
function bcast:send_except(channel, handler, message) end

--- How many connections are subscribed to a channel, those of all services.
---@param channel bcast.channel
---@return integer|false count  false where something is wrong
---@return string? why  `"no such channel: bcast:create makes it"`, for numbers; or a usage
function bcast:count(channel) end

--- The channels that a connection is subscribed to, of any instance and service, in no order.
---@param handler integer  the connection
---@return bcast.channel[]? channels  nil where something is wrong
---@return string? why  `"no such connection"`, or a usage
function bcast:channels(handler) end

--- What a channel is called: a whole number from 0 to 2^53, or a string of 1 to 255 bytes,
--- whatever they are. 5 and "5" are two channels. A number has to be created. A string is
--- there as long as anybody is subscribed to it, or for good where it was created.
---@alias bcast.channel integer|string
