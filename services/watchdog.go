package services

import (
	"context"
	"slices"
	"strconv"
	"time"

	"lapps/protocol/wire"
)

// Lua that runs for too long, or takes too much memory, ends with an error by
// itself, and is reminded of it four times a second. What the watchdog looks for is what that does not help against: Go code
// in a module that does not return, and values that an instance keeps for good, so
// that each of its calls is one too many.
const (
	watchPeriod = 250 * time.Millisecond

	// hangTime is how long a handler may take beyond twice CallTime, as an error may
	// be handled for as long as what it was raised in.
	hangTime = 3 * time.Second

	// fullTime is how long an instance may have too much memory.
	fullTime = 10 * time.Second

	// weighTime is how often it is asked whether it still has: to add up what it
	// has may take a tenth of a second.
	weighTime = time.Second

	// retireTime is how long an instance that was replaced may take to handle
	// what it has accepted; one that hangs is not waited for.
	retireTime = 10 * time.Second

	// replaceTime is how long the start of the one in its place may take.
	replaceTime = time.Minute
)

// A watch is what the watchdog has seen of an instance. It is its own.
type watch struct {
	turn  uint64    // of vm.Instance.Turn
	since time.Time // when it was seen first
	full  time.Time // when it was found full; zero: it is not

	weighed time.Time // when it was asked to look whether it still is
}

// hangs reports whether the same turn has lasted for too long.
func (w *watch) hangs(in *instance, now time.Time) bool {
	if turn := in.vm.Turn(); turn == 0 || turn != w.turn {
		w.turn, w.since = turn, now
		return false
	}
	in.vm.Nudge()
	limit := in.service.CallTime
	return limit > 0 && now.Sub(w.since) > 2*limit+hangTime
}

// isFull reports whether it has had too much memory for too long.
func (w *watch) isFull(in *instance, now time.Time) bool {
	switch {
	case !in.vm.Full():
		w.full = time.Time{}
		return false
	case w.full.IsZero():
		w.full = now
	}
	if now.Sub(w.weighed) >= weighTime { // it may be idle, and have less by now
		w.weighed = now
		in.vm.Weigh()
	}
	return now.Sub(w.full) > fullTime
}

func (r *Registry) startWatchdog() {
	r.watching.Lock()
	defer r.watching.Unlock()
	if r.unwatch == nil {
		var ctx context.Context
		ctx, r.unwatch = context.WithCancel(context.Background())
		r.tenders.Go(func() { r.watchdog(ctx) })
	}
}

// stopWatchdog ends the watchdog, and waits for what it has under way.
func (r *Registry) stopWatchdog() {
	r.watching.Lock()
	defer r.watching.Unlock()
	if r.unwatch != nil {
		r.unwatch()
		r.unwatch = nil
	}
	r.tenders.Wait()
}

// watchdog looks after the instances of all services until ctx ends.
func (r *Registry) watchdog(ctx context.Context) {
	tick := time.NewTicker(watchPeriod)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			for _, s := range r.present() {
				s.tend(ctx, now)
			}
		case <-ctx.Done():
			return
		}
	}
}

// tend replaces the service's instances that hang or are full, on a goroutine of
// its own.
func (s *Service) tend(ctx context.Context, now time.Time) {
	all := s.running.Load()
	if all == nil || !s.tending.TryLock() {
		return
	}
	var bad []*instance
	for _, in := range *all {
		switch {
		case in.watch.hangs(in, now):
			in.hung.Store(true)
		case in.watch.isFull(in, now):
		default:
			continue
		}
		bad = append(bad, in)
	}
	leaving := s.entry.Load() == entryReplaced
	if len(bad) == 0 && (leaving || len(*all) == s.width() || now.Before(s.refillAt) && !s.refillNow.Load()) {
		s.tending.Unlock()
		return
	}
	s.reg.tenders.Go(func() {
		defer s.tending.Unlock()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.Running() {
			s.retire(ctx, bad)
			if !leaving {
				s.refill(ctx)
			}
		}
	})
}

// retire takes instances out of service: no peer comes to them any more, and
// theirs are closed with 1012, so that they come again. mu is held.
func (s *Service) retire(ctx context.Context, bad []*instance) {
	if len(bad) == 0 {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(*s.running.Load()), func(in *instance) bool { return slices.Contains(bad, in) })
	s.running.Store(&rest)
	for _, in := range bad {
		s.replaced.Add(1)
		s.account.replaced.Add(1)
		in.retired.Store(true)
		if in.hung.Load() {
			lua, stack := in.vm.Whereabouts()
			in.log.Error("instance is replaced", "why", "it does not return", "traceback", lua, "stack", stack)
		} else {
			in.log.Error("instance is replaced", "why", "it keeps too much memory")
		}
		in.count(0)
		for _, seat := range s.reg.handlers.of(in) {
			seat.restart()
		}
		s.old = append(s.old, in)
		s.reg.tenders.Go(func() { in.bury(ctx) })
	}
}

// bury stops an instance that has been replaced, once its peers have left, and
// waits for its end.
func (in *instance) bury(watched context.Context) {
	ctx, cancel := context.WithTimeout(watched, retireTime)
	defer cancel()
	if in.hung.Load() {
		cancel()
	} else {
		select {
		case <-in.empty:
		case <-ctx.Done():
		}
	}
	err := in.stop(ctx)
	if err != nil { // what it holds of others is theirs again
		for _, seat := range in.service.reg.handlers.of(in) {
			seat.remove()
		}
	}
	select {
	case <-in.vm.Done():
		in.service.account.settle()
		in.log.Info("instance that was replaced has ended")
		in.service.refillNow.Store(true)
	case <-watched.Done():
	}
}

// refill starts instances in place of those that were replaced, unless so many of
// these have not ended that each has been replaced once: what made them hang may
// be the same for all. mu is held.
func (s *Service) refill(ctx context.Context) {
	s.old = slices.DeleteFunc(s.old, func(in *instance) bool {
		select {
		case <-in.vm.Done():
			return true
		default:
			return false
		}
	})
	s.refillNow.Store(false)
	all := slices.Clone(*s.running.Load())
	if len(s.old) > s.width() {
		s.refillLater()
		s.log.Error("instance is not replaced: too many that were do not end", "running", len(all), "not_ended", len(s.old))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, replaceTime)
	defer cancel()
	p, err := s.load()
	for i := 0; err == nil && i < s.width(); i++ {
		name := strconv.Itoa(i + 1)
		if slices.ContainsFunc(all, func(in *instance) bool { return in.vm.Name() == name }) {
			continue
		}
		var in *instance
		if in, err = startInstance(ctx, s, p, i); err == nil {
			all = append(all, in)
			in.begin()
			in.log.Info("instance started in place of another")
		} else if in != nil {
			s.old = append(s.old, in)
		}
	}
	s.running.Store(&all)
	if err != nil {
		s.refillLater()
		logLua(s.log, "instance not started in place of another", err, "pause", s.pause.String())
		return
	}
	s.pause = 0
}

// refillLater has the next attempt wait, the longer the more there were.
func (s *Service) refillLater() {
	s.pause = min(max(2*s.pause, shortPause), longPause)
	s.refillAt = time.Now().Add(s.pause)
}

// Replaced is how many of the service's instances were replaced because they did
// not return from Go, or kept too much memory.
func (s *Service) Replaced() uint64 { return s.replaced.Load() }

// restart closes a peer whose instance is replaced, or refuses one that is still
// joining. Any goroutine.
func (s *Seat) restart() {
	if j := s.joining.Load(); j != nil {
		s.refuse(j, unavailable("the service is restarted"))
	}
	if !s.seated.Load() {
		return
	}
	s.closed.Store(true)
	s.peer.Close(wire.ServiceRestart, "the service is restarted")
	s.peer.Waker().Wake()
}
