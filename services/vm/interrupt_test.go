package vm

import (
	"errors"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestInterrupt ends a loop that catches everything, and nobody else's event.
func TestInterrupt(t *testing.T) {
	in := start(t, `function forever(begun) begun() while true do pcall(error) end end`, Config{})
	begun, ended := make(chan bool), make(chan error, 1)
	loop := &target{handle: func(in *Instance, _ Event) {
		tell := in.State().NewFunction(func(*lua.LState) int { begun <- true; return 0 })
		_, err := in.Call(in.State().GetGlobal("forever"), tell)
		ended <- err
	}}
	for range 3 { // the same target, too, as often as it has to be
		if err := in.Post(Event{Target: loop}); err != nil {
			t.Fatal(err)
		}
		<-begun
		in.Interrupt(&target{})
		select {
		case err := <-ended:
			t.Errorf("another's interrupt: %v", err)
		default:
		}
		in.Interrupt(loop)
		if err := <-ended; !errors.Is(err, ErrInterrupted) {
			t.Errorf("%v, want %v", err, ErrInterrupted)
		}
		in.Interrupt(&target{})
		want(t, in, `return 1 + 1`, "2")
	}
}
