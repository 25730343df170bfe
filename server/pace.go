package server

import (
	"sync"
	"time"
)

// A pace lets events happen at a rate, in the long run: the generic cell rate
// algorithm (GCRA). The zero value is ready, for any goroutine.
type pace struct {
	mu  sync.Mutex // guards the field below
	due time.Time  // when the next event would be, did they come evenly
}

// allows reports whether an event may happen now, and if so takes it for one
// that does. rate, at least 1, is how many there may be in a second, and as many
// at once.
func (p *pace) allows(now time.Time, rate int) bool {
	interval := time.Second / time.Duration(rate)
	p.mu.Lock()
	defer p.mu.Unlock()
	due := p.due
	if due.Before(now) {
		due = now
	}
	if due.Sub(now) > time.Second-interval {
		return false
	}
	p.due = due.Add(interval)
	return true
}
