package generator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"lapps/benchmarks/process"
)

// Echo opens the connections, runs a closed or an open loop over them, and
// says what came of it. Failures of connections are in the Result; the error
// is for a run that could not be: a wrong Config, a connection that could not
// be opened, a server process that cannot be read, ctx.
//
// It takes Warmup, Duration, and then at most about Timeout for the last
// echoes; opening a connection takes at most Timeout, and the first that
// cannot be opened is the last.
func Echo(ctx context.Context, cfg Config) (*Result, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	var stop atomic.Bool
	workers, err := newWorkers(ctx, &cfg, &stop)
	defer func() {
		for _, w := range workers {
			w.close()
		}
	}()
	if err != nil {
		return nil, err
	}
	done := start(workers)
	first, last, err := measure(ctx, &cfg, workers, done)
	stop.Store(true)
	<-done
	if err != nil {
		return nil, err
	}
	for _, w := range workers {
		if w.err != nil {
			return nil, w.err
		}
	}
	return result(&cfg, workers, first, last)
}

// newWorkers opens the connections and deals them out. With an error it still
// returns what has to be closed.
func newWorkers(ctx context.Context, cfg *Config, stop *atomic.Bool) ([]*worker, error) {
	cfg.Threads = min(cfg.Threads, cfg.Conns)
	var workers []*worker
	for range cfg.Threads {
		var pace *schedule
		if cfg.Rate > 0 {
			pace = newSchedule(cfg)
		}
		w, err := newWorker(cfg, stop, pace)
		if err != nil {
			return workers, err
		}
		workers = append(workers, w)
	}
	conns, err := dialAll(ctx, cfg, 0, cfg.Conns)
	if err != nil {
		return workers, err
	}
	for i, c := range conns {
		c.quota = quota(cfg, i)
		w := workers[i%len(workers)]
		err = errors.Join(err, w.add(c))
	}
	for _, w := range workers {
		if w.pace != nil {
			w.pace.own = w.conns
		}
	}
	return workers, err
}

// quota returns connection i's part of the messages of a closed loop.
func quota(cfg *Config, i int) int64 {
	if cfg.Messages == 0 {
		return 1 << 62
	}
	n := cfg.Messages / int64(cfg.Conns)
	if int64(i) < cfg.Messages%int64(cfg.Conns) {
		n++
	}
	return n
}

// start runs the workers, from one common moment; done is closed when all have
// ended.
func start(workers []*worker) (done chan struct{}) {
	done = make(chan struct{})
	var wg sync.WaitGroup
	now := time.Now()
	for _, w := range workers {
		w.start = now
		wg.Go(w.run)
	}
	go func() {
		wg.Wait()
		close(done)
	}()
	return done
}

// A sample is the state of a run at one moment.
type sample struct {
	at       time.Time
	messages int64
	server   time.Duration // processor time, as own
	own      time.Duration
}

func takeSample(cfg *Config, workers []*worker) (s sample, err error) {
	s.at, s.messages = time.Now(), verified(workers)
	if s.own, err = process.SelfCPU(); err == nil && cfg.PID != 0 {
		s.server, err = process.CPU(cfg.PID)
	}
	return s, err
}

func verified(workers []*worker) (n int64) {
	for _, w := range workers {
		n += w.count.Load()
	}
	return n
}

// measure waits for the warm-up and the time measured to pass, or done, and
// samples at the start and the end of the latter.
func measure(ctx context.Context, cfg *Config, workers []*worker, done <-chan struct{}) (first, last sample, err error) {
	began := workers[0].start
	progress := func() {
		cfg.Progress(Progress{Elapsed: time.Since(began), Conns: cfg.Conns, Messages: verified(workers)})
	}
	if cfg.Progress == nil {
		progress = func() {}
	}
	if err = sleep(ctx, began.Add(cfg.Warmup), done, progress); err != nil {
		return
	}
	if first, err = takeSample(cfg, workers); err != nil {
		return
	}
	if cfg.Warmup == 0 {
		// The workers may have been faster than we.
		first.at, first.messages = began, 0
	}
	if err = sleep(ctx, first.at.Add(cfg.Duration), done, progress); err != nil {
		return
	}
	last, err = takeSample(cfg, workers)
	return
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

// result adds up what the workers, which have ended, did.
func result(cfg *Config, workers []*worker, first, last sample) (*Result, error) {
	r := &Result{
		Mode: "closed", Conns: cfg.Conns, Depth: cfg.Depth, Rate: cfg.Rate,
		Size: cfg.Size, Op: cfg.Op.String(), Threads: len(workers),
		Seconds: last.at.Sub(first.at).Seconds(), Messages: last.messages - first.messages,
	}
	r.PerSecond = float64(r.Messages) / r.Seconds
	failures := tally{}
	hist, late := newHistogram(), lateness{}
	for _, w := range workers {
		r.Sent += w.sent
		r.Verified += w.verified
		r.Unanswered += w.unanswered
		failures.merge(w.failures)
		if w.pace != nil {
			hist.Merge(w.pace.hist)
			late.merge(w.pace.late)
		}
	}
	r.Failures = failures.list()
	if cfg.Rate > 0 {
		r.Mode, r.Latency = "open", newLatency(hist, late)
	}
	r.Generator = usage(r, last.own-first.own)
	var err error
	if r.Generator.RSS, err = process.SelfRSS(); err != nil {
		return nil, err
	}
	if cfg.PID != 0 {
		server := usage(r, last.server-first.server)
		if server.RSS, err = process.RSS(cfg.PID); err != nil {
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
