---@meta ws

--- Connections: sending to them, closing them, and what is known of them. A global of
--- every service, also of standalone ones.
---
--- ```lua
--- function echo.onMessage(handler, opcode, message)
---   return ws:send(handler, opcode, message)
--- end
--- ```
---
--- A connection is known by its `handler`, the number that callbacks get. All functions take
--- the handler of any connection, of every service and instance, not only that of the
--- message at hand, but for `ws:data`; and they work wherever Lua runs: in callbacks, tasks, timers and standalone
--- services. They raise no errors and do not block: where something is wrong they return `false`, or
--- nil, and why not. What is sent goes out when the handlers at hand have ended, or one of them
--- waits, in the order in which it was sent.
---
--- What becomes of a message for a connection that reads too slowly is its service's
--- `slow_consumer`: see [slow connections](../lua.md#slow-connections).
---@class ws
ws = {}

--- Sends a message. There are two forms, for every kind of service.
---
--- `ws:send(handler, opcode, string)` sends the bytes of `string`. A number in its place is
--- sent as Lua would write it.
---
--- `ws:send(handler, message)` sends a message of the LAppS protocol, in CBOR. `message` is a
--- Lua table or an nljson value, in one of these forms:
---
--- ```lua
--- {cid = 0, status = 1, result = {…}}                                 -- a response
--- {cid = 0, status = 0, error = {code = 1, message = "…", data = …}}  -- an error
--- {cid = 5, message = {…}}                                            -- a notification
--- {cid = 5, status = 0, error = {code = 1, message = "…"}}            -- something failed on channel 5
--- ```
---
--- Where it returns `false`, the second result is one of these:
---
--- | | |
--- |---|---|
--- | `no such connection` | it has gone, or is being closed, or never was |
--- | `backpressure` | it reads too slowly and is closed with 1013 |
--- | `dropped` | it reads too slowly, this message is not sent, and the connection stays |
--- | `the text message is not valid UTF-8` | opcode 1 is for text; use 2 for bytes |
--- | `not a message of the LAppS protocol: …` | and what is wrong with it |
--- | `usage: …` | the arguments are wrong, and how |
---@param handler integer
---@param opcode 1|2  1 is text, which must be UTF-8; 2 is binary
---@param string string|number
---@return boolean sent
---@return string? why  where it was not sent
---@overload fun(self: ws, handler: integer, message: table|userdata): boolean, string?
function ws:send(handler, opcode, string) end

--- Sends what was sent before, then a Close frame, and ends the connection. Messages of its
--- peer that still wait are dropped. `onDisconnect` follows. Where it returns `false` the second
--- result is `no such connection`, also where the connection is being closed already, or
--- `usage: …`.
---@param handler integer
---@param code integer  1000 to 1003, 1007 to 1014 or 3000 to 4999
---@param reason? string  at most 123 bytes of UTF-8
---@return boolean closed
---@return string? why  where it was not
function ws:close(handler, code, reason) end

--- How many bytes wait for the connection to read them, as its service's `outbox_bytes` counts
--- them: 48 for each message included. Where there is no such connection, or the arguments are wrong,
--- it is `false` and why.
---@param handler integer
---@return integer|false bytes
---@return string? why  where it is false
function ws:buffered(handler) end

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

--- What is known of a connection.
---@class ws.info
---@field service string  the name of its service
---@field instance string  its instance, as that has it in the global `instance_id`: `"chat/1"`
---@field path string  the path of its request: the service's `request_target`
---@field remote_addr string  the client's address and port, as in `request.remote_addr` of `onConnect`
---@field tls boolean  whether the server speaks TLS with it; false behind a proxy that does so in its place
---@field version? string  that of its service, where a bundle has brought it: connections finish with the version that they came to
---@field connected_at integer  when it was seated, before `onConnect`: milliseconds since 1970
---@field subprotocol? string  what was agreed on; nil: nothing
---@field certificate? service.certificate  the client's certificate, as in `request.certificate` of `onConnect`; nil: it has shown none
