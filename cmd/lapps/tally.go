package main

import (
	"log/slog"
	"time"

	"lapps/server"
)

// tallyTime is how often limits that have been exceeded are logged.
const tallyTime = time.Minute

// A tally logs how often each limit has been exceeded since it said so last:
// what is only counted (dry_run) apart, for it is there to be seen.
type tally struct {
	server *server.Server
	log    *slog.Logger
	told   map[server.Limit]uint64
	quit   chan struct{}
	done   chan struct{}
}

func newTally(s *server.Server, log *slog.Logger) *tally {
	return &tally{server: s, log: log, told: make(map[server.Limit]uint64), quit: make(chan struct{}), done: make(chan struct{})}
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
