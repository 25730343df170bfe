package main

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

const (
	// saved is how long none of a service's files must have changed before it is started anew:
	// editors write files in several steps, and a change may be one of several files. savedAtLast is
	// how long that may be put off.
	saved       = 100 * time.Millisecond
	savedAtLast = time.Second
)

// A settling knows which services have changed, each with a time of its own: one whose files
// never rest holds up no other. The zero value is of no use: make one.
type settling map[string]change

// A change is one that is not dealt with yet.
type change struct {
	due    time.Time // when it is to be
	latest time.Time // whatever else changes
}

// changed notes that a service has changed.
func (s settling) changed(name string, now time.Time) {
	c, ok := s[name]
	if !ok {
		c.latest = now.Add(savedAtLast)
	}
	c.due = now.Add(saved)
	if c.due.After(c.latest) {
		c.due = c.latest
	}
	s[name] = c
}

// take returns, and forgets, the services that are due, in the order in which they are; wait is the time
// until another one is, 0 where nothing has changed.
func (s settling) take(now time.Time) (names []string, wait time.Duration) {
	for _, name := range slices.SortedFunc(maps.Keys(s), func(a, b string) int {
		return cmp.Or(s[a].due.Compare(s[b].due), cmp.Compare(a, b))
	}) {
		if left := s[name].due.Sub(now); left > 0 {
			return names, left
		}
		names = append(names, name)
		delete(s, name)
	}
	return names, 0
}
