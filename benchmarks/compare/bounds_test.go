package main

import (
	"strings"
	"testing"

	"lapps/benchmarks/suite"
)

func TestBounds(t *testing.T) {
	scenarios := []scenario{{Name: "80x1"}, {Name: "80x16"}}
	outcomes := func(ratio float64) []outcome {
		return []outcome{
			{scenario: scenarios[0], Servers: []figure{{Name: "a", CPURatio: suite.Spread{Median: 1}}, {Name: "b", CPURatio: suite.Spread{Median: ratio}}}},
			{scenario: scenarios[1], Servers: []figure{{Name: "a", CPURatio: suite.Spread{Median: 1}}, {Name: "b", CPURatio: suite.Spread{Median: 2 * ratio}}}},
		}
	}
	for _, c := range []struct {
		text  string
		ratio float64
		want  string // in the error; "": none
	}{
		{"", 100, ""},
		{"80x1=1.5,80x16=3", 1.5, ""},
		{"80x16=3", 1.6, "80x16: b takes 3.20 times the CPU per message of a, 3.00 at most is allowed"},
		{"80x1=1.5", 1.6, "80x1: b takes 1.60 times"},
		{"80x1", 1, `expected scenario=ratio such as 80x16=3, not "80x1"`},
		{"80x1=-1", 1, "expected scenario=ratio"},
		{"80x1=NaN", 1, "expected scenario=ratio"},
		{"1x1=2", 1, "1x1 is none of the scenarios"},
	} {
		b, err := parseBounds(c.text, scenarios)
		if err == nil {
			err = b.check(outcomes(c.ratio))
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s at %v: %v, want %q", c.text, c.ratio, err, c.want)
		}
	}
}
