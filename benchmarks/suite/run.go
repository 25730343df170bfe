package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"lapps/benchmarks/generator"
	"lapps/benchmarks/process"
)

// A runner runs a suite once.
type runner struct {
	*Suite
	bench    *bench
	settings Settings
	results  *Results
	clock    *clock
	out, log io.Writer // log: nil where nobody wants to know
}

// Run measures the suite: it prints each scenario's table to out and tells
// log, which may be nil, how far it is. Servers that fail are in the results;
// the error is for a run that could not be. When ctx is done, the results of
// the scenarios before are returned with the error.
func (s *Suite) Run(ctx context.Context, set Settings, out, log io.Writer) (*Results, error) {
	if err := set.check(); err != nil {
		return nil, err
	}
	b, err := newBench(s.root)
	if err != nil {
		return nil, err
	}
	defer b.close()
	r := &runner{Suite: s, bench: b, settings: set, out: out, log: log}
	r.results = &Results{Date: time.Now().UTC().Truncate(time.Second), Machine: thisMachine(), Settings: set}
	r.results.Commit, r.results.Dirty = commit(ctx, s.root)
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	r.clock = newClock(s, set)
	r.tell("%s", r.clock.budget())
	err = r.scenarios(ctx)
	r.results.Unfinished = err != nil
	if err != nil {
		return r.results, err
	}
	r.results.judge(ctx, s.root, s.targets)
	return r.results, r.results.printTargets(out)
}

// tell tells the log.
func (r *runner) tell(format string, args ...any) {
	if r.log != nil {
		fmt.Fprintf(r.log, format+"\n", args...)
	}
}

// prepare builds what the servers need, and leaves those that can be started
// here.
func (r *runner) prepare(ctx context.Context) error {
	var here []Server
	unbuilt := map[string]error{}
	for _, s := range r.servers {
		skipped := s.find(r.bench.peers())
		if _, known := r.bench.programs[s.Build]; s.Build != "" && skipped == "" && !known {
			program, err := build(ctx, r.root, r.bench.tmp, s.Build)
			if ctx.Err() != nil {
				return fmt.Errorf("suite: %w", context.Cause(ctx))
			}
			r.bench.programs[s.Build], unbuilt[s.Build] = program, err
		}
		if err := unbuilt[s.Build]; err != nil && skipped == "" {
			skipped = err.Error()
		}
		info := ServerResult{Name: s.Name, Label: s.Label, Script: s.Script, Ours: s.Lapps != nil, Before: s.Before, Skipped: skipped}
		if skipped == "" {
			info.Version = version(ctx, &s, r.bench.programs[s.Build], r.bench.peers())
			here = append(here, s)
		} else {
			r.tell("%s is skipped: %s", s.Name, skipped)
		}
		r.results.Servers = append(r.results.Servers, info)
	}
	if len(here) == 0 {
		return errors.New("suite: none of the servers can be started here")
	}
	r.servers = here
	return nil
}

// scenarios runs them in turn.
func (r *runner) scenarios(ctx context.Context) error {
	for i := range r.Suite.scenarios {
		c := &r.Suite.scenarios[i]
		result, err := r.scenario(ctx, c)
		if err != nil {
			return err
		}
		r.results.Scenarios = append(r.results.Scenarios, result)
		if err := result.print(r.out); err != nil {
			return err
		}
	}
	return nil
}

// A contestant is a server that takes part in a scenario.
type contestant struct {
	server  *Server
	process *process.Process // nil: not running
	target  generator.Target
	turns   []Turn
	err     error // why it has no more turns
}

// scenario gives each server its turn in each round.
func (r *runner) scenario(ctx context.Context, c *Scenario) (ScenarioResult, error) {
	var all []*contestant
	for _, s := range r.contestants(c) {
		all = append(all, &contestant{server: s})
	}
	rounds := r.settings.rounds(c)
	for round := range rounds {
		for _, k := range all {
			r.clock.pass(c, round)
			if k.err != nil {
				continue
			}
			k.err = r.turn(ctx, c, k, round)
			if err := ctx.Err(); err != nil {
				for _, k := range all {
					_ = stop(k.process)
				}
				return ScenarioResult{}, fmt.Errorf("suite: %w", context.Cause(ctx))
			}
			r.tell("%s  %s  round %d of %d  %s: %s", r.clock, c.Name, round+1, rounds, k.server.Name, k.last())
		}
	}
	result := ScenarioResult{Scenario: *c, Judged: kinds[c.Kind].judged}
	for _, k := range all {
		if err := stop(k.process); k.err == nil {
			k.err = err
		}
		result.Entries = append(result.Entries, k.entry())
		if _, skipped := reason(k.err); skipped != "" {
			r.skip(k.server.Name, skipped)
		}
	}
	result.compare()
	return result, nil
}

// skip leaves a server out from now on.
func (r *runner) skip(name, why string) {
	for i := range r.results.Servers {
		if r.results.Servers[i].Name == name {
			r.results.Servers[i].Skipped = why
		}
	}
	r.servers = slices.DeleteFunc(slices.Clone(r.servers), func(s Server) bool { return s.Name == name })
}

// turn is one server's turn: it is started where it does not run.
func (r *runner) turn(ctx context.Context, c *Scenario, k *contestant, round int) (err error) {
	cfg := generator.Config{
		Conns: c.Conns, Size: c.Size, Threads: r.settings.Threads,
		Duration: r.settings.Duration, Warmup: r.settings.warmup(c, round), Timeout: r.settings.Timeout,
	}
	if c.Op != "" {
		if cfg.Op, err = generator.ParseOp(c.Op); err != nil {
			return err
		}
	}
	if c.Of != "" {
		if cfg.Rate, err = r.rate(c, k.server); err != nil {
			return err
		}
	}
	if k.process == nil {
		if k.process, k.target, err = r.bench.start(ctx, k.server, c); err != nil {
			return err
		}
	}
	cfg.Target, cfg.PID = k.target, k.process.PID()
	limit := r.settings.limit(c)
	turn, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the turn was ended after %v", limit))
	defer cancel()
	t, err := kinds[c.Kind].turn(turn, c, cfg)
	if err != nil || kinds[c.Kind].fresh {
		err = errors.Join(err, stop(k.process))
		k.process = nil
	}
	if err == nil {
		k.turns = append(k.turns, t)
	}
	return err
}

// rate is the share of what the server reached in an earlier scenario.
func (r *runner) rate(c *Scenario, s *Server) (float64, error) {
	of, err := r.results.rounds(c.Of, s.Name, "per_s")
	if err != nil {
		return 0, fmt.Errorf("no rate to run at: %w", err)
	}
	return c.RateOf * SpreadOf(of).Median, nil
}

func (k *contestant) entry() Entry {
	if k.err != nil {
		e := Entry{Server: k.server.Name}
		e.Failed, e.Skipped = reason(k.err)
		return e
	}
	return entry(k.server.Name, k.turns)
}

// last tells of the last turn.
func (k *contestant) last() string {
	if k.err != nil {
		failed, skipped := reason(k.err)
		if skipped != "" {
			return "skipped: " + skipped
		}
		return "failed: " + failed
	}
	return k.turns[len(k.turns)-1].String()
}
