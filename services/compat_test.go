package services_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"lapps/protocol/wire"
	"lapps/services"
)

// lappsRows are what LAppS, which this server succeeds, says of its functions ws and
// bcast, and what ours return. Where LAppS crashed, leaked, or returned a text that Lua
// takes for true, ours are better.
var lappsRows = []struct{ row, code, want string }{
	// ws:send
	{"raw form", `return ws:send(h, 1, "x"), ws:send(h, 2, "\0")`, `true, true`},
	{"raw form: a number as string", `return ws:send(h, 1, 5)`, `true`},
	{"raw form: empty", `return ws:send(h, 1, "")`, `true`},
	{"wrong arg count: none", `return ws:send()`, "false, usage: ws:send(handler, opcode, string) or ws:send(handler, message): wrong number of arguments"},
	{"wrong arg count: one", `return ws:send(h)`, "false, usage: ws:send(handler, opcode, string) or ws:send(handler, message): wrong number of arguments"},
	{"wrong arg count: four", `return ws:send(h, 1, "x", 1)`, "false, usage: ws:send(handler, opcode, string) or ws:send(handler, message): wrong number of arguments"},
	{"handler not a number", `return ws:send("x", 1, "x")`, "false, usage: ws:send(handler, opcode, string): handler must be a number, not a string"},
	{"handler not a number: nil", `return ws:send(nil, 1, "x")`, "false, usage: ws:send(handler, opcode, string): handler must be a number, not a nil"},
	{"handler not a number, LAppS form", `return ws:send({}, {cid = 5, message = {}})`, "false, usage: ws:send(handler, opcode, string): handler must be a number, not a table"},
	{"opcode not number", `return ws:send(h, {}, "x")`, "false, usage: ws:send(handler, opcode, string): opcode must be 1 (text) or 2 (binary)"},
	{"opcode not 1, 2: close", `return ws:send(h, 8, "x")`, "false, usage: ws:send(handler, opcode, string): opcode must be 1 (text) or 2 (binary)"},
	{"opcode not 1, 2: a fraction", `return ws:send(h, 1.5, "x")`, "false, usage: ws:send(handler, opcode, string): opcode must be 1 (text) or 2 (binary)"},
	{"payload not string or number", `return ws:send(h, 1, nil)`, "false, usage: ws:send(handler, opcode, string): the message must be a string, not a nil"},
	{"payload not string or number: userdata", `return ws:send(h, 1, nljson.decode("{}"))`, "false, usage: ws:send(handler, opcode, string): the message must be a string, not a userdata"},
	{"payload not UTF-8", `return ws:send(h, 1, "\255")`, "false, the text message is not valid UTF-8"},
	{"LAppS: not userdata", `return ws:send(h, "x")`, "false, usage: ws:send(handler, message): the message must be nljson or a table, not a string"},
	{"LAppS: not userdata: nil", `return ws:send(h, nil)`, "false, usage: ws:send(handler, message): the message must be nljson or a table, not a nil"},
	{"LAppS: not userdata: a table", `return ws:send(h, {cid = 5, message = {}})`, "true"},
	{"a handler that has gone", `return ws:send(12345, 1, "x")`, "false, no such connection"},

	// what ws:send lets out
	{"no map", `return ws:send(h, nljson.decode("[]"))`, "false, not a message of the LAppS protocol: a message is a map, not an array"},
	{"cid missing", `return ws:send(h, nljson.decode('{"status": 1, "result": []}'))`, "false, not a message of the LAppS protocol: cid is missing"},
	{"cid no number", `return ws:send(h, nljson.decode('{"cid": "0", "status": 1, "result": []}'))`, "false, not a message of the LAppS protocol: cid must be an integer from 0 to 2^53"},
	{"cid by value", `return ws:send(h, nljson.decode('{"cid": 0.0, "status": 1.0, "result": []}'))`, "true"},
	{"status missing", `return ws:send(h, nljson.decode('{"cid": 0, "result": []}'))`, "false, not a message of the LAppS protocol: status is missing: a response has cid 0 and a status"},
	{"status neither 0 nor 1", `return ws:send(h, nljson.decode('{"cid": 0, "status": 2, "result": []}'))`, "false, not a message of the LAppS protocol: status must be 0 or 1"},
	{"status no number", `return ws:send(h, nljson.decode('{"cid": 0, "status": true, "result": []}'))`, "false, not a message of the LAppS protocol: status must be 0 or 1"},
	{"status 1, cid 0: result", `return ws:send(h, nljson.decode('{"cid": 0, "status": 1, "result": [1]}'))`, "true"},
	{"status 1, cid 0: no result", `return ws:send(h, nljson.decode('{"cid": 0, "status": 1}'))`, "false, not a message of the LAppS protocol: result is missing"},
	{"status 1, cid 0: result no array", `return ws:send(h, nljson.decode('{"cid": 0, "status": 1, "result": 5}'))`, "false, not a message of the LAppS protocol: result must be an array, not an integer"},
	{"status 1, cid not 0: message", `return ws:send(h, nljson.decode('{"cid": 5, "status": 1, "message": []}'))`, "true"},
	{"OON without status", `return ws:send(h, nljson.decode('{"cid": 5, "message": []}'))`, "true"}, // refused by LAppS, against its specification
	{"OON: no message", `return ws:send(h, nljson.decode('{"cid": 5, "status": 1}'))`, "false, not a message of the LAppS protocol: message is missing"},
	{"OON: message no array", `return ws:send(h, nljson.decode('{"cid": 5, "message": {}}'))`, "false, not a message of the LAppS protocol: message must be an array, not a map"},
	{"status 0", `return ws:send(h, nljson.decode('{"cid": 0, "status": 0, "error": {"code": -1, "message": "no"}}'))`, "true"},
	{"status 0, cid not 0", `return ws:send(h, nljson.decode('{"cid": 5, "status": 0, "error": {"code": -1, "message": "no"}}'))`, "true"}, // refused by LAppS, and sent by its example
	{"status 0: no error", `return ws:send(h, nljson.decode('{"cid": 0, "status": 0}'))`, "false, not a message of the LAppS protocol: error is missing: status is 0"},
	{"status 0: code no number", `return ws:send(h, nljson.decode('{"cid": 0, "status": 0, "error": {"code": "1", "message": "no"}}'))`, "false, not a message of the LAppS protocol: error.code must be an integer"},
	{"status 0: message no string", `return ws:send(h, nljson.decode('{"cid": 0, "status": 0, "error": {"code": 1, "message": 1}}'))`, "false, not a message of the LAppS protocol: error.message must be a text"},
	{"extra members", `return ws:send(h, nljson.decode('{"cid": 5, "message": [], "more": {}, "status": 1}'))`, "true"},
	{"exception", `return (ws:send(h, {cid = 5, message = {{1, a = 2}}}))`, "false"}, // the text is nljson's
	{"exception: nested too deep", `local t = {} for i = 1, 100 do t = {t} end return (ws:send(h, {cid = 5, message = t}))`, "false"},

	// ws:close
	{"close: too few", `return ws:close(h)`, "false, usage: ws:close(handler, code [, reason]): wrong number of arguments"},
	{"close: too many", `return ws:close(h, 1000, "", 1)`, "false, usage: ws:close(handler, code [, reason]): wrong number of arguments"},
	{"close: handler is not integer", `return ws:close("h", 1000)`, "false, usage: ws:close(handler, code [, reason]): handler must be a number, not a string"},
	{"close: unsupported code 999", `return ws:close(h, 999)`, "false, usage: ws:close(handler, code [, reason]): code must be one of 1000-1003, 1007-1014 and 3000-4999"},
	{"close: 1004, never sent", `return ws:close(h, 1004)`, "false, usage: ws:close(handler, code [, reason]): code must be one of 1000-1003, 1007-1014 and 3000-4999"},
	{"close: 1005, never sent", `return ws:close(h, 1005)`, "false, usage: ws:close(handler, code [, reason]): code must be one of 1000-1003, 1007-1014 and 3000-4999"},
	{"close: 1006, never sent", `return ws:close(h, 1006)`, "false, usage: ws:close(handler, code [, reason]): code must be one of 1000-1003, 1007-1014 and 3000-4999"},
	{"close: unsupported code 5000", `return ws:close(h, 5000)`, "false, usage: ws:close(handler, code [, reason]): code must be one of 1000-1003, 1007-1014 and 3000-4999"},
	{"close: code no number", `return ws:close(h, "1000")`, "false, usage: ws:close(handler, code [, reason]): code must be one of 1000-1003, 1007-1014 and 3000-4999"},
	{"close: reason no string", `return ws:close(h, 1000, {})`, "false, usage: ws:close(handler, code [, reason]): reason must be a string of UTF-8"},
	{"close: reason too long", `return ws:close(h, 1000, ("x"):rep(124))`, "false, usage: ws:close(handler, code [, reason]): reason must not be longer than 123 bytes"},
	{"close: gone", `return ws:close(12345, 1000)`, "false, no such connection"},

	// bcast
	{"create", `return bcast:create(77), bcast:create(77)`, "true, true"},
	{"create: usage", `return bcast:create()`, "false, usage: bcast:create(channel): wrong number of arguments"},
	{"create: no number", `return bcast:create(nil)`, "false, usage: bcast:create(channel): channel must be an integer from 0 to 2^53, or a string of 1 to 255 bytes"},
	{"subscribe: not found", `return bcast:subscribe(78, h)`, "false, no such channel: bcast:create makes it"},
	{"subscribe, twice: delivered once", `return bcast:subscribe(77, h), bcast:subscribe(77, h), bcast:count(77)`, "true, true, 1"},
	{"subscribe: gone", `return bcast:subscribe(77, 12345)`, "false, no such connection"},
	{"unsubscribe: not found", `return bcast:unsubscribe(78, h)`, "false, no such channel: bcast:create makes it"},
	{"send: cid and message, no status", `return bcast:send(77, nljson.decode('{"cid": 5, "message": [1]}'))`, "true"},
	{"send: with status", `return bcast:send(77, nljson.decode('{"cid": 5, "status": 1, "message": [1]}'))`, "true"},
	{"send: invalid", `return bcast:send(77, nljson.decode('{"cid": 5}'))`, "false, not a message of the LAppS protocol: message is missing"},
	{"send: cid 0", `return bcast:send(77, nljson.decode('{"cid": 0, "message": []}'))`, "false, not a message of the LAppS protocol: status is missing: a response has cid 0 and a status"},
	{"send: unknown id", `return bcast:send(78, nljson.decode('{"cid": 5, "message": []}'))`, "false, no such channel: bcast:create makes it"},
	{"send: no nljson", `return bcast:send(77, 5)`, "false, usage: bcast:send(channel, message): the message must be nljson or a table, not a number"},
	{"unsubscribe, at once", `return bcast:unsubscribe(77, h), bcast:send(77, 1, "not for me"), bcast:count(77)`, "true, true, 0"},
}

// TestLAppSRows holds what our functions return against what LAppS's do, in services of
// both protocols.
func TestLAppSRows(t *testing.T) {
	for name, dialect := range map[string]services.Dialect{"raw": services.Raw, "LAppS": services.LAppS} {
		lua := evalLua
		if dialect == services.LAppS {
			lua = `return {methods = {eval = function(handler, params)
				h = handler
				local r = {assert(loadstring(params[1]))()}
				for i = 1, select("#", unpack(r)) do r[i] = tostring(r[i]) end
				ws:send(handler, 1, table.concat(r, ", "))
			end}}`
		}
		serve(t, services.Config{Dialect: dialect}, lua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
			p, s := mustJoin(t, r, 1)
			for _, c := range lappsRows {
				if dialect == services.Raw {
					deliver(t, s, c.code)
				} else if _, err := s.Deliver([]services.Message{{Kind: uint8(wire.Binary), Data: encoded(t, request("eval", c.code))}}); err != nil {
					t.Fatal(err)
				}
				got := slices.DeleteFunc(p.happened(), func(e string) bool { return !strings.HasPrefix(e, "text ") })
				if len(got) == 0 || got[len(got)-1] != "text "+c.want {
					t.Errorf("%s: %s: %q: got %q, want %q", name, c.row, c.code, got, c.want)
				}
			}
		})
	}
}

// TestTableIsReplaced has a service put another table in the place of its own: callbacks
// are looked up in the global at every call. What is no table, or holds data, leaves the last.
func TestTableIsReplaced(t *testing.T) {
	lua := `test = {}
	function test:onMessage(h)
		test = {onMessage = function(_, h)
			test = test.onMessage and {rooms = {}} or "gone"
			return ws:send(h, 1, "second")
		end}
		return ws:send(h, 1, "first")
	end`
	serve(t, services.Config{}, lua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		for _, want := range []string{"text first", "text second", "text second", "text second"} {
			deliver(t, s, "x")
			if got := p.happened(); !slices.Equal(got, []string{want, "wake"}) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}

// TestMainIsRequired has require give the service's table for its name, as it does in
// LAppS, which requires it: helpers ask for it. The main file runs once.
func TestMainIsRequired(t *testing.T) {
	lua := `test = {runs = (runs or 0) + 1, name = ...}
	runs = test.runs
	test.itself = tostring(select(2, pcall(require, "test")))
	test.onMessage = function(h) return ws:send(h, 1, tostring(require("test") == test) .. tostring(require("ws") == ws) .. tostring(require("bcast") == bcast) .. tostring(require("nljson") == nljson) .. runs .. test.name .. test.itself) end
	return test`
	serve(t, services.Config{}, lua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		deliver(t, s, "x")
		want := "text truetruetruetrue1testmodules require each other: test -> test"
		if got := p.happened(); !slices.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
