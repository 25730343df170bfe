package cws

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"lapps/services/grants"
	"lapps/services/vm"
)

// recorder is a server that tells what each client has sent when it is gone.
func recorder(t *testing.T) (url string, sent <-chan string) {
	t.Helper()
	all := make(chan string, 1000)
	return rawServer(t, func(c *rawConn) {
		c.upgrade("")
		all <- strings.Join(unmasked(c.rest()), " ; ")
	}), all
}

const goingAway = "88 \x03\xe9"

// TestEndOfInstance: its connections are closed with 1001.
func TestEndOfInstance(t *testing.T) {
	n := newNetwork(t)
	url, sent := recorder(t)
	l := newLab(t, n, url, `c = dial("/") c:send("x") return "ok"`, nil)
	if got := l.run(); got != "ok" {
		t.Fatal(got)
	}
	l.stop()
	if got := <-sent; got != "81 x ; "+goingAway {
		t.Errorf("the client sent %q", got)
	}
	eventually(t, "no connection is left", func() bool { return n.pool.Len() == 0 })
}

// TestGarbage: connections that Lua has forgotten are closed, in both forms.
func TestGarbage(t *testing.T) {
	const conns, enough = 10, 8 // what is left on a stack of the instance may hold others
	n := newNetwork(t)
	for _, source := range []string{
		`local function open() local all = {} for i = 1, 10 do all[i] = dial("/") end end open() return "ok"`,
		`kept = {} for i = 1, 10 do kept[i] = cws:new(url, {}) end local n = 0 while n < 10 do n = n + cws:eventLoop(10) end kept = nil return "ok"`,
	} {
		url, sent := recorder(t)
		l := newLab(t, n, url, source, nil)
		if got := l.run(); got != "ok" {
			t.Fatal(got)
		}
		eventually(t, "the connections are closed", func() bool {
			l.call("all")
			runtime.GC()
			return len(sent) >= enough
		})
		l.stop()
		for range conns {
			if got := <-sent; got != goingAway {
				t.Errorf("the client sent %q", got)
			}
		}
	}
}

// TestKept: what callbacks refer to is not garbage.
func TestKept(t *testing.T) {
	n := newNetwork(t)
	_, url := newServer(t)
	l := newLab(t, n, url, `
		do local o o = cws:new(url .. "/echo", {onopen = function(h) handle = h end, onmessage = function(h, data) got = data o:close() end}) end
		function again() while not got do cws:eventLoop(0.1) if handle then cws:send(handle, "x") handle = nil end end return got end
		return "ok"`, nil)
	if got := l.run(); got != "ok" {
		t.Fatal(got)
	}
	for range 3 {
		runtime.GC()
	}
	if got := l.call("again"); got != "x" {
		t.Error(got)
	}
}

// TestHalt wakes whatever waits.
func TestHalt(t *testing.T) {
	n := newNetwork(t)
	_, url := newServer(t)
	silent := rawServer(t, func(c *rawConn) { c.rest() })
	for _, c := range []struct{ name, source, want string }{
		{"recv", `local c = dial() ready = true return all(c:recv(), c:recv(), c:recv(0))`, "nil|nil|nil|timeout"},
		{"recv says why", `local c = dial() ready = true return all(c:recv())`, "nil|stopping"},
		{"messages", `local c = dial() ready = true for data in c:messages() do end return "over"`, "over"},
		{"connect", `ready = true return all(cws.connect("` + silent + `"))`, "nil|the service is stopping"},
		{"eventLoop", `ready = true return cws:eventLoop(1000)`, "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, n, url, "function isReady() return ready and 1 end "+c.source, nil)
			result := make(chan string)
			go func() { result <- l.run() }()
			eventually(t, "it waits", func() bool { return l.in.Stats().Blocked > 0 && l.call("isReady") == "1" })
			l.in.Halt()
			if got := <-result; got != c.want {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
			l.stop()
			eventually(t, "no connection is left", func() bool { return n.pool.Len() == 0 })
		})
	}
}

// TestInterrupted has what waits end with the instance.
func TestInterrupted(t *testing.T) {
	n := newNetwork(t)
	_, url := newServer(t)
	l := newLab(t, n, url, `c = dial() while true do pcall(c.recv, c, 0.001) end`, nil)
	result := make(chan string)
	go func() { result <- l.run() }()
	eventually(t, "it waits", func() bool { return l.in.Stats().Blocked > 0 })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.in.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := <-result; !strings.Contains(got, vm.ErrStopped.Error()) {
		t.Error(got)
	}
}

// TestMany has connections of two instances, and none left of them, nor goroutines that
// dial, when they are closed.
func TestMany(t *testing.T) {
	n := newNetwork(t)
	_, url := newServer(t)
	const each = 200
	var labs []*lab
	for range 2 {
		l := newLab(t, n, url, fmt.Sprintf(`conns = {}
			for i = 1, %d do conns[i] = dial() end
			for i, c in ipairs(conns) do assert(c:send("message " .. i)) end
			for i, c in ipairs(conns) do assert(c:recv(20) == "message " .. i) end
			function finish() for i, c in ipairs(conns) do assert(c:close()) end return "closed" end
			return "ok"`, each), nil)
		labs = append(labs, l)
		if got := l.run(); got != "ok" {
			t.Fatal(got)
		}
	}
	if open := n.carrier.Stats().Open; open != 2*each || n.pool.Len() != 2*each {
		t.Errorf("%d and %d connections, want %d", open, n.pool.Len(), 2*each)
	}
	for _, l := range labs {
		if got := l.call("finish"); got != "closed" {
			t.Error(got)
		}
	}
	eventually(t, "no connection is left", func() bool { return n.carrier.Stats().Open == 0 && n.pool.Len() == 0 })
}

// TestTooMany has the number of connections bounded.
func TestTooMany(t *testing.T) {
	n := newNetwork(t)
	_, url := newServer(t)
	l := newLabOf(t, Config{Pool: n.pool, Grants: anywhere(t), MaxConns: 2}, url, `
		a, b = dial(), dial() local c, why = cws.connect(url) a:close()
		while a:status() ~= "closed" do sleep(0.001) end
		return all(c, why, cws:new(url, {}))`)
	if got := l.run(); !strings.HasPrefix(got, "nil|too many connections: an instance has at most 2|cws connection (") {
		t.Error(got)
	}
}

// TestTooManyEnded bounds those that have ended and that nobody asks for.
func TestTooManyEnded(t *testing.T) {
	n := newNetwork(t)
	_, url := newServer(t)
	l := newLabOf(t, Config{Pool: n.pool, Grants: anywhere(t), MaxConns: 2}, url, `
		local ends, failed = 0, {}
		local on = {onclose = function() ends = ends + 1 end}
		for i = 1, 3 do
			local c, why = cws:new("ws://none.invalid", on)
			failed[i] = why or "ok"
		end
		while ends < 2 do cws:eventLoop(1) end
		return all(failed[1], failed[2], failed[3], cws:new(url, on) ~= nil)`)
	if got := l.run(); got != "ok|ok|too many connections: an instance has at most 2, with those whose onclose cws:eventLoop has not called yet|true" {
		t.Error(got)
	}
}

// TestNothingGranted: what is not granted is told, and where there is no server nothing is
// connected.
func TestNothingGranted(t *testing.T) {
	n := newNetwork(t)
	none, err := grants.New(grants.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const source = `return all(cws.connect("ws://example.com"))`
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Pool: n.pool, Grants: none}, `nil|network: to connect to example.com:80 is not granted: the service's "grants.network" has no entry for it`},
		{Config{Pool: n.pool}, `nil|network: to connect to example.com:80 is not granted: the service's "grants.network" has no entry for it`},
		{Config{}, "nil|nothing can be connected here: only a server that runs has event loops"},
	} {
		if got := newLabOf(t, c.config, "", source).run(); got != c.want {
			t.Errorf("\n got %s\nwant %s", got, c.want)
		}
	}
}

// TestPoolStops refuses what comes too late.
func TestPoolStops(t *testing.T) {
	n := newNetwork(t)
	if err := n.pool.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := eval(t, n, "ws://name.test", `return all(cws.connect(url))`); got != "nil|the server is stopping" {
		t.Error(got)
	}
}
