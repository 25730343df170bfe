package suite

import (
	"cmp"
	"context"
	_ "embed" // targets.json
	"fmt"
	"slices"
	"strings"

	"lapps/benchmarks/process"
)

//go:embed targets.json
var targetsJSON []byte

// A Target is what a server of ours must and should reach.
type Target struct {
	What     string `json:"what"`
	Server   string `json:"server"`
	Scenario string `json:"scenario"`
	Figure   string `json:"figure"`

	Must []Bound `json:"must"`
	Goal []Bound `json:"goal"`

	// Test, instead of a scenario: a package and a test in it that fails
	// where a bound is not kept.
	Test *Test `json:"test,omitempty"`
}

// A Test is one of the repository's that checks a bound.
type Test struct {
	Package string `json:"package"`
	Name    string `json:"name"`
	Must    string `json:"must"` // what it checks
	Goal    string `json:"goal,omitempty"`
}

// A Bound is the most that a figure may be: in µs or bytes, or compared to
// that of another server or scenario, round by round.
type Bound struct {
	Most     float64 `json:"most"`
	Times    string  `json:"times,omitempty"`    // Most is a ratio to this server's figure
	Above    string  `json:"above,omitempty"`    // Most is a difference to this server's figure
	Scenario string  `json:"scenario,omitempty"` // where the other is measured; empty: where the target is
}

// A Verdict is what came of a Target's bound.
type Verdict struct {
	What       string  `json:"what"`
	Grade      string  `json:"grade"` // "must" or "goal"
	Bound      string  `json:"bound"`
	Server     string  `json:"server,omitempty"`
	Scenario   string  `json:"scenario,omitempty"`
	Figure     string  `json:"figure,omitempty"`
	Measured   *Spread `json:"measured,omitempty"` // of what the bound bounds; nil: see Unmeasured, or a test said so
	Text       string  `json:"text,omitempty"`     // Measured, for people
	Met        bool    `json:"met"`                // by the median
	Unmeasured string  `json:"unmeasured,omitempty"`
}

// readTargets reads the targets; what they refer to must be there.
func readTargets(file string, text []byte, scenarios []Scenario) ([]Target, error) {
	kindOf := map[string]kind{}
	for _, s := range scenarios {
		kindOf[s.Name] = kinds[s.Kind]
	}
	return readList(file, text, func(t *Target) string { return t.What }, func(t *Target) error {
		var m mistakes
		m.expect(t.What != "", "what: expected a text")
		if t.Test != nil {
			m.expect(t.Server+t.Scenario+t.Figure == "" && len(t.Must)+len(t.Goal) == 0, "test: expected either it or a server's figure in a scenario")
			m.expect(t.Test.Package != "" && t.Test.Name != "" && t.Test.Must != "", "test: expected package, name and must")
			return m.err()
		}
		m.expect(t.Server != "", "server: expected a name")
		m.expect(len(t.Must)+len(t.Goal) > 0, "must: expected a bound, or a goal")
		checkFigure := func(scenario string) {
			k, ok := kindOf[scenario]
			m.expect(ok, "scenario: there is none of the name %q", scenario)
			m.expect(!ok || slices.Contains(k.judged, t.Figure) || slices.Contains(k.others, t.Figure),
				"figure: expected one of scenario %s, not %q", scenario, t.Figure)
		}
		checkFigure(t.Scenario)
		for _, b := range slices.Concat(t.Must, t.Goal) {
			m.expect(b.Most > 0, "most: expected more than 0, not %v", b.Most)
			m.expect(b.Times == "" || b.Above == "", "times: expected either it or above")
			if b.Scenario != "" {
				checkFigure(b.Scenario)
			}
		}
		return m.err()
	})
}

// judge says which bounds were kept.
func (r *Results) judge(ctx context.Context, root string, targets []Target) {
	for _, t := range targets {
		if t.Test != nil {
			r.Targets = append(r.Targets, t.Test.verdicts(ctx, root, t.What)...)
			continue
		}
		for _, b := range t.Must {
			r.Targets = append(r.Targets, r.verdict(&t, "must", b))
		}
		for _, b := range t.Goal {
			r.Targets = append(r.Targets, r.verdict(&t, "goal", b))
		}
	}
}

func (r *Results) verdict(t *Target, grade string, b Bound) Verdict {
	f := figures[t.Figure]
	v := Verdict{What: t.What, Grade: grade, Bound: b.text(f), Server: t.Server, Scenario: t.Scenario, Figure: t.Figure}
	rounds, err := r.rounds(t.Scenario, t.Server, t.Figure)
	var other []float64
	if with := b.Times + b.Above; with != "" && err == nil {
		other, err = r.rounds(cmp.Or(b.Scenario, t.Scenario), with, t.Figure)
	}
	if err != nil {
		v.Unmeasured = err.Error()
		return v
	}
	show := func(s Spread) string { return f.show(s) + " " + f.unit }
	switch {
	case b.Times != "":
		rounds = pairwise(rounds, other, quotient)
		show = func(s Spread) string { return s.Format(2) + " ×" }
	case b.Above != "":
		rounds = pairwise(rounds, other, func(a, b float64) float64 { return a - b })
	}
	s := SpreadOf(rounds)
	v.Measured, v.Text, v.Met = &s, show(s), s.Median <= b.Most
	return v
}

// text is the bound for people: "≤ 1.15 × gnetecho".
func (b Bound) text(f figureInfo) string {
	in := ""
	if b.Scenario != "" {
		in = " in " + b.Scenario
	}
	switch {
	case b.Times != "":
		return fmt.Sprintf("≤ %g × %s%s", b.Most, b.Times, in)
	case b.Above != "":
		return fmt.Sprintf("≤ %s + %s%s", b.Above, f.amount(b.Most), in)
	}
	return "≤ " + f.amount(b.Most)
}

// rounds returns a figure of a server, or why there is none.
func (r *Results) rounds(scenario, server, figure string) ([]float64, error) {
	s := r.scenario(scenario)
	if s == nil {
		return nil, fmt.Errorf("%s was not run", scenario)
	}
	e := s.entry(server)
	switch {
	case e == nil:
		for _, known := range r.Servers {
			if known.Name == server && known.Skipped != "" {
				return nil, fmt.Errorf("%s: %s", server, known.Skipped)
			}
		}
		return nil, fmt.Errorf("%s took no part in %s", server, scenario)
	case e.Skipped != "":
		return nil, fmt.Errorf("%s: %s", server, e.Skipped)
	case e.Failed != "":
		return nil, fmt.Errorf("%s failed in %s", server, scenario)
	}
	return e.Rounds[figure], nil
}

// verdicts runs the test.
func (t *Test) verdicts(ctx context.Context, root, what string) []Verdict {
	must := Verdict{What: what, Grade: "must", Bound: t.Must, Text: "a test: " + t.Name}
	out, err := process.Output(ctx, root, "go", "test", "-count=1", "-v", "-run", "^"+t.Name+"$", t.Package)
	must.Met = err == nil && strings.Contains(out, "--- PASS: "+t.Name)
	if err == nil && !must.Met {
		must.Unmeasured = fmt.Sprintf("%s has no %s, or skips it", t.Package, t.Name)
	}
	if t.Goal == "" {
		return []Verdict{must}
	}
	return []Verdict{must, {What: what, Grade: "goal", Bound: t.Goal, Unmeasured: "no test keeps it"}}
}
