package main

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lapps/server"
	"lapps/services"
)

// TestTally says what is new, once, and at the end.
func TestTally(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server.Server{Limits: server.Limits{DryRun: []server.Limit{server.LimitMessages}}}
		l := new(logged)
		ta := newTally(s, noServices(t), slog.New(slog.NewJSONHandler(l, nil)))
		go ta.run()
		says := func(want string, times int) {
			t.Helper()
			time.Sleep(tallyTime)
			synctest.Wait()
			if l.count(want) != times {
				t.Errorf("want %s %d times in:\n%s", want, times, l)
			}
		}
		says("limits exceeded", 0)
		s.Exceed(server.LimitMessages)
		s.Exceed(server.LimitMessages)
		s.Exceed(server.LimitIdle)
		says(`"msg":"limits exceeded","enforced":{"idle_ms":1},"dry_run":{"messages_per_s":2}}`, 1)
		says("limits exceeded", 1)
		s.Exceed(server.LimitMessages)
		ta.stop()
		says(`"msg":"limits exceeded","dry_run":{"messages_per_s":1}}`, 1)
	})
}

// noServices is a registry without any.
func noServices(t *testing.T) *services.Registry {
	t.Helper()
	r, err := services.New(nil, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTallyOfServices has what goes wrong in a service logged.
func TestTallyOfServices(t *testing.T) {
	d := startDaemon(t, `{"services": {"bad": {}}}`, map[string]string{"bad/bad.lua": `return { onMessage = function() error("no") end }`})
	c := dialCoder(t, d.url("/bad"), nil)
	c.send(t, false, []byte("x"))
	eventually(t, "the error is counted", func() bool { n, _ := d.registry.Lookup("/bad").Errors(); return n == 1 })
	d.tally.stop()
	if !strings.Contains(d.logged.String(), `"msg":"service failures","service":"bad","lua_errors":1}`) {
		t.Errorf("the log:\n%s", d.logged.String())
	}
	d.tally = newTally(d.server, d.registry, slog.New(slog.DiscardHandler)) // for the daemon to stop
	go d.tally.run()
}
