package generator

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// serve runs a WebSocket server, of other people's making, that has handle
// talk to each connection, and returns where it is. At the end of the test the
// connections are closed and their goroutines awaited.
func serve(t *testing.T, handle func(*websocket.Conn)) Target {
	t.Helper()
	var handlers sync.WaitGroup
	upgrader := websocket.Upgrader{WriteBufferSize: 32} // larger messages are fragmented when written in parts
	handlers.Add(1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers.Add(1)
		defer handlers.Done()
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Errorf("upgrade: %v", err)
			return
		}
		defer c.Close()
		handle(c)
	}))
	t.Cleanup(func() {
		srv.Close()
		handlers.Done()
		handlers.Wait()
	})
	target, err := ParseTarget(t.Context(), "ws"+strings.TrimPrefix(srv.URL, "http")+"/echo", false)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// each calls f with every message until the connection ends or f returns
// false.
func each(c *websocket.Conn, f func(n, op int, p []byte) bool) {
	for n := 0; ; n++ {
		op, p, err := c.ReadMessage()
		if err != nil || !f(n, op, p) {
			return
		}
	}
}

// echo is the server that does as it should.
func echo(c *websocket.Conn) {
	each(c, func(_, op int, p []byte) bool { return c.WriteMessage(op, p) == nil })
}

// bounded is a run that only the number of messages, or a failure, ends.
func bounded(target Target, conns, depth int, messages int64) Config {
	return Config{
		Target: target, Conns: conns, Depth: depth, Messages: messages,
		Size: 64, Duration: time.Hour, Timeout: time.Minute,
	}
}

// mustEcho runs cfg.
func mustEcho(t *testing.T, cfg Config) *Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := Echo(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
