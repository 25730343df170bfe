package main

import (
	"fmt"
	"sync"
	"testing"
)

// inlineLua echoes; some messages make it misbehave.
const inlineLua = `
return {onMessage = function(handler, opcode, message)
  if message == "run" then while true do pcall(function() while true do end end) end end
  if message == "wait" then return ws:send(handler, opcode, tostring(select(2, pcall(sleep, 1)))) end
  if message == "task" then
    task.spawn(function() sleep(0.01) ws:send(handler, 1, "slept") end)
    return true
  end
  return ws:send(handler, opcode, message)
end}`

// TestInline serves on the event loops: whole messages of every size, in order on
// many connections, and what a handler must not do there.
func TestInline(t *testing.T) {
	d := startDaemon(t, `{"loops": 2, "limits": {"inline_ms": 100, "handler_ms": 0}, "services": {
		"inline": {"execution": "inline", "max_inbound_message_size": 16777216, "preload": ["task"]}, "echo": {}}}`,
		map[string]string{"inline/inline.lua": inlineLua, "echo/echo.lua": echoLua})
	for name, dial := range libraries {
		t.Run(name, func(t *testing.T) {
			c := dial(t, d.url("/inline"), nil)
			for _, size := range []int{0, 1, 126, 65536, 1 << 20, 16 << 20} {
				want := payload(size, true)
				c.send(t, true, want)
				mustReceive(t, c, true, want)
			}
			c.send(t, false, []byte("wait"))
			mustReceive(t, c, false, []byte("inline.lua:4: a handler of a service that runs inline must not wait; a task may"))
			c.send(t, false, []byte("task"))
			mustReceive(t, c, false, []byte("slept"))
			c.close(t)
		})
	}
	t.Run("order", func(t *testing.T) {
		var all sync.WaitGroup
		for i := range 50 {
			c := dialCoder(t, d.url("/inline"), nil)
			all.Go(func() {
				for n := range 500 {
					c.send(t, false, fmt.Appendf(nil, "%d of %d", n, i))
				}
			})
			all.Go(func() {
				for n := range 500 {
					mustReceive(t, c, false, fmt.Appendf(nil, "%d of %d", n, i))
				}
			})
		}
		all.Wait()
	})
	t.Run("greedy", func(t *testing.T) {
		c := dialCoder(t, d.url("/inline"), nil)
		c.send(t, false, []byte("run"))
		if code, reason := c.closed(t); code != 1011 {
			t.Errorf("closed with %d, %q, want 1011", code, reason)
		}
		if d.logged.count("the call has run for longer than it may") == 0 {
			t.Errorf("that it ran for too long is not in the log:\n%s", d.logged)
		}
		mustEcho(t, d.url("/inline"))
		mustEcho(t, d.url("/echo"))
	})
}
