package services

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// forever is how long peers stay that need not go.
const forever = time.Duration(1<<63 - 1)

// stay is how long peers of the version before may stay.
func (c *Config) stay() time.Duration {
	if c.Redeploy == ClosePeers {
		return 0
	}
	return cmp.Or(c.DrainTime, forever)
}

// leavers are the services that others have taken the place of, or that were removed, until
// they have ended.
type leavers struct {
	life   context.Context // ends by end
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu  sync.Mutex // guards the field below
	all []*leaver
}

// A leaver is one of them.
type leaver struct {
	// Immutable.
	service *Service
	stay    context.Context // while it lasts its peers may stay
	send    context.CancelFunc
	ended   chan struct{} // closed when it has

	// Written before ended is closed.
	err error // that it had to be interrupted

	farewell atomic.Pointer[farewell] // to its peers
}

func (l *leavers) init() { l.life, l.cancel = context.WithCancel(context.Background()) }

// list returns their services, the oldest first.
func (l *leavers) list() (all []*Service) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.all {
		all = append(all, v.service)
	}
	return all
}

// see sees a service off. Its peers may stay for so long; then they are told to go.
func (l *leavers) see(s *Service, stay time.Duration, f *farewell) *leaver {
	v := &leaver{service: s, ended: make(chan struct{})}
	v.stay, v.send = context.WithTimeout(l.life, stay)
	v.farewell.Store(f)
	l.mu.Lock()
	l.all = append(l.all, v)
	l.mu.Unlock()
	l.wg.Go(func() {
		defer close(v.ended)
		v.depart(l.life)
		l.mu.Lock()
		l.all = slices.DeleteFunc(l.all, func(o *leaver) bool { return o == v })
		l.mu.Unlock()
		if s.Release != nil {
			s.Release()
		}
	})
	return v
}

// send has the peers of those of that name go, with this farewell where they were not told
// another before, and returns them.
func (l *leavers) send(name string, f *farewell) (all []*leaver) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.all {
		if v.service.Name == name {
			v.farewell.Store(f)
			v.send()
			all = append(all, v)
		}
	}
	return all
}

// awaitLeavers waits until they have ended, or ctx ends. The error says which had to be
// interrupted, or have not ended.
func awaitLeavers(ctx context.Context, all []*leaver) error {
	var errs []error
	for _, v := range all {
		select {
		case <-v.ended:
			errs = append(errs, v.err)
		case <-ctx.Done():
			errs = append(errs, fmt.Errorf("services: %s: it has not ended: %w", v.service.Name, context.Cause(ctx)))
		}
	}
	return errors.Join(errs...)
}

// end has those that are left stop, and waits for them. When ctx ends first their Lua
// is interrupted.
func (l *leavers) end(ctx context.Context) error {
	l.cancel()
	var errs failures
	var wg sync.WaitGroup
	for _, s := range l.list() {
		wg.Go(func() { errs.add(s.Stop(ctx)) })
	}
	wg.Wait()
	l.wg.Wait()
	return errs.join()
}

// depart is the end of a service: its peers finish, or are told to go; then it stops. Once life
// has ended nobody is waited for.
func (v *leaver) depart(life context.Context) {
	defer v.send()
	s := v.service
	await(v.stay, s.vacated(), 0)
	if s.Seats() > 0 {
		s.dismiss(life, v.farewell.Load())
	}
	if v.err = s.end(context.WithoutCancel(life)); v.err != nil {
		s.log.Error("old version: not stopped in time", "version", s.Version, "err", v.err)
	}
	for _, seat := range s.reg.handlers.ofService(s) { // of instances that did not end
		seat.remove()
	}
	s.log.Info("old version has ended", "version", s.Version)
}

// Leaving returns the services that others have taken the place of, or that were removed, and that have not
// ended, the oldest first: their peers drain. Any goroutine.
func (r *Registry) Leaving() []*Service { return r.leavers.list() }
