package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestBeside measures one round, short.
func TestBeside(t *testing.T) {
	var out, log bytes.Buffer
	status := run(t.Context(), []string{"-rounds", "1", "-duration", "200ms", "-warmup", "0s", "-conns", "5", "-rate", "200",
		"-attacks", "half-record,dead-readers,endless-loops,string-bombs,table-bombs,errors-in-deep"}, &out, &log)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if status != 0 || len(lines) != 8 || !strings.HasPrefix(lines[1], "alone ") || !strings.HasPrefix(lines[2], "beside 1000 × half-record ") {
		t.Errorf("status %d\n%s%s", status, out.String(), log.String())
	}
}

// TestUsage refuses what it does not know.
func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"-attacks unkindness": `expected some of half-record`,
		"-rounds 0":           "at least 1",
		"more":                "expected no arguments",
		"-rate x":             "invalid value",
	} {
		var log bytes.Buffer
		if status := run(t.Context(), strings.Fields(args), &log, &log); status != 2 || !strings.Contains(log.String(), want) {
			t.Errorf("%s: status %d, %s", args, status, log.String())
		}
	}
}
