package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestInside measures one round, short: every load has its line.
func TestInside(t *testing.T) {
	var out, log bytes.Buffer
	status := run(t.Context(), []string{"-rounds", "1", "-duration", "500ms", "-warmup", "300ms", "-conns", "400"}, &out, &log)
	var names []string
	for line := range strings.Lines(out.String()) {
		name, figures, _ := strings.Cut(line, "  ")
		if name != "load" {
			names = append(names, name)
			if want := 4 + 2*strings.Count(name, "cws"); strings.Count(figures, "[") != want {
				t.Errorf("%q: want %d figures", line, want)
			}
		}
	}
	if got := strings.Join(names, ","); status != 0 || got != "mqr string,mqr frozen,mqr copied,mqr table,mqr back,cws 80,cws 400" {
		t.Errorf("status %d\n%s%s", status, out.String(), log.String())
	}
}

// TestUsage refuses what it does not know.
func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"-rounds 0":       "-rounds of at least 1",
		"-conns 81":       "an even number",
		"more":            "expected no arguments",
		"-run (":          "missing closing",
		"-run nothing":    "none has such a name",
		"-duration 100ms": "at least 300ms",
	} {
		var log bytes.Buffer
		if status := run(t.Context(), strings.Fields(args), &log, &log); status == 0 || !strings.Contains(log.String(), want) {
			t.Errorf("%s: status %d, %s", args, status, log.String())
		}
	}
}
