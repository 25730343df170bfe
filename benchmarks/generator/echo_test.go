package generator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestClosedLoop(t *testing.T) {
	target := serve(t, echo)
	tests := []struct {
		name           string
		conns, depth   int
		threads, size  int
		op             Op
		messages, want int64
	}{
		{"ping-pong", 8, 1, 1, 64, Binary, 1000, 1000},
		{"pipelined", 4, 16, 1, 64, Text, 1000, 1000},
		{"two threads", 5, 4, 2, 64, Binary, 1001, 1001},
		{"more threads than connections", 1, 1, 3, 64, Binary, 10, 10},
		{"fewer messages than connections", 5, 3, 1, 64, Binary, 3, 3},
		{"least payload", 2, 3, 1, MinSize, Text, 50, 50},
		{"longest with 7 bits", 2, 3, 1, 125, Binary, 50, 50},
		{"shortest with 16 bits", 2, 3, 1, 126, Binary, 50, 50},
		{"longest with 16 bits", 2, 3, 1, 65535, Text, 20, 20},
		{"shortest with 64 bits", 2, 3, 1, 65536, Binary, 20, 20},
		{"more than the sockets take", 2, 4, 1, 3 << 20, Binary, 10, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := bounded(target, tt.conns, tt.depth, tt.messages)
			cfg.Threads, cfg.Size, cfg.Op, cfg.PID = tt.threads, tt.size, tt.op, os.Getpid()
			got := *mustEcho(t, cfg)
			if got.Seconds <= 0 || got.PerSecond <= 0 || got.Generator.CPUPerMessage <= 0 || got.Generator.RSS == 0 ||
				got.Server == nil || got.Server.CPUPerMessage <= 0 || got.Server.RSS == 0 {
				t.Errorf("nothing measured: %+v", got)
			}
			got.Seconds, got.PerSecond, got.Generator, got.Server = 0, 0, Usage{}, nil
			want := Result{
				Mode: "closed", Conns: tt.conns, Depth: tt.depth, Size: tt.size, Op: tt.op.String(),
				Threads: min(tt.threads, tt.conns), Sent: tt.want, Verified: tt.want, Messages: tt.want, Failures: []Failure{},
			}
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// The server writes each echo in fragments, a ping among them. The generator
// has to answer the ping before it sends the next message.
func TestFragmentsAndPings(t *testing.T) {
	var pings, missing, fragments atomic.Int64
	target := serve(t, func(c *websocket.Conn) {
		pongs := 0
		c.SetPongHandler(func(string) error { pongs++; return nil })
		each(c, func(n, op int, p []byte) bool {
			if pongs != n {
				missing.Add(1)
			}
			w, err := c.NextWriter(op)
			if err != nil {
				return false
			}
			for part := range slices.Chunk(p, 20) {
				fragments.Add(1)
				if _, err := w.Write(part); err != nil {
					return false
				}
			}
			pings.Add(1)
			if err := c.WriteControl(websocket.PingMessage, fmt.Appendf(nil, "ping %d", n), time.Time{}); err != nil {
				return false
			}
			return w.Close() == nil
		})
	})
	r := mustEcho(t, bounded(target, 3, 1, 90))
	if r.Verified != 90 || len(r.Failures) > 0 {
		t.Errorf("verified %d of 90, failures %+v", r.Verified, r.Failures)
	}
	if pings.Load() != 90 || missing.Load() > 0 || fragments.Load() != 90*4 {
		t.Errorf("%d pings, %d messages that came before the pong, %d fragments", pings.Load(), missing.Load(), fragments.Load())
	}
}

func TestFailures(t *testing.T) {
	raw := func(c *websocket.Conn, p ...byte) bool {
		_, err := c.NetConn().Write(p)
		return err == nil
	}
	tests := []struct {
		name   string
		handle func(c *websocket.Conn, n, op int, p []byte) bool
		want   []Failure
	}{
		{"corrupted", func(c *websocket.Conn, n, op int, p []byte) bool {
			if n == 2 {
				p[20] = '!'
			}
			return c.WriteMessage(op, p) == nil
		}, []Failure{{WrongEcho, 1, `connection 0: message 2: "!vwxyzabcdefghij" at byte 20, expected "uvwxyzabcdefghij"`}}},
		{"the one before", func(c *websocket.Conn, n, op int, p []byte) bool {
			if n == 1 {
				p[15]--
			}
			return c.WriteMessage(op, p) == nil
		}, []Failure{{WrongEcho, 1, `connection 0: message 1: "0qrstuvwxyzabcde" at byte 15, expected "1qrstuvwxyzabcde"`}}},
		{"of another connection", func(c *websocket.Conn, n, op int, p []byte) bool {
			p[7]++
			return c.WriteMessage(op, p) == nil
		}, []Failure{{WrongEcho, 1, `connection 0: message 0: "100000000qrstuvw" at byte 7, expected "000000000qrstuvw"`}}},
		{"text for binary", func(c *websocket.Conn, _, _ int, p []byte) bool {
			return c.WriteMessage(websocket.TextMessage, p) == nil
		}, []Failure{{WrongEcho, 1, "connection 0: message 0: text of 64 bytes, expected binary of 64"}}},
		{"too short", func(c *websocket.Conn, _, op int, p []byte) bool {
			return c.WriteMessage(op, p[1:]) == nil
		}, []Failure{{WrongEcho, 1, "connection 0: message 0: binary of 63 bytes, expected binary of 64"}}},
		{"endless", func(c *websocket.Conn, _, op int, p []byte) bool {
			return raw(c, 0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
		}, []Failure{{WrongEcho, 1, "connection 0: message 0: at least 9223372036854775807 bytes, expected 64"}}},
		{"close frame", func(c *websocket.Conn, n, op int, p []byte) bool {
			if n == 1 {
				_ = c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1011, "sorry"))
				return false
			}
			return c.WriteMessage(op, p) == nil
		}, []Failure{{CloseFrame, 1, `connection 0: 1011 "sorry"`}}},
		{"closed", func(c *websocket.Conn, n, _ int, _ []byte) bool {
			return false
		}, []Failure{{Closed, 1, "connection 0: end of stream without a close frame"}}},
		{"reset", func(c *websocket.Conn, n, _ int, _ []byte) bool {
			_ = c.NetConn().(*net.TCPConn).SetLinger(0)
			return false
		}, []Failure{{Reset, 1, "connection 0: read: connection reset by peer"}}},
		{"masked", func(c *websocket.Conn, _, _ int, _ []byte) bool {
			return raw(c, 0x82, 0x80, 1, 2, 3, 4)
		}, []Failure{{Breach, 1, "connection 0: a server's frame must not be masked"}}},
		{"reserved bit", func(c *websocket.Conn, _, _ int, _ []byte) bool {
			return raw(c, 0xC2, 0x00)
		}, []Failure{{Breach, 1, "connection 0: reserved bits in the frame head c2 00"}}},
		{"unknown opcode", func(c *websocket.Conn, _, _ int, _ []byte) bool {
			return raw(c, 0x83, 0x00)
		}, []Failure{{Breach, 1, "connection 0: unknown opcode 0x3"}}},
		{"fragmented ping", func(c *websocket.Conn, _, _ int, _ []byte) bool {
			return raw(c, 0x09, 0x00)
		}, []Failure{{Breach, 1, "connection 0: control frame 0x9 fragmented or longer than 125 bytes"}}},
		{"continuation of nothing", func(c *websocket.Conn, _, _ int, _ []byte) bool {
			return raw(c, 0x80, 0x00)
		}, []Failure{{Breach, 1, "connection 0: opcode 0x0 while a fragmented message is open: false"}}},
		{"message within a message", func(c *websocket.Conn, _, _ int, _ []byte) bool {
			return raw(c, 0x02, 0x00, 0x82, 0x00)
		}, []Failure{{Breach, 1, "connection 0: opcode 0x2 while a fragmented message is open: true"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := serve(t, func(c *websocket.Conn) {
				each(c, func(n, op int, p []byte) bool { return tt.handle(c, n, op, p) })
			})
			r := mustEcho(t, bounded(target, 1, 1, 10))
			if !slices.Equal(r.Failures, tt.want) {
				t.Errorf("got  %+v\nwant %+v", r.Failures, tt.want)
			}
			if r.Sent != r.Verified+r.Unanswered || r.Unanswered != 1 {
				t.Errorf("sent %d, verified %d, unanswered %d", r.Sent, r.Verified, r.Unanswered)
			}
		})
	}
}

// A message too many is a failure whether it is seen before or after the next
// one was sent.
func TestEchoedTwice(t *testing.T) {
	target := serve(t, func(c *websocket.Conn) {
		each(c, func(_, op int, p []byte) bool {
			first := c.WriteMessage(op, p)
			return first == nil && c.WriteMessage(op, p) == nil
		})
	})
	r := mustEcho(t, bounded(target, 1, 1, 10))
	if len(r.Failures) != 1 || r.Failures[0].Kind != WrongEcho || r.Verified != 1 {
		t.Errorf("got %+v after %d echoes, expected one wrong echo after the first", r.Failures, r.Verified)
	}
}

func TestOrder(t *testing.T) {
	target := serve(t, func(c *websocket.Conn) {
		var before []byte
		each(c, func(n, op int, p []byte) bool {
			if n%2 == 0 {
				before = slices.Clone(p)
				return true
			}
			return c.WriteMessage(op, p) == nil && c.WriteMessage(op, before) == nil
		})
	})
	r := mustEcho(t, bounded(target, 1, 2, 10))
	want := []Failure{{WrongEcho, 1, `connection 0: message 0: "1qrstuvwxyzabcde" at byte 15, expected "0qrstuvwxyzabcde"`}}
	if !slices.Equal(r.Failures, want) {
		t.Errorf("got  %+v\nwant %+v", r.Failures, want)
	}
}

// The server answers one connection and not the other.
func TestStall(t *testing.T) {
	target := serve(t, func(c *websocket.Conn) {
		each(c, func(n, op int, p []byte) bool {
			if p[7] == '1' && n >= 4 {
				return true
			}
			return c.WriteMessage(op, p) == nil
		})
	})
	for _, mode := range []string{"closed", "open"} {
		t.Run(mode, func(t *testing.T) {
			cfg := bounded(target, 2, 4, 32)
			cfg.Timeout = time.Second
			if mode == "open" {
				cfg.Depth, cfg.Rate = 0, 1e6
			}
			r := mustEcho(t, cfg)
			if len(r.Failures) != 1 || r.Failures[0].Kind != Stall || r.Failures[0].Count != 1 {
				t.Errorf("got %+v, expected one stall", r.Failures)
			}
			if r.Verified != 16+4 || r.Verified+r.Unanswered > 32 || r.Unanswered < 4 {
				t.Errorf("verified %d, unanswered %d", r.Verified, r.Unanswered)
			}
		})
	}
}

func TestCannotOpen(t *testing.T) {
	answer := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, text)
		}
	}
	tests := []struct {
		name   string
		handle func(net.Conn)
		want   string // after "…opening handshake: "
	}{
		{"refused", answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), `"HTTP/1.1 404 Not Found"`},
		{"wrong accept", answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"),
			`"HTTP/1.1 101 Switching Protocols"`},
		{"not HTTP", answer("hello\r\n\r\n"), `malformed HTTP response "hello"`},
		{"closed", answer("HTTP/1.1 101"), "the server closed the connection"},
		{"endless", answer(fmt.Sprintf("HTTP/1.1 101 %16384d", 0)), "the answer has no end within 8192 bytes"},
		{"silent", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, "timed out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			wg.Go(func() {
				c, err := ln.Accept()
				if err == nil {
					tt.handle(c)
					c.Close()
				}
			})
			defer wg.Wait()
			defer ln.Close()
			target, err := ParseTarget(t.Context(), "ws://"+ln.Addr().String(), false)
			if err != nil {
				t.Fatal(err)
			}
			cfg := bounded(target, 3, 1, 3)
			if tt.name == "silent" {
				cfg.Timeout = 20 * time.Millisecond
			}
			r, err := Echo(t.Context(), cfg)
			prefix := fmt.Sprintf("generator: open connection 1 of 3 to %v: opening handshake: ", target.Addr)
			if r != nil || err == nil || !hasAffixes(err.Error(), prefix, tt.want) {
				t.Errorf("got %v\nexpected %s … %s", err, prefix, tt.want)
			}
		})
	}
}

func hasAffixes(s, prefix, suffix string) bool {
	return len(s) >= len(prefix)+len(suffix) && s[:len(prefix)] == prefix && s[len(s)-len(suffix):] == suffix
}

func TestNobodyListens(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	target, err := ParseTarget(t.Context(), "ws://"+ln.Addr().String(), false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Echo(t.Context(), bounded(target, 1, 1, 1))
	if want := fmt.Sprintf("generator: open connection 1 of 1 to %v: connect: connection refused", target.Addr); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %v", err, want)
	}
}

// A run without a bound is ended by its context, and says so.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	target := serve(t, func(c *websocket.Conn) {
		each(c, func(n, op int, p []byte) bool {
			if n == 100 {
				cancel()
			}
			return c.WriteMessage(op, p) == nil
		})
	})
	for _, rate := range []float64{0, 5000} {
		cfg := bounded(target, 2, 1, 0)
		if rate > 0 {
			cfg.Depth, cfg.Rate = 0, rate
		}
		if _, err := Echo(ctx, cfg); !errors.Is(err, context.Canceled) {
			t.Errorf("rate %v: got %v, expected the context's error", rate, err)
		}
	}
}

// Time bounds a run too, after its warm-up, which does not count.
func TestDuration(t *testing.T) {
	target := serve(t, echo)
	for _, rate := range []float64{0, 2000} {
		cfg := bounded(target, 2, 2, 0)
		cfg.Warmup, cfg.Duration = 50*time.Millisecond, 100*time.Millisecond
		if rate > 0 {
			cfg.Depth, cfg.Rate = 0, rate
		}
		r := mustEcho(t, cfg)
		if r.Messages > r.Verified || r.Verified != r.Sent || r.Seconds <= 0 || len(r.Failures) > 0 {
			t.Errorf("got %+v", r)
		}
		// A machine that is too busy ends the run before all are sent.
		if rate > 0 && (r.Sent > 300 || r.Latency.Count > 200 || r.Latency.Count > r.Sent) {
			t.Errorf("sent %d, latencies of %d; expected at most 300 and 200", r.Sent, r.Latency.Count)
		}
	}
}
