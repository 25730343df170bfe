package services

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lapps/services/vm"
)

// A Registry holds all services of the process.
type Registry struct {
	// Loops are the event loops of all peers, for services that run Inline. It is set
	// before Start, and not changed afterwards.
	Loops []Loop

	// Immutable.
	log      *slog.Logger
	modules  []vm.Module
	handlers handlers
	channels channels
	all      []*Service // in order of their names
	byName   map[string]*Service

	tenders sync.WaitGroup // the watchdog and its goroutines

	watching sync.Mutex         // guards the field below
	unwatch  context.CancelFunc // ends the watchdog; nil: there is none

	// targets is an immutable snapshot: the services by request target.
	targets atomic.Pointer[map[string]*Service]
}

// New makes the services of configs, none of them started. modules is what
// their Lua can require. Two services with the same name or request target
// are an error, as are a Config that is not complete, and services that depend
// on each other, or on one that does not exist.
func New(configs []Config, modules []vm.Module, log *slog.Logger) (*Registry, error) {
	r := &Registry{log: log, modules: modules, byName: make(map[string]*Service, len(configs))}
	r.handlers.init()
	targets := make(map[string]*Service, len(configs))
	for _, c := range configs {
		if err := c.check(modules); err != nil {
			return nil, err
		}
		if r.byName[c.Name] != nil {
			return nil, fmt.Errorf("services: %s: there are two services of this name", c.Name)
		}
		s := newService(c, r)
		r.byName[c.Name] = s
		r.all = append(r.all, s)
		if c.Standalone {
			continue
		}
		if other := targets[c.RequestTarget]; other != nil {
			return nil, fmt.Errorf("services: %s: request target %q is that of %s", c.Name, c.RequestTarget, other.Name)
		}
		targets[c.RequestTarget] = s
	}
	slices.SortFunc(r.all, func(a, b *Service) int { return strings.Compare(a.Name, b.Name) })
	r.targets.Store(&targets)
	return r, r.link()
}

// Lookup returns the service whose request target is path, or nil. A path is
// compared byte by byte; the query string is no part of it. Any goroutine.
func (r *Registry) Lookup(path string) *Service { return (*r.targets.Load())[path] }

// Services returns all services in order of their names. The slice is shared
// and must not be modified.
func (r *Registry) Services() []*Service { return r.all }

// Buffered is how many bytes of messages wait in the mailboxes of all services.
func (r *Registry) Buffered() (sum int64) {
	for _, s := range r.all {
		if all := s.running.Load(); all != nil {
			for _, in := range *all {
				sum += int64(in.vm.Stats().QueuedBytes)
			}
		}
	}
	return sum
}

// Start starts every service that has AutoStart, and what those depend on,
// whether it has AutoStart or not: each once all that it depends on runs, and
// as far as that allows all at once. It waits for them. One that does not
// start, or depends on one that does not, is logged and refuses its peers with
// 503; the others run. The error joins those of all that did not start.
func (r *Registry) Start(ctx context.Context) error {
	wanted := r.wanted()
	var errs failures
	r.inOrder(func(s *Service) []*Service { return s.needs }, func(s *Service) {
		if wanted[s] {
			errs.add(s.startAfter(ctx))
		}
	})
	r.startWatchdog()
	return errs.join()
}

// Stop stops all services and waits for them: each once all that depend on it
// have stopped, and as far as that allows all at once. What they accepted is
// handled, then onShutdown is called. When ctx ends first, or a service's share
// of its time, their Lua is interrupted. The error joins those of all that had
// to be.
func (r *Registry) Stop(ctx context.Context) error {
	began := time.Now()
	r.stopWatchdog()
	var errs failures
	r.inOrder(func(s *Service) []*Service { return s.neededBy }, func(s *Service) {
		part, cancel := s.share(ctx, began)
		defer cancel()
		errs.add(s.Stop(part))
	})
	return errs.join()
}

// failures are errors from several goroutines.
type failures struct {
	mu  sync.Mutex // guards the field below
	all []error
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, err)
}

func (f *failures) join() error { return errors.Join(f.all...) }
