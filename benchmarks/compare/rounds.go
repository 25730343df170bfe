package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"lapps/benchmarks/generator"
	"lapps/benchmarks/suite"
)

// A scenario is a load that all servers get.
type scenario struct {
	Name  string `json:"name"`
	Conns int    `json:"conns"`
	Depth int    `json:"depth"`
}

// An outcome is what came of a scenario.
type outcome struct {
	scenario
	Size    int      `json:"size_bytes"`
	Op      string   `json:"op"`
	Servers []figure `json:"servers"` // in the order they were given
}

// A figure is how one server did. The ratios are to the first server.
type figure struct {
	Name       string              `json:"name"`
	CPU        suite.Spread        `json:"server_cpu_us_per_message"`
	PerSecond  suite.Spread        `json:"messages_per_s"`
	CPURatio   suite.Spread        `json:"cpu_ratio"`
	SpeedRatio suite.Spread        `json:"messages_per_s_ratio"`
	Generator  suite.Spread        `json:"generator_cpu_us_per_message"`
	Rounds     []*generator.Result `json:"rounds"`
}

// compare gives each server its turn in each round.
func (o *options) compare(ctx context.Context, s scenario, servers []*server, log io.Writer) (outcome, error) {
	results := make([][]*generator.Result, len(servers))
	for round := range o.rounds {
		for i, srv := range servers {
			cfg := o.base
			cfg.Conns, cfg.Depth = s.Conns, s.Depth
			cfg.Target, cfg.PID = srv.target, srv.process.PID()
			r, err := generator.Echo(ctx, cfg)
			if err != nil {
				return outcome{}, fmt.Errorf("compare: %s, %s, round %d: %w", s.Name, srv.name, round+1, err)
			}
			if len(r.Failures) > 0 {
				f := r.Failures[0]
				return outcome{}, fmt.Errorf("compare: %s, %s, round %d: %d × %s; %s", s.Name, srv.name, round+1, f.Count, f.Kind, f.Example)
			}
			if r.Messages == 0 || r.Server.CPUPerMessage <= 0 {
				return outcome{}, fmt.Errorf("compare: %s, %s, round %d: %d messages and %v s of CPU: expected a longer -duration or more -messages",
					s.Name, srv.name, round+1, r.Messages, r.Server.Cores*r.Seconds)
			}
			results[i] = append(results[i], r)
			if log != nil {
				fmt.Fprintf(log, "%s  round %d of %d  %s: %.3f µs per message, %.0f messages/s\n",
					s.Name, round+1, o.rounds, srv.name, r.Server.CPUPerMessage, r.PerSecond)
			}
		}
	}
	out := outcome{scenario: s, Size: o.base.Size, Op: o.base.Op.String()}
	for i, srv := range servers {
		out.Servers = append(out.Servers, figureOf(srv.name, results[i], results[0]))
	}
	return out, nil
}

// figureOf sums up the rounds of a server, pair by pair with the first's.
func figureOf(name string, rounds, first []*generator.Result) figure {
	cpu := func(r *generator.Result) float64 { return r.Server.CPUPerMessage }
	speed := func(r *generator.Result) float64 { return r.PerSecond }
	over := func(f func(r, first *generator.Result) float64) suite.Spread {
		v := make([]float64, len(rounds))
		for i := range rounds {
			v[i] = f(rounds[i], first[i])
		}
		return suite.SpreadOf(v)
	}
	return figure{
		Name:       name,
		CPU:        over(func(r, _ *generator.Result) float64 { return cpu(r) }),
		PerSecond:  over(func(r, _ *generator.Result) float64 { return speed(r) }),
		CPURatio:   over(func(r, first *generator.Result) float64 { return cpu(r) / cpu(first) }),
		SpeedRatio: over(func(r, first *generator.Result) float64 { return speed(r) / speed(first) }),
		Generator:  over(func(r, _ *generator.Result) float64 { return r.Generator.CPUPerMessage }),
		Rounds:     rounds,
	}
}

// print prints the table of a scenario.
func (o outcome) print(w io.Writer) error {
	fmt.Fprintf(w, "%d connections, %d in flight on each, %d bytes, %s; median [least, greatest] of %d rounds\n",
		o.Conns, o.Depth, o.Size, o.Op, len(o.Servers[0].Rounds))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "server\tCPU µs per message\tto %s\tmessages/s\tgenerator µs\n", o.Servers[0].Name)
	for _, f := range o.Servers {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.3f\n", f.Name, f.CPU.Format(3), f.CPURatio.Format(2), f.PerSecond.Format(0), f.Generator.Median)
	}
	fmt.Fprintln(t)
	return t.Flush()
}
