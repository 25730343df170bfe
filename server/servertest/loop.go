package servertest

import (
	"sync"
	"time"

	"lapps/server"
)

// tick is the resolution of the loop's timers.
const tick = 10 * time.Millisecond

// A Loop is the event loop of a Carrier: one goroutine that runs what is
// posted.
type Loop struct {
	// Immutable.
	base time.Time

	// Owned by the loop.
	timers server.Timer // a ring in order of Due; timers itself is its anchor
	alarm  *time.Timer  // fires at the first of them

	mu      sync.Mutex // guards the fields below
	changed sync.Cond
	posted  []func()
	dirty   []server.Flusher
	stopped bool

	done chan struct{}
}

var _ server.Loop = (*Loop)(nil)

func newLoop() *Loop {
	l := &Loop{base: time.Now().Add(-time.Second), done: make(chan struct{})}
	l.changed.L = &l.mu
	l.timers.Next, l.timers.Prev = &l.timers, &l.timers
	go l.run()
	return l
}

// run is the loop's goroutine.
func (l *Loop) run() {
	defer close(l.done)
	for {
		l.mu.Lock()
		for len(l.posted) == 0 && !l.stopped {
			l.changed.Wait()
		}
		posted := l.posted
		l.posted = nil
		l.mu.Unlock()
		if posted == nil {
			return // stopped, and nothing is left
		}
		for _, f := range posted {
			f()
		}
	}
}

// stop ends the loop after what was posted, and waits for it.
func (l *Loop) stop() {
	l.mu.Lock()
	l.stopped = true
	l.changed.Signal()
	l.mu.Unlock()
	<-l.done
	if l.alarm != nil {
		l.alarm.Stop()
	}
}

// Post implements server.Loop.
func (l *Loop) Post(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopped {
		l.posted = append(l.posted, f)
		l.changed.Signal()
	}
}

// Later implements server.Loop.
func (l *Loop) Later(f func()) { l.Post(f) }

// Dirty implements server.Loop.
func (l *Loop) Dirty(f server.Flusher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dirty = append(l.dirty, f)
}

// Wake implements server.Loop.
func (l *Loop) Wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.dirty) > 0 && !l.stopped {
		l.posted = append(l.posted, l.drain)
		l.changed.Signal()
	}
}

// drain flushes the dirty list.
func (l *Loop) drain() {
	l.mu.Lock()
	dirty := l.dirty
	l.dirty = nil
	l.mu.Unlock()
	for _, f := range dirty {
		f.Flush()
	}
}

// Now implements server.Loop.
func (l *Loop) Now() time.Duration { return time.Since(l.base) }

// Arm implements server.Loop.
func (l *Loop) Arm(t *server.Timer, d time.Duration) {
	l.Stop(t)
	t.Due = int64((l.Now() + d + tick - 1) / tick)
	after := l.timers.Prev
	for after != &l.timers && after.Due > t.Due {
		after = after.Prev
	}
	t.Prev, t.Next = after, after.Next
	t.Prev.Next, t.Next.Prev = t, t
	if l.timers.Next == t {
		l.setAlarm()
	}
}

// Stop implements server.Loop.
func (l *Loop) Stop(t *server.Timer) {
	if t.Next != nil {
		t.Prev.Next, t.Next.Prev = t.Next, t.Prev
		t.Next, t.Prev = nil, nil
	}
}

// setAlarm has the loop told when its first timer is due.
func (l *Loop) setAlarm() {
	if l.alarm != nil {
		l.alarm.Stop()
	}
	if first := l.timers.Next; first != &l.timers {
		l.alarm = time.AfterFunc(time.Duration(first.Due)*tick-l.Now(), func() { l.Post(l.advance) })
	}
}

// advance calls the timers that are due.
func (l *Loop) advance() {
	now := int64(l.Now() / tick)
	for t := l.timers.Next; t != &l.timers && t.Due <= now; t = l.timers.Next {
		l.Stop(t)
		t.F()
	}
	l.setAlarm()
}
