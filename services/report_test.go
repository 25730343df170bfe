package services_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/services"
	"lapps/services/vm"
)

// TestOnError tells the service of its errors, with whose they are and where they
// come from; what it sends goes out before the connection is closed.
func TestOnError(t *testing.T) {
	serve(t, services.Config{}, `return {
		onMessage = function(h, op, m) local t = nil; return t[m] end,
		onDrain = function() error({code = 7}) end,
		onDisconnect = function() error("gone", 0) end,
		onError = function(h, err)
			ws:send(h, 1, err.callback .. ": " .. err.message .. " " .. type(err.value) .. tostring(err.traceback:find("stack traceback") ~= nil))
			if err.callback == "onDrain" then error("again", 0) end
		end}`, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		s.Emptied()
		synctest.Wait()
		deliver(t, s, "x")
		s.Leave(nil)
		got := p.said(t)
		want := []string{
			"text onDrain: test.lua:3: (error object is a table value) tabletrue",
			"text onMessage: test.lua:2: attempt to index a non-table object(nil) with key 'x' stringtrue",
			"close 1011 the service failed",
			"text onDisconnect: test.lua:4: gone stringtrue",
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if n := strings.Count(log.String(), "function=onError"); n != 1 {
			t.Errorf("%d errors of onError were logged, want 1:\n%s", n, log)
		}
		if all, panics := r.Services()[0].Errors(); all != 4 || panics != 0 {
			t.Errorf("%d errors, %d panics, want 4 and none", all, panics)
		}
	})
}

// TestErrorFlood logs twenty errors of a second, and then how many were not.
func TestErrorFlood(t *testing.T) {
	serve(t, services.Config{}, `return {
		onMessage = function(h, op, m) return true end,
		onDrain = function() error("no") end}`, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		_, s := mustJoin(t, r, 1)
		fail := func(times, logged int) {
			t.Helper()
			for range times {
				s.Emptied()
				synctest.Wait()
			}
			if n := strings.Count(log.String(), `msg="lua error"`); n != logged {
				t.Errorf("%d errors were logged, want %d", n, logged)
			}
		}
		fail(50, 20)
		time.Sleep(time.Second)
		fail(1, 21)
		if !strings.Contains(log.String(), "not_logged=30") {
			t.Errorf("what was not logged is not told:\n%s", log)
		}
		time.Sleep(time.Second)
		fail(20, 41)
		if all, _ := r.Services()[0].Errors(); all != 71 {
			t.Errorf("%d errors are counted, want 71", all)
		}
	})
}

// TestPanicsAreCounted tells a mistake of the server from one of the service.
func TestPanicsAreCounted(t *testing.T) {
	broken := vm.Module{Name: "broken", Open: func(_ *vm.Instance, l *lua.LState) lua.LValue {
		return l.NewFunction(func(*lua.LState) int { panic("as asked") })
	}}
	serveWith(t, services.Config{}, []vm.Module{broken}, `return {onMessage = function() require("broken")() end}`,
		func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
			_, s := mustJoin(t, r, 1)
			deliver(t, s, "x")
			synctest.Wait()
			if all, panics := r.Services()[0].Errors(); all != 1 || panics != 1 {
				t.Errorf("%d errors, %d panics, want 1 and 1", all, panics)
			}
			if !strings.Contains(log.String(), "as asked") || !strings.Contains(log.String(), "report_test.go") {
				t.Errorf("Go's stack is not in the log:\n%s", log)
			}
		})
}
