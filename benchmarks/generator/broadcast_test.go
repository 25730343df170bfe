package generator

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// A hub is a broadcast server: what one connection sends goes to all of them.
type hub struct {
	// deliver, if not nil, gives message n to subscriber i, counting what is
	// published and who joins; false ends the connection. It is called by one
	// goroutine at a time.
	deliver func(c *websocket.Conn, i, n, op int, p []byte) bool

	mu          sync.Mutex // guards the fields below
	subscribers map[int]*websocket.Conn
	published   int
}

func newHub() *hub { return &hub{subscribers: map[int]*websocket.Conn{}} }

func (h *hub) handle(c *websocket.Conn, i int) {
	h.mu.Lock()
	h.subscribers[i] = c
	h.mu.Unlock()
	each(c, func(_, op int, p []byte) bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		for i, s := range h.subscribers {
			ok := false
			if h.deliver != nil {
				ok = h.deliver(s, i, h.published, op, p)
			} else {
				ok = s.WriteMessage(op, p) == nil
			}
			if !ok {
				delete(h.subscribers, i)
				s.Close()
			}
		}
		h.published++
		return true
	})
}

func mustBroadcast(t *testing.T, cfg Config) *Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := Broadcast(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBroadcast(t *testing.T) {
	tests := []struct {
		name         string
		conns, burst int
		rate         float64
		messages     int64
		size         int
		op           Op
		tls          bool
	}{
		{"alone", 1, 1, 0, 50, 64, Binary, false},
		{"one by one", 20, 1, 0, 50, 64, Text, false},
		{"bursts", 20, 16, 0, 100, 64, Binary, false}, // the last is shorter
		{"at a rate", 5, 1, 2000, 100, 64, Binary, false},
		{"bursts at a rate", 5, 8, 500, 100, 64, Binary, false},
		{"large", 3, 2, 0, 20, 100_000, Binary, false},
		{"secure", 7, 16, 0, 100, 64, Binary, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHub()
			cfg := bounded(serveOver(t, tt.tls, h.handle), tt.conns, tt.burst, tt.messages)
			cfg.Size, cfg.Op, cfg.Rate = tt.size, tt.op, tt.rate
			r := mustBroadcast(t, cfg)
			want := tt.messages * int64(tt.conns)
			if r.Mode != "broadcast" || r.Conns != tt.conns || r.Depth != tt.burst || r.Rate != tt.rate || r.Threads != 1 ||
				r.Sent != want || r.Verified != want || r.Messages != want || r.Unanswered != 0 || len(r.Failures) > 0 ||
				(r.TLS != "") != tt.tls {
				t.Errorf("got %+v, expected %d deliveries", r, want)
			}
			l := r.Latency
			if l.Count != want || l.P50 <= 0 || !slices.IsSorted([]float64{l.P50, l.P90, l.P99, l.P999, l.Max}) {
				t.Errorf("got %+v", l)
			}
		})
	}
}

// Who is subscribed late is waited for, and what came before is not for him.
func TestBroadcastLateSubscriber(t *testing.T) {
	var missed [4]atomic.Int64 // messages before a connection is subscribed
	h := newHub()
	h.deliver = func(c *websocket.Conn, i, n, op int, p []byte) bool {
		if n < i { // connection 3 from the fourth message on
			missed[i].Add(1)
			return true
		}
		return c.WriteMessage(op, p) == nil
	}
	r := mustBroadcast(t, bounded(serveOver(t, false, h.handle), 4, 5, 50))
	if r.Sent != 200 || r.Verified != 200 || len(r.Failures) > 0 {
		t.Errorf("got %+v", r)
	}
	if missed[3].Load() == 0 {
		t.Error("nobody was subscribed late: the server did not do what is tested")
	}
}

// What goes wrong at one subscriber is found and named, and the others go on.
// Message 0 is there to find that all are subscribed.
func TestBroadcastFailures(t *testing.T) {
	// unlike does f for connection 2 at message 7, of 41.
	unlike := func(f func(c *websocket.Conn, op int, p []byte) bool) func(*websocket.Conn, int, int, int, []byte) bool {
		return func(c *websocket.Conn, i, n, op int, p []byte) bool {
			if i == 2 && n == 7 {
				return f(c, op, p)
			}
			return c.WriteMessage(op, p) == nil
		}
	}
	var held []byte
	tests := []struct {
		name    string
		deliver func(c *websocket.Conn, i, n, op int, p []byte) bool
		want    Failure
	}{
		{"lost", unlike(func(*websocket.Conn, int, []byte) bool { return true }),
			Failure{WrongEcho, 1, `connection 2: message 7: "8qrstuvwxyzabcde" at byte 15, expected "7qrstuvwxyzabcde"`}},
		{"twice", unlike(func(c *websocket.Conn, op int, p []byte) bool {
			first := c.WriteMessage(op, p)
			return first == nil && c.WriteMessage(op, p) == nil
		}), Failure{WrongEcho, 1, `connection 2: message 8: "7qrstuvwxyzabcde" at byte 15, expected "8qrstuvwxyzabcde"`}},
		{"reordered", func(c *websocket.Conn, i, n, op int, p []byte) bool {
			switch {
			case i == 2 && n == 7:
				held = slices.Clone(p)
				return true
			case i == 2 && n == 8:
				return c.WriteMessage(op, p) == nil && c.WriteMessage(op, held) == nil
			}
			return c.WriteMessage(op, p) == nil
		}, Failure{WrongEcho, 1, `connection 2: message 7: "8qrstuvwxyzabcde" at byte 15, expected "7qrstuvwxyzabcde"`}},
		{"corrupted", unlike(func(c *websocket.Conn, op int, p []byte) bool {
			p = slices.Clone(p)
			p[20] = '!'
			return c.WriteMessage(op, p) == nil
		}), Failure{WrongEcho, 1, `connection 2: message 7: "!vwxyzabcdefghij" at byte 20, expected "uvwxyzabcdefghij"`}},
		{"closed", unlike(func(c *websocket.Conn, op int, p []byte) bool {
			return false
		}), Failure{Closed, 1, "connection 2: end of stream without a close frame"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHub()
			h.deliver = tt.deliver
			r := mustBroadcast(t, bounded(serveOver(t, false, h.handle), 4, 10, 40))
			if !slices.Equal(r.Failures, []Failure{tt.want}) {
				t.Errorf("got  %+v\nwant %+v", r.Failures, tt.want)
			}
			// Three have all of 40, the other those before the seventh, or
			// that too; less if more than one message was needed to join.
			if r.Verified < 120 || r.Verified > 127 || r.Verified+r.Unanswered != r.Sent {
				t.Errorf("sent %d, verified %d, unanswered %d", r.Sent, r.Verified, r.Unanswered)
			}
		})
	}
}

// The last message of all is kept from one subscriber; another is never
// subscribed.
func TestBroadcastStall(t *testing.T) {
	for _, kept := range []int{0, 20} {
		t.Run(fmt.Sprint(kept), func(t *testing.T) {
			h := newHub()
			h.deliver = func(c *websocket.Conn, i, n, op int, p []byte) bool {
				return i == 1 && n >= kept || c.WriteMessage(op, p) == nil
			}
			cfg := bounded(serveOver(t, false, h.handle), 3, 4, 20)
			cfg.Timeout = time.Second
			r := mustBroadcast(t, cfg)
			if len(r.Failures) != 1 || r.Failures[0].Kind != Stall || r.Failures[0].Count != 1 || r.Verified < 40 || r.Unanswered < 1 {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// Without its publisher a broadcast is over, whoever else is there.
func TestBroadcastWithoutPublisher(t *testing.T) {
	for _, rate := range []float64{0, 1000} {
		h := newHub()
		h.deliver = func(c *websocket.Conn, i, n, op int, p []byte) bool {
			return (i > 0 || n < 9) && c.WriteMessage(op, p) == nil
		}
		cfg := bounded(serveOver(t, false, h.handle), 3, 1, 1000)
		cfg.Rate = rate
		r := mustBroadcast(t, cfg)
		want := []Failure{{Closed, 1, "connection 0: end of stream without a close frame"}}
		if !slices.Equal(r.Failures, want) || r.Verified < 20 {
			t.Errorf("rate %v: got %+v", rate, r)
		}
	}
}

func TestBroadcastConfig(t *testing.T) {
	good := Config{Target: Target{Addr: loopback}, Conns: 1, Depth: 1, Size: 64, Duration: time.Second}
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no depth", func(c *Config) { c.Depth, c.Rate = 0, 5 }, "generator: depth: a broadcast has bursts of 1 to 2^20 messages, not 0"},
		{"too much at once", func(c *Config) { c.Depth = 5000 }, "generator: depth: a burst has at most 262144 bytes, not 350000"},
		{"dialect", func(c *Config) { c.Dialect = LAppS }, "generator: dialect: a broadcast is raw, not lapps"},
		{"slow readers", func(c *Config) { c.SlowReaders = 1 }, "generator: slow readers: a broadcast has none, not 1"},
		{"conns", func(c *Config) { c.Conns = 0 }, "generator: conns: expected 1 to 2^24, not 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.change(&c)
			if _, err := Broadcast(t.Context(), c); errText(err) != tt.want {
				t.Errorf("got  %v\nwant %v", err, tt.want)
			}
		})
	}
}
