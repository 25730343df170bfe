package main

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ugorji/go/codec"
)

// cborHandle is an implementation of CBOR that is not the server's.
var cborHandle = func() *codec.CborHandle {
	h := new(codec.CborHandle)
	h.MapType = reflect.TypeFor[map[string]any]()
	h.SignedInteger = true
	return h
}()

func marshal(t testing.TB, v any) (data []byte) {
	t.Helper()
	if err := codec.NewEncoderBytes(&data, cborHandle).Encode(v); err != nil {
		t.Fatal(err)
	}
	return data
}

func unmarshal(t testing.TB, data []byte) (m object) {
	t.Helper()
	if err := codec.NewDecoderBytes(data, cborHandle).Decode(&m); err != nil {
		t.Fatalf("%x: %v", data, err)
	}
	return m
}

type object = map[string]any

// A lappsClient speaks the LAppS protocol over a client.
type lappsClient struct {
	client
	oons []object // what came between responses
}

func dialLAppS(t testing.TB, url string) *lappsClient {
	t.Helper()
	return &lappsClient{client: dialCoder(t, url, nil)}
}

// request sends a request.
func (c *lappsClient) request(t testing.TB, method string, params ...any) {
	t.Helper()
	c.send(t, true, marshal(t, object{"lapps": 1, "method": method, "params": params}))
}

// notify sends a notification.
func (c *lappsClient) notify(t testing.TB, cid int, method string) {
	t.Helper()
	c.send(t, true, marshal(t, object{"lapps": 1, "method": method, "cid": cid}))
}

// next is the next message.
func (c *lappsClient) next(t testing.TB) object {
	t.Helper()
	binary, data := c.receive(t)
	if !binary {
		t.Fatalf("a text was received: %q", data)
	}
	return unmarshal(t, data)
}

// response is the next message on channel 0.
func (c *lappsClient) response(t testing.TB) object {
	t.Helper()
	for {
		m := c.next(t)
		if m["cid"] == int64(0) {
			return m
		}
		c.oons = append(c.oons, m)
	}
}

// oon is the next message on another channel.
func (c *lappsClient) oon(t testing.TB) object {
	t.Helper()
	if len(c.oons) == 0 {
		m := c.next(t)
		if m["cid"] == int64(0) {
			t.Fatalf("a response instead of a notification: %v", m)
		}
		return m
	}
	m := c.oons[0]
	c.oons = c.oons[1:]
	return m
}

// call is a request and its results.
func (c *lappsClient) call(t testing.TB, method string, params ...any) []any {
	t.Helper()
	c.request(t, method, params...)
	m := c.response(t)
	results, ok := m["result"].([]any)
	if !ok || m["status"] != int64(1) {
		t.Fatalf("%s: %v", method, m)
	}
	return results
}

// refused is a request that is answered with an error.
func (c *lappsClient) refused(t testing.TB, code int, message string, method string, params ...any) {
	t.Helper()
	c.request(t, method, params...)
	checkError(t, c.response(t), 0, code, message)
}

func checkError(t testing.TB, m object, cid, code int, message string) {
	t.Helper()
	want := object{"cid": int64(cid), "status": int64(0), "error": object{"code": int64(code), "message": message}}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("%v, want %v", m, want)
	}
}

func TestExampleEchoLAppS(t *testing.T) {
	d := startExamples(t)
	c := dialLAppS(t, d.url("/echo_lapps"))
	c.refused(t, -32000, "log in first: echo takes an object with your authkey", "echo", object{"authkey": "guess"}, 1)
	c.refused(t, -32602, "login takes an object: user and password", "login", "admin")
	c.refused(t, -32602, "login takes an object: user and password", "login")
	c.refused(t, -32000, "wrong user or password", "login", object{"user": "admin", "password": "x"})
	c.refused(t, -32000, "wrong user or password", "login", object{"user": "nobody"})
	c.refused(t, -32601, "there is no method nope", "nope")
	c.notify(t, 5, "subscribe")
	checkError(t, c.oon(t), 5, -32000, "log in first")

	login := c.call(t, "login", object{"user": "admin", "password": "admin"})
	key, _ := login[0].(object)["authkey"].(string)
	if len(key) != 32 {
		t.Fatalf("login: %v", login)
	}
	params := []any{object{"authkey": key}, "text", int64(1 << 60), -1.5, true, nil, []any{}, object{}, []byte{0xff, 0x00}}
	if got := c.call(t, "echo", params...); !reflect.DeepEqual(got, params) {
		t.Errorf("echo: %v, want %v", got, params)
	}
	c.notify(t, 5, "subscribe")
	c.notify(t, 6, "subscribe")
	if m := c.oon(t); m["cid"] != int64(5) || !strings.HasPrefix(m["message"].([]any)[0].(string), "Server time: ") {
		t.Errorf("the time: %v", m)
	}
	c.call(t, "echo", object{"authkey": key}) // responses come between notifications

	guest := dialLAppS(t, d.url("/echo_lapps"))
	guest.call(t, "login", object{"user": "guest", "password": "guest"})
	for {
		if m := c.oon(t); m["cid"] == int64(6) {
			if want := []any{"guest has logged in"}; !reflect.DeepEqual(m["message"], want) {
				t.Errorf("who logs in: %v", m)
			}
			break
		}
	}
	guest.notify(t, 0, "logout")
	if code, reason := guest.closed(t); code != 1000 || reason != "logged out" {
		t.Errorf("closed with %d %q", code, reason)
	}
	// Two ticks more, one second apart, each once.
	first, second := c.oon(t), c.oon(t)
	if reflect.DeepEqual(first, second) {
		t.Errorf("twice: %v", first)
	}
}

func TestExampleChat(t *testing.T) {
	d := startExamples(t)
	ann, bob := dialLAppS(t, d.url("/chat")), dialLAppS(t, d.url("/chat"))
	ann.refused(t, 1, "say your name first: name", "join", "lobby")
	ann.refused(t, -32602, "the name must be a text of 1 to 32 bytes", "name", strings.Repeat("x", 33))
	ann.refused(t, -32602, "the name must be a text of 1 to 32 bytes", "name")
	ann.refused(t, -32601, `there is no method "sing"`, "sing")
	if got := ann.call(t, "name", "ann"); got[0] != "ann" {
		t.Errorf("name: %v", got)
	}
	ann.refused(t, 3, "you are ann already", "name", "anna")
	bob.call(t, "name", "bob")
	rooms := ann.call(t, "rooms")[0].(object)
	lobby := rooms["lobby"].(int64)
	ann.refused(t, 2, "there is no such room", "join", "attic")
	ann.refused(t, 4, "join the room first", "say", "lobby", "hello?")
	said := func(c *lappsClient, from, text string) {
		t.Helper()
		want := object{"cid": lobby, "message": []any{object{"from": from, "room": "lobby", "text": text}}}
		if got := c.oon(t); !reflect.DeepEqual(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if got := ann.call(t, "join", "lobby"); got[0] != lobby {
		t.Errorf("join: %v", got)
	}
	said(ann, "ann", "has joined")
	bob.call(t, "join", "lobby")
	said(ann, "bob", "has joined")
	said(bob, "bob", "has joined")
	if got := bob.call(t, "say", "lobby", "hello"); len(got) != 0 {
		t.Errorf("say: %v", got)
	}
	said(ann, "bob", "hello")
	said(bob, "bob", "hello")
	ann.call(t, "leave", "lobby")
	said(bob, "ann", "has left")
	bob.call(t, "say", "lobby", "anyone?")
	said(bob, "bob", "anyone?")
	ann.call(t, "join", "lobby")
	said(ann, "ann", "has joined") // and nothing of what was said meanwhile
	said(bob, "ann", "has joined")
	bob.abort()
	said(ann, "bob", "has left")
	if d.logged.count("lua error") > 0 {
		t.Error(d.logged)
	}
}

// newsLua has channel 1, to which subscribe subscribes; publish sends n
// numbered notifications.
const newsLua = `
local news = {}
function news.onStart() bcast:create(1) end
news.methods = {
	subscribe = function(handler) return bcast:subscribe(1, handler), instance_id end,
	unsubscribe = function(handler) return bcast:unsubscribe(1, handler) end,
	publish = function(handler, params)
		for i = 1, params[1] do bcast:send(1, {cid = 1, message = {instance_id, i}}) end
		return params[1]
	end,
	echo = function(handler, params) return unpack(params) end,
	missing = function(handler, params) return params[1].user.name end,
	fail = function() error("no") end,
}
function news.onMessage(handler, kind, message) return message.params[1].user.name end
return news`

// TestBroadcastToThousand has 1,000 subscribers over 4 instances receive what
// two of these instances publish at once: each message once, and those of one
// sender in order.
func TestBroadcastToThousand(t *testing.T) {
	const subscribers, messages = 1000, 50
	d := startDaemon(t, `{"services": {"news": {"protocol": "LAppS", "instances": 4}}}`, map[string]string{"news/news.lua": newsLua})
	all := make([]*lappsClient, subscribers)
	of := map[string]int{}
	for i := range all {
		all[i] = dialLAppS(t, d.url("/news"))
		of[all[i].call(t, "subscribe")[1].(string)]++
	}
	if len(of) != 4 {
		t.Fatalf("the subscribers' instances: %v", of)
	}
	publishers := []*lappsClient{all[0], all[1]} // round robin: two instances
	for _, p := range publishers {
		p.request(t, "publish", messages)
	}
	var wg sync.WaitGroup
	for i, c := range all {
		wg.Go(func() {
			got := map[string][]int64{}
			for n := 0; n < len(publishers)*messages; {
				m := c.next(t)
				if m["cid"] == int64(0) { // a publisher's response, somewhere between
					continue
				}
				n++
				from := m["message"].([]any)
				got[from[0].(string)] = append(got[from[0].(string)], from[1].(int64))
			}
			if len(got) != len(publishers) {
				t.Errorf("subscriber %d: of %d senders", i, len(got))
			}
			for from, numbers := range got {
				if len(numbers) != messages || !slices.IsSorted(numbers) || numbers[0] != 1 || numbers[messages-1] != messages {
					t.Errorf("subscriber %d, of %s: %v", i, from, numbers)
				}
			}
			// Nothing more comes, and the connection works.
			c.request(t, "echo", i)
			m := c.response(t)
			if i < len(publishers) && reflect.DeepEqual(m["result"], []any{int64(messages)}) {
				m = c.response(t) // that one came first
			}
			if !reflect.DeepEqual(m["result"], []any{int64(i)}) || len(c.oons) > 0 {
				t.Errorf("subscriber %d: %v, %v", i, m, c.oons)
			}
		})
	}
	wg.Wait()
}

// TestMisbehavingLAppSClients has each harm only itself.
func TestMisbehavingLAppSClients(t *testing.T) {
	d := startDaemon(t, `{"services": {"news": {"protocol": "LAppS", "instances": 1}}}`, map[string]string{"news/news.lua": newsLua})
	well := dialLAppS(t, d.url("/news"))
	bad := dialLAppS(t, d.url("/news"))
	code := func(m object) any {
		e, _ := m["error"].(object)
		return e["code"]
	}
	fine := func(what string) {
		t.Helper()
		for _, c := range []*lappsClient{well, bad} {
			if got := c.call(t, "echo", what); got[0] != what {
				t.Errorf("after %s: %v", what, got)
			}
		}
	}
	for name, data := range map[string][]byte{
		"nothing":         {},
		"truncated":       {0x82, 0x01},
		"trailing":        {0xa0, 0x00},
		"a tag":           {0xc1, 0x00},
		"bytes as key":    {0xa1, 0x41, 0x61, 0x01},
		"depth 10,000":    []byte(strings.Repeat("\x81", 10_000) + "\x00"),
		"a billion pairs": {0xba, 0x3b, 0x9a, 0xca, 0x00},
		"a key twice":     {0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x02},
		"a megabyte":      []byte(strings.Repeat("\x80", 1<<20)),
	} {
		bad.send(t, true, data)
		if got := code(bad.response(t)); got != int64(-32700) {
			t.Errorf("%s: %v", name, got)
		}
		fine(name)
	}
	for name, message := range map[string]any{
		"a number":   1,
		"no method":  object{"lapps": 1},
		"no version": object{"method": "echo"},
		"version 2":  object{"lapps": 2, "method": "echo"},
		"_method":    object{"lapps": 1, "method": "_echo"},
		"cid text":   object{"lapps": 1, "method": "echo", "cid": "x"},
	} {
		bad.send(t, true, marshal(t, message))
		if got := code(bad.response(t)); got != int64(-32600) {
			t.Errorf("%s: %v", name, got)
		}
		fine(name)
	}
	for _, method := range []string{"fail", "missing", "to_onMessage"} {
		bad.refused(t, -32603, "internal error", method, object{})
		fine(method)
	}
	bad.notify(t, 9, "fail")
	fine("a notification that fails")
	// A text ends the connection, behind what was answered.
	bad.request(t, "echo", "last")
	bad.send(t, false, []byte("text"))
	if got := bad.response(t); !reflect.DeepEqual(got["result"], []any{"last"}) {
		t.Errorf("before the end: %v", got)
	}
	if code, _ := bad.closed(t); code != 1003 {
		t.Errorf("closed with %d", code)
	}
	if got := well.call(t, "echo", "on"); got[0] != "on" {
		t.Errorf("the other: %v", got)
	}
}

// TestLAppSLayout runs services written to the letter of LAppS from its own
// layout: etc/conf/ws.json, etc/conf/lapps.json, apps/NAME/NAME.lua.
func TestLAppSLayout(t *testing.T) {
	home := writeFiles(t, map[string]string{
		"etc/conf/ws.json": `{"listeners": 2, "connection_weight": 0.7, "ip": "127.0.0.1", "port": 0, "lapps_config_auto_save": true,
			"workers": {"workers": 2, "max_connections": 100, "auto_fragment": false, "max_poll_events": 256, "max_poll_wait_ms": 10,
			"max_inbounds_skip": 50, "input_buffer_size": 2048}, "acl": {"policy": "allow", "exclude": []}, "tls": false}`,
		"etc/conf/lapps.json": `{"directories": {"applications": "apps", "app_conf_dir": "etc", "tmp": "tmp", "workdir": "workdir", "deploy": "deploy"},
			"services": {
				"rawecho": {"standalone": false, "auto_start": true, "instances": 2, "request_target": "/rawecho", "protocol": "raw", "max_inbound_message_size": 1000000, "preload": null},
				"calc": {"internal": false, "auto_start": true, "instances": 1, "request_target": "/calc", "protocol": "LAppS", "max_inbound_message_size": 1000, "depends": ["ticker"], "preload": ["nap"]},
				"ticker": {"standalone": true, "auto_start": false, "instances": 1, "preload": ["nap", "time"]},
				"placeholder": {"standalone": true, "auto_start": false, "instances": 0}}}`,
		"apps/rawecho/rawecho.lua": `
			rawecho = {}
			rawecho.__index = rawecho;
			rawecho["onStart"] = function() print("rawecho::onStart"); end
			rawecho["onDisconnect"] = function(handler) end
			rawecho["onShutdown"] = function() print("rawecho::onShutdown()"); end
			rawecho["onMessage"] = function(handler, opcode, message)
				local result, errmsg = ws:send(handler, opcode, message);
				if (not result) then print("rawecho::OnMessage(): " .. errmsg); end
				return result;
			end
			return rawecho`,
		"apps/calc/calc_methods.lua": `
			local methods = {}
			methods["sum"] = function(handler, message)
				local sum = 0
				nljson.foreach(message.params, function(k, v) sum = sum + v end)
				local r = nljson.decode('{"cid":0,"status":1,"result":[]}')
				r.result[1] = sum
				return ws:send(handler, r)
			end
			return methods`,
		"apps/calc/calc.lua": `
			calc = {}
			calc.__index = calc
			local methods = require("calc_methods")
			calc["onStart"] = function() bcast:create(1000) end
			calc["onDisconnect"] = function(handler) bcast:unsubscribe(1000, handler) end
			calc["onShutdown"] = function() print("calc::onShutdown") end
			calc["onMessage"] = function(handler, msg_type, message)
				if msg_type == 1 then
					if message.method == "subscribe" then bcast:subscribe(1000, handler) end
					return true
				end
				if msg_type == 4 and methods[message.method] then return methods[message.method](handler, message) end
				local err_msg = nljson.decode('{"status":0,"error":{"code":-32601,"message":"No such method"},"cid":0}')
				ws:send(handler, err_msg)
				ws:close(handler, 1003, "bye")
				return true
			end
			return calc`,
		"apps/ticker/ticker.lua": `
			ticker = {}
			ticker.__index = ticker
			ticker["init"] = function() bcast:create(1000) end
			ticker["run"] = function()
				local n = nap:new()
				while not must_stop() do
					local oon = nljson.decode('{"cid":5,"message":[]}')
					oon.message[1] = "Server time: " .. time.now()
					bcast:send(1000, oon)
					n:usleep(1000)
				end
			end
			return ticker`,
	})
	for name, path := range map[string]string{"home": home, "etc/conf": filepath.Join(home, "etc", "conf")} {
		t.Run(name, func(t *testing.T) {
			cfg, notices, err := loadConfig(path)
			if err != nil {
				t.Fatal(err)
			}
			if len(notices) == 0 {
				t.Error("nothing is said about keys without meaning")
			}
			d := startConfig(t, cfg)
			mustEcho(t, d.url("/rawecho"))
			c := dialLAppS(t, d.url("/calc"))
			if got := c.call(t, "sum", 1, 2, 3.5); !reflect.DeepEqual(got, []any{6.5}) {
				t.Errorf("sum: %v", got)
			}
			c.notify(t, 1, "subscribe")
			if m := c.oon(t); !strings.HasPrefix(fmt.Sprint(m["message"]), "[Server time: ") {
				t.Errorf("the time: %v", m)
			}
			c.refused(t, -32601, "No such method", "nope", 1)
			if code, reason := c.closed(t); code != 1003 || reason != "bye" {
				t.Errorf("closed with %d %q", code, reason)
			}
		})
	}
}
