package main

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"lapps/server"
	"lapps/services"
)

// tallyTime is how often what has been counted is logged.
const tallyTime = time.Minute

// A tally logs how often each limit has been exceeded since it said so last:
// what is only counted (dry_run) apart, for it is there to be seen. And of each service
// what has gone wrong in it.
type tally struct {
	server   *server.Server
	registry *services.Registry
	log      *slog.Logger
	told     map[server.Limit]uint64
	failures map[*services.Service]failures
	quit     chan struct{}
	done     chan struct{}
}

// failures are a service's: of its Lua, of Go in its modules, of runs, and of instances.
type failures struct{ errors, panics, runs, replaced uint64 }

func newTally(s *server.Server, r *services.Registry, log *slog.Logger) *tally {
	return &tally{
		server: s, registry: r, log: log, told: make(map[server.Limit]uint64), failures: make(map[*services.Service]failures),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
}

// run tells until stop, and then once more.
func (t *tally) run() {
	defer close(t.done)
	ticker := time.NewTicker(tallyTime)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			t.tell()
		case <-t.quit:
			t.tell()
			return
		}
	}
}

// stop ends run and waits for it.
func (t *tally) stop() {
	close(t.quit)
	<-t.done
}

// tell logs what is new, if anything is.
func (t *tally) tell() {
	t.tellLimits()
	here := append(slices.Clone(t.registry.Services()), t.registry.Leaving()...)
	for _, s := range here {
		t.tellFailures(s)
	}
	maps.DeleteFunc(t.failures, func(s *services.Service, _ failures) bool { return !slices.Contains(here, s) })
}

func (t *tally) tellFailures(s *services.Service) {
	now, was := failures{runs: s.Failures(), replaced: s.Replaced()}, t.failures[s]
	now.errors, now.panics = s.Errors()
	if now == was {
		return
	}
	t.failures[s] = now
	args := []any{"service", s.Name}
	for _, c := range []struct {
		name     string
		now, was uint64
	}{{"lua_errors", now.errors, was.errors}, {"panics", now.panics, was.panics}, {"runs_failed", now.runs, was.runs}, {"replaced", now.replaced, was.replaced}} {
		if c.now != c.was {
			args = append(args, c.name, c.now-c.was)
		}
	}
	t.log.Warn("service failures", args...)
}

func (t *tally) tellLimits() {
	var enforced, counted []any
	for _, l := range server.AllLimits() {
		n := t.server.Exceeded(l)
		if n == t.told[l] {
			continue
		}
		attr := slog.Uint64(l.String(), n-t.told[l])
		t.told[l] = n
		if t.server.Dry(l) {
			counted = append(counted, attr)
		} else {
			enforced = append(enforced, attr)
		}
	}
	if len(enforced)+len(counted) > 0 { // an empty group is left out
		t.log.Info("limits exceeded", slog.Group("enforced", enforced...), slog.Group("dry_run", counted...))
	}
}
