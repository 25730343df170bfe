package suite

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestVerdicts(t *testing.T) {
	turns := func(figure string, v ...float64) (list []Turn) {
		for _, v := range v {
			list = append(list, Turn{Figures: map[string]float64{figure: v}})
		}
		return list
	}
	r := &Results{
		Servers: []ServerResult{{Name: "bun", Skipped: "it is not here"}},
		Scenarios: []ScenarioResult{
			{Scenario: Scenario{Name: "80x1"}, Entries: []Entry{
				entry("gnetecho", turns("cpu_us", 5, 6, 7)), entry("lapps", turns("cpu_us", 5.5, 7.5, 7)),
				{Server: "gws", Failed: "it was closed"}, {Server: "lapps inline", Skipped: "unknown key"},
			}},
			{Scenario: Scenario{Name: "LAppS"}, Entries: []Entry{entry("lapps", turns("cpu_us", 8, 9, 10))}},
			{Scenario: Scenario{Name: "idle"}, Entries: []Entry{entry("lapps", turns("slope_bytes", 1024, 1536, 2048))}},
		},
	}
	tests := []struct {
		scenario, server, figure string
		bound                    Bound
		want                     string
	}{
		{"80x1", "lapps", "cpu_us", Bound{Most: 1.15, Times: "gnetecho"}, "≤ 1.15 × gnetecho: 1.10 [1.00, 1.25] × true"},
		{"80x1", "lapps", "cpu_us", Bound{Most: 1.05, Times: "gnetecho"}, "≤ 1.05 × gnetecho: 1.10 [1.00, 1.25] × false"},
		{"80x1", "lapps", "cpu_us", Bound{Most: 1, Above: "gnetecho"}, "≤ gnetecho + 1 µs: 0.500 [0.000, 1.500] µs true"},
		{"LAppS", "lapps", "cpu_us", Bound{Most: 2, Above: "lapps", Scenario: "80x1"}, "≤ lapps + 2 µs in 80x1: 2.500 [1.500, 3.000] µs false"},
		{"idle", "lapps", "slope_bytes", Bound{Most: 1536}, "≤ 1.5 kB: 1.50 [1.00, 2.00] kB true"},
		{"80x1", "lapps", "cpu_us", Bound{Most: 1, Times: "bun"}, "≤ 1 × bun: unmeasured: bun: it is not here"},
		{"80x1", "lapps", "cpu_us", Bound{Most: 1, Times: "gws"}, "≤ 1 × gws: unmeasured: gws failed in 80x1"},
		{"80x1", "lapps", "cpu_us", Bound{Most: 1, Times: "ws"}, "≤ 1 × ws: unmeasured: ws took no part in 80x1"},
		{"80x1", "lapps inline", "cpu_us", Bound{Most: 1, Times: "gnetecho"}, "≤ 1 × gnetecho: unmeasured: lapps inline: unknown key"},
		{"80x16", "lapps", "cpu_us", Bound{Most: 1, Times: "gnetecho"}, "≤ 1 × gnetecho: unmeasured: 80x16 was not run"},
	}
	for _, tt := range tests {
		v := r.verdict(&Target{Scenario: tt.scenario, Server: tt.server, Figure: tt.figure}, "must", tt.bound)
		got := fmt.Sprintf("%s: %s %v", v.Bound, v.Text, v.Met)
		if v.Unmeasured != "" {
			got = v.Bound + ": unmeasured: " + v.Unmeasured
		}
		if got != tt.want {
			t.Errorf("got\n%s, expected\n%s", got, tt.want)
		}
	}
}

// A target may be kept by a test of the repository.
func TestVerdictsByTest(t *testing.T) {
	for _, tt := range []struct {
		name       string
		met        bool
		unmeasured string
	}{
		{"TestKept", true, ""},
		{"TestBroken", false, ""},
		{"TestSkipped", false, "./benchmarks/suite/testdata/kept has no TestSkipped, or skips it"},
		{"TestNone", false, "./benchmarks/suite/testdata/kept has no TestNone, or skips it"},
	} {
		test := Test{Package: "./benchmarks/suite/testdata/kept", Name: tt.name, Must: "≤ 2", Goal: "≤ 1"}
		want := []Verdict{
			{What: "a", Grade: "must", Bound: "≤ 2", Text: "a test: " + tt.name, Met: tt.met, Unmeasured: tt.unmeasured},
			{What: "a", Grade: "goal", Bound: "≤ 1", Unmeasured: "no test keeps it"},
		}
		if got := test.verdicts(t.Context(), root(t), "a"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}

func TestPrintTargets(t *testing.T) {
	var out strings.Builder
	r := &Results{Targets: []Verdict{
		{What: "echo", Grade: "must", Bound: "≤ 1.15 × gnetecho", Text: "1.10 [1.00, 1.25] ×", Met: true},
		{What: "echo", Grade: "goal", Bound: "≤ 1.05 × gnetecho", Text: "1.10 [1.00, 1.25] ×"},
		{What: "idle", Grade: "must", Bound: "≤ 1.5 kB", Unmeasured: "idle was not run"},
	}}
	want := `target        bound              measured                        met
echo    must  ≤ 1.15 × gnetecho  1.10 [1.00, 1.25] ×             yes
echo    goal  ≤ 1.05 × gnetecho  1.10 [1.00, 1.25] ×             no
idle    must  ≤ 1.5 kB           not measured: idle was not run  -
`
	if err := r.printTargets(&out); err != nil || out.String() != want {
		t.Errorf("%v, got\n%s\nexpected\n%s", err, out.String(), want)
	}
}
