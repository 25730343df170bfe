package suite

import (
	_ "embed" // scenarios.json
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lapps/benchmarks/generator"
)

//go:embed scenarios.json
var scenariosJSON []byte

// A Scenario is a load that all servers get which can take part. What its kind
// does not use is 0.
type Scenario struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Group string `json:"group"` // scenarios that belong together in a report
	Kind  string `json:"kind"`  // one of kinds
	TLS   bool   `json:"tls,omitempty"`
	Curve string `json:"curve,omitempty"` // of the client's key share: x25519 or x25519mlkem768; empty: Go's default

	Conns       int    `json:"conns,omitempty"`
	Depth       int    `json:"depth,omitempty"`        // messages in flight on each; in a broadcast the length of a burst
	Size        int    `json:"size,omitempty"`         // bytes; 0 means 64
	Op          string `json:"op,omitempty"`           // text or binary; empty: binary
	SlowReaders int    `json:"slow_readers,omitempty"` // connections besides Conns

	// An open loop runs at the share RateOf of what the same server reached
	// in the closed loop of scenario Of, which comes earlier.
	RateOf float64 `json:"rate_of,omitempty"`
	Of     string  `json:"of,omitempty"`

	Rounds  int `json:"rounds,omitempty"`   // at most; 0: as many as the others
	WarmupS int `json:"warmup_s,omitempty"` // seconds before each turn is measured, where the others' is less

	Steps []int `json:"steps,omitempty"` // idle: connections open at each measurement
	Echo  bool  `json:"echo,omitempty"`  // idle: each has echoed once

	Loops     int `json:"loops,omitempty"`     // event loops, threads or processes of each server; 0 means 1
	Instances int `json:"instances,omitempty"` // of lapps's service; 0 means 1

	Servers   []string `json:"servers,omitempty"`    // empty: all that can
	CompareTo string   `json:"compare_to,omitempty"` // whose figures the ratios are to; empty: gnetecho
}

// readScenarios reads a list of scenarios.
func readScenarios(file string, text []byte) ([]Scenario, error) {
	list, err := readList(file, text, func(s *Scenario) string { return s.Name }, func(s *Scenario) error {
		s.setDefaults()
		return s.check()
	})
	seen := map[string]Scenario{}
	for _, s := range list {
		if of := seen[s.Of]; s.Of != "" && (of.Name == "" || of.Kind != "echo" || of.TLS != s.TLS) {
			err = errors.Join(err, fmt.Errorf("%s: %s: of: expected an earlier scenario of kind echo with the same tls, not %q", file, s.Name, s.Of))
		}
		seen[s.Name] = s
	}
	return list, err
}

func (s *Scenario) setDefaults() {
	if s.Size == 0 && s.Kind != "connect" {
		s.Size = 64
	}
	if s.Op == "" && s.Kind != "connect" {
		s.Op = "binary"
	}
	s.Loops = max(s.Loops, 1)
	s.Instances = max(s.Instances, 1)
	if s.CompareTo == "" {
		s.CompareTo = "gnetecho"
	}
}

// check says what is wrong with s. Ranges of values are the generator's to
// check.
func (s *Scenario) check() error {
	var m mistakes
	k, ok := kinds[s.Kind]
	m.expect(s.Name != "", "name: expected one")
	m.expect(s.Title != "", "title: expected one")
	m.expect(s.Group != "", "group: expected one")
	m.expect(ok, "kind: expected one of %s, not %q", strings.Join(slices.Sorted(maps.Keys(kinds)), ", "), s.Kind)
	if !ok {
		return m.err()
	}
	_, err := curves(s.Curve)
	m.expect(err == nil, "%v", err)
	m.expect(s.Curve == "" || s.TLS, "curve: expected it with tls only")
	if s.Op != "" {
		_, err = generator.ParseOp(s.Op)
		m.expect(err == nil, "op: expected text or binary, not %q", s.Op)
	}
	given := map[string]bool{
		"conns": s.Conns != 0, "depth": s.Depth != 0, "slow_readers": s.SlowReaders != 0, "rate_of": s.RateOf != 0,
		"of": s.Of != "", "steps": len(s.Steps) != 0, "echo": s.Echo,
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		needed, allowed := slices.Contains(k.needs, key), slices.Contains(k.takes, key)
		m.expect(given[key] || !needed, "%s: a scenario of kind %s needs it", key, s.Kind)
		m.expect(!given[key] || needed || allowed, "%s: a scenario of kind %s has none", key, s.Kind)
	}
	m.expect(s.Rounds >= 0, "rounds: expected a number, or none, not %d", s.Rounds)
	m.expect(s.WarmupS >= 0, "warmup_s: expected seconds, or none, not %d", s.WarmupS)
	m.expect(s.RateOf >= 0 && s.RateOf <= 1, "rate_of: expected a share of the saturation from 0 to 1, not %v", s.RateOf)
	return m.err()
}
