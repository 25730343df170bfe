package main

import (
	"fmt"
	"slices"
	"testing"
)

// Losses are found by comparing every one of ours with every peer in every
// judged figure.
func TestLosses(t *testing.T) {
	of := func(server string, p99, p999 []float64) entry {
		return entry{
			Server:  server,
			Figures: map[string]spread{"p99_us": spreadOf(p99), "p999_us": spreadOf(p999)},
			Rounds:  map[string][]float64{"p99_us": p99, "p999_us": p999},
		}
	}
	p := &page{Results: &results{
		Servers: []server{{Name: "lapps", Ours: true}, {Name: "inline", Ours: true}, {Name: "bun", Script: true}, {Name: "gws"}},
		Scenarios: []scenarioResult{{Name: "open", Judged: []string{"p99_us", "p999_us"}, Entries: []entry{
			of("lapps", []float64{10, 20, 30}, []float64{50, 60, 70}),
			of("inline", []float64{9, 10, 11}, []float64{50, 60, 70}),
			of("bun", []float64{11, 12, 40}, []float64{100, 100, 100}),
			of("gws", []float64{10, 10, 10}, []float64{40, 50, 60}),
			{Server: "bun", Failed: "it was closed"},
		}}},
	}}
	var got []string
	for _, l := range p.losses() {
		got = append(got, fmt.Sprintf("%s %s to %s %.2f %v", l.figure, l.ours.Server, l.peer.Server, l.ratio.Median, l.unclear()))
	}
	want := []string{
		"p99_us lapps to gws 2.00 true", "p99_us lapps to bun 0.91 true",
		"p999_us lapps to gws 1.20 false", "p999_us inline to gws 1.20 false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q, expected\n%q", got, want)
	}
	if got := p.LossCount(); got != "1 to servers that run a script for each message, 3 to servers that run none" {
		t.Errorf("got %s", got)
	}
	p.Results.Servers[0].Ours, p.Results.Servers[1].Ours = false, false
	if got := p.Losses(); got != "Nowhere: no peer is ahead of us in any row." {
		t.Errorf("got %s", got)
	}
}

func TestNumbers(t *testing.T) {
	tests := []struct{ got, want string }{
		{figures["cpu_us"].number(0.3541), "0.354"},
		{figures["cpu_us"].number(5.666), "5.67"},
		{figures["cpu_us"].number(42.06), "42.1"},
		{figures["cpu_us"].number(1234.5), "1,234"},
		{figures["per_s"].number(2688150.4), "2,688,150"},
		{figures["slope_bytes"].number(1536), "1.50"},
		{figures["late_share"].number(0.0123), "1.2"},
		{figures["cpu_us"].title("broadcast"), "CPU µs per delivery"},
		{figures["per_s"].title("broadcast"), "deliveries/s"},
		{figures["per_s"].title("connect"), "handshakes/s"},
		{figures["late_share"].title("open"), "sent late %"},
		{thousands("-123"), "-123"}, {thousands("-1234.5"), "-1,234.5"}, {thousands("999"), "999"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %s, expected %s", tt.got, tt.want)
		}
	}
}
