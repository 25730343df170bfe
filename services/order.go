package services

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// link finds what each service depends on, and what depends on it. An unknown
// name, and services that depend on each other, are errors.
func (r *Registry) link() error {
	for _, s := range r.all {
		for _, name := range s.Depends {
			on := r.byName[name]
			if on == nil {
				return fmt.Errorf("services: %s depends on %s, which does not exist", s.Name, name)
			}
			s.needs = append(s.needs, on)
			on.neededBy = append(on.neededBy, s)
		}
	}
	return r.layer()
}

// layer gives every service its layer: 0 where nothing depends on it, else one
// more than the highest that does. Each round finds those whose dependents all
// have theirs; who is left when a round finds none is part of a cycle, or
// below one.
func (r *Registry) layer() error {
	waits := make(map[*Service]int, len(r.all))
	var round []*Service
	for _, s := range r.all {
		if waits[s] = len(s.neededBy); waits[s] == 0 {
			round = append(round, s)
		}
	}
	found := 0
	for ; len(round) > 0; r.layers++ {
		var next []*Service
		for _, s := range round {
			s.layer = r.layers
			found++
			for _, on := range s.needs {
				if waits[on]--; waits[on] == 0 {
					next = append(next, on)
				}
			}
		}
		round = next
	}
	if found == len(r.all) {
		return nil
	}
	var left []string
	for _, s := range r.all {
		if waits[s] > 0 {
			left = append(left, s.Name)
		}
	}
	return fmt.Errorf("services: some of these depend on each other in a circle: %s", strings.Join(left, ", "))
}

// wanted are the services that Start starts: those with AutoStart, and what
// they depend on.
func (r *Registry) wanted() map[*Service]bool {
	want := make(map[*Service]bool)
	var add func(*Service)
	add = func(s *Service) {
		if !want[s] {
			want[s] = true
			for _, on := range s.needs {
				add(on)
			}
		}
	}
	for _, s := range r.all {
		if s.AutoStart {
			add(s)
		}
	}
	return want
}

// inOrder calls f for all services, each once f has returned for those that
// before names; it waits for all.
func (r *Registry) inOrder(before func(*Service) []*Service, f func(*Service)) {
	done := make(map[*Service]chan struct{}, len(r.all))
	for _, s := range r.all {
		done[s] = make(chan struct{})
	}
	var wg sync.WaitGroup
	for _, s := range r.all {
		wg.Go(func() {
			defer close(done[s])
			for _, first := range before(s) {
				<-done[first]
			}
			f(s)
		})
	}
	wg.Wait()
}

// share is ctx for stopping s: of the time that there is each layer has its
// share, so that one service that does not end leaves time for what it depends
// on.
func (r *Registry) share(ctx context.Context, began time.Time, s *Service) (context.Context, context.CancelFunc) {
	end, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel(ctx)
	}
	part := end.Sub(began) * time.Duration(s.layer+1) / time.Duration(r.layers)
	return context.WithDeadline(ctx, began.Add(part))
}
