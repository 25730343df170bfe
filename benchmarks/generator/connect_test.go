package generator

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func mustConnect(t *testing.T, cfg Config) *Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := Connect(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestConnect(t *testing.T) {
	for _, tt := range []struct {
		name string
		tls  bool
		want string
	}{{"ws", false, ""}, {"wss", true, "TLS 1.3, X25519MLKEM768"}} {
		t.Run(tt.name, func(t *testing.T) {
			var closed atomic.Int64
			target := serveOver(t, tt.tls, func(c *websocket.Conn, _ int) {
				c.SetCloseHandler(func(code int, _ string) error {
					if code == websocket.CloseNormalClosure {
						closed.Add(1)
					}
					return c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Time{})
				})
				_, _, _ = c.ReadMessage()
			})
			r := mustConnect(t, Config{Target: target, PID: os.Getpid(), Conns: 4, Messages: 50, Duration: time.Hour})
			l := r.Latency
			if r.Mode != "connect" || r.Conns != 4 || r.TLS != tt.want || r.Sent != 50 || r.Verified != 50 || r.Messages != 50 ||
				r.Unanswered != 0 || len(r.Failures) > 0 || r.Server.CPUPerMessage <= 0 {
				t.Errorf("got %+v", r)
			}
			if l.Count != 50 || l.P50 <= 0 || !slices.IsSorted([]float64{l.P50, l.P90, l.P99, l.P999, l.Max}) {
				t.Errorf("got %+v", l)
			}
			if closed.Load() != 50 {
				t.Errorf("%d connections closed by a close frame with 1000, expected 50", closed.Load())
			}
		})
	}
}

// Messages before the answer to the close frame, and an end without one, are
// no failure; nor is a close frame in the same write as the 101.
func TestConnectEnds(t *testing.T) {
	tests := []struct {
		name   string
		handle func(c *websocket.Conn)
	}{
		{"messages first", func(c *websocket.Conn) {
			for _, size := range []int{1, 200, 70000} {
				_ = c.WriteMessage(websocket.BinaryMessage, make([]byte, size))
			}
			_, _, _ = c.ReadMessage()
		}},
		{"no close frame", func(c *websocket.Conn) {
			c.SetCloseHandler(func(int, string) error { return nil })
			_, _, _ = c.ReadMessage()
		}},
		{"waits for the client to close", func(c *websocket.Conn) {
			_, _, _ = c.ReadMessage() // answers
			_, _ = c.NetConn().Read(make([]byte, 1))
		}},
		{"closes at once", func(c *websocket.Conn) {
			_ = c.WriteMessage(websocket.CloseMessage, nil)
			_, _, _ = c.ReadMessage()
		}},
		{"reset", func(c *websocket.Conn) { _ = c.NetConn().(*net.TCPConn).SetLinger(0) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := mustConnect(t, Config{Target: serve(t, tt.handle), Conns: 2, Messages: 10, Duration: time.Hour})
			if r.Verified != 10 || len(r.Failures) > 0 {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestConnectFailures(t *testing.T) {
	target := serve(t, echo)
	target.Path = "/elsewhere?none"
	closed := target
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	closed.Addr = ln.Addr().(*net.TCPAddr).AddrPort()
	silent := Target{Addr: silence(t), Host: "x", Path: "/"}
	mute := serve(t, func(c *websocket.Conn) {
		c.SetCloseHandler(func(int, string) error { return nil })
		_, _, _ = c.ReadMessage()
		_, _ = c.NetConn().Read(make([]byte, 1)) // until the other side closes
	})
	tests := []struct {
		name     string
		target   Target
		verified int64
		want     Failure
	}{
		{"nobody listens", closed, 0, Failure{Opening, 2,
			fmt.Sprintf("connection 0: dial tcp %v: connect: connection refused", closed.Addr)}},
		{"silent", silent, 0, Failure{Opening, 2, "connection 0: opening handshake: "}},
		{"no answer to a close frame", mute, 2, Failure{Stall, 2, "connection 0: no answer to a close frame: "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := mustConnect(t, Config{Target: tt.target, Conns: 2, Messages: 10, Duration: time.Hour, Timeout: time.Second})
			if len(r.Failures) != 1 || r.Verified != tt.verified || r.Sent != 2 {
				t.Fatalf("got %+v", r)
			}
			// Either connection may have been the first.
			got := r.Failures[0]
			if got.Kind != tt.want.Kind || got.Count != 2 || !hasAffixes(got.Example[len("connection 0"):], tt.want.Example[len("connection 0"):], "") {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestConnectConfig(t *testing.T) {
	_, err := Connect(t.Context(), Config{Target: Target{Addr: loopback}, Duration: time.Second})
	if want := "generator: conns: expected 1 to 2^24, not 0"; errText(err) != want {
		t.Errorf("got %v, expected %s", err, want)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fmt.Errorf("enough"))
	_, err = Connect(ctx, Config{Target: serve(t, echo), Conns: 1, Duration: time.Hour})
	if errText(err) != "generator: enough" {
		t.Errorf("got %v, expected the context's cause", err)
	}
}
