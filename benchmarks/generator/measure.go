package generator

import (
	"context"
	"fmt"
	"time"

	"lapps/benchmarks/process"
)

// A meter measures a run: what it does, and what it costs.
type meter struct {
	// Immutable.
	cfg   *Config
	began time.Time
	count func() int64 // what has been done so far; for any goroutine

	first, last sample
}

// A sample is the state of a run at one moment.
type sample struct {
	at     time.Time
	done   int64
	server time.Duration // processor time, as own
	own    time.Duration
}

// sample takes one.
func (m *meter) sample() (s sample, err error) {
	s.at, s.done = time.Now(), m.count()
	if s.own, err = process.SelfCPU(); err == nil && m.cfg.PID != 0 {
		s.server, err = process.CPU(m.cfg.PID)
	}
	return s, err
}

// measure waits for the warm-up and the time measured to pass, or done, and
// samples at the start and the end of the latter.
func (m *meter) measure(ctx context.Context, done <-chan struct{}) (err error) {
	progress := func() {
		m.cfg.Progress(Progress{Elapsed: time.Since(m.began), Conns: m.cfg.Conns, Messages: m.count()})
	}
	if m.cfg.Progress == nil {
		progress = func() {}
	}
	if err = sleep(ctx, m.began.Add(m.cfg.Warmup), done, progress); err != nil {
		return err
	}
	if m.first, err = m.sample(); err != nil {
		return err
	}
	if m.cfg.Warmup == 0 {
		// The run may have been faster than we.
		m.first.at, m.first.done = m.began, 0
	}
	if err = sleep(ctx, m.first.at.Add(m.cfg.Duration), done, progress); err != nil {
		return err
	}
	m.last, err = m.sample()
	return err
}

// measured reports whether what was begun at t, since the start, counts.
func (c *Config) measured(t time.Duration) bool {
	return t >= c.Warmup && t < c.Warmup+c.Duration
}

// sleep returns at the given time or when done is closed, and calls progress
// every second.
func sleep(ctx context.Context, until time.Time, done <-chan struct{}, progress func()) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("generator: %w", context.Cause(ctx))
		case <-done:
			return nil
		case <-timer.C:
			return nil
		case <-tick.C:
			progress()
		}
	}
}

// result returns what the samples say.
func (m *meter) result() (*Result, error) {
	r := &Result{
		Conns: m.cfg.Conns, Rate: m.cfg.Rate,
		Seconds: m.last.at.Sub(m.first.at).Seconds(), Messages: m.last.done - m.first.done,
	}
	r.PerSecond = float64(r.Messages) / r.Seconds
	r.Generator = usage(r, m.last.own-m.first.own)
	var err error
	if r.Generator.RSS, err = process.SelfRSS(); err != nil {
		return nil, err
	}
	if m.cfg.PID != 0 {
		server := usage(r, m.last.server-m.first.server)
		if server.RSS, err = process.RSS(m.cfg.PID); err != nil {
			return nil, err
		}
		r.Server = &server
	}
	return r, nil
}

func usage(r *Result, cpu time.Duration) Usage {
	return Usage{
		CPUPerMessage: float64(cpu.Nanoseconds()) / 1e3 / float64(max(r.Messages, 1)),
		Cores:         cpu.Seconds() / r.Seconds,
	}
}
