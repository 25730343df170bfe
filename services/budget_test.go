package services_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"

	"lapps/services"
)

// TestMemory closes the connection whose message takes too much, tells why, and
// goes on with others.
func TestMemory(t *testing.T) {
	serve(t, services.Config{Memory: 8 << 20}, `return {onMessage = function(h, op, m)
		if m == "greedy" then
			local t = {}
			while true do t[#t + 1] = nljson.decode("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]") end
		end
		return ws:send(h, op, m)
	end}`, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		deliver(t, s, "greedy")
		synctest.Wait()
		if got := strings.Join(p.happened(), ", "); !strings.Contains(got, "close 1011 the service failed") {
			t.Error(got)
		}
		if !strings.Contains(log.String(), "test.lua:4: not enough memory") {
			t.Errorf("log: %s", log)
		}
		p, s = mustJoin(t, r, 2)
		deliver(t, s, "hello")
		synctest.Wait()
		if got := strings.Join(p.happened(), ", "); !strings.Contains(got, "text hello") {
			t.Errorf("afterwards: %s", got)
		}
	})
}
