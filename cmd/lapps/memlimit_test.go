package main

import (
	"errors"
	"log/slog"
	"math"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// TestLimitMemory keeps to nine tenths of what the control group may have, to what
// the operator says, and to nothing where nobody says anything.
func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	none := func() (uint64, error) { return 0, memlimit.ErrNoLimit }
	broken := func() (uint64, error) { return 0, errors.New("as asked") }
	for _, c := range []struct {
		name     string
		env      string
		provider memlimit.Provider
		want     int64
		log      string
	}{
		{"of the control group", "", memlimit.Limit(1000 << 20), 900 << 20, `"msg":"memory limit","bytes":943718400`},
		{"of the operator", "1GiB", memlimit.Limit(1000 << 20), math.MaxInt64, ""}, // Go itself has read it at start
		{"of nobody", "", none, math.MaxInt64, ""},
		{"no control group", "", func() (uint64, error) { return 0, memlimit.ErrNoCgroup }, math.MaxInt64, ""},
		{"broken", "", broken, math.MaxInt64, `"err":"failed to set GOMEMLIMIT: as asked"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			debug.SetMemoryLimit(math.MaxInt64)
			if c.env != "" {
				t.Setenv("GOMEMLIMIT", c.env)
			}
			l := new(logged)
			limitMemory(slog.New(slog.NewJSONHandler(l, nil)), c.provider)
			if got := debug.SetMemoryLimit(-1); got != c.want {
				t.Errorf("%d bytes, want %d", got, c.want)
			}
			if text := l.String(); (text == "") != (c.log == "") || !strings.Contains(text, c.log) {
				t.Errorf("log %q, want %q", text, c.log)
			}
		})
	}
}
