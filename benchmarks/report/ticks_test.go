package main

import (
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

func TestTicks(t *testing.T) {
	tests := []struct {
		in     plot.Ticker
		lo, hi float64
		want   string // the labels
	}{
		{decades{}, 10, 10000, "10 100 1,000 10,000"},
		{decades{}, 50, 150, "100"},
		{steps{}, 0, 0.75, "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7"},
		{steps{}, 0, 25, "0 5 10 15 20 25"},
		{steps{}, 0, 9.6, "0 2 4 6 8"},
		{steps{}, 0, 2500, "0 500 1,000 1,500 2,000 2,500"},
	}
	for _, tt := range tests {
		var labels []string
		for _, tick := range tt.in.Ticks(tt.lo, tt.hi) {
			if tick.Value < tt.lo || tick.Value > tt.hi {
				t.Errorf("%T from %v to %v: got a tick at %v", tt.in, tt.lo, tt.hi, tick.Value)
			}
			if tick.Label != "" {
				labels = append(labels, tick.Label)
			}
		}
		if got := strings.Join(labels, " "); got != tt.want {
			t.Errorf("%T from %v to %v: got %s, expected %s", tt.in, tt.lo, tt.hi, got, tt.want)
		}
	}
}
