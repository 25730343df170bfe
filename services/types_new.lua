---@meta

-- New functions of ws and bcast: to be moved into services/types.lua.

---@class ws
local ws = {}

--- The connection's own table, for what the service wants to keep of it: the same table
--- each time, made when it is asked for first, empty then. It is gone when the connection's
--- `onDisconnect` has ended, or when `onConnect` has refused it; nothing of it has to be
--- cleared away. Only the connection's own instance has it. It counts as memory of the
--- instance (`limits.instance_mb`).
---
--- ```lua
--- function chat.onConnect(handler, request)
---   ws:data(handler).name = request.headers["x-name"]
--- end
---
--- function chat.onMessage(handler, opcode, message)
---   local me = ws:data(handler)
---   return ws:send(handler, 1, me.name .. " said: " .. message)
--- end
--- ```
---@param handler integer  the connection
---@return table? data  nil where something is wrong
---@return string? why  `"no such connection"`, `"the connection is another instance's"`, or a usage
function ws:data(handler) end

--- What is known of a connection, of any instance and service. It may be asked for from
--- the connection's `onConnect` until its `onDisconnect` has ended. The table is made anew
--- each time. Headers and query of the request are not kept: `onConnect` can put what is
--- wanted of them into `ws:data`.
---@param handler integer  the connection
---@return ws.info? info  nil where something is wrong
---@return string? why  `"no such connection"`, or a usage
function ws:info(handler) end

---@class ws.info
---@field service string  the name of its service
---@field instance string  its instance, as that has it in the global `instance_id`: `"chat/1"`
---@field path string  the path of its request: the service's `request_target`
---@field remote_addr string  the client's address and port, as in `request.remote_addr` of `onConnect`
---@field tls boolean  whether the server speaks TLS with it; false behind a proxy that does so in its place
---@field connected_at integer  when it was seated, before `onConnect`: milliseconds since 1970
---@field subprotocol? string  what was agreed on; nil: nothing
---@field certificate? table  the client's certificate, as in `request.certificate` of `onConnect`; nil: it has shown none

---@class bcast
local bcast = {}

--- What a channel is called: a whole number from 0 to 2^53, or a string of 1 to 255 bytes,
--- whatever they are. 5 and "5" are two channels. A number has to be created. A string is
--- there as long as anybody is subscribed to it, or for good where it was created.
---@alias bcast.channel integer|string

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
