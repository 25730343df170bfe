package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
)

// subscribersLua has one channel, of which it says who goes.
const subscribersLua = `
local s = {}
function s.onStart() bcast:create(1) end
function s.onMessage(handler, opcode, message)
  if message == "subscribe" then bcast:subscribe(1, handler) end
  if message == "publish" then return bcast:send(1, 1, "news") end
  return ws:send(handler, opcode, message)
end
function s.onDisconnect(handler) print("gone") end
return s`

// abruptLosses: onDisconnect was not called, and a subscriber's descriptor stayed open.
func abruptLosses(t *testing.T) {
	d := startDaemon(t, `{"services": {"subscribers": {"instances": 1}}}`, map[string]string{"subscribers/subscribers.lua": subscribersLua})
	subscribe := func(c client) {
		t.Helper()
		c.send(t, false, []byte("subscribe"))
		mustReceive(t, c, false, []byte("subscribe"))
	}
	reader := dialCoder(t, d.url("/subscribers"), nil)
	subscribe(reader)
	files := openFiles(t)
	const lost = 20
	for i := range lost {
		c := dialGorilla(t, d.url("/subscribers"), nil)
		subscribe(c)
		if i%2 == 0 { // with a reset
			c.(*gorillaClient).c.NetConn().(*net.TCPConn).SetLinger(0)
		}
		c.abort()
	}
	eventually(t, "onDisconnect is called for each", func() bool { return d.logged.count(`"msg":"gone"`) == lost })
	reader.send(t, false, []byte("publish"))
	mustReceive(t, reader, false, []byte("news"))
	eventually(t, "descriptors are back", func() bool { return openFiles(t) <= files })
	if open := d.server.Open(); open != 1 {
		t.Errorf("%d connections are open", open)
	}
}

// oddRequests: a request had to come in one piece, of 1,024 bytes at most, with the names of
// its fields as LAppS writes them; and all that was refused was 22 bytes, of no HTTP.
func oddRequests(t *testing.T) {
	d := startDaemon(t, `{"services": {"echo": {"instances": 1}, "closed": {"acl": {"policy": "deny"}}}}`, map[string]string{"echo/echo.lua": echoLua, "closed/closed.lua": echoLua})
	request := upgrade("/echo")
	with := func(field string) string { return strings.Replace(request, "Upgrade:", field+"\r\nUpgrade:", 1) }
	names := func(change func(string) string) string {
		lines := strings.SplitAfter(request, "\r\n")
		for i, line := range lines[1:] {
			if name, value, ok := strings.Cut(line, ":"); ok {
				lines[i+1] = change(name) + ":" + value
			}
		}
		return strings.Join(lines, "")
	}
	for name, pieces := range map[string][]string{
		"in two pieces":      {request[:40], request[40:]},
		"in single bytes":    strings.Split(request, ""),
		"a long cookie":      {with("Cookie: " + strings.Repeat("x", 6000))},
		"lower-case names":   {names(strings.ToLower)},
		"upper-case names":   {names(strings.ToUpper)},
		"an empty line":      {"\r\n" + request},
		"several Connection": {strings.Replace(request, "Connection: Upgrade", "Connection: keep-alive, Upgrade", 1)},
	} {
		if got := answerTo(t, raw(t, d.addr()), pieces...); got.StatusCode != 101 || got.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
			t.Errorf("%s: %s, %v", name, got.Status, got.Header)
		}
	}
	for name, c := range map[string]struct {
		request string
		status  int
		header  string // that has to be there
	}{
		"no HTTP":          {"hello\r\n\r\n", 400, ""},
		"POST":             {strings.Replace(request, "GET", "POST", 1), 405, "Allow"},
		"no key":           {strings.Replace(request, "Sec-WebSocket-Key", "X-Key", 1), 400, ""},
		"no upgrade":       {strings.Replace(request, "Upgrade: websocket", "X-Upgrade: websocket", 1), 426, "Upgrade"},
		"another version":  {strings.Replace(request, "Version: 13", "Version: 8", 1), 426, "Sec-WebSocket-Version"},
		"a boundless head": {with("X: " + strings.Repeat("x", 10_000)), 431, ""},
		"a closed service": {upgrade("/closed"), 403, ""}, // in LAppS behind a 101
	} {
		if got := answerTo(t, raw(t, d.addr()), c.request); got.StatusCode != c.status || c.header != "" && got.Header.Get(c.header) == "" {
			t.Errorf("%s: %s, %v, want %d", name, got.Status, got.Header, c.status)
		}
	}
	// What comes with the request is not lost.
	conn := raw(t, d.addr())
	io.WriteString(conn, request+string(maskedFrame(0x81, []byte("early"))))
	r := bufio.NewReader(conn)
	if response, err := http.ReadResponse(r, nil); err != nil || response.StatusCode != 101 {
		t.Fatal(response, err)
	}
	if op, p := readFrame(t, r); op != 1 || string(p) != "early" {
		t.Errorf("op %d, %q", op, p)
	}
	mustEcho(t, d.url("/echo"))
}

// unsolicitedSubprotocol: a sub-protocol was told to all, and browsers failed the connection
// that had asked for none.
func unsolicitedSubprotocol(t *testing.T) {
	d := startDaemon(t, `{"services": {"spoken": {"subprotocols": ["v2", "v1"]}, "mute": {}}}`, map[string]string{"spoken/spoken.lua": echoLua, "mute/mute.lua": echoLua})
	for _, c := range []struct {
		path   string
		offers []string
		want   string
	}{
		{"/spoken", nil, ""},
		{"/spoken", []string{"v3"}, ""},
		{"/spoken", []string{"v3", "v1"}, "v1"},
		{"/spoken", []string{"v1", "v2"}, "v2"}, // the service prefers it
		{"/mute", []string{"v1"}, ""},
	} {
		conn, response, err := coder.Dial(patience(t), d.url(c.path), &coder.DialOptions{Subprotocols: c.offers})
		if err != nil {
			t.Errorf("%s, %v: %v", c.path, c.offers, err)
			continue
		}
		if _, told := response.Header["Sec-Websocket-Protocol"]; conn.Subprotocol() != c.want || told != (c.want != "") {
			t.Errorf("%s, %v: %q, want %q", c.path, c.offers, conn.Subprotocol(), c.want)
		}
		conn.CloseNow()
	}
}

// closesLua closes its connections, and goes on using them.
const closesLua = `
local s, handled = {}, 0
function s.onMessage(handler, opcode, message)
  handled = handled + 1
  if message ~= "close" then return ws:send(handler, opcode, message) end
  print("closed " .. tostring(ws:close(handler, 4001, "bye")))
  print("again " .. table.concat({select(2, ws:close(handler, 4002))}))
  print("sent " .. table.concat({select(2, ws:send(handler, 1, "after"))}))
  return true
end
function s.onDisconnect(handler) print("gone after " .. handled) end
return s`

// closeCloses: the connection stayed, its messages were handled, and when the peer
// answered it was sent a second Close frame.
func closeCloses(t *testing.T) {
	d := startDaemon(t, `{"timeouts": {"close_ms": 300}, "services": {"closes": {"instances": 1}}}`, map[string]string{"closes/closes.lua": closesLua})
	c := rawOpen(t, d.addr(), "/closes")
	var all []byte
	for _, message := range []string{"close", "late", "later"} {
		all = append(all, maskedFrame(0x81, []byte(message))...)
	}
	c.Write(append(all, maskedFrame(0x89, []byte("ping"))...))
	r := bufio.NewReader(c)
	for { // whether the ping was read before or after is chance
		head, err := r.Peek(1)
		if err != nil {
			t.Fatal(err)
		}
		if head[0] != 0x8A {
			break
		}
		readFrame(t, r)
	}
	c.Write(maskedFrame(0x88, []byte{0x0F, 0xA1})) // the answer
	mustCloseFrame(t, r, 4001)
	eventually(t, "the connection has gone", func() bool { return d.logged.count("gone after") == 1 })
	for _, want := range []string{"closed true", "again no such connection", "sent no such connection", "gone after 1"} {
		if d.logged.count(`"msg":"`+want+`"`) != 1 {
			t.Errorf("the log does not have %q once:\n%s", want, d.logged)
		}
	}
	mute := rawOpen(t, d.addr(), "/closes") // which does not answer
	mute.Write(maskedFrame(0x81, []byte("close")))
	eventually(t, "who does not answer has gone, too", func() bool { return d.server.Open() == 0 })
	ours := rawOpen(t, d.addr(), "/closes")
	ours.Write(maskedFrame(0x88, []byte{0x03, 0xE8}))
	mustClose(t, ours, 1000)
	eventually(t, "all have gone", func() bool { return d.logged.count("gone after") == 3 })
}

// napArithmetic: what did not fit into 32 bits of nanoseconds was another time, or none. The
// time is that of tests: see docs/testing.md.
func napArithmetic(t *testing.T) {
	dir := writeApps(t, map[string]string{
		"naps/naps.lua": `
			local nap, time = require("nap"), require("time")
			return {onMessage = function(handler, opcode, message)
				local method, n = message:match("^(%a+) (%S+)$")
				local began, n, object = time.now(), tonumber(n), nap:new()
				local slept = object[method](object, n)
				return ws:send(handler, opcode, tostring(slept) .. " " .. time.now() - began)
			end}`,
		"naps/naps_test.lua": `
			for _, c in ipairs {
				{"sleep 0", 0}, {"sleep 1", 1000}, {"sleep 1.5", 1500}, {"sleep 4.5", 4500}, {"sleep 5", 5000}, {"sleep 86400", 86400000},
				{"usleep 1500000", 1500}, {"usleep 5000000", 5000}, {"usleep 2500", 2}, {"nsleep 4294967296", 4294}, {"nsleep 5000000000", 5000},
			} do
				it("takes its time: " .. c[1], function()
					local peer = connect("/naps")
					peer:send(c[1])
					peer:expect("true " .. c[2], 100000)
				end)
			end`,
	})
	if status, stdout, stderr := command(t, "test", filepath.Join(dir, "apps")); status != exitOK {
		t.Errorf("exit status %d\n%s%s", status, stdout, stderr)
	}
}

// quirks: what did something else than one would think.
func quirks(t *testing.T) {
	t.Run("nljson", nljsonQuirks)
	t.Run("ws:send", sendQuirks)
	t.Run("murmur", murmurQuirks)
	t.Run("cws", clientQuirks)
	t.Run("fragments", interleavedFragments)
	t.Run("close codes", closeCodes)
}

// evaluatesLua runs its messages, and answers with what they return.
const evaluatesLua = `
local function texts(ok, ...)
  local all = {}
  for i = 1, select("#", ...) do all[i] = tostring((select(i, ...))) end
  return (ok and "" or "error: ") .. table.concat(all, " ")
end
return {onMessage = function(handler, opcode, code)
  peer = handler
  return ws:send(handler, 2, texts(pcall(assert(loadstring(code)))))
end}`

// A quirk is Lua, and what it should return.
type quirk struct{ name, lua, want string }

// evaluate runs quirks on a service that has some modules.
func evaluate(t *testing.T, modules string, all []quirk) {
	d := startDaemon(t, `{"services": {"evaluates": {"instances": 1, "preload": [`+modules+`]}}}`, map[string]string{"evaluates/evaluates.lua": evaluatesLua})
	c := dialCoder(t, d.url("/evaluates"), nil)
	for _, q := range all {
		c.send(t, false, []byte(q.lua))
		if _, got := c.receive(t); string(got) != q.want {
			t.Errorf("%s: %q, want %q", q.name, got, q.want)
		}
	}
}

func nljsonQuirks(t *testing.T) {
	evaluate(t, "", []quirk{
		{"erase counts from 1", `local a = nljson.decode("[1,2,3]") return nljson.erase(a, 1), a`, "true [2,3]"},
		{"erase beyond the end", `local a = nljson.decode("[1]") return nljson.erase(a, 2), nljson.erase(a, 0), a`, "false false [1]"},
		{"traverse knows the index", `local s = "" nljson.traverse(nljson.decode("[7,[8,9]]"), function(k) s = s .. k end) return s`, "1122"},
		{"foreach and traverse agree", `local s = "" nljson.foreach(nljson.decode('{"b":1,"a":[2]}'), function(k, v) s = s .. k .. tostring(v) end) return s`, "a[2]b1"},
		{"encode_pretty without an indent", `return nljson.encode_pretty(nljson.decode("[1]"))`, "[\n  1\n]"},
		{"encode_pretty with one of 0", `return nljson.encode_pretty(nljson.decode('{"a":[1]}'), 0)`, `{"a":[1]}`},
		{"NUL in an assignment", `local o = nljson.decode("{}") o.s = "a\0b" return #o.s`, "3"},
		{"NUL in a text", `return #nljson.decode('["a\\u0000b"]')[1]`, "3"},
		{"NUL behind a text", `return (pcall(nljson.decode, "[1]\0[2]"))`, "false"},
		{"NUL in JSON", `return nljson.encode({"a\0b"})`, `["a\u0000b"]`},
		{"NUL in a key", `local o = nljson.decode("{}") o["a\0b"] = 1 o.t = {["c\0d"] = 2} return o["a\0b"], o.a, o.t["c\0d"], o.t.c, nljson.find(o, "a"), o`, `1 nil 2 nil nil {"a\u0000b":1,"t":{"c\u0000d":2}}`},
		{"NUL in a message", "return 'a\x00b'", "a\x00b"},
		{"NUL in CBOR", `return #nljson.from_cbor(nljson.to_cbor({"a\0b"}))[1]`, "3"},
		{"integers", `local o = nljson.decode("{}") o.n = 5 o.f = 5.5 o.t = {1, 2} return nljson.encode(o), #nljson.to_cbor(5)`, `{"f":5.5,"n":5,"t":[1,2]} 1`},
		{"large integers", `return nljson.decode("[18446744073709551615]")[1] > 2^63, nljson.decode("[9007199254740992]")[1] == 2^53`, "true true"},
		{"what is not there", `local v = nljson.decode('{"a":[1]}') return v.b, v.a[2], v.a[-1], nljson.find(v, "b")`, "nil nil nil nil"},
		{"the wrong kind of key", `return pcall(function() return nljson.decode("[1]").a end)`, `false <string>:1: array index must be a number, not a string`},
		{"a part without the whole", `local p = nljson.decode('{"a":{"b":1}}').a for i = 1, 1e4 do local _ = {} end return p.b`, "1"},
		{"mixed keys", `return (pcall(function() nljson.decode("{}").x = {1, a = 2} end))`, "false"},
		{"errors have words", `return select(2, pcall(function() nljson.from_cbor("\160\0") end))`, "<string>:1: nljson: data follows the CBOR data item"},
		{"typename of Lua's own", `return nljson.typename("x"), nljson.typename(1), nljson.typename(nil), nljson.typename({})`, "string number null array"},
		{"the size", `local a = nljson.decode("[1,2]") nljson.push(a, 3) return #a, nljson.size(a), #nljson.keys(nljson.decode('{"a":1}'))`, "3 3 1"},
	})
}

// sendQuirks: an error was a string, which is true.
func sendQuirks(t *testing.T) {
	evaluate(t, "", []quirk{
		{"no string", `local n = select("#", ws:send(peer, 1, {})) return n, (ws:send(peer, 1, {}))`, "2 false"},
		{"an opcode that there is not", `return ws:send(peer, 8, "x")`, "false usage: ws:send(handler, opcode, string): opcode must be 1 (text) or 2 (binary)"},
		{"too few", `return (ws:send(peer))`, "false"},
		{"no UTF-8", `return ws:send(peer, 1, "\255")`, "false the text message is not valid UTF-8"},
		{"a notification without status", `return ws:send(0, {cid = 5, message = {}})`, "false no such connection"},
		{"an error of a channel", `return ws:send(0, {cid = 5, status = 0, error = {code = 1, message = "x"}})`, "false no such connection"},
		{"no message", `return (ws:send(peer, nljson.decode("{}")))`, "false"},
		{"a code that must not be sent", `return (ws:close(peer, 1005)), (ws:close(peer, 1006)), (ws:close(peer, 999))`, "false false false"},
		{"a reason that is too long", `return (ws:close(peer, 4000, ("x"):rep(124)))`, "false"},
		{"bcast without a channel", `return bcast:send(77, nljson.decode('{"cid":5,"message":[]}'))`, "false no such channel: bcast:create makes it"},
		{"bcast without a message", `bcast:create(78) return (bcast:send(78, nljson.decode("{}"))), type(select(2, bcast:send(78, nljson.decode("{}"))))`, "false string"},
	})
}

func murmurQuirks(t *testing.T) {
	needModule(t, "murmur")
	evaluate(t, `"murmur"`, []quirk{
		{"16 digits, no NUL", `return #murmur.hashstr("abc"), murmur.hashstr("abc"), murmur.hashstr(42)`, "16 32d82bf8ed3dba39 000000000000002a"},
		{"NUL", `return murmur.hashstr("a\0b") == murmur.hashstr("a")`, "false"},
	})
}

// emptiesLua sends empty messages to where its messages say, and tells what it hears.
const emptiesLua = `
local cws = require "cws"
return {onMessage = function(handler, opcode, url)
  local c, why = cws.connect(url)
  if not c then return ws:send(handler, 1, why) end
  c:send("")
  c:send("", 2)
  local text, first = c:recv(10)
  local bytes, second = c:recv(10)
  c:send("who")
  local who = c:recv(10)
  c:close()
  return ws:send(handler, 1, table.concat({#text, first, #bytes, second, who}, " "))
end}`

// clientQuirks: empty messages were malformed, and Host had no port.
func clientQuirks(t *testing.T) {
	needModule(t, "cws")
	server := startDaemon(t, `{"services": {"who": {}}}`, map[string]string{"who/who.lua": `
		local seen = {}
		return {
			onConnect = function(handler, request) seen[handler] = request.headers.host .. " " .. request.target end,
			onMessage = function(handler, opcode, message) return ws:send(handler, opcode, message == "who" and seen[handler] or message) end,
		}`})
	d := startDaemon(t, dialsConfig, map[string]string{"dials/dials.lua": emptiesLua})
	c := dialCoder(t, d.url("/dials"), nil)
	c.send(t, false, []byte(server.url("/who?a=b&c=d")))
	mustReceive(t, c, false, []byte("0 1 0 2 "+server.addr()+" /who?a=b&c=d"))
}

// largeLua sends large messages to one connection, by ws and by bcast.
const largeLua = `
local s = {}
function s.onStart() bcast:create(1) end
function s.onMessage(handler, opcode, message)
  if message == "subscribe" then bcast:subscribe(1, handler) return ws:send(handler, 1, "ok") end
  for i = 1, 20 do
    ws:send(handler, 2, ("w"):rep(5000))
    bcast:send(1, 2, ("b"):rep(5000))
    if i % 5 == 0 then sleep(0) end -- what was sent goes out
  end
  return true
end
return s`

// interleavedFragments: with auto_fragment what two instances sent to one connection was
// mixed with each other.
func interleavedFragments(t *testing.T) {
	cfg, _, err := loadConfig(writeFiles(t, map[string]string{
		"etc/conf/ws.json":     `{"ip": "127.0.0.1", "port": 0, "tls": false, "workers": {"auto_fragment": true}}`,
		"etc/conf/lapps.json":  `{"services": {"large": {"standalone": false, "auto_start": true, "instances": 2, "request_target": "/large", "protocol": "raw"}}}`,
		"apps/large/large.lua": largeLua,
	}))
	if err != nil {
		t.Fatal(err)
	}
	d := startConfig(t, cfg)
	reader, other := rawOpen(t, d.addr(), "/large"), rawOpen(t, d.addr(), "/large") // of two instances
	reader.Write(maskedFrame(0x81, []byte("subscribe")))
	r := bufio.NewReader(reader)
	if op, p := readFrame(t, r); op != 1 || string(p) != "ok" {
		t.Fatalf("op %d, %q", op, p)
	}
	other.Write(maskedFrame(0x81, []byte("go")))
	reader.Write(maskedFrame(0x81, []byte("go")))
	counts := map[byte]int{}
	cut := map[byte]string{'w': "[1392 1392 2216]", 'b': "[5000]"} // it concerns ws:send only, as in LAppS
	for range 60 {
		message, sizes := readFragments(t, r)
		if len(message) != 5000 || !bytes.Equal(message, bytes.Repeat(message[:1], 5000)) || fmt.Sprint(sizes) != cut[message[0]] {
			t.Fatalf("a message of %d bytes in fragments of %v: %.40q", len(message), sizes, message)
		}
		counts[message[0]]++
	}
	if counts['w'] != 20 || counts['b'] != 40 {
		t.Errorf("received %v", counts)
	}
}

// readFragments reads a binary message, in however many frames, with none of another
// message in between.
func readFragments(t testing.TB, r *bufio.Reader) (message []byte, sizes []int) {
	t.Helper()
	for {
		head, err := r.Peek(1)
		if err != nil {
			t.Fatal(err)
		}
		first, want := head[0], byte(0) // a continuation
		if message == nil {
			want = 2
		}
		if first&0x7F != want {
			t.Fatalf("behind %d fragments a frame begins with %#x", len(sizes), first)
		}
		_, p := readFrame(t, r)
		message, sizes = append(message, p...), append(sizes, len(p))
		if first&0x80 != 0 {
			return message, sizes
		}
	}
}

// closeCodes: 1001 to 1011 were answered with 1000, and what stands in no frame with 1002 or
// not, as it came.
func closeCodes(t *testing.T) {
	d := startDaemon(t, `{"services": {"echo": {}}}`, echoApp)
	for code, want := range map[int]int{
		1000: 1000, 1001: 1001, 1002: 1002, 1003: 1003, 1007: 1007, 1008: 1008, 1009: 1009, 1010: 1010, 1011: 1011, 3000: 3000, 3999: 3999, 4000: 4000, 4999: 4999,
		0: 1002, 999: 1002, 1004: 1002, 1005: 1002, 1006: 1002, 1015: 1002, 1016: 1002, 2999: 1002, 5000: 1002, 65535: 1002,
	} {
		c := rawOpen(t, d.addr(), "/echo")
		c.Write(maskedFrame(0x88, append([]byte{byte(code >> 8), byte(code)}, "why"...)))
		mustClose(t, c, want)
		c.Close()
	}
	empty := rawOpen(t, d.addr(), "/echo")
	empty.Write(maskedFrame(0x88, nil))
	mustClose(t, empty, 1005) // none
}
