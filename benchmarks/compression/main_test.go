package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// server is the command of the daemon, built once.
var server string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "compression")
	if err != nil {
		panic(err)
	}
	if server, err = build(context.Background(), dir); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		os.RemoveAll(dir)
		os.Exit(status)
	}))
}

// cells are the columns of the lines of out that belong to a form.
func cells(out, size, form string) []string {
	for line := range strings.Lines(out) {
		if rest, ok := strings.CutPrefix(line, size); ok {
			if rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " "), form+"  "); ok {
				return slices.DeleteFunc(strings.Split(strings.TrimSpace(rest), "  "), func(s string) bool { return s == "" })
			}
		}
	}
	return nil
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	text, _, _ = strings.Cut(strings.TrimSpace(text), " ")
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCompression(t *testing.T) {
	var out, log bytes.Buffer
	status := run(t.Context(), []string{
		"-server", server, "-rounds", "1", "-duration", "100ms", "-conns", "2",
		"-sizes", "1024,100000", "-steps", "3,6", "-settle", "300ms",
	}, &out, &log)
	if status != 0 {
		t.Fatalf("status %d\n%s%s", status, out.String(), log.String())
	}
	for _, size := range []string{"1024", "100000"} {
		for _, f := range echoForms {
			c := cells(out.String(), size, f.name)
			if len(c) != 5 {
				t.Fatalf("%s, %s: got %q in\n%s", size, f.name, c, out.String())
			}
			there, back, full := number(t, c[2]), number(t, c[3]), number(t, size)
			if number(t, c[0]) <= 0 || number(t, c[4]) < 2*64 {
				t.Errorf("%s, %s: got %q: expected processor time and two laps of echoes", size, f.name, c)
			}
			if f.settings == nil && (there < full || back < full) || f.settings != nil && (2*there > full || 2*back > full) {
				t.Errorf("%s, %s: %v bytes there and %v back", size, f.name, there, back)
			}
		}
	}
	for _, f := range forms {
		if c := cells(out.String()[strings.Index(out.String(), "resident"):], "", f.name); len(c) != 4 || number(t, c[3]) != 6*64 {
			t.Errorf("memory, %s: got %q in\n%s", f.name, c, out.String())
		}
	}
}

// An echo that differs is told from one that does not.
func TestFailure(t *testing.T) {
	reverse := filepath.Join(t.TempDir(), "reverse")
	script := "#!/bin/sh\nsed -i 's/send(handler, opcode, message)/send(handler, opcode, string.reverse(message))/' $(dirname $4)/apps/*/*.lua\nexec " +
		strings.Replace(server, "{config}", "$4", 1) + "\n"
	if err := os.WriteFile(reverse, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	status := run(t.Context(), []string{"-server", reverse + " x x x {config}", "-rounds", "1", "-duration", "10ms", "-conns", "1", "-steps", ""}, &out, &log)
	if status != 1 || !strings.Contains(log.String(), "compression: 64 bytes, plain, round 1: message 1: the echo, 64 bytes, ") {
		t.Errorf("status %d, %s", status, log.String())
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		args   []string
		status int
		want   string // the end of what it says
	}{
		{[]string{"-sizes", "64,64"}, 2, "compression: -sizes \"64,64\": expected ascending numbers separated by commas, not \"64\" after 64\n"},
		{[]string{"-steps", "64"}, 2, "a -duration, and not just one of -steps\n"},
		{[]string{"-server", "./none"}, 1, "compression: process: start \"./none\": fork/exec ./none: no such file or directory\n"},
	} {
		var out, log bytes.Buffer
		if status := run(t.Context(), tt.args, &out, &log); status != tt.status || !strings.HasSuffix(log.String(), tt.want) {
			t.Errorf("%q: status %d, %q", tt.args, status, log.String())
		}
	}
}

func TestSlopes(t *testing.T) {
	slope, between := slopes([]int{1, 2, 4}, []float64{10, 12, 16})
	if slope != 2 || !slices.Equal(between, []float64{2, 2}) {
		t.Errorf("got %v and %v", slope, between)
	}
}
