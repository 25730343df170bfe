package cws

import (
	"slices"
	"testing"
)

// callbackPrelude has callbacks that write down what they are told, and a loop until there is
// enough of it.
const callbackPrelude = `
said, kept = {}, {} -- what is garbage is closed
function say(...) said[#said + 1] = all(...) end
function new(path, more, options)
  local cb = {
    onopen = function(h) say("open", h) end,
    onmessage = function(h, data, op) say("message", h, data, op) end,
    onerror = function(h, why) say("error", h, why) end,
    onclose = function(h, code, reason) say("close", h, code, reason) end,
  }
  for k, v in pairs(more or {}) do cb[k] = v end
  local o, why = cws:new(path:match("^ws") and path or url .. path, cb, options)
  kept[#kept + 1] = assert(o, why) return o
end
function loop(n) while #said < n do cws:eventLoop(10) end return table.concat(said, " ; ") end
`

func TestCallbacks(t *testing.T) {
	n := newNetwork(t)
	_, url := newServer(t)
	for _, c := range []struct{ name, source, want string }{
		{"life", `local o = new("/echo", {onopen = function(h) say("open", h) say(cws:send(h, "text")) say(cws:send(h, "\1", 2)) end}) loop(5)
			say(o:close()) cws:eventLoop(0.01) return table.concat(said, " ; ")`,
			"open|1 ; true ; true ; message|1|text|1 ; message|1|\x01|2 ; true"},
		{"none", `local o = assert(cws:new(url .. "/close?code=1000", {})) local n = 0 while n < 3 do n = n + cws:eventLoop(10) end return n`, "3"},
		{"closed by the server", `local o = new("/close?code=4001&reason=enough") return loop(3)`, "open|1 ; message|1|last|1 ; close|1|4001|enough"},
		{"dropped", `local o = new("/drop") return loop(3)`,
			"open|1 ; error|1|the server closed the connection without a Close frame ; close|1|1006|the server closed the connection without a Close frame"},
		{"refused", `local o = new("/none") return loop(2)`,
			"error|1|the server's answer: 404 Not Found, want 101 ; close|1|1006|the server's answer: 404 Not Found, want 101"},
		{"nothing there", `local o = new("ws://127.0.0.1:1") return loop(2)`,
			"error|1|network: 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused ; close|1|1006|network: 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused"},
		{"bad URL", `return all(cws:new("http://x", {}))`, "nil|the URL must begin with ws:// or wss://"},
		{"handles", `local a, b = new("/echo"), new("/echo") loop(2) table.sort(said) return all(said[1], said[2], cws:send(3, "x"))`, "open|1|open|2|false|no such connection"},
		{"wrong opcode", `local o = new("/echo") loop(1) return all(cws:send(1, "x", 3))`, "false|the opcode must be 1 (text) or 2 (binary)"},
		{"not open yet", `local o = new("/echo") return all(cws:send(1, "x"))`, "false|not open yet"},
		{"gone", `local o = new("/drop") loop(3) return all(cws:send(1, "x"))`, "false|no such connection"},
		{"odd handles", `return all(cws:send(-1, "x"), cws:send(0, "x"), cws:send(1.5, "x"), cws:send(0/0, "x"), cws:send(1/0, "x"), cws:close(7))`,
			"false|false|false|false|false|false|no such connection"},
		{"close by handle", `local o = new("/echo", {onopen = function(h) say(cws:close(h, 4000, "bye")) say(cws:close(h)) end}) loop(2) cws:eventLoop(0.01) return loop(2)`,
			"true ; false|no such connection"},
		{"closed before it is open", `local o = new("/echo") say(o:close()) say(o:close()) return all(cws:eventLoop(0.01), loop(2))`, "0|true ; false|closed"},
		{"backpressure", `local o = new("/echo", {onopen = function(h) local ok, why repeat ok, why = cws:send(h, ("x"):rep(1000)) until not ok say(why) end}, {outbox_bytes = 100000}) return loop(1)`, "backpressure"},
		{"an error goes on", `local o = new("/push?n=3", {onmessage = function(h, data) say(data) error("oops " .. data) end}) loop(4) return table.concat(said, " ")`, "open|1 1 2 3"},
		{"a callback that waits", `local o = new("/push?n=4", {onmessage = function(h, data) say("in " .. data) task.wait(task.spawn(function() sleep(0.001) end)) say("out " .. data) end})
			local ts = {} for i = 1, 3 do ts[i] = task.spawn(function() while #said < 9 do cws:eventLoop(0.005) end end) end assert(task.all(ts)) return table.concat(said, " ")`,
			"open|1 in 1 out 1 in 2 out 2 in 3 out 3 in 4 out 4"},
		{"a loop in a callback", `local o = new("/push?n=3", {onmessage = function(h, data) say(data) cws:eventLoop(0.001) end}) return loop(4)`, "open|1 ; 1 ; 2 ; 3"},
		{"a loop in a callback, of others", `local b local a = new("/push?n=2", {onmessage = function(h, data) if not b then b = new("/push?n=1") while #said < 3 do cws:eventLoop(10) end end say("a", data) end}) return loop(5)`,
			"open|1 ; open|2 ; message|2|1|1 ; a|1 ; a|2"},
		{"many events", `local o = new("/push?n=3000") local most = 0 while #said < 3001 do most = math.max(most, cws:eventLoop(10)) end return all(most <= 1024, said[3001])`, "true|message|1|3000|1"},
		{"nobody waits", `return all(cws:eventLoop(), cws:eventLoop(0))`, "0|0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, n, url, callbackPrelude+c.source, nil)
			if got := l.run(); got != c.want {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
			var want []string
			if c.name == "an error goes on" {
				want = []string{"cws onmessage: main.lua:20: oops 1", "cws onmessage: main.lua:20: oops 2", "cws onmessage: main.lua:20: oops 3"}
			}
			if !slices.Equal(l.failures, want) {
				t.Errorf("failures: %q", l.failures)
			}
		})
	}
}
