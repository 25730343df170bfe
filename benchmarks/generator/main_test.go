package generator

import (
	"context"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	return serveOver(t, false, func(c *websocket.Conn, _ int) { handle(c) })
}

// serveTLS is serve with wss. The server's certificate is trusted.
func serveTLS(t *testing.T, handle func(*websocket.Conn)) Target {
	t.Helper()
	return serveOver(t, true, func(c *websocket.Conn, _ int) { handle(c) })
}

// serveOver also tells handle how many connections there were before.
func serveOver(t *testing.T, secure bool, handle func(c *websocket.Conn, i int)) Target {
	t.Helper()
	var handlers sync.WaitGroup
	var came atomic.Int64
	upgrader := websocket.Upgrader{WriteBufferSize: 32} // larger messages are fragmented when written in parts
	handlers.Add(1)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers.Add(1)
		defer handlers.Done()
		i := int(came.Add(1)) - 1
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Errorf("upgrade: %v", err)
			return
		}
		defer c.Close()
		handle(c, i)
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		srv.Listener = dripping{srv.Listener}
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(func() {
		srv.Close()
		handlers.Done()
		handlers.Wait()
	})
	target, err := ParseTarget(t.Context(), "ws"+strings.TrimPrefix(srv.URL, "http")+"/echo", false)
	if err != nil {
		t.Fatal(err)
	}
	if secure {
		target.TLS.RootCAs = x509.NewCertPool()
		target.TLS.RootCAs.AddCert(srv.Certificate())
	}
	return target
}

// A dripping listener has connections that write in pieces of some thousand
// bytes, so that records come in parts.
type dripping struct{ net.Listener }

func (l dripping) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return drip{c}, nil
}

type drip struct{ net.Conn }

func (d drip) Write(p []byte) (n int, err error) {
	for piece := range slices.Chunk(p, 5003) {
		k, err := d.Conn.Write(piece)
		if n += k; err != nil {
			return n, err
		}
	}
	return n, nil
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
