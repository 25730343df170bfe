package main

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lapps/server/servertest"
)

// handlersLua does all that can be done with a handler that it is given, and says what
// came of it.
const handlersLua = `
local s = {}
function s.onStart() bcast:create(1) end
function s.onMessage(handler, opcode, message)
  if message == "me" then return ws:send(handler, 1, string.format("%.0f", handler)) end
  local value = message:match("^with (.*)$")
  if not value then return ws:send(handler, opcode, message) end
  local h = assert(loadstring("return " .. value))()
  local all = {}
  for _, result in ipairs {{ws:send(h, 1, "stolen")}, {ws:send(h, {cid = 0, status = 1, result = {}})}, {ws:close(h, 4000)},
      {ws:buffered(h)}, {bcast:subscribe(1, h)}, {bcast:unsubscribe(1, h)}} do
    all[#all + 1] = tostring(result[1]) .. " " .. tostring(result[2]):match("^[^:]*")
  end
  return ws:send(handler, 1, table.concat(all, ", "))
end
return s`

// forgedHandlers: they were addresses of memory. An old one crashed the process, or sent to
// whoever was there by then.
func forgedHandlers(t *testing.T) {
	d := startDaemon(t, `{"services": {"handlers": {"instances": 1}}}`, map[string]string{"handlers/handlers.lua": handlersLua})
	number := func(c client) (n int) {
		t.Helper()
		c.send(t, false, []byte("me"))
		_, text := c.receive(t)
		if _, err := fmt.Sscan(string(text), &n); err != nil || n <= 0 || n > 1<<53 {
			t.Fatalf("a handler is %s, %v", text, err)
		}
		return n
	}
	gone := dialCoder(t, d.url("/handlers"), nil)
	stale := number(gone)
	gone.close(t)
	eventually(t, "the first has gone", func() bool { return d.server.Open() == 0 })
	heir, attacker := dialCoder(t, d.url("/handlers"), nil), dialCoder(t, d.url("/handlers"), nil)
	if n := number(heir); n <= stale {
		t.Errorf("the second handler is %d, the first was %d", n, stale)
	}
	const none = "false no such connection"
	next := number(heir)
	usage := "false usage"
	for value, one := range map[string]string{
		fmt.Sprint(stale): none, fmt.Sprint(1e6 + float64(stale)): none, "-1": none, "0": none, "0.5": none, "2^53": none, "2^53 + 2": none, "2^64": none,
		"1e300": none, "0/0": none, "1/0": none, "140737488355328": none, // an address of LAppS's
		fmt.Sprint(next, " + 0.5"): none, fmt.Sprint(next, " + 2^16"): none, fmt.Sprint(next, " + 2^32"): none, fmt.Sprint("-", next): none,
		fmt.Sprintf("%q", fmt.Sprint(stale)): usage, "nil": usage, "{}": usage, "true": usage, "print": usage, "nljson.decode('1')": usage,
	} {
		attacker.send(t, false, []byte("with "+value))
		want := strings.TrimSuffix(strings.Repeat(one+", ", 6), ", ")
		if _, got := attacker.receive(t); string(got) != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
		unharmed(t, heir) // and the next that it receives is that
	}
}

// foreignOrigins: the pages of all sites could connect with their visitors' rights.
func foreignOrigins(t *testing.T) {
	d := startDaemon(t, `{"services": {"echo": {"origins": ["https://example.com", "https://*.example.org"]}}}`, echoApp)
	for origin, want := range map[string]int{
		"": 101, "https://example.com": 101, "https://EXAMPLE.com:443": 101, "https://a.example.org": 101,
		"https://evil.test": 403, "http://example.com": 403, "https://example.com:444": 403, "https://example.com.evil.test": 403,
		"https://example.org": 403, "https://evilexample.org": 403, "null": 403, "file://": 403, "*": 403,
	} {
		request := upgrade("/echo")
		if origin != "" {
			request = strings.Replace(request, "Upgrade:", "Origin: "+origin+"\r\nUpgrade:", 1)
		}
		if got := answerTo(t, raw(t, d.addr()), request).StatusCode; got != want {
			t.Errorf("%q: status %d, want %d", origin, got, want)
		}
	}
}

// dialsLua connects to where its messages say, and says what came of it.
const dialsLua = `
local cws = require "cws"
local function withCallbacks(url)
  local result
  local object, why = cws:new(url, {
    onopen = function(h) cws:send(h, "hello") end,
    onmessage = function(h, data) result = "answered: " .. data end,
    onerror = function(h, why) result = result or "refused: " .. why end,
  }, {ca_file = "ca.pem"})
  if not object then return "refused: " .. why end
  while not result do cws:eventLoop(10) end
  object:close()
  return result
end
return {onMessage = function(handler, opcode, url)
  if url:find("^new ") then return ws:send(handler, 1, withCallbacks(url:sub(5))) end
  local c, why = cws.connect(url, {ca_file = "ca.pem"})
  if not c then return ws:send(handler, 1, "refused: " .. why) end
  c:send("hello")
  local answer = c:recv(10)
  c:close()
  return ws:send(handler, 1, "answered: " .. tostring(answer))
end}`

// dialsConfig lets it connect to this machine.
const dialsConfig = `{"services": {"dials": {"instances": 1, "grants": {"modules": ["cws"],
	"network": ["localhost:*", "127.0.0.1:*"], "private_ranges": ["127.0.0.0/8", "::1/128"]}}}}`

// clientTrust: cws took any certificate for any host, and did not say which it wanted.
func clientTrust(t *testing.T) {
	needModule(t, "cws")
	dir := t.TempDir()
	ours, theirs := servertest.NewAuthority(t, "ours"), servertest.NewAuthority(t, "theirs")
	serve := func(authority *servertest.Authority, hosts ...string) (port string) {
		t.Helper()
		var pairs []string
		for _, host := range hosts {
			cert, key := authority.Issue(t, t.TempDir(), host, false, nil, nil, host)
			pairs = append(pairs, fmt.Sprintf(`{"cert": %q, "key": %q}`, cert, key))
		}
		d := startDaemon(t, `{"listeners": [{"address": "127.0.0.1:0", "tls": {"certificates": [`+strings.Join(pairs, ", ")+`]}}], "services": {"echo": {}}}`, echoApp)
		_, port, err := net.SplitHostPort(d.addr())
		if err != nil {
			t.Fatal(err)
		}
		return port
	}
	ca, err := os.ReadFile(ours.WriteCert(t, dir, "ca"))
	if err != nil {
		t.Fatal(err)
	}
	d := startDaemon(t, dialsConfig, map[string]string{"dials/dials.lua": dialsLua, "dials/ca.pem": string(ca)})
	c := dialCoder(t, d.url("/dials"), nil)
	expired, key := ours.Issue(t, t.TempDir(), "expired", false, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }, nil, "localhost")
	old := startDaemon(t, `{"listeners": [{"address": "127.0.0.1:0", "tls": {"certificates": [{"cert": "`+expired+`", "key": "`+key+`"}]}}], "services": {"echo": {}}}`, echoApp)
	for _, tt := range []struct{ name, url, want string }{
		{"the right name", "wss://localhost:" + serve(ours, "localhost"), "answered: hello"},
		{"the right address", "wss://127.0.0.1:" + serve(ours, "127.0.0.1"), "answered: hello"},
		{"one of two names", "wss://localhost:" + serve(ours, "other.test", "localhost"), "answered: hello"}, // by SNI
		{"another name", "wss://localhost:" + serve(ours, "other.test"), "refused: "},
		{"a name for an address", "wss://127.0.0.1:" + serve(ours, "localhost"), "refused: "},
		{"another authority", "wss://localhost:" + serve(theirs, "localhost"), "refused: "},
		{"an expired certificate", "wss://localhost:" + portOf(t, old), "refused: "},
	} {
		for _, form := range []string{"", "new "} {
			c.send(t, false, []byte(form+tt.url+"/echo"))
			if _, got := c.receive(t); !strings.HasPrefix(string(got), tt.want) {
				t.Errorf("%s%s: %s, want %s", form, tt.name, got, tt.want)
			}
		}
	}
}

// portOf is the port of the first listener.
func portOf(t testing.TB, d *testDaemon) string {
	t.Helper()
	_, port, err := net.SplitHostPort(d.addr())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// stuckLua waits for an hour, where it is told to.
const stuckLua = `return {onMessage = function(handler, opcode, message)
  if message == "wait" then sleep(3600) end
  return ws:send(handler, opcode, message)
end}`

// tooMuch: one client could have all connections, keep half a request for ever, and fill the
// memory with what nobody handles.
func tooMuch(t *testing.T) {
	d := startDaemon(t, `{"limits": {"connections_per_prefix": 4}, "timeouts": {"handshake_ms": 2500, "busy_ms": 2000, "close_ms": 300},
		"services": {"stuck": {"instances": 1}}}`, map[string]string{"stuck/stuck.lua": stuckLua})
	c := dialCoder(t, d.url("/stuck"), nil)
	const attacker = "127.0.0.7"
	var slow []*net.TCPConn
	for range 4 {
		one := dialFrom(t, attacker, d.addr())
		io.WriteString(one, "GET /stuck HTTP/1.1\r\nHost:")
		slow = append(slow, one)
	}
	eventually(t, "the attackers are there", func() bool { return d.server.Open() == 5 })
	if response := answerTo(t, dialFrom(t, attacker, d.addr()), upgrade("/stuck")); response.StatusCode != 429 || response.Header.Get("Retry-After") == "" {
		t.Errorf("the fifth gets %d, %v", response.StatusCode, response.Header)
	}
	mustEcho(t, d.url("/stuck"))
	for _, one := range slow {
		if status := readStatus(t, one); status != 408 {
			t.Errorf("half a request gets %d", status)
		}
		one.Close()
	}
	eventually(t, "the attackers have gone", func() bool { return d.server.Open() == 1 })

	flood := dialFrom(t, attacker, d.addr())
	answerTo(t, flood, upgrade("/stuck"))
	flood.Write(maskedFrame(0x81, []byte("wait")))
	const most = 32 << 20 // the mailbox's share is 1 MiB; the rest is what two kernels' buffers may hold
	if sent := floodWhile(flood, most); sent >= most {
		t.Errorf("%d bytes were taken that nobody handles", sent)
	}
	mustClose(t, flood, 1013)
	eventually(t, "who floods is closed", func() bool { return d.server.Open() == 1 })
	unharmed(t, c)
}

// floodWhile writes to c until it is held up, or most bytes are sent, and returns how many
// were.
func floodWhile(c net.Conn, most int64) int64 {
	var sent atomic.Int64
	var stop atomic.Bool
	go func() {
		frame := maskedFrame(0x82, bytes.Repeat([]byte("x"), 32<<10))
		for !stop.Load() && sent.Load() < most {
			n, err := c.Write(frame)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	}()
	defer stop.Store(true)
	const calm = 50 // looks without a byte more
	for last, same := int64(-1), 0; same < calm && last < most; time.Sleep(2 * time.Millisecond) {
		if now := sent.Load(); now != last {
			last, same = now, 0
		} else {
			same++
		}
	}
	return sent.Load()
}

// escapeLua tries all ways out, and says which there are.
const escapeLua = `
local ways = {
  ["os.execute"] = function() return os.execute("true") end,
  ["os.exit"] = function() return os.exit(0) end,
  ["os.tmpname"] = function() return os.tmpname() end,
  ["os.setlocale"] = function() return os.setlocale("C") end,
  ["os.getenv"] = function() return os.getenv("PATH") end,
  ["os.remove"] = function() return os.remove("/tmp/x") end,
  ["os.rename"] = function() return os.rename("/tmp/x", "/tmp/y") end,
  ["io.popen"] = function() return io.popen("true") end,
  ["io.open"] = function() return io.open("/etc/passwd") end,
  ["io.lines"] = function() return io.lines("/etc/passwd") end,
  ["io.stdout"] = function() return io.stdout end,
  ["dofile"] = function() return dofile("/etc/passwd") end,
  ["loadfile"] = function() return loadfile("/etc/passwd") end,
  ["debug"] = function() return debug or require("debug") end,
  ["ffi"] = function() return ffi or require("ffi") end,
  ["jit"] = function() return jit or require("jit") end,
  ["package.loadlib"] = function() return package.loadlib end,
  ["package.path"] = function() return package.path or package.cpath or package.preload or package.loaders end,
  ["bytecode"] = function() return loadstring("\27Lua") end,
  ["string.dump"] = function() return string.dump(print) end,
  ["a path"] = function() return require("../other/other") end,
  ["an absolute path"] = function() return require("/etc/passwd") end,
  ["a module that knows passwords"] = function() return require("pam_auth") end,
  ["a connection of one's own"] = function() return require("cws").connect("ws://127.0.0.1:1/") end,
  ["a file of the system"] = function() return nljson.decode_file("/proc/sys/kernel/pid_max") end, -- which is JSON
  ["another service"] = function() return require("other") end,
  ["another service's file"] = function() return nljson.decode_file("../other/other.json") end,
  ["strings of all"] = function() getmetatable("").__index = nil return not pcall(function() return ("x"):upper() end) end,
}
return {onMessage = function(handler, opcode, message)
  if message == "loop" then while true do pcall(function() while true do end end) end end
  if message == "grow" then local t = {} while true do t[#t + 1] = ("x"):rep(100000) .. #t end end
  if message ~= "out" then return ws:send(handler, opcode, message) end
  local open = {}
  for name, way in pairs(ways) do
    local ok, v = pcall(way)
    if ok and v then open[#open + 1] = name end
  end
  return ws:send(handler, 1, "open: " .. table.concat(open, ", "))
end}`

// sandboxed: a service could do what the process can.
func sandboxed(t *testing.T) {
	d := startDaemon(t, `{"limits": {"handler_ms": 200, "instance_mb": 32}, "services": {"escape": {"instances": 1}, "other": {}}}`,
		map[string]string{"escape/escape.lua": escapeLua, "other/other.lua": echoLua, "other/other.json": "{}"})
	c := dialCoder(t, d.url("/escape"), nil)
	c.send(t, false, []byte("out"))
	mustReceive(t, c, false, []byte("open: "))
	for _, what := range []string{"loop", "grow"} {
		greedy := dialCoder(t, d.url("/escape"), nil)
		greedy.send(t, false, []byte(what))
		if code, _ := greedy.closed(t); code != 1011 {
			t.Errorf("%s: closed with %d", what, code)
		}
		unharmed(t, c)
	}
	mustEcho(t, d.url("/other"))

	// A bundle does not grant itself what the configuration does not.
	o := startOperated(t, `{"services": {"echo": {"instances": 1}}}`, echoApp)
	mustWrite(t, filepath.Join(o.dir, "deploy", "dials.zip"), zipOf(t, map[string]string{"dials/dials.lua": echoLua, "dials/dials.json": `{"preload": ["cws"]}`}))
	eventually(t, "the bundle is refused", func() bool { return o.logged.count("bundle not deployed") == 1 })
	if o.logged.count("preload: cws reaches outside of the server") == 0 {
		t.Errorf("the log does not say why:\n%s", o.logged)
	}
}
