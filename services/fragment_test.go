package services_test

import (
	"bytes"
	"testing"

	"lapps/services"
)

// TestFragment: the fragments of a message are given to the peer at once, so that nothing comes
// between them.
func TestFragment(t *testing.T) {
	lua := `return {onMessage = function(handler, opcode, message) return ws:send(handler, opcode, message) end}`
	serve(t, services.Config{Fragment: 1000}, lua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		deliver(t, s, string(bytes.Repeat([]byte("x"), 5000)))
		n := 0
		for _, e := range p.happened() {
			if e != "wake" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("a message is given to the peer in %d pieces", n)
		}
		s.Leave(nil)
	})
}
