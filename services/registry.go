package services

import (
	"context"
	"errors"
	"log/slog"
	"slices"
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

	catalog atomic.Pointer[catalog]

	tenders sync.WaitGroup // the watchdog and its goroutines

	watching sync.Mutex         // guards the field below
	unwatch  context.CancelFunc // ends the watchdog; nil: there is none

	changing sync.Mutex // held while the catalog is changed, or a service of it started or stopped by name

	leavers leavers
}

// New makes the services of configs, none of them started. modules is what
// their Lua can require. Two services with the same name or request target
// are an error, as are a Config that is not complete, and services that depend
// on each other, or on one that does not exist.
func New(configs []Config, modules []vm.Module, log *slog.Logger) (*Registry, error) {
	r := &Registry{log: log, modules: modules}
	r.handlers.init()
	r.leavers.init()
	all := make([]*Service, 0, len(configs))
	for _, c := range configs {
		if err := c.check(modules); err != nil {
			return nil, err
		}
		all = append(all, newService(c, r))
	}
	c, err := newCatalog(all)
	if err != nil {
		return nil, err
	}
	r.catalog.Store(c)
	return r, nil
}

// Lookup returns the service whose request target is path, or nil. A path is
// compared byte by byte; the query string is no part of it. Any goroutine.
func (r *Registry) Lookup(path string) *Service { return r.catalog.Load().targets[path] }

// Service returns the service of that name, or nil. Any goroutine.
func (r *Registry) Service(name string) *Service { return r.catalog.Load().byName[name] }

// Services returns all services in order of their names; those that others have
// taken the place of are not among them. The slice is shared and must not be
// modified. Any goroutine.
func (r *Registry) Services() []*Service { return r.catalog.Load().all }

// present are all services, and those that are leaving.
func (r *Registry) present() []*Service {
	return append(slices.Clone(r.Services()), r.leavers.list()...)
}

// Buffered is how many bytes of messages wait in the mailboxes of all services.
func (r *Registry) Buffered() (sum int64) {
	for _, s := range r.present() {
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
	c := r.catalog.Load()
	wanted := c.wanted()
	var errs failures
	c.inOrder(func(l *links) []*Service { return l.needs }, func(s *Service) {
		if wanted[s] {
			errs.add(s.startAfter(ctx, c.links[s].needs))
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
	errs.add(r.leavers.end(ctx))
	c := r.catalog.Load()
	c.inOrder(func(l *links) []*Service { return l.neededBy }, func(s *Service) {
		part, cancel := c.links[s].share(ctx, began)
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
