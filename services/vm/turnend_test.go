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
	do(t, in, func(in *Instance) {
		order = nil // what the start has noted
		in.AtTurnEnd(note("first"))
		in.AtTurnEnd(note("second"))
		note("handled")()
		in.Breathe()
		note("went on")()
		in.AtTurnEnd(note("third"))
	})
	do(t, in, func(*Instance) { note("another")() })
	do(t, in, func(*Instance) {})
	if err := in.Stop(t.Context()); err != nil { // with the last turn
		t.Error(err)
	}
	want := []string{"handled", "turn end", "first", "second", "went on", "turn end", "third", "another", "turn end"}
	if len(order) < len(want) || !slices.Equal(order[:len(want)], want) {
		t.Errorf("%q, want %q", order, want)
	}
}
