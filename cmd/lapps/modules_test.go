package main

import (
	"testing"
)

// TestQueues has the services of a daemon share queues, as its configuration limits them, and
// no other daemon.
func TestQueues(t *testing.T) {
	const lua = `
local mqr = require "mqr"
local q = mqr.create("q")
return {onMessage = function(h, op, m)
  if m == "limits" then
    local _, messages = mqr.create("x", {messages = 1e9})
    local _, bytes = mqr.create("x", {bytes = 1e18})
    return ws:send(h, 1, messages .. "; " .. bytes)
  end
  if m ~= "receive" then return ws:send(h, 1, tostring(q:post(m)) .. " " .. #q) end
  return ws:send(h, 1, q:try_recv() or "nothing")
end}`
	files := map[string]string{"a/a.lua": lua, "b/b.lua": lua}
	d := startDaemon(t, `{"limits": {"queue_messages": 3, "queue_mb": 2}, "services": {"a": {"instances": 1}, "b": {"instances": 1}}}`, files)
	other := startDaemon(t, `{"services": {"a": {"instances": 1}}}`, files)
	a, b, c := dialCoder(t, d.url("/a"), nil), dialCoder(t, d.url("/b"), nil), dialCoder(t, other.url("/a"), nil)
	for _, step := range []struct {
		who        client
		send, want string
	}{
		{a, "limits", "messages must be a whole number from 1 to 3; bytes must be a whole number from 1 to 2097152"},
		{c, "limits", "messages must be a whole number from 1 to 65536; bytes must be a whole number from 1 to 67108864"},
		{a, "hello", "true 1"},
		{a, "world", "true 2"},
		{c, "receive", "nothing"},
		{b, "receive", "hello"},
		{a, "receive", "world"},
		{b, "receive", "nothing"},
	} {
		step.who.send(t, false, []byte(step.send))
		if _, got := step.who.receive(t); string(got) != step.want {
			t.Errorf("%s: %q, want %q", step.send, got, step.want)
		}
	}
}
