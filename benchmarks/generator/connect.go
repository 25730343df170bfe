package generator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// lastWord is how long a server may take, after its close frame, to close the
// connection before we do.
const lastWord = 50 * time.Millisecond

// Connect opens and closes connections in turn, Conns at a time, for Warmup and
// Duration, and measures handshakes: Messages is how many were made, Latency
// how long each took from the connection's beginning to the end of the opening
// handshake, TLS's included, and the server's processor time is per handshake,
// with what the end of a connection costs. Each is closed by a close frame,
// whose answer is awaited.
//
// Size, Op, Dialect, Depth, Rate, SlowReaders and Threads are not looked at:
// each of the Conns has a goroutine, as TLS's handshakes need one. One whose
// handshake fails, or whose close frame finds no answer and no end within
// Timeout, is not opened again. The error is as with Echo.
func Connect(ctx context.Context, cfg Config) (*Result, error) {
	// What the closed loop needs.
	cfg.Size, cfg.Op, cfg.Dialect, cfg.Depth, cfg.Rate, cfg.SlowReaders, cfg.Threads = MinSize, 0, Raw, 1, 0, 0, 0
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	h := &churn{
		cfg: &cfg, began: time.Now(), hist: newHistogram(), failures: tally{},
		dialer: net.Dialer{Timeout: cfg.Timeout, KeepAlive: -1}, addr: cfg.Target.Addr.String(),
	}
	done := make(chan struct{})
	var callers sync.WaitGroup
	for id := range cfg.Conns {
		callers.Go(func() { h.call(id, quota(&cfg, id)) })
	}
	go func() {
		callers.Wait()
		close(done)
	}()
	m := meter{cfg: &cfg, began: h.began, count: h.made.Load}
	err = m.measure(ctx, done)
	h.stop.Store(true)
	<-done
	if err != nil {
		return nil, err
	}
	r, err := m.result()
	if err != nil {
		return nil, err
	}
	r.Mode, r.TLS = "connect", h.tls
	r.Verified, r.Unanswered = h.made.Load(), h.refused
	r.Sent = r.Verified + r.Unanswered
	r.Latency, r.Failures = newLatency(h.hist, lateness{}), h.failures.list()
	return r, nil
}

// A churn is a run of Connect.
type churn struct {
	// Immutable.
	cfg    *Config
	began  time.Time
	dialer net.Dialer
	addr   string

	stop atomic.Bool
	made atomic.Int64 // handshakes

	mu       sync.Mutex // guards the fields below
	hist     *hdrhistogram.Histogram
	refused  int64
	failures tally
	tls      string
}

// call opens and closes one connection after another, n of them at most. It is
// one of Conns goroutines.
func (h *churn) call(id int, n int64) {
	for ; n > 0 && !h.stop.Load(); n-- {
		c, err := h.open()
		if err != nil {
			h.fail(Opening, id, err)
			return
		}
		if err := c.end(); err != nil {
			h.fail(Stall, id, err)
			return
		}
	}
}

// A visit is a connection of Connect.
type visit struct {
	tcp    net.Conn
	tls    *tls.Conn     // nil without TLS
	stream io.ReadWriter // one of them
	rest   []byte        // came behind the opening handshake
}

// open opens a connection and counts it.
func (h *churn) open() (v *visit, err error) {
	began := time.Since(h.began)
	target := &h.cfg.Target
	// Not DialTCP: it binds the socket first, which makes ports scarce.
	tcp, err := h.dialer.Dial("tcp", h.addr)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			tcp.Close()
		}
	}()
	if err := tcp.SetDeadline(time.Now().Add(h.cfg.Timeout)); err != nil {
		return nil, err
	}
	v = &visit{tcp: tcp, stream: tcp}
	if target.TLS != nil {
		if v.tls, err = secure(tcp, target.TLS); err != nil {
			return nil, err
		}
		v.stream = v.tls
	}
	if v.rest, err = shakeHands(v.stream, target); err != nil {
		return nil, err
	}
	h.count(v, began, time.Since(h.began))
	return v, nil
}

// count takes a handshake into the figures.
func (h *churn) count(v *visit, began, ended time.Duration) {
	h.made.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if v.tls != nil && h.tls == "" {
		h.tls = describe(v.tls)
	}
	if h.cfg.measured(began) {
		_ = h.hist.RecordValue(int64(min(max(ended-began, 1), longest)))
	}
}

func (h *churn) fail(kind string, id int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if kind == Opening {
		h.refused++
	}
	h.failures.add(kind, "connection %d: %v", id, err)
}

// end sends a close frame, waits for one and then for the server to close the
// connection, as it should (section 7.1.1): the ports that would be kept back
// here are its own then. Any other end is as good, and what else the server
// sends is passed over.
func (v *visit) end() error {
	defer v.tcp.Close()
	if _, err := v.stream.Write(farewell); err != nil {
		return nil // it has been faster
	}
	p, answered := v.rest, false
	for {
		h, err := parseHead(p)
		if err != nil || h.size > MaxSize {
			return nil
		}
		if h.length > 0 && h.op == opClose && !answered {
			answered = true
			if err := v.tcp.SetReadDeadline(time.Now().Add(lastWord)); err != nil {
				return nil
			}
		}
		if size := int64(h.length) + h.size; h.length > 0 && size <= int64(len(p)) {
			p = p[size:]
			continue
		}
		var buf [512]byte
		n, err := v.stream.Read(buf[:])
		if errors.Is(err, os.ErrDeadlineExceeded) && !answered {
			return fmt.Errorf("no answer to a close frame: %w", err)
		}
		if err != nil && n == 0 {
			return nil
		}
		p = append(p, buf[:n]...)
	}
}
