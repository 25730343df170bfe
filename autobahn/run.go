package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"time"
)

// Config says what to run against which server. Only URL is required.
type Config struct {
	URL      string      // ws:// or wss://
	Patterns []string    // of cases, as choose explains; none means all
	Messages int         // of each case of groups 12 and 13; 0 means 1000
	Parallel int         // cases at a time; 0 means 1, as the suite does
	TLS      *tls.Config // for wss; nil means the system's certificates
	Agent    string      // the server's name in the report; "" means "server"
	Note     string      // for the report's heading

	// Slack is how many times the suite's time limits the server has, as one
	// needs under the race detector or on a busy machine; 0 means 1.
	Slack int

	// Progress, if not nil, is called after each case, by one goroutine at a
	// time.
	Progress func(done, total int, r *Result)
}

// A Report is what came out of a run.
type Report struct {
	Agent, URL, Note string
	Date             time.Time
	Took             time.Duration
	Results          []*Result // in the order of the suite
}

// run plays the cases and returns when all of them are done. Without a first
// connection it does nothing, and the error says why there is none. If ctx
// ends, so does the run, with its error.
func run(ctx context.Context, conf Config) (*Report, error) {
	t, err := parseTarget(conf.URL, conf.TLS)
	if err != nil {
		return nil, &usageError{err.Error()}
	}
	cases, err := choose(suite(), conf.Patterns)
	if err != nil {
		return nil, err
	}
	if conf.Messages < 0 || conf.Parallel < 0 {
		return nil, &usageError{fmt.Sprintf("expected numbers that are positive, not %d messages and %d in parallel", conf.Messages, conf.Parallel)}
	}
	if err := probe(ctx, t); err != nil {
		return nil, fmt.Errorf("no connection to %s: %w", conf.URL, err)
	}
	start := time.Now()
	report := &Report{
		Agent: cmp.Or(conf.Agent, "server"), URL: conf.URL, Note: conf.Note, Date: start,
		Results: make([]*Result, len(cases)),
	}
	t.slack = conf.Slack
	r := runner{conf: conf, target: t, cases: cases, results: report.Results}
	r.playAll(ctx)
	report.Took = time.Since(start)
	return report, ctx.Err()
}

// probe connects and leaves again, to find out whether it is worth beginning.
func probe(ctx context.Context, t *target) error {
	l, err := t.open(ctx, "")
	if err != nil {
		return err
	}
	defer l.raw.Close()
	l.raw.SetDeadline(time.Now().Add(replyLimit))
	var e encoder
	_, err = l.conn.Write(e.append(nil, closeCode(1000)))
	for err == nil {
		_, err = l.in.ReadByte() // until the server goes, so that nothing of it is in the way
	}
	return nil
}

// A runner plays cases, some at a time.
type runner struct {
	// Immutable.
	conf   Config
	target *target
	cases  []Case

	mu      sync.Mutex // guards the fields below
	next    int        // the case to be played next
	done    int
	results []*Result
}

func (r *runner) playAll(ctx context.Context) {
	var wait sync.WaitGroup
	for range max(r.conf.Parallel, 1) {
		wait.Go(func() { r.work(ctx) })
	}
	wait.Wait()
}

func (r *runner) work(ctx context.Context) {
	for ctx.Err() == nil {
		r.mu.Lock()
		i := r.next
		r.next++
		r.mu.Unlock()
		if i >= len(r.cases) {
			return
		}
		result := perform(ctx, r.target, &r.cases[i], cmp.Or(r.conf.Messages, 1000))
		r.mu.Lock()
		r.results[i] = result
		r.done++
		if r.conf.Progress != nil {
			r.conf.Progress(r.done, len(r.cases), result)
		}
		r.mu.Unlock()
	}
}

// perform connects, plays a case and judges it.
func perform(ctx context.Context, t *target, c *Case, messages int) *Result {
	start := time.Now()
	var o outcome
	var frames []WireFrame
	l, err := t.open(ctx, c.Offer)
	if err != nil {
		o.refused = err
	} else {
		o, frames = play(ctx, c, l, messages)
	}
	r := newResult(c, &o)
	r.DurationMS = time.Since(start).Milliseconds()
	r.Frames = frames
	return r
}
