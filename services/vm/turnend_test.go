package vm

import (
	"slices"
	"testing"
)

// TestAtTurnEnd: what a module has to be done at the end of a turn is done once, behind
// Config.TurnEnd, and before a wait.
func TestAtTurnEnd(t *testing.T) {
	var order []string
	note := func(s string) func() { return func() { order = append(order, s) } }
	in := start(t, "", Config{TurnEnd: note("turn end")})
	order = nil
	do(t, in, func(in *Instance) {
		in.AtTurnEnd(note("first"))
		in.AtTurnEnd(note("second"))
		note("handled")()
		in.Breathe()
		note("went on")()
		in.AtTurnEnd(note("third"))
	})
	do(t, in, func(*Instance) { note("another")() })
	do(t, in, func(*Instance) {})
	want := []string{"handled", "turn end", "first", "second", "went on", "turn end", "third", "another", "turn end"}
	if len(order) < len(want) || !slices.Equal(order[:len(want)], want) {
		t.Errorf("%q, want %q", order, want)
	}
}
