package services

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// link finds what each service depends on, and what depends on it. An unknown
// name, and services that depend on each other, are errors.
func (c *catalog) link() error {
	for _, s := range c.all {
		for _, name := range s.Depends {
			on := c.byName[name]
			if on == nil {
				return &LacksError{"services: " + s.Name + " depends on " + name + ", which does not exist"}
			}
			c.links[s].needs = append(c.links[s].needs, on)
			c.links[on].neededBy = append(c.links[on].neededBy, s)
		}
	}
	order, err := c.sorted()
	if err != nil {
		return err
	}
	for _, s := range order { // what depends on s comes before it
		for _, on := range c.links[s].needs {
			c.links[on].above = max(c.links[on].above, c.links[s].above+1)
		}
	}
	for _, s := range slices.Backward(order) {
		for _, on := range c.links[s].needs {
			c.links[s].below = max(c.links[s].below, c.links[on].below+1)
		}
	}
	return nil
}

// sorted returns all services, each behind those that depend on it. Who is left
// when no more can be placed is part of a circle, or below one.
func (c *catalog) sorted() ([]*Service, error) {
	waits := make(map[*Service]int, len(c.all))
	var order []*Service
	for _, s := range c.all {
		if waits[s] = len(c.links[s].neededBy); waits[s] == 0 {
			order = append(order, s)
		}
	}
	for i := 0; i < len(order); i++ {
		for _, on := range c.links[order[i]].needs {
			if waits[on]--; waits[on] == 0 {
				order = append(order, on)
			}
		}
	}
	if len(order) == len(c.all) {
		return order, nil
	}
	var left []string
	for _, s := range c.all {
		if waits[s] > 0 {
			left = append(left, s.Name)
		}
	}
	return nil, fmt.Errorf("services: some of these depend on each other in a circle: %s", strings.Join(left, ", "))
}

// wanted are the services that Start starts: those with AutoStart, and what
// they depend on.
func (c *catalog) wanted() map[*Service]bool {
	want := make(map[*Service]bool)
	var add func(*Service)
	add = func(s *Service) {
		if !want[s] {
			want[s] = true
			for _, on := range c.links[s].needs {
				add(on)
			}
		}
	}
	for _, s := range c.all {
		if s.AutoStart {
			add(s)
		}
	}
	return want
}

// start starts a service, once all that it depends on runs.
func (c *catalog) start(ctx context.Context, s *Service) error {
	for _, on := range c.links[s].needs {
		if on.Running() {
			continue
		}
		if err := c.start(ctx, on); err != nil {
			return fmt.Errorf("services: %s: it depends on %s, which does not start: %w", s.Name, on.Name, err)
		}
	}
	return s.Start(ctx)
}

// inOrder calls f for all services, each once f has returned for those that
// before names; it waits for all.
func (c *catalog) inOrder(before func(*links) []*Service, f func(*Service)) {
	done := make(map[*Service]chan struct{}, len(c.all))
	for _, s := range c.all {
		done[s] = make(chan struct{})
	}
	var wg sync.WaitGroup
	for _, s := range c.all {
		wg.Go(func() {
			defer close(done[s])
			for _, first := range before(c.links[s]) {
				<-done[first]
			}
			f(s)
		})
	}
	wg.Wait()
}

// share is ctx for stopping the service that has the links: the time that there is is divided among the
// longest chain of services that it is part of, so that one that does not end
// leaves time for what it depends on. One that has no part in any has all of it.
func (l *links) share(ctx context.Context, began time.Time) (context.Context, context.CancelFunc) {
	end, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel(ctx)
	}
	part := end.Sub(began) * time.Duration(l.above+1) / time.Duration(l.above+1+l.below)
	return context.WithDeadline(ctx, began.Add(part))
}
