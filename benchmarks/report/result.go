package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// results are what is read of a file that package suite wrote. A test there
// keeps its format and testdata here together.
type results struct {
	file string

	Date       time.Time        `json:"date"`
	Commit     string           `json:"commit"`
	Dirty      bool             `json:"dirty"`
	Unfinished bool             `json:"unfinished"`
	Note       string           `json:"note"`
	Machine    machine          `json:"machine"`
	Settings   settings         `json:"settings"`
	Servers    []server         `json:"servers"`
	Scenarios  []scenarioResult `json:"scenarios"`
	Targets    []verdict        `json:"targets"`
}

type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory_bytes"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
}

type settings struct {
	Rounds   int           `json:"rounds"`
	Duration time.Duration `json:"duration_ns"`
	Warmup   time.Duration `json:"warmup_ns"`
	Threads  int           `json:"threads"`
}

type server struct {
	Name    string `json:"name"`
	Label   string `json:"label"`
	Script  bool   `json:"script"`
	Ours    bool   `json:"ours"`
	Before  bool   `json:"before"` // an earlier one of ours
	Version string `json:"version"`
	Skipped string `json:"skipped"`
}

type scenarioResult struct {
	Name      string   `json:"name"`
	Title     string   `json:"title"`
	Group     string   `json:"group"`
	Kind      string   `json:"kind"`
	TLS       bool     `json:"tls"`
	Conns     int      `json:"conns"`
	CompareTo string   `json:"compare_to"`
	Judged    []string `json:"judged"`
	Entries   []entry  `json:"entries"`
}

type entry struct {
	Server  string               `json:"server"`
	Failed  string               `json:"failed"`
	Skipped string               `json:"skipped"`
	TLS     string               `json:"tls"`
	Figures map[string]spread    `json:"figures"`
	Ratios  map[string]spread    `json:"ratios"`
	Rounds  map[string][]float64 `json:"rounds"`
}

type verdict struct {
	What       string  `json:"what"`
	Grade      string  `json:"grade"`
	Bound      string  `json:"bound"`
	Text       string  `json:"text"`
	Met        bool    `json:"met"`
	Unmeasured string  `json:"unmeasured"`
	Scenario   string  `json:"scenario"`
	Measured   *spread `json:"measured"`
}

// A spread is the median of some figures, and their extremes.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// spreadOf returns the spread of at least one figure.
func spreadOf(v []float64) spread {
	v = slices.Sorted(slices.Values(v))
	mid := len(v) / 2
	s := spread{Median: v[mid], Min: v[0], Max: v[len(v)-1]}
	if len(v)%2 == 0 {
		s.Median = (v[mid-1] + v[mid]) / 2
	}
	return s
}

// over returns the spread of the quotients, round by round. There is at least
// one round in both.
func over(a, b []float64) spread {
	v := make([]float64, min(len(a), len(b)))
	for i := range v {
		v[i] = a[i] / b[i]
	}
	return spreadOf(v)
}

func readResults(file string) (*results, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := &results{file: file}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if r.Date.IsZero() || len(r.Scenarios) == 0 || r.Machine.Cores == 0 {
		return nil, fmt.Errorf("%s: expected a result of `compare suite`: date, machine and scenarios", file)
	}
	for _, s := range r.Scenarios {
		for _, e := range s.Entries {
			if r.server(e.Server) == nil {
				return nil, fmt.Errorf("%s: %s: %s is none of the servers", file, s.Name, e.Server)
			}
		}
		for _, f := range s.Judged {
			if _, ok := figures[f]; !ok {
				return nil, fmt.Errorf("%s: %s: no figure is called %q", file, s.Name, f)
			}
		}
	}
	return r, nil
}

// File is the name of the file, without its folder.
func (r *results) File() string { return filepath.Base(r.file) }

func (r *results) server(name string) *server {
	for i := range r.Servers {
		if r.Servers[i].Name == name {
			return &r.Servers[i]
		}
	}
	return nil
}

func (s *scenarioResult) entry(server string) *entry {
	for i := range s.Entries {
		if s.Entries[i].Server == server {
			return &s.Entries[i]
		}
	}
	return nil
}

// measured returns the entries that have a figure, the least first.
func (s *scenarioResult) measured(figure string) []entry {
	list := slices.DeleteFunc(slices.Clone(s.Entries), func(e entry) bool { _, ok := e.Figures[figure]; return !ok })
	slices.SortStableFunc(list, func(a, b entry) int {
		switch x, y := a.Figures[figure].Median, b.Figures[figure].Median; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	return list
}
