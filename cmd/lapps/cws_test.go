package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"lapps/config"
	"lapps/server/servertest"
)

// callerLua opens connections to where it is told, has each say something, and closes them. Its messages
// are "open URL number" and "close".
const callerLua = `
local cws, task = require "cws", require "task"
local caller, conns = {}, {}
local function open(url, n)
  local tasks = {}
  for i = 1, n do
    tasks[i] = task.spawn(function()
      local c = assert(cws.connect(url, {ca_file = url:match("^wss") and "ca.crt" or nil, ping = 0, timeout = 60}))
      conns[#conns + 1] = c
      for j = 1, 5 do
        local m = instance_id .. " " .. i .. " " .. j
        assert(c:send(m))
        assert(c:recv(60) == m)
      end
    end)
  end
  assert(task.all(tasks))
end
function caller.onMessage(handler, opcode, message)
  local url, n = message:match("^open (%S+) (%d+)$")
  if url then
    open(url, tonumber(n))
  elseif message == "close" then
    for _, c in ipairs(conns) do assert(c:close()) end
    conns = {}
  end
  return ws:send(handler, 1, "done")
end
return caller`

const callerGrants = `{"instances": 2, "grants": {"modules": ["cws"], "network": ["127.0.0.1:*"]}}`

// TestClientsOfServices has two instances hold connections to our own echo, and nothing left of them
// when they are closed.
func TestClientsOfServices(t *testing.T) {
	const each = 250
	d := startDaemon(t, `{"services": {"echo": {"instances": 2}, "caller": `+callerGrants+`}}`,
		map[string]string{"echo/echo.lua": echoLua, "caller/caller.lua": callerLua})
	callers := []client{dialCoder(t, d.url("/caller"), nil), dialCoder(t, d.url("/caller"), nil)}
	all := func(message string) {
		t.Helper()
		for _, c := range callers {
			c.send(t, false, []byte(message))
		}
		for _, c := range callers {
			if _, got := c.receive(t); string(got) != "done" {
				t.Fatalf("%q", got)
			}
		}
	}
	open := func() int64 { return d.carrier.Stats().Open }
	all("open " + d.url("/echo") + " 10") // what is made once is there
	all("close")
	eventually(t, "the first connections are gone", func() bool { return open() == 2 && d.outgoing.pool.Len() == 0 })
	files, goroutines := openFiles(t), runtime.NumGoroutine()
	for range 2 {
		all(fmt.Sprintf("open %s %d", d.url("/echo"), each))
		if n := d.outgoing.pool.Len(); n != 2*each || open() != 4*each+2 {
			t.Errorf("%d connections of services, %d in all, want %d and %d", n, open(), 2*each, 4*each+2)
		}
		all("close")
		eventually(t, "the connections are gone", func() bool { return open() == 2 && d.outgoing.pool.Len() == 0 })
		eventually(t, "their descriptors are closed", func() bool { return openFiles(t) <= files })
		eventually(t, "their goroutines have ended", func() bool { return runtime.NumGoroutine() <= goroutines+maxParked+16 })
	}
	if d.logged.count("lua error") > 0 {
		t.Error(d.logged)
	}
}

// TestSecureClientsOfServices has them speak wss with our own server: with a certificate of an
// authority in the service's directory, and not with one that the system would have to know.
func TestSecureClientsOfServices(t *testing.T) {
	dir := t.TempDir()
	authority := servertest.NewAuthority(t, "authority")
	cert, key := authority.Issue(t, dir, "server", false, nil, nil, "127.0.0.1")
	ca, err := os.ReadFile(authority.WriteCert(t, dir, "ca"))
	if err != nil {
		t.Fatal(err)
	}
	doc := withTLS(t, `{"services": {"echo": {}, "caller": `+callerGrants+`}}`, cert, key)
	var both map[string]any
	if err := json.Unmarshal([]byte(doc), &both); err != nil {
		t.Fatal(err)
	}
	both["listeners"] = append(both["listeners"].([]any), object{"address": "127.0.0.1:0"})
	text, err := json.Marshal(both)
	if err != nil {
		t.Fatal(err)
	}
	d := startDaemon(t, string(text), map[string]string{"echo/echo.lua": echoLua, "caller/caller.lua": callerLua, "caller/ca.crt": string(ca)})
	c := dialCoder(t, "ws://"+d.Addrs()[1].String()+"/caller", nil)
	c.send(t, false, []byte("open wss://"+d.Addrs()[0].String()+"/echo 20"))
	if _, got := c.receive(t); string(got) != "done" {
		t.Fatalf("%q, %s", got, d.logged)
	}
	d.stop() // with the connections open
	if n := d.outgoing.pool.Len(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

// TestClientsAreGranted: a service connects to what it is granted only, and requires cws only where it is.
func TestClientsAreGranted(t *testing.T) {
	d := startDaemon(t, `{"services": {"a": {}, "b": {"preload": ["cws"]}}}`, map[string]string{
		"a/a.lua": `return {onMessage = function(h) return ws:send(h, 1, select(2, pcall(require, "cws"))) end}`,
		"b/b.lua": `return {onMessage = function(h) return ws:send(h, 1, select(2, cws.connect("ws://127.0.0.1:1"))) end}`,
	})
	for path, want := range map[string]string{
		"/a": `modules: to require "cws" is not granted: neither the service's "grants.modules" nor its "preload" names it`,
		"/b": `network: to connect to 127.0.0.1:1 is not granted: the service's "grants.network" has no entry for it`,
	} {
		c := dialCoder(t, d.url(path), nil)
		c.send(t, false, []byte("x"))
		if _, got := c.receive(t); !strings.HasSuffix(string(got), want) {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// exampleAt is the configuration of an example, at another address of this machine, which the example
// is told by that variable.
func exampleAt(t *testing.T, example, address, variable, path string) *config.Config {
	t.Helper()
	cfg, err := config.Load(filepath.Join("..", "..", "examples", example, "lapps.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Services[example].Grants.Network; len(got) != 1 || got[0] != cfg.Listeners[0].Address {
		t.Errorf("%s connects to %v, and %s is where the server listens", example, got, cfg.Listeners[0].Address)
	}
	s := cfg.Services[example]
	s.Grants.Network = []string{address}
	cfg.Services[example] = s
	cfg.Listeners[0].Address = address
	t.Setenv(variable, "ws://"+address+path)
	return cfg
}

func TestExampleTicker(t *testing.T) {
	d := startConfig(t, exampleAt(t, "ticker", "127.81.2.3:5083", "TICKER_URL", "/exchange"))
	eventually(t, "the ticker prints prices", func() bool {
		return d.logged.count("BTCUSD 42000.00 (+0.00 %), 42000.00 to 42000.00") == 1 && d.logged.count("ETHUSD 2500.00") > 0
	})
	if d.logged.count("again in") > 0 { // when the server stops it may say so
		t.Error(d.logged)
	}
	d.stop()
	if d.logged.count("lua error") > 0 {
		t.Error(d.logged)
	}
}

var perSecond = regexp.MustCompile(`(\d+) messages received per \d+ms, on 10 connections`)

func TestExampleBenchmark(t *testing.T) {
	t.Setenv("BENCHMARK_CONNECTIONS", "10")
	d := startConfig(t, exampleAt(t, "benchmark", "127.81.2.4:5083", "BENCHMARK_URL", "/echo"))
	eventually(t, "it counts messages", func() bool {
		m := perSecond.FindStringSubmatch(d.logged.String())
		if m == nil {
			return false
		}
		n, err := strconv.Atoi(m[1])
		return err == nil && n > 0
	})
	if d.logged.count("failed") > 0 {
		t.Error(d.logged)
	}
	d.stop()
	if d.logged.count("lua error") > 0 {
		t.Error(d.logged)
	}
}

// TestClientsInline: a handler on an event loop does not wait for a connection; tasks do, and callbacks
// are called where nothing is waited for.
func TestClientsInline(t *testing.T) {
	d := startDaemon(t, `{"services": {"echo": {}, "inline": {"execution": "inline", "grants": {"modules": ["cws"], "network": ["127.0.0.1:*"]}}}}`, map[string]string{
		"echo/echo.lua": echoLua,
		"inline/inline.lua": `
local cws, task = require "cws", require "task"
local client, handle
return {onMessage = function(h, op, message)
  local what, url = message:match("^(%S+) (%S+)$")
  if what == "wait" then return ws:send(h, 1, tostring(select(2, pcall(cws.connect, url)))) end
  if what == "task" then
    task.spawn(function()
      local c = assert(cws.connect(url))
      c:send("from a task")
      ws:send(h, 1, (c:recv()))
    end)
    return true
  end
  if what == "new" then
    client = cws:new(url, {onopen = function(c) cws:send(c, "from a callback") end, onmessage = function(_, data) ws:send(h, 1, data) client:close() end})
    return true
  end
  cws:eventLoop(0)
  return true
end}`,
	})
	c := dialCoder(t, d.url("/inline"), nil)
	for _, e := range []struct{ message, want string }{
		{"wait", "inline.lua:6: a handler of a service that runs inline must not wait; a task may"},
		{"task", "from a task"},
	} {
		c.send(t, false, []byte(e.message+" "+d.url("/echo")))
		mustReceive(t, c, false, []byte(e.want))
	}
	c.send(t, false, []byte("new "+d.url("/echo")))
	got := make(chan struct{})
	go func() {
		defer close(got)
		mustReceive(t, c, false, []byte("from a callback"))
	}()
	for done := false; !done; {
		select {
		case <-got:
			done = true
		default:
			c.send(t, false, []byte("loop it"))
			time.Sleep(time.Millisecond) // others are to have the event loops, too
		}
	}
}
