package main

import (
	"fmt"
	"testing"
)

// TestGreedyLua ends handlers that run or take too much, while another service
// echoes on; and the greedy one goes on, too.
func TestGreedyLua(t *testing.T) {
	for _, c := range []struct{ limits, lua, why string }{
		{`"handler_ms": 200`, `while true do pcall(function() while true do end end) end`, "the call has run for longer than it may"},
		{`"handler_ms": 0, "instance_mb": 32`, `local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end`, "not enough memory"},
		{`"handler_ms": 0, "instance_mb": 32`, `local s = "x" while true do s = s .. s end`, "not enough memory"},
	} {
		greedy := `return { onMessage = function(h, op, m) if m == "greedy" then ` + c.lua + ` end return ws:send(h, op, m) end }`
		d := startDaemon(t, fmt.Sprintf(`{"limits": {%s}, "services": {"greedy": {}, "echo": {}}}`, c.limits),
			map[string]string{"greedy/greedy.lua": greedy, "echo/echo.lua": echoLua})
		client := dialCoder(t, d.url("/greedy"), nil)
		client.send(t, false, []byte("greedy"))
		mustEcho(t, d.url("/echo"))
		if code, reason := client.closed(t); code != 1011 {
			t.Errorf("%s: closed with %d, %q, want 1011", c.lua, code, reason)
		}
		mustEcho(t, d.url("/greedy"))
		if d.logged.count(c.why) == 0 {
			t.Errorf("%q is not in the log:\n%s", c.why, d.logged)
		}
	}
}
