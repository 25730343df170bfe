package suite

import (
	"errors"
	"fmt"
	"time"

	"lapps/benchmarks/process"
)

// Settings are what all scenarios have in common.
type Settings struct {
	Rounds   int           `json:"rounds"`      // how often each server has its turn, at least 1
	Duration time.Duration `json:"duration_ns"` // measured in each turn
	Warmup   time.Duration `json:"warmup_ns"`   // before that
	Start    time.Duration `json:"start_ns"`    // before a server's first turn, where that is more: some compile meanwhile
	Threads  int           `json:"threads"`     // of the generator
	Timeout  time.Duration `json:"timeout_ns"`  // for opening a connection, and for an echo
}

func (s Settings) check() error {
	var m mistakes
	m.expect(s.Rounds >= 1, "suite: rounds: expected at least 1, not %d", s.Rounds)
	m.expect(s.Duration > 0, "suite: duration: expected more than 0, not %v", s.Duration)
	m.expect(s.Warmup >= 0, "suite: warmup: expected at least 0, not %v", s.Warmup)
	m.expect(s.Threads >= 1, "suite: threads: expected at least 1, not %d", s.Threads)
	m.expect(s.Timeout > 0, "suite: timeout: expected more than 0, not %v", s.Timeout)
	return m.err()
}

// rounds is how often each server has its turn in a scenario.
func (s Settings) rounds(c *Scenario) int {
	if c.Rounds > 0 {
		return min(c.Rounds, s.Rounds)
	}
	return s.Rounds
}

// warmup is how long a server is loaded before a turn of a scenario is measured.
func (s Settings) warmup(c *Scenario, round int) time.Duration {
	d := max(s.Warmup, time.Duration(c.WarmupS)*time.Second)
	if round == 0 {
		return max(s.Start, d)
	}
	return d
}

// all is about how long a scenario takes with so many servers.
func (s Settings) all(c *Scenario, servers int) (d time.Duration) {
	for round := range s.rounds(c) {
		d += time.Duration(servers) * s.expected(c, round)
	}
	return d
}

// expected is about how long one turn of a scenario takes: to tell what is
// left of a run, no more.
func (s Settings) expected(c *Scenario, round int) time.Duration {
	const (
		plain  = 100 * time.Microsecond // to open a connection
		secure = 1500 * time.Microsecond
		settle = 5 * time.Second // until the memory of a server is steady
	)
	open := plain
	if c.TLS {
		open = secure
	}
	n := c.Conns + c.SlowReaders
	if len(c.Steps) > 0 {
		n = c.Steps[len(c.Steps)-1]
		return time.Duration(n)*open + time.Duration(len(c.Steps))*settle
	}
	return time.Duration(n)*open + s.warmup(c, round) + s.Duration
}

// limit is how long a turn may take before its server counts as failed.
func (s Settings) limit(c *Scenario) time.Duration {
	const unsettled = 30 * time.Second // generator.Settling's limit
	return 3*s.expected(c, 0) + 3*s.Timeout + time.Duration(len(c.Steps))*unsettled
}

// errSkip is why a server takes no part.
type errSkip string

func (e errSkip) Error() string { return string(e) }

// reason says why a server has no figures.
func reason(err error) (failed, skipped string) {
	skip := errSkip("")
	switch {
	case err == nil:
		return "", ""
	case errors.As(err, &skip):
		return "", string(skip)
	}
	return err.Error(), ""
}

// stop ends a server; the error says how it ended if not as told.
func stop(p *process.Process) error {
	if p == nil {
		return nil
	}
	if err := p.Stop(); err != nil {
		return fmt.Errorf("at its end: %w", err)
	}
	return nil
}
