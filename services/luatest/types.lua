---@meta testing

--- What tests of services find, besides what services find: files `NAME_test.lua`, run by `lapps test`. How they are
--- run, and the time in which, is in [Testing services](../testing.md).
---
--- ```lua
--- describe("chat", function()
---   it("tells a room what is said in it", function()
---     local ann = connect("/chat")
---     expect(ann:request("name", "ann")).to_be("ann")
---     ann:expect_nothing()
---   end)
--- end)
--- ```
---
--- `describe`, `it`, `before_each`, `after_each` and `uses` are for the file, and an error within tests. The
--- file is run once for the names of its tests, and again for each of them.

--- Declares a group. `fn` is called at once and declares what is in it; groups may lie in groups.
---@param name string
---@param fn fun()
function describe(name, fn) end

--- Declares a test: it fails where `fn` raises an error.
---@param name string
---@param fn fun()
function it(name, fn) end

--- Has `fn` called before each test of the group and of those in it; outside of groups, of the file.
---@param fn fun()
function before_each(fn) end

--- Has `fn` called behind each test of the group and of those in it, also behind one that has failed;
--- outside of groups, of the file.
---@param fn fun()
function after_each(fn) end

--- Has other services started, too: besides the one in whose directory the file lies.
---@param service string
---@param ... string  others
function uses(service, ...) end

--- Is followed by what is expected of `v`: `expect(v).to_be(w)`; with `never` by what is not:
--- `expect(v).never.to_be(w)`. What is not met ends the test with an error that says what there
--- is, and where it differs.
---@param v any
---@return testing.expectation
function expect(v) end

--- Expects that a service has logged an error that matches. An error in the log fails the
--- test unless it is expected so; each call expects one.
---@param pattern string  a Lua pattern
function expect_log(pattern) end

--- Connects, and waits for `onConnect`. That the connection is refused is no error: see `status`. It is for tests,
--- `before_each` and `after_each`.
---@param target string  a path, with a query or without
---@param options? testing.options
---@return testing.connection
function connect(target, options) end

--- Lets the time pass, with all that happens then.
---@param seconds number  fractions, too; 0 lets happen what happens at once
function advance(seconds) end

--- What `expect` returns. Its functions are called with a dot.
---@class testing.expectation
---@field never testing.expectation  the opposite
local expectation = {}

--- Expects `v == w`, without metamethods.
---@param w any
function expectation.to_be(w) end

--- Expects the same; tables are compared by what is in them.
---@param w any
function expectation.to_equal(w) end

--- Expects nil.
function expectation.to_be_nil() end

--- Expects a value of a type, as `type(v)` has it.
---@param kind string
function expectation.to_be_a(kind) end

--- Expects a string with a match of a Lua pattern.
---@param pattern string
function expectation.to_match(pattern) end

--- Expects a string with the part `w`, or a table with an element that equals `w`.
---@param w any
function expectation.to_contain(w) end

--- Expects a function that raises an error, whose text matches. The text of a table is its
--- `message`. It is called without arguments.
---@param pattern? string  a Lua pattern; without it any error will do
function expectation.to_fail(pattern) end

--- A connection to a service, of the client's side. Waiting for a message takes a minute at most,
--- if nothing else is said, of the test's own time. Where nothing is left that could send it, or the
--- connection is closed, the test fails at once.
---
--- In the LAppS protocol messages are tables: `receive` returns one, and `expect` and `send` take one.
---@class testing.connection
---@field status integer  101, or that of the refusal: 403 by `onConnect`, an ACL or `origins`, 404, 503 …
---@field reason string  why it was refused; "" where it was not
---@field handler integer  the number by which the service knows the connection
local c = {}

--- Sends a text, or a message of the LAppS protocol. What the service does at once has been done when it returns.
---@param message string|table|userdata  a text must be UTF-8
function c:send(message) end

--- Sends a binary message. What the service does at once has been done when it returns.
---@param bytes string
function c:send_binary(bytes) end

--- Waits for the next message.
---@param seconds? number  60 where it is not given
---@return any message
---@return "text"|"binary" kind
function c:receive(seconds) end

--- Expects that the next message is this text, or in the LAppS protocol this table.
---@param message string|table
---@param seconds? number  60 where it is not given
function c:expect(message, seconds) end

--- Expects that the next message is binary, and is this one.
---@param bytes string
---@param seconds? number  60 where it is not given
function c:expect_binary(bytes, seconds) end

--- Expects that nothing has come, or comes within that time.
---@param seconds? number  0 where it is not given
function c:expect_nothing(seconds) end

--- Expects that the service closes the connection, and that nothing comes before.
---@param code? integer  that it closes with; any where it is not given
---@param reason? string  likewise
---@return integer code
---@return string reason
function c:expect_close(code, reason) end

--- Sends a request of the LAppS protocol, waits for its response, and returns what is in its result. An
--- error fails the test. Notifications that come meanwhile stay for `receive`.
---@param method string
---@param ... any  its parameters
---@return any ...
function c:request(method, ...) end

--- Sends a request that is answered with an error, and returns it.
---@param method string
---@param ... any  its parameters
---@return testing.answer
function c:request_error(method, ...) end

--- Sends a notification of the LAppS protocol.
---@param cid integer
---@param method string
---@param ... any  its parameters
function c:notify(cid, method, ...) end

--- The client goes: it ends the connection.
function c:close() end

--- What a connection is made with.
---@class testing.options
---@field headers? table<string, string>
---@field remote_addr? string  the client's address and port: `192.0.2.7:1234`
---@field subprotocols? string[]  what the client offers

--- An error that a request was answered with.
---@class testing.answer
---@field code integer
---@field message string
---@field data? any
