package generator

import (
	"bytes"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sys/unix"
)

func TestOpenLoop(t *testing.T) {
	target := serve(t, echo)
	for _, threads := range []int{1, 2} {
		cfg := bounded(target, 7, 0, 500)
		cfg.Rate, cfg.Threads = 5000, threads
		r := mustEcho(t, cfg)
		if r.Mode != "open" || r.Rate != 5000 || r.Sent != 500 || r.Verified != 500 || r.Messages != 500 || len(r.Failures) > 0 {
			t.Errorf("%d threads: got %+v", threads, r)
		}
		l := r.Latency
		if l.Count != 500 || l.P50 <= 0 || l.P50 > l.P90 || l.P90 > l.P99 || l.P99 > l.P999 || l.P999 > l.Max {
			t.Errorf("%d threads: got %+v", threads, l)
		}
	}
}

// The server stalls at one message until 199 more lie before it. They come at
// 1000 messages/s and never early, so that the first was held up for at least
// 199 ms, the next for 198 ms and so on, on however slow a machine. A generator
// that sends the next message when the last came back would never get there;
// one that counts from when it sent would find nothing amiss had the messages
// been held up on its side.
func TestStallShowsInLatencies(t *testing.T) {
	target := serve(t, func(c *websocket.Conn) {
		var held [][]byte
		each(c, func(n, op int, p []byte) bool {
			if n < 100 || n >= 300 {
				return c.WriteMessage(op, p) == nil
			}
			held = append(held, bytes.Clone(p))
			if n < 299 {
				return true
			}
			for _, p := range held {
				if err := c.WriteMessage(op, p); err != nil {
					return false
				}
			}
			return true
		})
	})
	cfg := bounded(target, 1, 0, 400)
	cfg.Rate = 1000
	r := mustEcho(t, cfg)
	l := r.Latency
	if r.Verified != 400 || l.Count != 400 || len(r.Failures) > 0 {
		t.Fatalf("got %+v, latency %+v", r, l)
	}
	// Of 400 messages, 200 waited from 0 to 199 ms: a quarter beyond 99 ms, a
	// tenth beyond 159 ms. The histogram has three digits.
	if l.Max < 198_000 || l.P99 < 194_000 || l.P90 < 158_000 {
		t.Errorf("the stall of 199 ms does not show: %+v", l)
	}
}

// What is late through our own fault is told from what the server holds up: a
// schedule an hour behind, and a peer that does not read.
func TestLateAndBlocked(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	cfg, err := (Config{
		Target: Target{Addr: loopback}, Conns: 1, Size: 64 << 10, Rate: 1000, Duration: 2 * time.Hour,
	}).checked()
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWorker(&cfg, new(atomic.Bool), newSchedule(&cfg, cfg.Conns))
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	if err := w.add(&conn{fd: fds[0]}); err != nil {
		t.Fatal(err)
	}
	w.pace.own = w.conns
	w.start = time.Now().Add(-time.Hour)
	w.schedule()
	late := w.pace.late
	if late.count == 0 || late.blocked == 0 || late.count+late.blocked != maxScheduled || late.max < time.Hour-time.Second {
		t.Errorf("got %+v, expected %d messages, some late by an hour, some blocked", late, maxScheduled)
	}
	if c := w.conns[0]; c.pending() != maxScheduled || len(c.out) == 0 || len(c.out) > maxBatch {
		t.Errorf("pending %d, %d bytes kept", c.pending(), len(c.out))
	}
}

func TestSchedule(t *testing.T) {
	tests := []struct {
		name string
		cfg  Config
		want int64 // messages
	}{
		{"by time", Config{Conns: 3, Rate: 1000, Duration: time.Second}, 1000},
		{"with warm-up", Config{Conns: 3, Rate: 1000, Warmup: time.Second, Duration: time.Second}, 2000},
		{"by number", Config{Conns: 3, Rate: 1000, Duration: time.Second, Messages: 10}, 10},
		{"by time, before the number", Config{Conns: 3, Rate: 1000, Duration: time.Millisecond, Messages: 10}, 1},
		{"slow", Config{Conns: 3, Rate: 0.5, Duration: 4 * time.Second}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSchedule(&tt.cfg, tt.cfg.Conns)
			for id := range tt.cfg.Conns {
				s.own = append(s.own, &conn{id: id})
			}
			var n int64
			for ; !s.ended(); n++ {
				c, k := s.upcoming()
				if int64(c.id) != n%3 || k != n/3 {
					t.Fatalf("message %d: got number %d of connection %d", n, k, c.id)
				}
				want := time.Duration(float64(n) / tt.cfg.Rate * 1e9)
				if got := s.due(c, k); (got - want).Abs() > 1 {
					t.Fatalf("message %d: due at %v, expected %v", n, got, want)
				}
				s.next++
			}
			if n != tt.want {
				t.Errorf("got %d messages, expected %d", n, tt.want)
			}
		})
	}
}
