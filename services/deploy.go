package services

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lapps/protocol/wire"
)

// A Redeploy says what becomes of the peers of a service when another version takes
// its place.
type Redeploy uint8

const (
	// DrainPeers has them stay with the version that they have, for Config.DrainTime at
	// most. Then they are told 1012.
	DrainPeers Redeploy = iota

	// ClosePeers has them told 1012, service restart, at once; what they had sent is
	// answered first.
	ClosePeers
)

// dismissTime is how long peers that are told to go may take, what they have sent
// included.
const dismissTime = 15 * time.Second

// Errors of what is asked of services by name.
var (
	ErrNoService  = errors.New("there is no service of this name")
	ErrNotRunning = errors.New("the service does not run")
	ErrRunning    = errors.New("the service runs already")

	// ErrReplaced is what Join answers where another version has taken the service's
	// place: it is found by Registry.Lookup.
	ErrReplaced = errors.New("services: another version has taken the service's place")
)

// A LacksError says that a service depends on one that there is not, or that does not run.
// What fails with it may succeed later.
type LacksError struct{ text string }

// Error is one line, which names both.
func (e *LacksError) Error() string { return e.text }

// A NeededError says that a service is not removed, since another depends on it.
type NeededError struct{ Name, By string }

// Error is one line, which names both.
func (e *NeededError) Error() string { return "services: " + e.Name + ": " + e.By + " depends on it" }

// Who may join a service.
const (
	entryOpen     = iota
	entryShut     // nobody: it is about to stop
	entryReplaced // nobody: another version has taken its place
)

// barred is why nobody may join; nil: they may.
func (s *Service) barred() error {
	switch s.entry.Load() {
	case entryShut:
		return unavailable("the service is stopping")
	case entryReplaced:
		return ErrReplaced
	}
	return nil
}

// Deploy starts a service in the place of the one of the same name, or beside the
// others where there is none. When its instances have been started commit is called,
// if it is not nil; from then on new peers come to the new version. If anything fails
// until then, commit included, the old one goes on as if nothing had been.
//
// What becomes of the old version's peers the new one's Config says. Deploy does not wait for
// them, but for the program of a standalone service: that of the new version begins
// when the old one's has ended. What depends on the service is left alone.
//
// One Deploy, StartService or StopService runs at a time. Deploy must not be called
// after Stop.
func (r *Registry) Deploy(ctx context.Context, c Config, commit func() error) (*Service, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := c.check(r.modules); err != nil {
		return nil, err
	}
	now, s := r.catalog.Load(), newService(c, r)
	old := now.byName[c.Name]
	if old != nil {
		s.account = old.account
	}
	next, err := now.with(s)
	if err != nil {
		return nil, err
	}
	if err := s.lacks(next.links[s].needs); err != nil {
		return nil, err
	}
	all, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	if commit != nil {
		if err := commit(); err != nil {
			return nil, errors.Join(err, stopAll(ctx, all))
		}
	}
	s.running.Store(&all)
	r.catalog.Store(next)
	if old != nil {
		old.entry.Store(entryReplaced)
		leaver := r.leavers.see(old, c.stay(), restarted)
		if old.Standalone {
			<-leaver.ended
		}
	}
	s.launch(all)
	return s, nil
}

// StartService starts a service that does not run, or that has finished, and before it
// what it depends on, as far as that does not run.
func (r *Registry) StartService(ctx context.Context, name string) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	c := r.catalog.Load()
	s := c.byName[name]
	switch {
	case s == nil:
		return ErrNoService
	case s.State() == StateFinished:
		if err := s.end(ctx); err != nil {
			return err
		}
	case s.Running():
		return ErrRunning
	}
	return c.start(ctx, s)
}

// StopService stops a service that runs: its peers, those of old versions as well, are told
// 1001 once what they have sent is answered, and new ones are refused with 503. What has
// not ended after retireTime, or when ctx ends, is interrupted, and the error says so: the
// service has stopped all the same. What depends on the service is left alone.
func (r *Registry) StopService(ctx context.Context, name string) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	s := r.Service(name)
	switch {
	case s == nil:
		return ErrNoService
	case !s.Running():
		return ErrNotRunning
	}
	s.entry.Store(entryShut)
	defer s.entry.Store(entryOpen) // and yet it does not run
	old := r.leavers.send(name, stopped)
	s.dismiss(ctx, stopped)
	defer s.farewell.Store(nil)
	return errors.Join(s.end(ctx), awaitLeavers(ctx, old))
}

// Remove stops a service, if it runs, as StopService does, and forgets it: its request target is free, and
// answered with 404. commit is called first, if it is not nil; where it fails nothing has
// changed. A service that others depend on is not removed. Until it has ended it is among those
// that are Leaving. Remove must not be called after Stop.
func (r *Registry) Remove(ctx context.Context, name string, commit func() error) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	s := r.Service(name)
	if s == nil {
		return ErrNoService
	}
	now := r.catalog.Load()
	if by := now.links[s].neededBy; len(by) > 0 {
		return &NeededError{name, by[0].Name}
	}
	next, err := now.without(s)
	if err != nil {
		return err
	}
	if commit != nil {
		if err := commit(); err != nil {
			return err
		}
	}
	r.catalog.Store(next)
	s.entry.Store(entryReplaced)
	r.leavers.see(s, 0, removed)
	return awaitLeavers(ctx, r.leavers.send(name, removed))
}

// errLate is why a service is interrupted that is to end.
var errLate = fmt.Errorf("it had not ended after %v", retireTime)

// end is Stop that gives the service retireTime at most.
func (s *Service) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, retireTime, errLate)
	defer cancel()
	err := s.Stop(ctx)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("services: %s: it was interrupted: %w", s.Name, context.Cause(ctx))
	}
	return err
}

// A farewell is what the peers of a service are told that has to do without them.
type farewell struct {
	code   wire.Code
	reason string
}

var (
	restarted = &farewell{wire.ServiceRestart, "the service is restarted"}
	stopped   = &farewell{wire.GoingAway, "the service is stopped"}
	removed   = &farewell{wire.GoingAway, "the service is removed"}
)

// dismiss has all peers go: each is told so once what it has sent is answered. It waits
// until they have, or ctx ends, or their time is over. Nobody may join any more.
func (s *Service) dismiss(ctx context.Context, f *farewell) {
	vacated := s.vacated()
	s.farewell.Store(f)
	for _, seat := range s.reg.handlers.ofService(s) {
		if seat.seated.Load() { // or it is told when it is
			seat.peer.Depart(f.code, f.reason)
		}
	}
	await(ctx, vacated, dismissTime)
}

// vacated is closed once the service has no peers. Nobody may join any more; there is one
// caller at a time.
func (s *Service) vacated() <-chan struct{} {
	ch := make(chan struct{})
	s.awaited.Store(&ch)
	if s.seats.Load() == 0 {
		s.tellVacated()
	}
	return ch
}

func (s *Service) tellVacated() {
	if ch := s.awaited.Swap(nil); ch != nil {
		close(*ch)
	}
}

// unseat gives back a place that takeSeat has taken.
func (s *Service) unseat() {
	if s.seats.Add(-1) == 0 {
		s.tellVacated()
	}
}

// await waits for done; for limit at most, where that is not 0.
func await(ctx context.Context, done <-chan struct{}, limit time.Duration) {
	var over <-chan time.Time
	if limit > 0 {
		t := time.NewTimer(limit)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-done:
	case <-over:
	case <-ctx.Done():
	}
}

// lacks is an error where one of the services that s needs does not run.
func (s *Service) lacks(needs []*Service) error {
	for _, on := range needs {
		if !on.Running() {
			return &LacksError{"services: " + s.Name + ": it depends on " + on.Name + ", which does not run"}
		}
	}
	return nil
}

// Check reports all that is wrong with a service that is to be deployed, as far as that shows
// without starting it: its Config, and its Lua files, all of them.
func (r *Registry) Check(c Config) error {
	if err := c.check(r.modules); err != nil {
		return err
	}
	return newService(c, r).Check()
}
