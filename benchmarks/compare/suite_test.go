package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lapps/benchmarks/suite"
)

func TestSuite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out", "r.json")
	var out, log bytes.Buffer
	status := run(t.Context(), []string{
		"suite", "-run", "^80x1$", "-servers", "gnetecho", "-rounds", "2", "-duration", "300ms", "-warmup", "10ms", "-json", file,
	}, &out, &log)
	if status != 0 {
		t.Fatalf("status %d\n%s%s", status, out.String(), log.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r suite.Results
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Scenarios) != 1 || len(r.Scenarios[0].Entries) != 1 || len(r.Scenarios[0].Entries[0].Rounds["cpu_us"]) != 2 || len(r.Targets) == 0 {
		t.Errorf("got %s", text)
	}
	if !strings.Contains(out.String(), "80x1: ping-pong") || !strings.Contains(log.String(), "results: "+file+"\n") {
		t.Errorf("%s%s", out.String(), log.String())
	}
}

func TestSuiteList(t *testing.T) {
	var out, log bytes.Buffer
	if status := run(t.Context(), []string{"suite", "-list", "-run", "^open 50", "-servers", "gnetecho,lapps"}, &out, &log); status != 0 {
		t.Fatalf("status %d\n%s", status, log.String())
	}
	want := `80x1                        30s   2 servers  ping-pong: 80 connections, one message of 64 bytes in flight on each
open 50 %                   30s   2 servers  open loop: 80 connections at 50 % of what the same server reached in ping-pong
all                         60s
`
	if out.String() != want {
		t.Errorf("got\n%s\nexpected\n%s", out.String(), want)
	}
}

func TestSuiteErrors(t *testing.T) {
	tests := []struct {
		name   string
		args   string
		status int
		want   string // the end of what it says
	}{
		{"argument", "suite a=x", 2, "compare suite: unexpected argument \"a=x\": expected flags only\n"},
		{"flag", "suite -scenarios 80x1", 2, "no progress on standard error\n"},
		{"scenarios", "suite -run 81x1", 2, "suite: scenarios \"81x1\": none has such a name\n"},
		{"servers", "suite -servers lapps,x", 2, "suite: servers \"lapps,x\": there is none of the name \"x\"\n"},
		{"rounds", "suite -rounds 0", 1, "suite: rounds: expected at least 1, not 0\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, log bytes.Buffer
			if status := run(t.Context(), strings.Fields(tt.args), &out, &log); status != tt.status || !strings.Contains(log.String(), tt.want) {
				t.Errorf("status %d, %q", status, log.String())
			}
		})
	}
}
