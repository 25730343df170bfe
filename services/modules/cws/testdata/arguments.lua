-- What the functions make of arguments that are wrong.
cws.connect() --> "bad argument #1 to connect (string expected, got nil)"

cws:connect("ws://x") --> "bad argument #1 to connect (string expected, got table)"

cws.connect("ws://x", 5) --> "bad argument #2 to connect (table expected, got number)"

cws.connect("ws://x", {insecure = true}) --> "bad argument #2 to connect (there is no option "insecure")"

cws.connect("ws://x", {"x"}) --> "bad argument #2 to connect (options have names, not the key 1)"

cws.connect("ws://x", {timeout = 0}) --> "bad argument #2 to connect (timeout must be a number of seconds from 0.001 to 86400)"

cws.connect("ws://x", {timeout = 0/0}) --> "bad argument #2 to connect (timeout must be a number of seconds from 0.001 to 86400)"

cws.connect("ws://x", {ping = -1}) --> "bad argument #2 to connect (ping must be a number of seconds from 0 to 86400)"

cws.connect("ws://x", {pong_timeout = "x"}) --> "bad argument #2 to connect (pong_timeout must be a number of seconds from 0 to 86400)"

cws.connect("ws://x", {max_message = 0}) --> "bad argument #2 to connect (max_message must be a whole number of bytes from 1 to 268435456)"

cws.connect("ws://x", {max_message = 1.5}) --> "bad argument #2 to connect (max_message must be a whole number of bytes from 1 to 268435456)"

cws.connect("ws://x", {inbox_bytes = 1/0}) --> "bad argument #2 to connect (inbox_bytes must be a whole number of bytes from 1024 to 67108864)"

cws.connect("ws://x", {outbox_bytes = 1}) --> "bad argument #2 to connect (outbox_bytes must be a whole number of bytes from 1024 to 67108864)"

cws.connect("ws://x", {compression = 1}) --> "bad argument #2 to connect (compression must be true or false)"

cws.connect("ws://x", {ca_file = ""}) --> "bad argument #2 to connect (ca_file must be the name of a file)"

cws.connect("ws://x", {subprotocols = "a"}) --> "bad argument #2 to connect (subprotocols must be an array of at most 16 tokens, each once)"

cws.connect("ws://x", {subprotocols = {"a b"}}) --> "bad argument #2 to connect (subprotocols must be an array of at most 16 tokens, each once)"

cws.connect("ws://x", {subprotocols = {"a", "a"}}) --> "bad argument #2 to connect (subprotocols must be an array of at most 16 tokens, each once)"

cws.connect("ws://x", {subprotocols = {a = "a"}}) --> "bad argument #2 to connect (subprotocols must be an array of at most 16 tokens, each once)"

cws.connect("ws://x", {headers = 5}) --> "bad argument #2 to connect (headers must be a table of names and values)"

cws.connect("ws://x", {headers = {["X-A"] = "a\r\nX-B: c"}}) --> "bad argument #2 to connect (headers must be a table of names and values that can be sent: "X-A" cannot, or is part of the handshake)"

cws.connect("ws://x", {headers = {["a b"] = "c"}}) --> "bad argument #2 to connect (headers must be a table of names and values that can be sent: "a b" cannot, or is part of the handshake)"

cws.connect("ws://x", {headers = {hOST = "c"}}) --> "bad argument #2 to connect (headers must be a table of names and values that can be sent: "hOST" cannot, or is part of the handshake)"

cws.connect("ws://x", {headers = {["X-A"] = ("x"):rep(9000)}}) --> "bad argument #2 to connect (headers must be at most 64 headers, of 8192 bytes in all)"

cws:new("ws://x") --> "bad argument #3 to new (table expected, got nil)"

cws:new("ws://x", {onopen = 5}) --> "bad argument #3 to new (onopen must be a function)"

cws:new("ws://x", {}, {x = 1}) --> "bad argument #4 to new (there is no option "x")"

cws:send("x", "y") --> "bad argument #2 to send (number expected, got string)"

cws:send(1, {}) --> "bad argument #3 to send (string expected, got table)"

cws:close(1, 1005) --> "bad argument #3 to close (the code must be one of 1000-1003, 1007-1014 and 3000-4999)"

cws:eventLoop(-1) --> "bad argument #2 to eventLoop (must not be negative)"

cws:eventLoop("x") --> "bad argument #2 to eventLoop (number expected, got string)"

dial().recv(5) --> "bad argument #1 to recv (connection expected, got number)"

dial():recv(-1) --> "bad argument #2 to recv (must not be negative)"

dial():send() --> "bad argument #2 to send (string expected, got nil)"

local sent, why = dial():send("x", 8)
assert(sent == false and why == "the opcode must be 1 (text) or 2 (binary)", why)

dial():ping(("x"):rep(126)) --> "bad argument #2 to ping (must not be longer than 125 bytes)"

dial():close(999) --> "bad argument #2 to close (the code must be one of 1000-1003, 1007-1014 and 3000-4999)"

dial():close(0/0) --> "bad argument #2 to close (the code must be one of 1000-1003, 1007-1014 and 3000-4999)"

dial():close(65536 + 1000) --> "bad argument #2 to close (the code must be one of 1000-1003, 1007-1014 and 3000-4999)"

dial():close(1000, ("x"):rep(124)) --> "bad argument #3 to close (the reason must be UTF-8, of 123 bytes at most)"

dial():close(1000, "\255") --> "bad argument #3 to close (the reason must be UTF-8, of 123 bytes at most)"

-- A connection of one form is none of the other.
local c = dial()
local o = assert(cws:new(url .. "/echo", {}))
assert(not pcall(c.recv, o))
assert(not pcall(o.close, c))
assert(getmetatable(c) == false and getmetatable(o) == false)
c.recv(o) --> "bad argument #1 to recv (connection expected, got userdata)"

-- The URL is not repeated where it is wrong: it may have secrets in it.
local c, why = cws.connect("ws://user:secret@example.com")
assert(c == nil and not why:find("secret"), why)
