package generator

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"lapps/benchmarks/process"
)

// Settling tells when a server's memory has come to rest. The zero value has
// the defaults.
type Settling struct {
	Every  time.Duration // between two readings; 0 means 250 ms
	Steady int           // so many readings in a row must agree within Within; 0 means 8
	Within int64         // bytes; 0 means 256 KiB
	Limit  time.Duration // for one step, after which its last reading is taken; 0 means 30 s
}

func (s Settling) checked() (Settling, error) {
	if s.Every == 0 {
		s.Every = 250 * time.Millisecond
	}
	if s.Steady == 0 {
		s.Steady = 8
	}
	if s.Within == 0 {
		s.Within = 256 << 10
	}
	if s.Limit == 0 {
		s.Limit = 30 * time.Second
	}
	if s.Every < 0 || s.Steady < 1 || s.Within < 0 || s.Limit < 0 {
		return s, fmt.Errorf("generator: settling %+v: expected nothing below 0", s)
	}
	return s, nil
}

// An IdleConfig says how to measure idle connections.
type IdleConfig struct {
	Config // Target, PID, Size, Op, Timeout, Progress; the rest is not looked at

	Steps    []int // connections open at each step, ascending; at least two
	Echo     bool  // each connection has one message echoed when it has been opened
	Settling Settling
}

// An IdleResult is what Idle measured.
type IdleResult struct {
	Mode  string     `json:"mode"`          // "idle"
	TLS   string     `json:"tls,omitempty"` // what was agreed on, of the first connection
	Echo  bool       `json:"echo"`
	Empty int64      `json:"empty_rss_bytes"` // before the first connection
	Steps []IdleStep `json:"steps"`

	// Slope is the memory that one more connection takes: the line of
	// least squares through the steps. What the server needs for the first
	// one (buffers, threads, code read in) is not in it.
	Slope float64 `json:"rss_bytes_per_conn"`

	Verified int64     `json:"verified"`
	Failures []Failure `json:"failures"`
}

// An IdleStep is one measurement.
type IdleStep struct {
	Conns   int   `json:"conns"`
	RSS     int64 `json:"rss_bytes"`
	Settled bool  `json:"settled"` // false: still moving after Settling.Limit
}

// Idle opens connections in steps, and after each waits for the memory of the
// server, process PID, to settle. Meanwhile pings are answered. Failures of
// connections are in the result; the error is for a run that could not be, as
// with Echo.
func Idle(ctx context.Context, cfg IdleConfig) (*IdleResult, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	var stop atomic.Bool
	w, err := newWorker(&cfg.Config, &stop, nil)
	if err != nil {
		return nil, err
	}
	defer w.close()
	r := &IdleResult{Mode: "idle", Echo: cfg.Echo}
	if r.Empty, err = process.RSS(cfg.PID); err != nil {
		return nil, err
	}
	for _, n := range cfg.Steps {
		if err := w.openIdle(ctx, &cfg, n); err != nil {
			return nil, err
		}
		step, err := w.settle(ctx, &cfg)
		if err != nil {
			return nil, err
		}
		r.Steps = append(r.Steps, step)
	}
	r.Slope = slope(r.Steps)
	if c := w.conns[0]; c.tls != nil {
		r.TLS = describe(c.tls)
	}
	r.Verified = w.verified
	r.Failures = w.failures.list()
	return r, nil
}

// check sets the defaults of c, and says what is wrong with it.
func (c *IdleConfig) check() error {
	var errs []error
	if len(c.Steps) < 2 {
		errs = append(errs, fmt.Errorf("generator: steps: expected at least two for a slope, not %d", len(c.Steps)))
	}
	last := 0
	for _, n := range c.Steps {
		if n <= last {
			errs = append(errs, fmt.Errorf("generator: steps: expected ascending numbers of connections, not %d after %d", n, last))
		}
		last = n
	}
	if c.PID == 0 {
		errs = append(errs, errors.New("generator: pid: memory is measured, expected the server's process"))
	}
	var err error
	c.Settling, err = c.Settling.checked()
	errs = append(errs, err)
	// What the closed loop needs, for the one echo.
	c.Conns, c.Threads, c.Depth, c.Rate, c.Duration, c.Warmup, c.Messages = max(1, last), 1, 1, 0, time.Second, 0, 0
	c.Config, err = c.Config.checked()
	return errors.Join(append(errs, err)...)
}

// openIdle opens connections until there are n, and has their echoes.
func (w *worker) openIdle(ctx context.Context, cfg *IdleConfig, n int) error {
	for len(w.conns) < n {
		// In portions, so that pings are answered between them.
		last := min(n, len(w.conns)+256)
		conns, err := dialAll(ctx, &cfg.Config, len(w.conns), last)
		if err != nil {
			return err
		}
		for _, c := range conns {
			if cfg.Echo {
				c.quota = 1
			}
			err = errors.Join(err, w.add(c))
		}
		if err != nil {
			return err
		}
		w.begin()
		for first := true; first || w.pending > 0; first = false {
			if err := w.serve(ctx, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// serve handles what comes within d, or one round of it.
func (w *worker) serve(ctx context.Context, d time.Duration) error {
	for end := w.clock() + d; ; {
		w.poll(min(longestWait, max(end-w.clock(), time.Millisecond)))
		if w.err != nil {
			return w.err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("generator: %w", context.Cause(ctx))
		}
		if w.clock() >= end {
			return nil
		}
	}
}

// settle serves until the server's memory is steady.
func (w *worker) settle(ctx context.Context, cfg *IdleConfig) (IdleStep, error) {
	s := cfg.Settling
	var readings []int64 // the last Steady of them
	for end := w.clock() + s.Limit; ; {
		if err := w.serve(ctx, s.Every); err != nil {
			return IdleStep{}, err
		}
		rss, err := process.RSS(cfg.PID)
		if err != nil {
			return IdleStep{}, err
		}
		if len(readings) == s.Steady {
			readings = append(readings[:0], readings[1:]...)
		}
		readings = append(readings, rss)
		if cfg.Progress != nil && w.clock()-w.told >= time.Second {
			w.told = w.clock()
			cfg.Progress(Progress{Elapsed: w.clock(), Conns: len(w.conns), Messages: w.verified})
		}
		settled := len(readings) == s.Steady && steady(readings, s.Within)
		if settled || w.clock() >= end {
			return IdleStep{Conns: len(w.conns), RSS: rss, Settled: settled}, nil
		}
	}
}

// steady reports whether the readings lie within so many bytes.
func steady(readings []int64, within int64) bool {
	lo, hi := readings[0], readings[0]
	for _, n := range readings {
		lo, hi = min(lo, n), max(hi, n)
	}
	return hi-lo <= within
}

// slope returns the bytes per connection on the line of least squares. There
// are at least two steps, and they differ in their connections.
func slope(steps []IdleStep) float64 {
	var meanX, meanY float64
	for _, s := range steps {
		meanX += float64(s.Conns) / float64(len(steps))
		meanY += float64(s.RSS) / float64(len(steps))
	}
	var up, along float64
	for _, s := range steps {
		dx := float64(s.Conns) - meanX
		up += dx * (float64(s.RSS) - meanY)
		along += dx * dx
	}
	return up / along
}
