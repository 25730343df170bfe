package generator

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestSecureEcho(t *testing.T) {
	target := serveTLS(t, echo)
	tests := []struct {
		name         string
		conns, depth int
		size         int
		version      uint16
		curve        tls.CurveID
		rate         float64
		messages     int64
		want         string
	}{
		{"ping-pong", 4, 1, 64, 0, tls.X25519, 0, 200, "TLS 1.3, X25519"},
		{"hybrid", 4, 1, 64, 0, tls.X25519MLKEM768, 0, 40, "TLS 1.3, X25519MLKEM768"},
		{"TLS 1.2", 4, 3, 64, tls.VersionTLS12, tls.X25519, 0, 40, "TLS 1.2, X25519"},
		{"pipelined", 3, 16, 277, 0, tls.X25519, 0, 300, "TLS 1.3, X25519"},
		{"larger than a record", 2, 3, 100_000, 0, tls.X25519, 0, 20, "TLS 1.3, X25519"},
		{"more than the sockets take", 1, 4, 3 << 20, 0, tls.X25519, 0, 4, "TLS 1.3, X25519"},
		{"open loop", 4, 0, 64, 0, tls.X25519, 2000, 200, "TLS 1.3, X25519"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := bounded(target, tt.conns, tt.depth, tt.messages)
			cfg.Size, cfg.Rate = tt.size, tt.rate
			cfg.Target.TLS = target.TLS.Clone()
			cfg.Target.TLS.MaxVersion, cfg.Target.TLS.CurvePreferences = tt.version, []tls.CurveID{tt.curve}
			r := mustEcho(t, cfg)
			if r.Sent != tt.messages || r.Verified != tt.messages || r.TLS != tt.want || len(r.Failures) > 0 {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// A server that speaks at once, and pings, over TLS.
func TestSecurePings(t *testing.T) {
	target := serveTLS(t, func(c *websocket.Conn) {
		pongs := 0
		c.SetPongHandler(func(string) error { pongs++; return nil })
		if c.WriteControl(websocket.PingMessage, []byte("hello"), time.Time{}) != nil {
			return
		}
		each(c, func(n, op int, p []byte) bool {
			// The answer to the first ping may come later: it may meet the
			// first message.
			if pongs < n {
				t.Errorf("message %d: %d pongs", n, pongs)
			}
			return c.WriteControl(websocket.PingMessage, nil, time.Time{}) == nil && c.WriteMessage(op, p) == nil
		})
	})
	if r := mustEcho(t, bounded(target, 2, 1, 40)); r.Verified != 40 || len(r.Failures) > 0 {
		t.Errorf("got %+v", r)
	}
}

func TestSecureFailures(t *testing.T) {
	// below writes p to the connection that TLS runs on.
	below := func(c *websocket.Conn, p string) bool {
		_, err := c.NetConn().(*tls.Conn).NetConn().Write([]byte(p))
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
		{"close frame", func(c *websocket.Conn, n, op int, p []byte) bool {
			_ = c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1011, "sorry"))
			return false
		}, []Failure{{CloseFrame, 1, `connection 0: 1011 "sorry"`}}},
		{"close_notify", func(c *websocket.Conn, _, _ int, _ []byte) bool {
			return false
		}, []Failure{{Closed, 1, "connection 0: end of TLS without a close frame"}}},
		{"closed", func(c *websocket.Conn, _, _ int, _ []byte) bool {
			_ = c.NetConn().(*tls.Conn).NetConn().Close()
			return false
		}, []Failure{{Closed, 1, "connection 0: end of stream without a close frame"}}},
		{"no record", func(c *websocket.Conn, _, _ int, _ []byte) bool {
			return below(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		}, []Failure{{BadTLS, 1, "connection 0: tls: received record with version 5454 when expecting version 303"}}},
		{"forged record", func(c *websocket.Conn, _, _ int, _ []byte) bool {
			return below(c, "\x17\x03\x03\x00\x20"+strings.Repeat("x", 32))
		}, []Failure{{BadTLS, 1, "connection 0: local error: tls: bad record MAC"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := serveTLS(t, func(c *websocket.Conn) {
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

func TestSecureStall(t *testing.T) {
	target := serveTLS(t, func(c *websocket.Conn) {
		each(c, func(n, op int, p []byte) bool { return n >= 4 || c.WriteMessage(op, p) == nil })
	})
	cfg := bounded(target, 1, 4, 32)
	cfg.Timeout = time.Second
	r := mustEcho(t, cfg)
	if len(r.Failures) != 1 || r.Failures[0].Kind != Stall || r.Verified != 4 || r.Unanswered != 4 {
		t.Errorf("got %+v", r)
	}
}

func TestSecureCannotOpen(t *testing.T) {
	trusted := serveTLS(t, echo)
	stranger := trusted
	stranger.TLS = &tls.Config{ServerName: "127.0.0.1"}
	other := trusted
	other.TLS = trusted.TLS.Clone()
	other.TLS.ServerName = "192.0.2.1"
	plain := serve(t, echo)
	plain.TLS = trusted.TLS
	silent := Target{Addr: silence(t), Host: "x", Path: "/", TLS: trusted.TLS}
	tests := []struct {
		name   string
		target Target
		want   string // after "TLS: "
	}{
		{"not trusted", stranger, "tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{"of another name", other, "not 192.0.2.1"},
		{"no TLS there", plain, "tls: first record does not look like a TLS handshake"},
		{"silent", silent, "timed out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := bounded(tt.target, 1, 1, 3)
			if tt.name == "silent" {
				cfg.Timeout = 20 * time.Millisecond
			}
			_, err := Echo(t.Context(), cfg)
			prefix := "generator: open connection 1 of 1 to " + tt.target.Addr.String() + ": TLS: "
			if err == nil || !hasAffixes(err.Error(), prefix, tt.want) {
				t.Errorf("got %v\nexpected %s … %s", err, prefix, tt.want)
			}
		})
	}
}

// silence listens, and says nothing to whoever comes.
func silence(t *testing.T) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns []net.Conn
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			conns = append(conns, c)
		}
	})
	t.Cleanup(func() {
		ln.Close()
		wg.Wait()
		for _, c := range conns {
			c.Close()
		}
	})
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

func TestSecureIdle(t *testing.T) {
	r, err := Idle(t.Context(), IdleConfig{
		Config: Config{Target: serveTLS(t, echo), PID: os.Getpid(), Size: 64},
		Steps:  []int{2, 10}, Echo: true, Settling: quick,
	})
	if err != nil || r.Verified != 10 || len(r.Failures) > 0 || r.TLS == "" {
		t.Errorf("got %+v, %v", r, err)
	}
}

// secured gives c TLS without a socket. What the server writes to the tls.Conn
// returned lies in the exchange.
func secured(tb testing.TB, w *worker, c *conn) (server *tls.Conn, out *exchange) {
	srv := httptest.NewTLSServer(nil)
	srv.Close()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	below := &transport{socket: far}
	server = tls.Server(below, &tls.Config{Certificates: srv.TLS.Certificates, SessionTicketsDisabled: true})
	shaken := make(chan error, 1)
	go func() { shaken <- server.Handshake() }()
	c.transport = &transport{socket: near}
	var err error
	if c.tls, err = secure(c.transport, &tls.Config{InsecureSkipVerify: true}); err != nil {
		tb.Fatal(err)
	}
	if err := <-shaken; err != nil {
		tb.Fatal(err)
	}
	out = new(exchange)
	below.socket, below.exchange = nil, out
	w.exchange.plain = make([]byte, 16<<10)
	w.adopt(c)
	return server, out
}

// On the hot path over TLS nothing is allocated but what crypto/tls does: a
// reader for the head of each record, and one for its body.
func TestSecureAllocations(t *testing.T) {
	w, c := receiver(1 << 30)
	server, out := secured(t, w, c)
	var in []byte
	n := testing.AllocsPerRun(100, func() {
		in = burst(w, c, in[:0], 16)
		server.Write(in)
		w.decrypt(c, out.out)
		out.out = out.out[:0]
		p, _ := w.frames.take(c.digits, c.verified, 1)
		w.seal(c, p)
		w.exchange.out = w.exchange.out[:0]
	})
	if n > 2 && !raceEnabled || len(w.failures) > 0 || c.verified == 0 {
		t.Errorf("%v allocations, failures %v, %d verified", n, w.failures.list(), c.verified)
	}
}

// However the records are cut, the same comes out.
func TestSecureEveryCut(t *testing.T) {
	for n := 1; n < 70; n++ {
		w, c := receiver(9)
		server, out := secured(t, w, c)
		for i := range int64(3) {
			server.Write(part(nil, 0x82, w.frames.payload(digits(0), i)))
		}
		server.CloseWrite()
		for piece := range slices.Chunk(out.out, n) {
			w.decrypt(c, piece)
			if c.failed {
				break
			}
		}
		want := []Failure{{Closed, 1, "connection 0: end of TLS without a close frame"}}
		if c.verified != 3 || !slices.Equal(w.failures.list(), want) {
			t.Fatalf("in pieces of %d: verified %d, %+v", n, c.verified, w.failures.list())
		}
	}
}

// What a message costs the generator over TLS besides system calls, beside
// BenchmarkMessage: here one record is made and one read for each.
func BenchmarkSecureMessage(b *testing.B) {
	w, c := receiver(1 << 40)
	w.frames = newFrames(Raw, Binary, 64, 1)
	server, out := secured(b, w, c)
	in := burst(w, c, nil, 1)
	records := make([][]byte, 0, 1024)
	b.ReportAllocs()
	for n := 0; n < b.N; n++ {
		if n%1024 == 0 {
			b.StopTimer()
			records = records[:0]
			for range 1024 {
				server.Write(in)
				records = append(records, bytes.Clone(out.out))
				out.out = out.out[:0]
			}
			b.StartTimer()
		}
		p, _ := w.frames.take(c.digits, c.verified, 1)
		w.seal(c, p)
		w.exchange.out = w.exchange.out[:0]
		w.decrypt(c, records[n%1024])
		c.verified-- // so that in fits again
	}
}
