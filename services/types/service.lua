---@meta service

--- What a service's file returns: the table of its callbacks, one of
--- [service.raw](#serviceraw), [service.lapps](#servicelapps) and
--- [service.standalone](#servicestandalone). It may set the global of its name to the table
--- instead, as LAppS's services do.
---
--- ```lua
--- ---@class echo: service.raw
--- local echo = {}
---
--- function echo.onMessage(handler, opcode, message)
---   return ws:send(handler, opcode, message)
--- end
---
--- return echo
--- ```
---
--- `handler` is a connection's number: whole, at most 2^53, never used again. Callbacks are looked up
--- in the table at each call, but whether there is an `onConnect` or an `onDrain` is looked up once, after
--- `onStart`. How they are called is in [the Lua API](../lua.md#callbacks-of-a-service-with-connections).

--- The callbacks of every service that has connections.
---@class service.connected
--- The instance starts, before there is any connection. An error: the service does not start.
---@field onStart? fun()
--- Somebody wants to connect; it is called before the upgrade is answered. `true` or nothing:
--- welcome. `false`: 403. A table: refused with that status. An error, or anything else: 500.
---@field onConnect? fun(handler: integer, request: service.request): boolean|service.refusal|nil
--- A connection that was slow can be sent to again: less than half of `outbox_bytes` (of 1 MiB,
--- where there is no limit) waits, after it was half or more, or a message was dropped. Once each
--- time, behind the messages that came before, and not where the connection is being closed.
---@field onDrain? fun(handler: integer)
--- The connection has ended. It is called exactly once for every connection that was admitted, however
--- it ended, behind its last message.
---@field onDisconnect? fun(handler: integer)
--- The instance stops, after the connections have gone.
---@field onShutdown? fun()
--- A callback, method, task or timer has ended with an error, which has been logged. `handler` is nil where
--- it was nobody's.
---@field onError? fun(handler: integer?, err: service.error)

--- A service of the protocol `raw`: a message is what the application makes of it.
---@class service.raw: service.connected
--- A message; `opcode` 1 is text, 2 is binary, and `message` a string of bytes. `true` or nothing:
--- the connection stays. `false`: it is closed with 1008. An error: it is closed with 1011.
--- Anything else is taken for `true`, and logged once.
---@field onMessage fun(handler: integer, opcode: 1|2, message: string): boolean?

--- A service of the protocol `LAppS`: requests, responses and notifications in CBOR. It has
--- `methods`, or `onMessage`, or both.
---@class service.lapps: service.connected
--- What it can do, by name. A name must not be empty, begin with `_` or have a dot.
---@field methods? table<string, service.method>
--- A request or notification that `methods` has no method for. `kind` is 1 for a notification, 2 for
--- one with parameters, 3 for a request, 4 for one with parameters; `message` is an nljson
--- value of all of it. It answers with `ws:send`, once, before it returns. `true` or nothing: the
--- connection stays. `false`: it is closed with 1008. An error: a request that has not been answered is answered with -32603.
---@field onMessage? fun(handler: integer, kind: 1|2|3|4, message: userdata): boolean?

--- A method of the LAppS protocol. `params` are the request's parameters, empty where there are
--- none; `request` is all of the request, made only for functions that have a third parameter. What it
--- returns are the elements of the response's `result`. `error({code = …, message = …, data = …})`
--- answers with that error; any other is logged, and answered with -32603. Results and errors of a notification are not sent.
---@alias service.method fun(handler: integer, params: table, request: table): ...any

--- What a method raises to have its request answered with an error: `error({code = -32602, message = "say what?"})`.
---@class service.answer
---@field code integer  the application's own; the protocol's are -32768 to -32000
---@field message? string  "error" where there is none
---@field data? any  what can be sent as CBOR

--- A standalone service: a program without connections. Its instances run it once each.
---@class service.standalone
--- The service starts. An error: it does not start.
---@field init? fun()
--- The program. Where it raises an error, that is logged, and it is called again, in the same state,
--- after 1 s, then 2 s, 4 s … 60 s; the pauses begin anew after a run of more than a minute. Where it returns, the
--- program is over.
---@field run fun()
--- A task or timer has ended with an error, which has been logged. `handler` is nil.
---@field onError? fun(handler: nil, err: service.error)

--- The opening handshake, as `onConnect` sees it.
---@class service.request
---@field target string  path and query as sent
---@field path string
---@field query string  behind the `?`; "" where there is none
---@field headers table<string, string>  by names in lower case, `host` too; several of one name are joined by `, `
---@field remote_addr string  the client's address and port; behind proxies that the listener trusts, what they say it is, with port 0 if they name none
---@field subprotocols string[]  what the client offers
---@field subprotocol? string  what was agreed on: the first of the service's `subprotocols` that is among them
---@field certificate? service.certificate  that the client has shown, which has been verified

--- A client's certificate.
---@class service.certificate
---@field subject string  as in RFC 2253: `CN=Ann,O=Example`
---@field common_name string
---@field serial string  hexadecimal
---@field dns_names string[]  empty where there are none, as the others
---@field email_addresses string[]
---@field ip_addresses string[]
---@field uris string[]
---@field not_after integer  seconds since 1970
---@field fingerprint string  SHA-256 of the certificate, hexadecimal

--- What `onConnect` returns to refuse with another status than 403.
---@class service.refusal
---@field status integer  400 to 599
---@field reason? string  for people; "refused by the service" where there is none

--- An error, as `onError` sees it.
---@class service.error
---@field message string  with file and line
---@field traceback string
---@field callback string  its name, or a method's; `task`, `timer`
---@field value any  what was thrown

--- What the instance is called: the service's name and the number of the instance, as `echo/1`. The one that takes its
--- place, after a deployment or a restart for one, is `echo/1/2`.
---@type string
instance_id = nil

--- Whether the service has to stop. What was sent before goes out when it is called, and others of the instance may
--- be served meanwhile, so that a program that runs for long calls it from time to time.
---@return boolean
function must_stop() end
