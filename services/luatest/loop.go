package luatest

import (
	"sync"

	"lapps/services"
)

// A loop stands for the event loops of a test's connections: what is posted is
// called in order, on one goroutine, which there is while there is something to call.
// Whoever posts is at work, as the clock has it, until that has been called.
type loop struct {
	mu      sync.Mutex // guards the fields below
	posted  []func()
	running bool
}

var _ services.Loop = (*loop)(nil)

// Post implements services.Loop.
func (l *loop) Post(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posted = append(l.posted, f)
	if !l.running {
		l.running = true
		go l.run()
	}
}

// Later implements services.Waker.
func (l *loop) Later(f func()) { l.Post(f) }

// Wake implements services.Waker: everything is seen at once, and looked at when
// nobody is at work.
func (l *loop) Wake() {}

func (l *loop) run() {
	for f := l.next(); f != nil; f = l.next() {
		f()
	}
}

func (l *loop) next() (f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.posted) == 0 {
		l.running = false
		return nil
	}
	f, l.posted = l.posted[0], l.posted[1:]
	return f
}
