package generator

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
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
	r, err := drive(ctx, &cfg, workers, &stop)
	if err != nil {
		return nil, err
	}
	r.Mode, r.Depth = "closed", cfg.Depth
	hist, late := newHistogram(), lateness{}
	for _, w := range workers {
		if w.pace != nil {
			hist.Merge(w.pace.hist)
			late.merge(w.pace.late)
		}
	}
	if cfg.Rate > 0 {
		r.Mode, r.Latency = "open", newLatency(hist, late)
	}
	if cfg.SlowReaders > 0 {
		r.Slow = slowReadersOf(workers)
	}
	return r, nil
}

// newWorkers opens the connections and deals them out. With an error it still
// returns what has to be closed.
func newWorkers(ctx context.Context, cfg *Config, stop *atomic.Bool) ([]*worker, error) {
	cfg.Threads = min(cfg.Threads, cfg.Conns)
	var workers []*worker
	for range cfg.Threads {
		var pace *schedule
		if cfg.Rate > 0 {
			pace = newSchedule(cfg, cfg.Conns)
		}
		w, err := newWorker(cfg, stop, pace)
		if err != nil {
			return workers, err
		}
		workers = append(workers, w)
	}
	conns, err := dialAll(ctx, cfg, 0, cfg.Conns+cfg.SlowReaders)
	if err != nil {
		return workers, err
	}
	for i, c := range conns[:cfg.Conns] {
		c.quota = quota(cfg, i)
		w := workers[i%len(workers)]
		err = errors.Join(err, w.add(c))
	}
	for i, c := range conns[cfg.Conns:] {
		leader := i % cfg.Conns
		workers[leader%len(workers)].follow(conns[leader], c)
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

// drive runs the workers and measures what they and the server do. The Result
// lacks what tells the modes apart.
func drive(ctx context.Context, cfg *Config, workers []*worker, stop *atomic.Bool) (*Result, error) {
	m := meter{cfg: cfg, began: time.Now(), count: func() (n int64) {
		for _, w := range workers {
			n += w.count.Load()
		}
		return n
	}}
	done := start(workers, m.began)
	err := m.measure(ctx, done)
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
	r, err := m.result()
	if err != nil {
		return nil, err
	}
	r.Size, r.Op, r.Threads = cfg.Size, cfg.Op.String(), len(workers)
	if cfg.Dialect != Raw {
		r.Dialect = cfg.Dialect.String()
	}
	if c := workers[0].conns[0]; c.tls != nil {
		r.TLS = describe(c.tls)
	}
	failures := tally{}
	for _, w := range workers {
		r.Sent += w.sent
		r.Verified += w.verified
		r.Unanswered += w.unanswered
		failures.merge(w.failures)
	}
	r.Failures = failures.list()
	return r, nil
}

// start runs the workers, from one common moment; done is closed when all have
// ended.
func start(workers []*worker, now time.Time) (done chan struct{}) {
	done = make(chan struct{})
	var wg sync.WaitGroup
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
