package services_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"lapps/protocol/rpc"
	"lapps/protocol/wire"
	"lapps/services"
)

// object is a map of CBOR.
type object = map[string]any

// request is a message of the LAppS protocol.
func request(method string, params ...any) object {
	if params == nil {
		params = []any{}
	}
	return object{"lapps": 1, "method": method, "params": params}
}

// notification is one with a channel.
func notification(cid any, method string, params ...any) object {
	m := request(method, params...)
	m["cid"] = cid
	return m
}

// encoded is v as CBOR.
func encoded(t testing.TB, v any) string {
	t.Helper()
	b, err := cbor.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// deliverBinary has s receive a binary message.
func deliverBinary(t testing.TB, s *services.Seat, data string) {
	t.Helper()
	if _, err := s.Deliver([]services.Message{{Kind: uint8(wire.Binary), Data: data}}); err != nil {
		t.Fatal(err)
	}
}

// said is what happened to p, binary messages in CBOR's diagnostic notation,
// without the wake-ups.
func (p *peer) said(t testing.TB) (all []string) {
	t.Helper()
	for _, e := range p.happened() {
		if e == "wake" {
			continue
		}
		if data, ok := strings.CutPrefix(e, "binary "); ok {
			notation, err := cbor.Diagnose([]byte(data))
			if err != nil {
				t.Fatalf("not CBOR: %x: %v", data, err)
			}
			e = notation
		}
		all = append(all, e)
	}
	return all
}

// ask sends a message and compares what comes back.
func ask(t *testing.T, p *peer, s *services.Seat, message any, want ...string) {
	t.Helper()
	deliverBinary(t, s, encoded(t, message))
	if got := p.said(t); !slices.Equal(got, want) {
		t.Errorf("%v\n got %q\nwant %q", message, got, want)
	}
}

func result(values string) string { return `{"cid": 0, "result": [` + values + `], "status": 1}` }

func failure(rest string) string { return `{"cid": 0, "error": {` + rest + `}, "status": 0}` }

const internalError = `{"cid": 0, "error": {"code": -32603, "message": "internal error"}, "status": 0}`

// methodsLua has methods of every kind.
const methodsLua = `
local test = {}
test.methods = {
	echo = function(handler, params) return unpack(params) end,
	nothing = function() end,
	counted = function(handler, params, request) return #params, request.method, request.extra, request.params == params end,
	every = function(...) return select("#", ...), type(select(3, ...)) end,
	values = function() return 1, -1, 0.5, 2^53, 2^54, "text", "\255", true, false, {}, {1, 2}, {a = 1}, nil, nljson.decode("{}"), nljson.null end,
	fail = function() error("secret") end,
	bug = function() return nil + 1 end,
	refuse = function(handler, params) error(params[1]) end,
	loop = function() local t = {}; t[1] = t; return t end,
	much = function() local t = {} for i = 1, 1000 do t[i] = i end local all = {} for i = 1, 200 do all[i] = t end return unpack(all) end,
	deep = function(handler, params)
		local t = {}
		for i = 2, params[1] do t = {t} end
		if params[2] then error({code = 1, data = t}) end
		return t
	end,
	full = function(handler, params) local t = {} for i = 1, params[1] do t[i] = i end return t end,
	mixed = function() return {1, a = 2} end,
	badData = function() local t = {}; t[1] = t; error({code = 7, message = "seven", data = t}) end,
	answers = function(handler) ws:send(handler, {cid = 0, status = 1, result = {"by itself"}}) end,
	answersThenFails = function(handler) ws:send(handler, {cid = 0, status = 1, result = {"by itself"}}); error("late") end,
	close = function(handler) ws:close(handler, 4001, "bye") end,
	tell = function(handler, params) ws:send(handler, {cid = params[1], message = {"told"}}); return "done" end,
	func = function() return print end,
	failsElsewhere = function(handler) ws:send(handler, {cid = 5, status = 0, error = {code = 1, message = "x"}}); return "result" end,
	failsItself = function(handler) ws:send(handler, {cid = 0, status = 0, error = {code = 1, message = "x"}}); return "result" end,
	badAnswer = function(handler) return ws:send(handler, {cid = 0, status = 1}) end,
	nap = function(handler) nap:sleep(1) return "slept" end,
	answerFor = function(handler, params) return ws:send(params[1], {cid = 0, status = 1, result = {"late"}}) end,
}
return test`

func TestMethods(t *testing.T) {
	serve(t, services.Config{Dialect: services.LAppS}, methodsLua, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		for _, c := range []struct {
			name    string
			message any
			want    []string
		}{
			{"echo", request("echo", "x", 1, 1.5, true, []any{1, "a"}, object{"k": "v"}), []string{result(`"x", 1, 1.5, true, [1, "a"], {"k": "v"}`)}},
			{"an empty map stays one", request("echo", object{}, []any{}, object{"k": object{}}), []string{result(`{}, [], {"k": {}}`)}},
			{"bytes", request("echo", []byte{0xff}, []byte("a")), []string{result(`h'ff', "a"`)}},
			{"no results", request("nothing"), []string{result(``)}},
			{"no parameters", object{"lapps": 1, "method": "counted", "extra": "e"}, []string{result(`0, "counted", "e", false`)}},
			{"the request", object{"lapps": 1, "method": "counted", "params": []any{7}, "extra": nil}, []string{result(`1, "counted", null, true`)}},
			{"varargs see the request", request("every"), []string{result(`3, "table"`)}},
			{"values", request("values"), []string{result(`1, -1, 0.5_1, 9007199254740992, 18014398509481984.0_2, "text", h'ff', true, false, [], [1, 2], {"a": 1}, null, {}, null`)}},
			{"a function is null", request("func"), []string{result(`null`)}},
			{"error", request("fail"), []string{internalError}},
			{"bug", request("bug"), []string{internalError}},
			{"error with a code", request("refuse", object{"code": 5, "message": "five"}), []string{failure(`"code": 5, "message": "five"`)}},
			{"error with data", request("refuse", object{"code": -32602, "message": "no", "data": []any{1, object{"a": 2}}}), []string{failure(`"code": -32602, "data": [1, {"a": 2}], "message": "no"`)}},
			{"error with a code only", request("refuse", object{"code": 5}), []string{failure(`"code": 5, "message": "error"`)}},
			{"error with a bad code", request("refuse", object{"code": "5"}), []string{internalError}},
			{"error with half a code", request("refuse", object{"code": 5.5}), []string{internalError}},
			{"error with data that loops", request("badData"), []string{failure(`"code": 7, "message": "seven"`)}},
			{"a loop", request("loop"), []string{internalError}},
			{"too much, in many results", request("much"), []string{internalError}},
			{"a mixed table", request("mixed"), []string{internalError}},
			{"unknown method", request("nope"), []string{failure(`"code": -32601, "message": "there is no method \"nope\""`)}},
			{"answers by itself", request("answers"), []string{result(`"by itself"`)}},
			{"answers by itself and fails", request("answersThenFails"), []string{result(`"by itself"`)}},
			{"something else fails", request("failsElsewhere"), []string{`{"cid": 5, "error": {"code": 1, "message": "x"}, "status": 0}`, result(`"result"`)}},
			{"fails itself", request("failsItself"), []string{failure(`"code": 1, "message": "x"`)}},
			{"an answer that is none", request("badAnswer"), []string{result(`false, "not a message of the LAppS protocol: result is missing"`)}},
			{"an error that is no UTF-8", request("refuse", object{"code": 5, "message": []byte("a\xffb")}), []string{failure("\"code\": 5, \"message\": \"a\\ufffdb\"")}},
			{"a code out of range", request("refuse", object{"code": 1e300}), []string{internalError}},
			{"a code at its bound", request("refuse", object{"code": -1 << 53}), []string{failure(`"code": -9007199254740992, "message": "error"`)}},
			{"a code beyond", request("refuse", object{"code": -1<<53 - 2}), []string{internalError}},
			{"notification", notification(7, "echo", 1), nil},
			{"notification on 0", notification(0, "echo", 1), nil},
			{"notification of an unknown method", notification(7, "nope"), nil},
			{"notification that fails", notification(7, "fail"), nil},
			{"OON before the response", request("tell", 5), []string{`{"cid": 5, "message": ["told"]}`, result(`"done"`)}},
		} {
			deliverBinary(t, s, encoded(t, c.message))
			if got := unsized(p.said(t)); !slices.Equal(got, unsized(c.want)) {
				t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
			}
		}
		for _, c := range []struct {
			message any
			fits    bool
		}{
			{request("deep", 62), true}, {request("deep", 63), false},
			{request("deep", 62, true), true}, {request("deep", 63, true), false},
			{request("full", 131_050), true}, {request("full", 131_070), false},
		} {
			deliverBinary(t, s, encoded(t, c.message))
			got := p.happened()[0]
			if err := rpc.Check(strings.TrimPrefix(got, "binary ")); err != nil {
				t.Errorf("%v: what is sent is not what is taken: %v", c.message, err)
			}
			whole := !strings.Contains(got, "internal error") && (len(got) > 150 || strings.Contains(got, "\x81\x81"))
			if whole != c.fits {
				t.Errorf("%v: %d bytes, want all of it: %v", c.message, len(got), c.fits)
			}
		}
		for _, want := range []string{"secret", "traceback", "nested", "has no form in the protocol"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%q is not in the log: %s", want, log)
			}
		}
		ask(t, p, s, request("close"), "close 4001 bye")
		ask(t, p, s, request("echo", 1)) // what comes behind it is dropped
	})
}

// TestOthersDoNotAnswer has another handler send a response while a method
// waits: it is sent, but does not stand for the method's own.
func TestOthersDoNotAnswer(t *testing.T) {
	world(t, []services.Config{service("test", methodsLua, services.Config{
		Dialect: services.LAppS, AutoStart: true, Preload: []string{"nap"},
	})}, func(t *testing.T, r *services.Registry, _ *logbook) {
		p, other := &peer{id: 1}, &peer{id: 2}
		s, o := seat(t, r, "test", p), seat(t, r, "test", other)
		deliverBinary(t, s, encoded(t, request("nap")))
		deliverBinary(t, s, encoded(t, request("echo", "behind")))
		ask(t, other, o, request("answerFor", 1), result(`true`))
		if got, want := p.said(t), []string{result(`"late"`)}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		time.Sleep(time.Second)
		if got, want := p.said(t), []string{result(`"slept"`), result(`"behind"`)}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// TestMethodsBesideOnMessage has an application of LAppS's keep something else
// under the name methods.
func TestMethodsBesideOnMessage(t *testing.T) {
	for _, methods := range []string{`1`, `{_on_ = {}}`, `{["a.b"] = print, 5}`} {
		lua := `return {methods = ` + methods + `, onMessage = function(h, kind, m) return ws:send(h, {cid = 0, status = 1, result = {m.method}}) end}`
		serve(t, services.Config{Dialect: services.LAppS}, lua, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
			p, s := mustJoin(t, r, 1)
			ask(t, p, s, request("any"), result(`"any"`))
			if !strings.Contains(log.String(), "not taken for methods") {
				t.Errorf("nothing is said about %s: %s", methods, log)
			}
		})
	}
}

// unsized takes the encoding indicators off floats: _1, _2, _3.
func unsized(all []string) []string {
	for i := range all {
		all[i] = strings.NewReplacer("_1", "", "_2", "", "_3", "").Replace(all[i])
	}
	return all
}

// TestBrokenMessages has each of these answered and harm nobody.
func TestBrokenMessages(t *testing.T) {
	const parse, invalid = -32700, -32600
	cases := []struct {
		name string
		hex  string
		code int
	}{
		{"empty", "", parse},
		{"truncated array", "82 01", parse},
		{"truncated head", "1a 00 01", parse},
		{"truncated text", "63 61 62", parse},
		{"truncated map", "a2 61 61 01", parse},
		{"trailing byte", "a0 00", parse},
		{"two items", "a0 a0", parse},
		{"a tag", "c1 00", parse},
		{"a tagged map", "d9 d9f7 a0", parse},
		{"a bignum", "c2 41 01", parse},
		{"undefined", "f7", parse},
		{"simple 255", "f8 ff", parse},
		{"simple below 32", "f8 10", parse},
		{"reserved info", "1c", parse},
		{"a break alone", "ff", parse},
		{"a break in a definite array", "82 01 ff", parse},
		{"an odd indefinite map", "bf 61 61 ff", parse},
		{"unended", "9f 01", parse},
		{"a chunk of another type", "7f 41 61 ff", parse},
		{"bad UTF-8", "61 ff", parse},
		{"a surrogate", "63 ed a0 80", parse},
		{"depth 65", strings.Repeat("81", 65) + "00", parse},
		{"depth 10,000", strings.Repeat("81", 10_000) + "00", parse},
		{"unended depth 10,000", strings.Repeat("9f", 10_000), parse},
		{"a billion pairs", "ba 3b9aca00", parse},
		{"2^63 elements", "9b 8000000000000000", parse},
		{"2^64-1 bytes", "5b ffffffffffffffff", parse},
		{"more than 131,072 items", "9a 00020001" + strings.Repeat("80", 131_073), parse},
		{"a key twice", "a2 61 61 01 61 61 02", parse},
		{"a key twice, once in chunks", "a2 61 61 01 7f 61 61 ff 02", parse},
		{"a key twice, deep", "81 a2 61 61 01 61 61 02", parse},
		{"a number as key", "a1 01 01", parse},
		{"bytes as key", "a1 41 61 01", parse},
		{"below -2^63", "3b 8000000000000000", parse},
		{"text that is JSON", hex.EncodeToString([]byte(`{"lapps":1}`)), parse},
		{"zeros", strings.Repeat("00", 100), parse},
		{"a byte string", "41 61", invalid},
		{"a text", "61 61", invalid},
		{"a number", "01", invalid},
		{"null", "f6", invalid},
		{"an array", "81 01", invalid},
		{"depth 64", strings.Repeat("81", 64) + "00", invalid},
		{"no members", "a0", invalid},
		{"no method", "a1 65 6c61707073 01", invalid},
		{"no version", "a1 66 6d6574686f64 61 78", invalid},
		{"version 2", "a2 65 6c61707073 02 66 6d6574686f64 61 78", invalid},
		{"version as text", "a2 65 6c61707073 61 31 66 6d6574686f64 61 78", invalid},
		{"method as bytes", "a2 65 6c61707073 01 66 6d6574686f64 41 78", invalid},
		{"method null", "a2 65 6c61707073 01 66 6d6574686f64 f6", invalid},
		{"method empty", "a2 65 6c61707073 01 66 6d6574686f64 60", invalid},
		{"method _x", "a2 65 6c61707073 01 66 6d6574686f64 62 5f78", invalid},
		{"method a.b", "a2 65 6c61707073 01 66 6d6574686f64 63 612e62", invalid},
		{"cid as text", "a3 63 636964 61 35 65 6c61707073 01 66 6d6574686f64 61 78", invalid},
		{"cid negative", "a3 63 636964 20 65 6c61707073 01 66 6d6574686f64 61 78", invalid},
		{"cid 1.5", "a3 63 636964 f9 3e00 65 6c61707073 01 66 6d6574686f64 61 78", invalid},
	}
	both := `
local test = {methods = {echo = function(_, params) return unpack(params) end}}
function test.onMessage(handler, kind, message) return message.params[1].user.name end
return test`
	serve(t, services.Config{Dialect: services.LAppS}, both, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		other, o := mustJoin(t, r, 2)
		for _, c := range cases {
			data, err := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
			if err != nil {
				t.Fatal(c.name, err)
			}
			deliverBinary(t, s, string(data))
			got := p.said(t)
			if len(got) != 1 || !strings.Contains(got[0], `"code": `+map[int]string{parse: "-32700", invalid: "-32600"}[c.code]) {
				t.Errorf("%s: %q, want %d", c.name, got, c.code)
			}
			ask(t, p, s, request("echo", c.name), result(`"`+c.name+`"`))
			ask(t, other, o, request("echo", 1), result(`1`))
		}
		// Members that are not there, and an error in Lua for them.
		ask(t, p, s, request("other", object{}), internalError)
		ask(t, p, s, request("other", "text"), internalError)
		ask(t, p, s, request("other"), internalError)
		if n := strings.Count(log.String(), "lua error"); n != 3 {
			t.Errorf("%d errors are logged, want 3: %s", n, log)
		}
		// A text closes, behind what came before it.
		deliverBinary(t, s, encoded(t, request("echo", "last")))
		deliver(t, s, "text")
		deliverBinary(t, s, encoded(t, request("echo", "dropped")))
		if got, want := p.said(t), []string{result(`"last"`), "close 1003 this service takes binary messages: CBOR"}; !slices.Equal(got, want) {
			t.Errorf("after a text: %q, want %q", got, want)
		}
		ask(t, other, o, request("echo", "still here"), result(`"still here"`))
	})
}

// TestOnMessageLAppS runs a service to the letter of LAppS: a global table,
// all messages through onMessage, nljson for everything.
func TestOnMessageLAppS(t *testing.T) {
	const lua = `
test = {}
test.__index = test
test["onStart"] = function() end
test["onShutdown"] = function() end
test["onDisconnect"] = function(handler) end
test["onMessage"] = function(handler, msg_type, message)
	local oon = nljson.decode('{"cid":3,"message":[]}')
	oon.message[1] = msg_type
	oon.message[2] = message.method
	oon.message[3] = nljson.find(message, "params")
	oon.message[4] = nljson.find(message, "cid")
	oon.message[5] = message
	if message.method == "fail" then error("no") end
	if message.method == "leave" then return false end
	if message.method == "quiet" then return true end
	return ws:send(handler, oon)
end
return test`
	serve(t, services.Config{Dialect: services.LAppS}, lua, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		ask(t, p, s, object{"lapps": 1.0, "method": "m"}, `{"cid": 3, "message": [3, "m", null, null, {"lapps": 1.0, "method": "m"}]}`)
		ask(t, p, s, object{"lapps": 1, "method": "m", "params": []any{}}, `{"cid": 3, "message": [3, "m", [], null, {"lapps": 1, "method": "m", "params": []}]}`)
		ask(t, p, s, object{"lapps": 1, "method": "m", "params": object{}}, `{"cid": 3, "message": [3, "m", {}, null, {"lapps": 1, "method": "m", "params": {}}]}`)
		ask(t, p, s, object{"lapps": 1, "method": "m", "cid": 9}, `{"cid": 3, "message": [1, "m", null, 9, {"cid": 9, "lapps": 1, "method": "m"}]}`)
		ask(t, p, s, notification(0, "m", uint64(1<<63)), `{"cid": 3, "message": [2, "m", [9223372036854775808], 0, {"cid": 0, "lapps": 1, "method": "m", "params": [9223372036854775808]}]}`)
		ask(t, p, s, request("m", []byte{1}), `{"cid": 3, "message": [4, "m", [h'01'], null, {"lapps": 1, "method": "m", "params": [h'01']}]}`)
		ask(t, p, s, request("fail"), internalError)
		ask(t, p, s, notification(4, "fail"))
		ask(t, p, s, request("quiet"))
		ask(t, p, s, request("leave"), "close 1008 refused by the service")
		if n := strings.Count(log.String(), "lua error"); n != 2 {
			t.Errorf("%d errors are logged, want 2: %s", n, log)
		}
	})
}

// TestSendLAppS sends what a service has put together, to LAppS's peers and to
// raw ones.
func TestSendLAppS(t *testing.T) {
	const bad = "text false, not a message of the LAppS protocol: "
	serve(t, services.Config{}, evalLua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		for _, c := range []struct {
			code string
			want []string
		}{
			{`return ws:send(h, {cid = 0, status = 1, result = {1}})`, []string{`{"cid": 0, "result": [1], "status": 1}`, "text true"}},
			{`return ws:send(h, nljson.decode('{"cid":0,"status":1,"result":[1.5],"more":null}'))`, []string{`{"cid": 0, "more": null, "result": [1.5], "status": 1}`, "text true"}},
			{`return ws:send(h, {cid = 0, status = 0, error = {code = 1, message = "m"}})`, []string{`{"cid": 0, "error": {"code": 1, "message": "m"}, "status": 0}`, "text true"}},
			{`return ws:send(h, {cid = 5, status = 0, error = {code = 1, message = "m"}})`, []string{`{"cid": 5, "error": {"code": 1, "message": "m"}, "status": 0}`, "text true"}},
			{`return ws:send(h, {cid = 5, message = {}})`, []string{`{"cid": 5, "message": []}`, "text true"}},
			{`return ws:send(h, {cid = 5, status = 1, message = {"x"}})`, []string{`{"cid": 5, "message": ["x"], "status": 1}`, "text true"}},
			{`return ws:send(h, {status = 1, result = {}})`, []string{bad + "cid is missing"}},
			{`return ws:send(h, {cid = 0, result = {}})`, []string{bad + "status is missing: a response has cid 0 and a status"}},
			{`return ws:send(h, {cid = 0, status = 2, result = {}})`, []string{bad + "status must be 0 or 1"}},
			{`return ws:send(h, {cid = 0, status = 1})`, []string{bad + "result is missing"}},
			{`return ws:send(h, {cid = 0, status = 1, result = 1})`, []string{bad + "result must be an array, not an integer"}},
			{`return ws:send(h, {cid = 0, status = 0})`, []string{bad + "error is missing: status is 0"}},
			{`return ws:send(h, {cid = 0, status = 0, error = "no"})`, []string{bad + "error must be a map, not a text"}},
			{`return ws:send(h, {cid = 0, status = 0, error = {code = "1", message = "m"}})`, []string{bad + "error.code must be an integer"}},
			{`return ws:send(h, {cid = 0, status = 0, error = {code = 1}})`, []string{bad + "error.message must be a text"}},
			{`return ws:send(h, {cid = 5})`, []string{bad + "message is missing"}},
			{`return ws:send(h, {cid = "5", message = {}})`, []string{bad + "cid must be an integer from 0 to 2^53"}},
			{`return ws:send(h, {cid = -5, message = {}})`, []string{bad + "cid must be an integer from 0 to 2^53"}},
			{`return ws:send(h, {})`, []string{bad + "a message is a map, not an array"}},
			{`return ws:send(h, "x")`, []string{"text false, usage: ws:send(handler, message): the message must be nljson or a table, not a string"}},
			{`return ws:send(7, {cid = 5, message = {}})`, []string{"text false, no such connection"}},
		} {
			deliver(t, s, c.code)
			if got := unsized(p.said(t)); !slices.Equal(got, c.want) {
				t.Errorf("%s\n got %q\nwant %q", c.code, got, c.want)
			}
		}
	})
}

// TestLAppSDoesNotStart has what is missing in a service of this dialect told.
func TestLAppSDoesNotStart(t *testing.T) {
	for _, c := range []struct{ name, lua, want string }{
		{"neither", "return {}", "test.lua: there must be a table methods, or the function onMessage, or both"},
		{"no table", "return {methods = 1}", "test.lua: methods must be a table, not a number"},
		{"wrong methods", "return {methods = {a = 1}}", "test.lua: methods.a must be a function, not a number"},
		{"numbered", "return {methods = {print}}", "test.lua: methods: a method's name must be a string, not 1"},
		{"reserved", "return {methods = {_a = print}}", `test.lua: methods: "_a" is no name for a method: it must not be empty, begin with _ or have a dot`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := startOne(t, services.Config{Dialect: services.LAppS, RequestTarget: "/test"}, c.lua)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
