package services_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"lapps/services"
)

// TestOnDrain: it is called behind the messages that came before, once however
// often the outbox has emptied meanwhile, and not behind onDisconnect. An error is
// logged and ends nothing.
func TestOnDrain(t *testing.T) {
	serve(t, services.Config{}, `return {
		onMessage = function(h, op, m) return ws:send(h, op, m) end,
		onDrain = function(h) ws:send(h, 1, "drained") error("oops") end,
		onDisconnect = function(h) ws:send(h, 1, "gone") end}`,
		func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
			p, s := mustJoin(t, r, 1)
			deliver(t, s, "1")
			s.Emptied()
			synctest.Wait()
			deliver(t, s, "2")
			s.Emptied()
			s.Leave(nil)
			got := p.said(t)
			if want := []string{"text 1", "text drained", "text 2", "text drained", "text gone"}; !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
			if n := strings.Count(log.String(), "function=onDrain"); n != 2 {
				t.Errorf("%d errors were logged, want 2: %s", n, log)
			}
		})
}

// A connection that the service has closed has nothing more to be told.
func TestNoOnDrainOnceClosed(t *testing.T) {
	serve(t, services.Config{}, `return {
		onMessage = function(h) return ws:close(h, 4000) end,
		onDrain = function(h) print("drained") end}`,
		func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
			_, s := mustJoin(t, r, 1)
			deliver(t, s, "x")
			s.Emptied()
			synctest.Wait()
			if strings.Contains(log.String(), "drained") {
				t.Error("onDrain was called")
			}
		})
}

// Drop has what waits dropped, and the gate's account is even again.
func TestDrop(t *testing.T) {
	serve(t, services.Config{}, `return {
		onMessage = function(h, op, m) print("handled " .. m) return true end,
		onDisconnect = function() print("gone") end}`,
		func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
			_, s := mustJoin(t, r, 1)
			deliver(t, s, "one")
			synctest.Wait()
			s.Drop()
			deliver(t, s, "two")
			s.Leave(nil)
			synctest.Wait()
			if got := log.String(); !strings.Contains(got, "handled one") || strings.Contains(got, "handled two") || !strings.Contains(got, "gone") {
				t.Errorf("logged %s", got)
			}
			if n, all := s.Waiting(), r.Buffered(); n != 0 || all != 0 {
				t.Errorf("%d bytes wait, %d in all mailboxes", n, all)
			}
		})
}
