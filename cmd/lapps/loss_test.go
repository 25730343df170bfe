package main

import (
	"runtime"
	"strings"
	"sync"
	"testing"

	gorilla "github.com/gorilla/websocket"
)

// countLua echoes, logs every onDisconnect, and says on "count" how many there
// have been.
const countLua = `
local count = {}
local gone = {}
function count.onMessage(handler, opcode, message) return ws:send(handler, opcode, message) end
function count.onDisconnect(handler)
  if gone[handler] then print("twice") end
  gone[handler] = true
  print("gone")
end
return count`

// TestAbruptLoss opens 2,000 connections and aborts 500 of them, some with
// unread input (which resets), some without.
func TestAbruptLoss(t *testing.T) {
	d := startDaemon(t, `{"loops": 2, "timeouts": {"close_ms": 500}, "services": {"count": {"instances": 4}}}`, map[string]string{"count/count.lua": countLua})
	mustEcho(t, d.url("/count"))
	before := d.logged.count(`"gone"`)
	eventually(t, "the first connections have gone", func() bool { return d.server.Open() == 0 })
	files, goroutines := openFiles(t), runtime.NumGoroutine()

	const total, lost = 2000, 500
	conns := make([]*gorilla.Conn, total)
	var dialling sync.WaitGroup
	for w := range 20 {
		dialling.Go(func() {
			for i := w; i < total; i += 20 {
				c, _, err := gorilla.DefaultDialer.Dial(d.url("/count"), nil)
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
				conns[i] = c
				if err := c.WriteMessage(gorilla.TextMessage, []byte("hello")); err != nil {
					t.Errorf("connection %d: %v", i, err)
				}
			}
		})
	}
	dialling.Wait()
	if t.Failed() {
		return
	}
	if open := d.server.Open(); open != total {
		t.Fatalf("%d connections are open, want %d", open, total)
	}
	for i, c := range conns[:lost] {
		if i%2 == 0 { // its echo is read, so closing sends a FIN and not a RST
			if _, _, err := c.ReadMessage(); err != nil {
				t.Fatal(err)
			}
		}
		c.NetConn().Close()
	}
	eventually(t, "500 onDisconnect", func() bool { return d.logged.count(`"gone"`) == before+lost })
	eventually(t, "1,500 connections are left", func() bool { return d.server.Open() == total-lost })
	for i, c := range conns[lost:] {
		if _, message, err := c.ReadMessage(); err != nil || string(message) != "hello" {
			t.Fatalf("connection %d after the loss of others: %q, %v", lost+i, message, err)
		}
	}
	for _, c := range conns[lost:] {
		c.Close()
	}
	eventually(t, "every onDisconnect", func() bool { return d.logged.count(`"gone"`) == before+total })
	if d.logged.count(`"twice"`) > 0 {
		t.Error("onDisconnect was called twice for one connection")
	}
	eventually(t, "descriptors are back", func() bool { return openFiles(t) <= files })
	eventually(t, "goroutines are back", func() bool { return withoutPool(runtime.NumGoroutine()) <= goroutines })
	if seats := d.registry.Lookup("/count").Seats(); seats != 0 {
		t.Errorf("%d seats are taken", seats)
	}
}

// withoutPool takes from n the idle workers of the pool in which gnet enrols
// connections: it keeps them for a while.
func withoutPool(n int) int {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	return n - strings.Count(string(buf), "ants/v2.(*goWorker).run.func1")
}
