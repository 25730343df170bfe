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

	"lapps/services/vm"
)

// A Registry holds all services of the process.
type Registry struct {
	// Immutable.
	log      *slog.Logger
	modules  []vm.Module
	handlers handlers

	// targets is an immutable snapshot: the services by request target.
	targets atomic.Pointer[map[string]*Service]
}

// New makes the services of configs, none of them started. modules is what
// their Lua can require. Two services with the same name or request target
// are an error, as is a Config that is not complete.
func New(configs []Config, modules []vm.Module, log *slog.Logger) (*Registry, error) {
	r := &Registry{log: log, modules: modules}
	r.handlers.init()
	targets := make(map[string]*Service, len(configs))
	names := make(map[string]bool, len(configs))
	for _, c := range configs {
		if err := c.check(); err != nil {
			return nil, err
		}
		if names[c.Name] {
			return nil, fmt.Errorf("services: %s: there are two services of this name", c.Name)
		}
		names[c.Name] = true
		if other := targets[c.RequestTarget]; other != nil {
			return nil, fmt.Errorf("services: %s: request target %q is that of %s", c.Name, c.RequestTarget, other.Name)
		}
		targets[c.RequestTarget] = newService(c, r)
	}
	r.targets.Store(&targets)
	return r, nil
}

// Lookup returns the service whose request target is path, or nil. A path is
// compared byte by byte; the query string is no part of it. Any goroutine.
func (r *Registry) Lookup(path string) *Service { return (*r.targets.Load())[path] }

// Services returns all services in order of their names.
func (r *Registry) Services() []*Service {
	var all []*Service
	for _, s := range *r.targets.Load() {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *Service) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Start starts every service that has AutoStart, all at once, and waits for
// them. One that does not start is logged and refuses its peers with 503; the
// others run. The error joins those of all that did not start.
func (r *Registry) Start(ctx context.Context) error {
	return r.each(func(s *Service) error {
		if !s.AutoStart {
			return nil
		}
		return s.Start(ctx)
	})
}

// Stop stops all services at once and waits for them: what they accepted is
// handled, then onShutdown is called. When ctx ends first, their Lua is
// interrupted. The error joins those of all that had to be.
func (r *Registry) Stop(ctx context.Context) error {
	return r.each(func(s *Service) error { return s.Stop(ctx) })
}

// each calls f for all services at once and joins their errors.
func (r *Registry) each(f func(*Service) error) error {
	all := r.Services()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, s := range all {
		wg.Go(func() { errs[i] = f(s) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
