package services_test

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lapps/services"
)

// TestUnordered has a message overtake one whose handler waits, where the service
// says so, and onDisconnect come last in any case.
func TestUnordered(t *testing.T) {
	for unordered, want := range map[bool][]string{
		false: {"text 2", "text 1", "text 0", "text gone"},
		true:  {"text 0", "text 1", "text 2", "text gone"},
	} {
		serve(t, services.Config{Unordered: unordered}, `return {
			onMessage = function(h, op, m) if m ~= "0" then sleep(tonumber(m)) end return ws:send(h, op, m) end,
			onDisconnect = function(h) ws:send(h, 1, "gone") end}`,
			func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
				p, s := mustJoin(t, r, 1)
				for _, m := range []string{"2", "1", "0"} {
					deliver(t, s, m)
				}
				s.Leave(nil)
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := p.said(t); !slices.Equal(got, want) {
					t.Errorf("unordered %v: %q, want %q", unordered, got, want)
				}
			})
	}
}
