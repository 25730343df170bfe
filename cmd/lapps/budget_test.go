package main

import (
	"strings"
	"testing"
)

// TestGreedyLua ends handlers that run or take too much, while another service
// echoes on; and the greedy one goes on, too.
func TestGreedyLua(t *testing.T) {
	const greedy = `
		local what = {
			time = function() while true do pcall(function() while true do end end) end end,
			memory = function() local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end end,
			doubling = function() local s = "x" while true do s = s .. s end end,
		}
		return { onMessage = function(h, op, m) if what[m] then what[m]() end return ws:send(h, op, m) end }`
	d := startDaemon(t, `{"limits": {"handler_ms": 200, "instance_mb": 32}, "services": {"greedy": {}, "echo": {}}}`,
		map[string]string{"greedy/greedy.lua": greedy, "echo/echo.lua": echoLua})
	for _, what := range []string{"time", "memory", "doubling"} {
		c := dialCoder(t, d.url("/greedy"), nil)
		c.send(t, false, []byte(what))
		mustEcho(t, d.url("/echo"))
		if code, reason := c.closed(t); code != 1011 {
			t.Errorf("%s: closed with %d, %q, want 1011", what, code, reason)
		}
		mustEcho(t, d.url("/greedy"))
	}
	for _, why := range []string{"the call has run for longer than it may", "not enough memory"} {
		if !strings.Contains(d.logged.String(), why) {
			t.Errorf("%q is not in the log:\n%s", why, d.logged)
		}
	}
}
