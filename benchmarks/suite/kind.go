package suite

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"lapps/benchmarks/generator"
)

// A kind is a way to load a server, and what is measured by it.
type kind struct {
	needs, takes []string // keys of a Scenario, besides those that all have

	// judged are the figures by which servers are compared; others are for
	// the record. Less is better in the judged ones.
	judged, others []string

	path  string // in Server.Paths
	fresh bool   // memory is measured: a server is started for each turn

	// turn loads the server once.
	turn func(ctx context.Context, s *Scenario, cfg generator.Config) (Turn, error)
}

// A Turn is what one server did in one round.
type Turn struct {
	Figures map[string]float64 // by name
	TLS     string             // what was agreed on
}

// kinds are all kinds there are.
var kinds = map[string]kind{
	"echo": {
		needs: []string{"conns", "depth"}, path: "echo",
		judged: []string{"cpu_us"}, others: []string{"per_s", "generator_us", "rss_bytes"},
		turn: echoTurn,
	},
	"lapps": { // requests of the LAppS protocol
		needs: []string{"conns", "depth"}, path: "lapps",
		judged: []string{"cpu_us"}, others: []string{"per_s", "generator_us", "rss_bytes"},
		turn: echoTurn,
	},
	"mixed": { // fast and slow readers
		needs: []string{"conns", "depth", "slow_readers"}, path: "echo",
		judged: []string{"cpu_us"}, others: []string{"per_s", "generator_us", "rss_bytes", "slow_ended"},
		turn: echoTurn,
	},
	"open": {
		needs: []string{"conns", "rate_of", "of"}, path: "echo",
		judged: []string{"p99_us", "p999_us"}, others: []string{"p50_us", "p90_us", "max_us", "rate_per_s", "late_share", "cpu_us", "generator_us"},
		turn: openTurn,
	},
	"idle": {
		needs: []string{"steps"}, takes: []string{"echo"}, path: "echo", fresh: true,
		judged: []string{"slope_bytes"}, others: []string{"empty_bytes", "rss_bytes"},
		turn: idleTurn,
	},
	"connect": {
		needs: []string{"conns"}, path: "echo",
		judged: []string{"cpu_us"}, others: []string{"per_s", "p50_us", "p99_us", "generator_us"},
		turn: connectTurn,
	},
	"broadcast": {
		needs: []string{"conns", "depth"}, path: "broadcast",
		judged: []string{"cpu_us"}, others: []string{"per_s", "p50_us", "p99_us", "generator_us"},
		turn: broadcastTurn,
	},
}

// curves returns the key shares that a client of that name offers.
func curves(name string) ([]tls.CurveID, error) {
	switch name {
	case "":
		return nil, nil
	case "x25519":
		return []tls.CurveID{tls.X25519}, nil
	case "x25519mlkem768":
		return []tls.CurveID{tls.X25519MLKEM768}, nil
	}
	return nil, fmt.Errorf("curve: expected x25519 or x25519mlkem768, not %q", name)
}

func echoTurn(ctx context.Context, s *Scenario, cfg generator.Config) (Turn, error) {
	cfg.Depth, cfg.SlowReaders = s.Depth, s.SlowReaders
	if s.Kind == "lapps" {
		cfg.Dialect = generator.LAppS
	}
	r, err := generator.Echo(ctx, cfg)
	t, err := costs(r, err)
	if err == nil && r.Slow != nil {
		t.Figures["slow_ended"] = float64(r.Slow.Ended)
	}
	return t, err
}

// openTurn expects the rate in cfg.
func openTurn(ctx context.Context, _ *Scenario, cfg generator.Config) (Turn, error) {
	r, err := generator.Echo(ctx, cfg)
	t, err := costs(r, err)
	if err == nil {
		t.Figures["rate_per_s"], t.Figures["late_share"] = r.Rate, r.Latency.LateShare()
	}
	return t, err
}

func connectTurn(ctx context.Context, _ *Scenario, cfg generator.Config) (Turn, error) {
	return costs(generator.Connect(ctx, cfg))
}

func broadcastTurn(ctx context.Context, s *Scenario, cfg generator.Config) (Turn, error) {
	cfg.Depth = s.Depth
	return costs(generator.Broadcast(ctx, cfg))
}

func idleTurn(ctx context.Context, s *Scenario, cfg generator.Config) (Turn, error) {
	r, err := generator.Idle(ctx, generator.IdleConfig{Config: cfg, Steps: s.Steps, Echo: s.Echo})
	if err != nil {
		return Turn{}, err
	}
	if err := failed(r.Failures); err != nil {
		return Turn{}, err
	}
	return Turn{TLS: r.TLS, Figures: map[string]float64{
		"slope_bytes": r.Slope, "empty_bytes": float64(r.Empty), "rss_bytes": float64(r.Steps[len(r.Steps)-1].RSS),
	}}, nil
}

// costs are the figures that all results but those of idle connections have.
func costs(r *generator.Result, err error) (Turn, error) {
	if err != nil {
		return Turn{}, err
	}
	if err := failed(r.Failures); err != nil {
		return Turn{}, err
	}
	if r.Messages == 0 || r.Server.CPUPerMessage <= 0 {
		return Turn{}, fmt.Errorf("%d messages and %v s of CPU: expected a longer -duration", r.Messages, r.Server.Cores*r.Seconds)
	}
	t := Turn{TLS: r.TLS, Figures: map[string]float64{
		"cpu_us": r.Server.CPUPerMessage, "per_s": r.PerSecond,
		"generator_us": r.Generator.CPUPerMessage, "rss_bytes": float64(r.Server.RSS),
	}}
	if l := r.Latency; l != nil && l.Count > 0 {
		f := t.Figures
		f["p50_us"], f["p90_us"], f["p99_us"], f["p999_us"], f["max_us"] = l.P50, l.P90, l.P99, l.P999, l.Max
	}
	return t, nil
}

// failed is an error where connections failed.
func failed(failures []generator.Failure) error {
	var errs []error
	for _, f := range failures {
		errs = append(errs, fmt.Errorf("%d × %s; %s", f.Count, f.Kind, f.Example))
	}
	return errors.Join(errs...)
}
