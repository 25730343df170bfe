---@meta cws

--- A WebSocket client. A service may have it where its grants name it, and connect to what they
--- name: `"grants": {"modules": ["cws"], "network": ["stream.example.com:443"]}`. Addresses
--- that are private need `grants.private_ranges` as well.
---
--- It has two forms. The direct form reads like a program that waits, and while it
--- waits other events of the instance are handled:
---
--- ```lua
--- local cws = require("cws")
--- local c, why = cws.connect("wss://stream.example.com/ticker", {subprotocols = {"ticker.v1"}})
--- if not c then error(why) end
--- c:send('{"subscribe": "BTC"}')
--- for data in c:messages() do
---   print(data)
--- end
--- c:close()
--- ```
---
--- The form with callbacks is that of LAppS. Nothing is called but by `cws:eventLoop()`:
---
--- ```lua
--- local client = cws:new("wss://stream.example.com/ticker", {
---   onopen = function(h) cws:send(h, '{"subscribe": "BTC"}', 1) end,
---   onmessage = function(h, data, opcode) print(data) end,
---   onerror = function(h, why) print("error", why) end,
---   onclose = function(h, code, reason) print("closed", code, reason) end,
--- })
--- while not must_stop() do
---   cws:eventLoop(1)
--- end
--- ```
---
--- ## URLs
---
--- They begin with `ws://` or `wss://`, have at most 8,192 bytes, and the ports 80 and 443 where they
--- have none. IPv6 addresses stand in brackets. A user name, a password or a fragment is an error:
--- an `Authorization` header can be sent instead. International names are written as ASCII (`xn--…`). Redirects
--- are not followed.
---
--- ## TLS
---
--- TLS 1.2 or later. The server's certificate is always verified, and that it is for the host of the
--- URL: there is no option against it. Authorities are those of the system and those that the
--- configuration adds (`outgoing.ca_file`), or, in place of all of them, those of the option `ca_file`.
---
--- ## Limits
---
--- An instance has at most 10,000 connections; 16 of them are dialled at a time, and of all services
--- 64. What has been received waits in the connection's inbox: 1 MiB and 1,024 messages by
--- default. Where that is full the connection is read no further until half of it has been taken; while it
--- is not read, pings are not answered, and that the server has gone is not seen. What is to be sent waits in
--- its outbox, of 1 MiB. Each message counts 48 bytes more than it has. In all an instance has 64 MiB in its
--- inboxes, and 64 MiB in its outboxes, with more than one message in any of them.
---
--- ## Ends
---
--- A connection that nothing in Lua refers to any more is closed with 1001, and so are all when their
--- instance ends. Once the service has to stop, what waits returns within 10 ms, with `"stopping"`.
--- A service with `"execution": "inline"` cannot wait in its handlers: it uses the direct form in tasks
--- and timers, and so `eventLoop`, or `eventLoop(0)`.
---@class cws
local cws = {}

--- What a connection can be told. All times are in seconds, fractions too, up to 86,400; 0 switches
--- off what does not have to be.
---@class cws.options
---@field headers? table<string, string|number>  to be sent with the opening handshake: at most 64, of 8,192 bytes. Those that are part of it (Host, Connection, Upgrade, Sec-WebSocket-…) cannot be. User-Agent is `lapps` where it is not among them
---@field subprotocols? string[]  to be offered, the best first: at most 16
---@field ca_file? string  a file with the certificates (PEM, at most 1 MiB) of the authorities that may have signed the server's: in the service's directory, or else one that it may read by its grants. It is read again when it has changed
---@field compression? boolean  whether permessage-deflate is offered, without context takeover; false by default. Messages of less than 64 bytes are sent as they are
---@field timeout? number  for all that comes before the connection is open; at least 0.001, 10 by default
---@field send_timeout? number  how long `c:send` may wait for room; 10 by default. 0: it does not wait
---@field ping? number  of silence before the server is sent a ping; 25 by default, 0: never
---@field pong_timeout? number  for its answer, which may be anything; 10 by default, 0: for ever. A connection whose server does not answer ends with 1006
---@field idle_timeout? number  of silence, pongs included, before the connection is closed with 1008; 0 by default: never
---@field max_message? integer  bytes of the largest message that the server may send, up to 268,435,456; 16,777,216 by default. A larger one ends the connection with 1009
---@field inbox_bytes? integer  that may wait to be received: 1,024 to 67,108,864, by default 1,048,576. An empty inbox takes any message
---@field outbox_bytes? integer  that may wait to be sent: 1,024 to 67,108,864, by default 1,048,576. An empty outbox takes any message

--- Connects, and waits until the connection is open, for `timeout` at most. Bad arguments and options that
--- there are not raise an error.
---@param url string  ws:// or wss://
---@param options? cws.options
---@return cws.connection? connection  nil where it cannot be had
---@return string? why  what is not granted, what the server has answered, what is wrong with its certificate, `timeout`, …
function cws.connect(url, options) end

--- Begins to connect, and returns at once. The callbacks are called by `cws:eventLoop`. Each of them may be missing:
---
--- - `onopen(h)`: the connection is open. h is its handle: a number, which no other connection of the
---   instance ever has.
--- - `onmessage(h, data, opcode)`: a message; opcode is 1 (text) or 2 (binary).
--- - `onerror(h, why)`: it could not be opened, was lost, or the server has broken the protocol. `onclose` follows.
--- - `onclose(h, code, reason)`: it is over; the last call, for each connection once, also where it was never
---   open. (LAppS has the bytes of the Close frame in place of code and reason.)
---
--- After `close` of our own none of them is called. An error that they raise is logged and counted; others go
--- on. A callback may wait: others are called meanwhile, but not of the same connection.
---@param url string  ws:// or wss://
---@param callbacks table
---@param options? cws.options  `send_timeout` has no meaning here
---@return cws.object? object  keep it: where it is garbage the connection is closed. nil where the URL is wrong, or there are too many connections
---@return string? why
function cws:new(url, callbacks, options) end

--- Sends a message on a connection of `cws:new`. It never waits. It goes out when the handler ends or waits, and
--- when `eventLoop` returns.
---@param h integer  its handle
---@param data string
---@param opcode? integer  1 (text, the default) or 2 (binary)
---@return boolean sent
---@return string? why  where it is false: `backpressure` (the outbox is full), `not open yet`, `closed`, `no such connection`, or that a text is not UTF-8
function cws:send(h, data, opcode) end

--- Closes a connection of `cws:new`: what has not been told is dropped, and no callback is called for it any more.
--- What was sent before goes out, and then the Close frame.
---@param h integer  its handle
---@param code? integer  1000 by default: one of 1000-1003, 1007-1014 and 3000-4999
---@param reason? string  UTF-8, of at most 123 bytes
---@return boolean closed
---@return string? why  where it is false: `closed`, or `no such connection`
function cws:close(h, code, reason) end

--- Calls the callbacks for what has come since, for at most 1,024 events; at most 64 in a row for one connection while others
--- have some. Where there is nothing it waits for something.
---@param timeout? number  seconds that it waits at most; 0.001 by default, 0: it does not wait
---@return integer events  how many there were
function cws:eventLoop(timeout) end

--- A connection of the direct form. Several tasks may use one: each message is received by one of them.
---@class cws.connection
local connection = {}

--- Receives a message, and waits for it.
---@param timeout? number  seconds; without it as long as it takes. 0: what is there
---@return string? data  nil where there is none
---@return integer|string opcode  1 (text) or 2 (binary); or why there is none: `timeout`, `closed` or `stopping`
---@return integer? code  where it is closed: of the Close frame, 1005 where that had none, 1006 where there was none
---@return string? reason  where it is closed: of the Close frame, or what went wrong
function connection:recv(timeout) end

--- Sends a message. Where the outbox is full it waits, for `send_timeout` at most. It goes out when the
--- handler ends or waits; what happens to it later is not known.
---@param data string
---@param opcode? integer  1 (text, the default) or 2 (binary)
---@return boolean sent
---@return string? why  where it is false: `timeout`, `backpressure` (send_timeout is 0), `closed`, `stopping`, or that a text is not UTF-8
function connection:send(data, opcode) end

--- Sends a ping, which the server answers unseen. The connection does so by itself where it is silent.
---@param data? string  at most 125 bytes
---@return boolean sent
---@return string? why  as `send`
function connection:ping(data) end

--- Closes the connection: what has not been received is dropped, what was sent goes out, and then the Close frame.
--- It does not wait. The server has 5 seconds to answer.
---@param code? integer  1000 by default: one of 1000-1003, 1007-1014 and 3000-4999
---@param reason? string  UTF-8, of at most 123 bytes
---@return boolean closed
---@return string? why  `closed`, where it was already
function connection:close(code, reason) end

--- Says where the connection is in its life.
---@return "open"|"closing"|"closed" status  closing: a Close frame has been sent or received, and not all of the rest
function connection:status() end

--- Says what the server has chosen of `options.subprotocols`.
---@return string subprotocol  "" where it is none
function connection:subprotocol() end

--- Iterates over messages, until the connection is closed or the service has to stop.
---@return fun(): string?, integer? # data and opcode
function connection:messages() end

--- What `cws:new` returns.
---@class cws.object
local object = {}

--- Closes the connection, as `cws:close` does.
---@param code? integer  1001 by default, as LAppS has it
---@param reason? string
---@return boolean closed
---@return string? why
function object:close(code, reason) end

return cws
