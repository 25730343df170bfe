package suite

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// Results are what a run measured. Their JSON is what benchmarks/report reads.
type Results struct {
	Date       time.Time        `json:"date"`
	Commit     string           `json:"commit"`
	Dirty      bool             `json:"dirty"`                // files differed from the commit
	Unfinished bool             `json:"unfinished,omitempty"` // the run was interrupted: the last scenarios are missing
	Note       string           `json:"note,omitempty"`       // what a reader has to know of this run
	Machine    Machine          `json:"machine"`
	Settings   Settings         `json:"settings"`
	Servers    []ServerResult   `json:"servers"`
	Scenarios  []ScenarioResult `json:"scenarios"`
	Targets    []Verdict        `json:"targets"`
}

// A ServerResult says who a server was, or why it took no part.
type ServerResult struct {
	Name    string `json:"name"`
	Label   string `json:"label"`
	Script  bool   `json:"script"`
	Ours    bool   `json:"ours"`
	Before  bool   `json:"before,omitempty"` // an earlier one of ours
	Version string `json:"version,omitempty"`
	Skipped string `json:"skipped,omitempty"`
}

// A ScenarioResult is what came of a scenario.
type ScenarioResult struct {
	Scenario
	Judged  []string `json:"judged"` // figures by which the servers are compared; less is better
	Entries []Entry  `json:"entries"`
}

// An Entry is how one server did in a scenario.
type Entry struct {
	Server  string `json:"server"`
	Failed  string `json:"failed,omitempty"`  // why there are no figures
	Skipped string `json:"skipped,omitempty"` // why it took no part
	TLS     string `json:"tls,omitempty"`     // what was agreed on: version and key exchange

	Figures map[string]Spread    `json:"figures,omitempty"`
	Ratios  map[string]Spread    `json:"ratios,omitempty"` // of the judged figures to CompareTo's, of the same rounds
	Rounds  map[string][]float64 `json:"rounds,omitempty"` // the figures, round by round
}

// entry sums up the turns of a server.
func entry(server string, turns []Turn) Entry {
	e := Entry{Server: server, Figures: map[string]Spread{}, Rounds: map[string][]float64{}}
	for _, t := range turns {
		e.TLS = t.TLS
		for name, v := range t.Figures {
			e.Rounds[name] = append(e.Rounds[name], v)
		}
	}
	for name, v := range e.Rounds {
		e.Figures[name] = SpreadOf(v)
	}
	return e
}

// compare sets the ratios to the one that the scenario names.
func (r *ScenarioResult) compare() {
	to := r.entry(r.CompareTo)
	if to == nil || to.Figures == nil {
		return
	}
	for i := range r.Entries {
		e := &r.Entries[i]
		if e.Figures == nil {
			continue
		}
		e.Ratios = map[string]Spread{}
		for _, f := range r.Judged {
			e.Ratios[f] = SpreadOf(pairwise(e.Rounds[f], to.Rounds[f], quotient))
		}
	}
}

func quotient(a, b float64) float64 { return a / b }

// entry returns the server's, or nil.
func (r *ScenarioResult) entry(server string) *Entry {
	for i := range r.Entries {
		if r.Entries[i].Server == server {
			return &r.Entries[i]
		}
	}
	return nil
}

// scenario returns the one of that name, or nil.
func (r *Results) scenario(name string) *ScenarioResult {
	for i := range r.Scenarios {
		if r.Scenarios[i].Name == name {
			return &r.Scenarios[i]
		}
	}
	return nil
}

// Name is the file that the results belong in: DATE-COMMIT.json.
func (r *Results) Name() string {
	return r.Date.Format(time.DateOnly) + "-" + r.Commit + ".json"
}

// numberList finds lists of numbers in indented JSON: in texts no line ends.
var numberList = regexp.MustCompile(`\[\n[-+.eE\d,\s]+\]`)

var blank = regexp.MustCompile(`\s+`)

// Write writes the results to a file, with lists of numbers on one line each.
func (r *Results) Write(name string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err == nil {
		text = numberList.ReplaceAllFunc(text, func(list []byte) []byte { return blank.ReplaceAll(list, nil) })
		err = os.MkdirAll(filepath.Dir(name), 0o755)
	}
	if err == nil {
		err = os.WriteFile(name, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("suite: results: %w", err)
	}
	return nil
}
