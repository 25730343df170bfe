package generator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// joinEvery is how long nothing may be delivered, while subscribers wait for their
// first message, before another one is published.
const joinEvery = 100 * time.Millisecond

// Broadcast opens Conns connections to a target at which every message that
// one of them sends is delivered to all, its sender too, and measures
// deliveries. The first connection publishes: Depth messages with one write, a
// burst, and the next when every subscriber has all of this one; or, with a
// Rate, so many bursts per second, whatever the server does. Latency counts
// per delivery from the moment its burst was sent, or was due. Every delivery
// is compared whole, on each connection and in order.
//
// Before that, messages are published one by one until each connection has had
// one: a server may subscribe a connection some time after the opening
// handshake. They are in none of the figures. One thread drives all
// connections. Failures and the error are as with Echo.
func Broadcast(ctx context.Context, cfg Config) (*Result, error) {
	cfg, pace, err := cfg.forBroadcast()
	if err != nil {
		return nil, err
	}
	var stop atomic.Bool
	w, err := newWorker(&cfg, &stop, nil)
	if err != nil {
		return nil, err
	}
	defer w.close()
	w.cast = newCast(&cfg)
	if err := w.subscribe(ctx); err != nil {
		return nil, err
	}
	if pace != nil {
		w.pace, pace.own = pace, w.conns[:1]
	}
	r, err := drive(ctx, &cfg, []*worker{w}, &stop)
	if err != nil {
		return nil, err
	}
	r.Mode, r.Depth = "broadcast", cfg.Depth
	late := lateness{}
	if pace != nil {
		late = pace.late
	}
	r.Latency = newLatency(w.cast.hist, late)
	return r, nil
}

// forBroadcast returns c with its defaults and its schedule, if it has a rate,
// or what is wrong with it.
func (c Config) forBroadcast() (Config, *schedule, error) {
	depth := c.Depth
	c.Threads = 1
	if c.Rate != 0 {
		c.Depth = 0 // as in the open loop of Echo
	}
	c, err := c.checked()
	c.Depth = depth
	if depth < 1 || depth > 1<<20 {
		err = errors.Join(err, fmt.Errorf("generator: depth: a broadcast has bursts of 1 to 2^20 messages, not %d", depth))
	}
	if c.Dialect != Raw {
		err = errors.Join(err, fmt.Errorf("generator: dialect: a broadcast is raw, not %v", c.Dialect))
	}
	if c.SlowReaders != 0 {
		err = errors.Join(err, fmt.Errorf("generator: slow readers: a broadcast has none, not %d", c.SlowReaders))
	}
	if err != nil {
		return c, nil, err
	}
	if size := len(newFrames(c.Dialect, c.Op, c.Size, 1).batch) * depth; size > maxBatch {
		return c, nil, fmt.Errorf("generator: depth: a burst has at most %d bytes, not %d", maxBatch, size)
	}
	if c.Rate == 0 {
		return c, nil, nil
	}
	bursts := c
	bursts.Messages = (c.Messages + int64(depth) - 1) / int64(depth)
	return c, newSchedule(&bursts, 1), nil
}

// A cast is a broadcast under way. Its publisher is the worker's first
// connection; what that sends, all await.
type cast struct {
	// Immutable.
	cfg *Config

	base  int64         // the first message that is measured; none is before all have joined
	quota int64         // messages that may still be published from there on
	began time.Duration // when the latest burst was sent
	hist  *hdrhistogram.Histogram
}

func newCast(cfg *Config) *cast {
	b := &cast{cfg: cfg, base: math.MaxInt64, quota: cfg.Messages, hist: newHistogram()}
	if b.quota == 0 {
		b.quota = 1 << 62
	}
	return b
}

// record takes the latency of c's next delivery.
func (b *cast) record(w *worker, c *conn) {
	if c.verified < b.base {
		return
	}
	began := b.began
	if w.pace != nil {
		began = w.pace.due(w.conns[0], (c.verified-b.base)/int64(b.cfg.Depth))
	}
	if b.cfg.measured(began) {
		_ = b.hist.RecordValue(int64(min(max(w.now-began, 1), longest)))
	}
}

// subscribe opens the connections, and publishes until each has had a message.
func (w *worker) subscribe(ctx context.Context) error {
	conns, err := dialAll(ctx, w.cfg, 0, w.cfg.Conns)
	if err != nil {
		return err
	}
	for _, c := range conns {
		c.digits = digits(0)
		err = errors.Join(err, w.add(c))
	}
	if err != nil {
		return err
	}
	w.begin()
	publisher := w.conns[0]
	for first := true; !publisher.failed && (first || w.pending > 0); first = false {
		w.publish(1)
		for had, again := w.verified, w.clock()+joinEvery; w.pending > 0 && w.clock() < again; {
			if err := w.serve(ctx, 0); err != nil {
				return err
			}
			if w.verified != had {
				had, again = w.verified, w.clock()+joinEvery
			}
		}
	}
	w.cast.base = publisher.sent
	w.sent, w.verified = w.sent-w.verified, 0
	w.count.Store(0)
	w.checked = 0 // the run has a clock of its own
	return nil
}

// welcome takes c's first delivery: messages from before it was subscribed are
// not for it.
func (w *worker) welcome(c *conn, payload []byte) {
	for n := c.sent - 1; n >= 0; n-- {
		if w.frames.is(payload, c.digits, n) {
			w.pending -= n
			w.sent -= n
			c.verified, c.joined = n, true
			return
		}
	}
}

// publishNext publishes the next burst, if there is to be another.
func (w *worker) publishNext() {
	n := min(int64(w.cfg.Depth), w.cast.quota)
	if n == 0 || w.stop.Load() || w.mute() {
		return
	}
	w.cast.quota -= n
	w.publish(int(n))
}

// mute reports whether a broadcast has no publisher any more.
func (w *worker) mute() bool { return w.cast != nil && w.conns[0].failed }

// publish sends n messages from the publisher, and has all await them.
func (w *worker) publish(n int) {
	w.now = w.clock()
	for i, c := range w.conns {
		if c.failed {
			continue
		}
		w.owe(c, n)
		if i > 0 { // the publisher sends them
			c.due -= n
			c.sent += int64(n)
			w.sent += int64(n)
		}
	}
	w.cast.began = w.clock()
	w.pump(w.conns[0])
}
