package suite

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	tests := []struct {
		in   []float64
		want Spread
	}{
		{[]float64{3}, Spread{3, 3, 3}},
		{[]float64{5, 1, 3}, Spread{3, 1, 5}},
		{[]float64{4, 1, 2, 8}, Spread{3, 1, 8}},
	}
	for _, tt := range tests {
		if got := SpreadOf(tt.in); got != tt.want {
			t.Errorf("got %+v, expected %+v", got, tt.want)
		}
	}
}

// Ratios are taken round by round, not of the medians, and of the judged
// figures only.
func TestRatios(t *testing.T) {
	turns := func(cpu ...float64) (list []Turn) {
		for _, v := range cpu {
			list = append(list, Turn{Figures: map[string]float64{"cpu_us": v, "per_s": 100}})
		}
		return list
	}
	r := ScenarioResult{Scenario: Scenario{CompareTo: "a"}, Judged: []string{"cpu_us"}, Entries: []Entry{
		entry("b", turns(2, 2, 2)), {Server: "c", Failed: "it was closed"}, entry("a", turns(1, 2, 4)),
	}}
	r.compare()
	want := []map[string]Spread{{"cpu_us": {1, 0.5, 2}}, nil, {"cpu_us": {1, 1, 1}}}
	for i, e := range r.Entries {
		if !reflect.DeepEqual(e.Ratios, want[i]) {
			t.Errorf("%s: got %v, expected %v", e.Server, e.Ratios, want[i])
		}
	}
	if got := r.Entries[0].Figures; !reflect.DeepEqual(got, map[string]Spread{"cpu_us": {2, 2, 2}, "per_s": {100, 100, 100}}) {
		t.Errorf("got %v", got)
	}
	r.Entries[2] = Entry{Server: "a", Failed: "it was closed"}
	r.Entries[0].Ratios = nil
	if r.compare(); r.Entries[0].Ratios != nil {
		t.Errorf("got ratios %v to one that failed", r.Entries[0].Ratios)
	}
}

// What benchmarks/report renders in its tests is what is written here.
func TestFormat(t *testing.T) {
	for _, name := range []string{"result.json"} {
		text, err := os.ReadFile(filepath.Join(root(t), "benchmarks/report/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		var r Results
		if err := d.Decode(&r); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again := filepath.Join(t.TempDir(), "out", r.Name())
		if err := r.Write(again); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(again); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %v, written again it is\n%s", name, err, got)
		}
	}
}

func TestName(t *testing.T) {
	r := Results{Date: time.Date(2026, 11, 27, 23, 59, 0, 0, time.UTC), Commit: "36273ca"}
	if got := r.Name(); got != "2026-11-27-36273ca.json" {
		t.Errorf("got %s", got)
	}
}
