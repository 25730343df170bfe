package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"lapps/benchmarks/generator"
	"lapps/benchmarks/suite"
)

// gnetecho is the server that is compared to itself, built once.
var gnetecho string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		panic(err)
	}
	gnetecho = filepath.Join(dir, "gnetecho")
	if out, err := exec.Command("go", "build", "-o", gnetecho, "../gnetecho").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build gnetecho: %v\n%s", err, out)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		os.RemoveAll(dir)
		os.Exit(status)
	}))
}

func TestCompare(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out", "all.json")
	var out, log bytes.Buffer
	status := run(t.Context(), []string{
		"-rounds", "3", "-scenarios", "4x1,2x8", "-messages", "10000", "-duration", "1h", "-json", file,
		"one=" + gnetecho + " -addr {addr};path=/echo", "two=" + gnetecho + " -loops 2",
	}, &out, &log)
	if status != 0 {
		t.Fatalf("status %d\n%s%s", status, out.String(), log.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Scenarios []outcome }
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Scenarios) != 2 {
		t.Fatalf("got %d scenarios", len(all.Scenarios))
	}
	for _, s := range all.Scenarios {
		for i, name := range []string{"one", "two"} {
			f := s.Servers[i]
			if f.Name != name || len(f.Rounds) != 3 || f.CPU.Min <= 0 || f.CPU.Min > f.CPU.Median || f.CPU.Median > f.CPU.Max || f.PerSecond.Min <= 0 {
				t.Errorf("%s: got %+v", s.Name, f)
			}
			for _, r := range f.Rounds {
				if r.Verified != 10000 || r.Conns != s.Conns || r.Depth != s.Depth {
					t.Errorf("%s, %s: got %+v", s.Name, name, r)
				}
			}
		}
		if one := suite.SpreadOf([]float64{1, 1, 1}); s.Servers[0].CPURatio != one || s.Servers[0].SpeedRatio != one {
			t.Errorf("%s: ratios of the first to itself: %+v", s.Name, s.Servers[0])
		}
	}
	var turns []string
	for _, m := range regexp.MustCompile(`(?m)^(\S+)  round (\d) of 3  (\w+):`).FindAllStringSubmatch(log.String(), -1) {
		turns = append(turns, strings.Join(m[1:], " "))
	}
	want := []string{
		"4x1 1 one", "4x1 1 two", "4x1 2 one", "4x1 2 two", "4x1 3 one", "4x1 3 two",
		"2x8 1 one", "2x8 1 two", "2x8 2 one", "2x8 2 two", "2x8 3 one", "2x8 3 two",
	}
	if !slices.Equal(turns, want) {
		t.Errorf("turns %q, expected %q", turns, want)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		status int
		want   string // the end of what it says
	}{
		{"no command", []string{"a"}, 2, "compare: server \"a\": expected name=command or name=command;path=/target\n"},
		{"bad path", []string{"a=x;path=echo"}, 2, "compare: server \"a=x;path=echo\": expected name=command or name=command;path=/target\n"},
		{"twice", []string{"a=x", "a=y"}, 2, "compare: server \"a=y\": there is one of the name a already\n"},
		{"scenario", []string{"-scenarios", "80x1,80", "a=x"}, 2, "compare: -scenarios \"80x1,80\": expected connections x depth such as 80x16, not \"80\"\n"},
		{"rounds", []string{"-rounds", "0", "a=x"}, 2, "compare: -rounds: expected at least 1, not 0\n"},
		{"does not start", []string{"a=./none"}, 1, "compare: a: process: start \"./none\": fork/exec ./none: no such file or directory\n"},
		{"bad load", []string{"-size", "1", "a=" + gnetecho}, 1, "compare: 80x1, a, round 1: generator: size: expected 16 to 16777216 bytes, not 1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, log bytes.Buffer
			if status := run(t.Context(), tt.args, &out, &log); status != tt.status || !strings.HasSuffix(log.String(), tt.want) {
				t.Errorf("status %d, %q", status, log.String())
			}
		})
	}
}

// Ratios are taken round by round, not of the medians.
func TestFigure(t *testing.T) {
	rounds := func(cpu ...float64) (list []*generator.Result) {
		for _, v := range cpu {
			list = append(list, &generator.Result{Server: &generator.Usage{CPUPerMessage: v}, PerSecond: 10 / v})
		}
		return list
	}
	first := rounds(1, 2, 4)
	f := figureOf("b", rounds(2, 2, 2), first)
	if f.CPU != suite.SpreadOf([]float64{2, 2, 2}) || f.CPURatio != suite.SpreadOf([]float64{0.5, 1, 2}) || f.SpeedRatio != suite.SpreadOf([]float64{0.5, 1, 2}) {
		t.Errorf("got %+v", f)
	}
	var out strings.Builder
	o := outcome{scenario: scenario{Conns: 80, Depth: 16}, Size: 64, Op: "text", Servers: []figure{figureOf("a", first, first), f}}
	want := `80 connections, 16 in flight on each, 64 bytes, text; median [least, greatest] of 3 rounds
server  CPU µs per message    to a               messages/s  generator µs
a       2.000 [1.000, 4.000]  1.00 [1.00, 1.00]  5 [2, 10]   0.000
b       2.000 [2.000, 2.000]  1.00 [0.50, 2.00]  5 [5, 5]    0.000

`
	if err := o.print(&out); err != nil || out.String() != want {
		t.Errorf("%v, got\n%s\nexpected\n%s", err, out.String(), want)
	}
}
