package cws

import (
	"strings"
	"testing"
)

// TestDirect has the direct form speak with libraries that nobody here wrote.
func TestDirect(t *testing.T) {
	n := newNetwork(t)
	_, url := newServer(t)
	for _, c := range []struct{ name, source, want string }{
		{"text", `local c = dial() return all(c:send("hello"), c:recv())`, "true|hello|1"},
		{"binary", `local c = dial() return all(c:send("\0\255", 2), c:recv())`, "true|\x00\xff|2"},
		{"empty", `local c = dial() c:send("") c:send("", 2) return all(#c:recv(), select(2, c:recv()))`, "0|2"},
		{"number", `local c = dial() c:send(5) return all(c:recv())`, "5|1"},
		{"in order", `local c, s = dial(), "" for i = 1, 1000 do c:send(i) end for i = 1, 1000 do s = s .. c:recv() end
			local want = "" for i = 1, 1000 do want = want .. i end return tostring(s == want)`, "true"},
		{"not UTF-8", `return all(dial():send("\255"))`, "false|the text message is not valid UTF-8"},
		{"all lengths", `local c = dial() for _, n in ipairs{125, 126, 127, 65535, 65536, 65537, 131072} do
			local s = ("x"):rep(n) c:send(s) if c:recv() ~= s then return n end end return "ok"`, "ok"},
		{"larger than everything", `local c, s = dial(nil, {inbox_bytes = 1024, outbox_bytes = 1024}), ("0123456789"):rep(500000)
			c:send(s, 2) c:send(s, 2) return all(c:recv() == s, c:recv() == s)`, "true|true"},
		{"timeout", `local c = dial() return all(c:recv(0), c:recv(0.01), c:send("x"), c:recv(10))`, "nil|nil|true|x|1"},
		{"why", `return all(dial():recv(0))`, "nil|timeout"},
		{"status", `local c = dial() local s = c:status() c:close() return all(s, c:status(), c)`, "open|closing|cws connection (closing)"},
		{"close", `local c = dial() return all(c:close(4000, "bye"), c:recv())`, "true|nil|closed|4000|bye"},
		{"close twice", `local c = dial() c:close() return all(c:close())`, "false|closed"},
		{"send after close", `local c = dial() c:close() return all(c:send("x"))`, "false|closed"},
		{"closed by the server", `local c = dial("/close?code=4001&reason=enough") return all(c:recv()) .. "|" .. all(c:recv()) .. "|" .. all(c:recv())`,
			"last|1|nil|closed|4001|enough|nil|closed|4001|enough"},
		{"closed without a code", `local c = dial("/close") c:recv() return all(c:recv())`, "nil|closed|1005|"},
		{"dropped", `return all(dial("/drop"):recv())`, "nil|closed|1006|the server closed the connection without a Close frame"},
		{"messages", `local s = 0 for data, op in dial("/push?n=3"):messages() do s = s + data * op if data == "3" then break end end return s`, "6"},
		{"messages until the end", `local s = "" for data in dial("/close?code=1000"):messages() do s = s .. data end return s`, "last"},
		{"ping", `local c = dial() return all(c:ping(), c:ping("x"), c:send("y"), c:recv())`, "true|true|true|y|1"},
		{"subprotocol", `return all(dial(nil, {subprotocols = {"one", "two"}}):subprotocol(), dial(nil, {subprotocols = {"one"}}):subprotocol(), dial():subprotocol())`, "two||"},
		{"redirect", `return all(cws.connect(url .. "/moved"))`, "nil|the server's answer: 302 Found, want 101"},
		{"not found", `return all(cws.connect(url .. "/none"))`, "nil|the server's answer: 404 Not Found, want 101"},
		{"two tasks", `local c = dial() local ts = {} for i = 1, 2 do ts[i] = task.spawn(function() return c:recv(10) end) end
			task.spawn(function() c:send("a") c:send("b") end) local ok, r = task.all(ts) table.sort(r) return all(ok, r[1], r[2])`, "true|a|b"},
		{"tasks that wait for the end", `local c = dial() local ts = {} for i = 1, 3 do ts[i] = task.spawn(function() return select(2, c:recv()) end) end
			task.spawn(function() c:close() end) local ok, r = task.all(ts) return all(ok, unpack(r))`, "true|closed|closed|closed"},
		{"many senders", `local c, ts = dial(nil, {outbox_bytes = 1024}), {} local s = ("x"):rep(900)
			for i = 1, 50 do ts[i] = task.spawn(function() for j = 1, 20 do assert(c:send(s)) end end) end
			local got = 0 while got < 1000 do assert(c:recv(10) == s) got = got + 1 end return all((task.all(ts)))`, "true"},
		{"no grant", `return all(cws.connect("ws://x.test:0/"))`, `nil|network: "x.test:0": must be host:port`},
		{"no host", `return all(cws.connect("ws://none.invalid/"))`, `nil|network: none.invalid:80: lookup none.invalid: no such host`},
		{"nothing there", `return all(cws.connect("ws://127.0.0.1:1/"))`, `nil|network: 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused`},
		{"a name", `local c = assert(cws.connect((url:gsub("127.0.0.1", "name.test")) .. "/echo")) c:send("x") return c:recv()`, "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := eval(t, n, url, c.source); got != c.want {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestRequest is about what the server is asked.
func TestRequest(t *testing.T) {
	n := newNetwork(t)
	_, url := newServer(t)
	host := strings.TrimPrefix(url, "ws://")
	got := eval(t, n, url, `return dial("/request?a=b&c=%20d", {headers = {["X-B"] = 5, ["X-A"] = "a, b", Authorization = "Basic x"}, subprotocols = {"one", "two"}, compression = true}):recv()`)
	want := "GET /request?a=b&c=%20d\nHost: " + host + "\n" + strings.Join([]string{
		"Authorization: Basic x", "Connection: Upgrade",
		"Sec-Websocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover",
		"Sec-Websocket-Protocol: one, two", "Sec-Websocket-Version: 13", "Upgrade: websocket", "User-Agent: lapps", "X-A: a, b", "X-B: 5", "",
	}, "\r\n")
	if got != want {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
	if got := eval(t, n, url, `return dial("/request", {headers = {["user-agent"] = "mine"}}):recv()`); !strings.Contains(got, "User-Agent: mine\r\n") {
		t.Error(got)
	}
}

// TestCompression has messages of all sizes come back as they were, compressed, by servers with
// and without context takeover.
func TestCompression(t *testing.T) {
	n := newNetwork(t)
	_, url := newServer(t)
	for _, path := range []string{"/echo", "/coder"} {
		source := `local c = dial("` + path + `", {compression = true, max_message = 10000000})
			local words = {"one", "two", "three", "\0\1\2", "größer"}
			for _, n in ipairs{0, 1, 10, 63, 64, 100, 5000, 20000, 60000} do
				local t = {} for i = 1, n do t[i] = words[(i * i + math.floor(i / 7)) % 5 + 1] end
				local s = table.concat(t) assert(c:send(s, n % 2 + 1)) local got, op = c:recv(20)
				if got ~= s or op ~= n % 2 + 1 then return n end
			end
			local r = {} for i = 1, 20000 do r[i] = string.char(math.random(0, 255)) end r = table.concat(r)
			c:send(r, 2) c:send("after") return all(c:recv() == r, c:recv())`
		if got := eval(t, n, url, source); got != "true|after|1" {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// TestFullInbox has a server send much more than may wait: it is read no further, and nothing
// is lost.
func TestFullInbox(t *testing.T) {
	n := newNetwork(t)
	_, url := newServer(t)
	l := newLab(t, n, url, `c = dial("/push?n=3000&size=10000", {inbox_bytes = 100000})
		function take() local sum = 0 for i = 1, 3000 do local data = c:recv(20) if tonumber(data) ~= i then return i end sum = sum + #data end return sum end
		return "ok"`, nil)
	if got := l.run(); got != "ok" {
		t.Fatal(got)
	}
	eventually(t, "the socket is paused", func() bool { return n.carrier.Stats().Paused == 1 })
	if read := n.carrier.Stats().BytesRead; read > 1<<20 {
		t.Errorf("%d bytes were read", read)
	}
	if got := l.call("take"); got != "30000000" {
		t.Error(got)
	}
}

// TestManyWaiting has small messages: their number has a bound, too.
func TestManyWaiting(t *testing.T) {
	n := newNetwork(t)
	_, url := newServer(t)
	l := newLab(t, n, url, `c = dial("/push?n=20000&size=5")
		function take() for i = 1, 20000 do if tonumber((c:recv(20))) ~= i then return i end end return "all" end return "ok"`, nil)
	if got := l.run(); got != "ok" {
		t.Fatal(got)
	}
	eventually(t, "the socket is paused", func() bool { return n.carrier.Stats().Paused == 1 })
	if got := l.call("take"); got != "all" {
		t.Error(got)
	}
}
