package epoll

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"lapps/server"

	"github.com/panjf2000/gnet/v2"
)

const (
	tick = 10 * time.Millisecond // of the timers

	// slice is how many tasks and flushers run before the poller has its
	// turn: a fan-out to thousands holds up a reader for at most this many.
	slice = 256

	// longTurn is how long they may run where that is shorter. A task may do
	// a part of a large work, and queue itself again for the next one.
	longTurn = time.Millisecond

	lookAtClock = 4 // flushers between two looks at the clock

	// probeEvery is how many functions in a row Later calls at once: what it
	// calls may end the turn, and then nobody would see that there are many.
	probeEvery = 32
)

// A loop is one of gnet's event loops with what it lacks: a queue of tasks
// and a dirty list that cost one wake-up for many entries, timers, a way to
// pause a socket, and news of room in a socket's send buffer.
//
// A wake-up is a write to an eventfd that the poller reads like a connection.
// gnet's Execute costs about the same, 3 µs from one goroutine to the loop and
// back, but it allocates, and gnet runs its queue until that is empty: a task
// that asks for another turn would keep the poller from polling. A byte in a
// pair of sockets gives the poller its turn, too, and costs 0.5 µs more.
type loop struct {
	// Immutable once New has returned.
	carrier *Carrier
	el      gnet.EventLoop
	epfd    int // gnet's epoll set, gnet's to close
	wakefd  int // eventfd; the poller reads a duplicate
	onRoom  func()
	onAlarm func()

	longTurn time.Duration // see there; tests have others

	// Owned by the loop.
	running  batch
	turnEnds time.Duration // when the poller should have its turn, on the loop's clock
	wheel    wheel
	alarmAt  int64           // the tick the alarm is set to; 0 is none
	waiting  map[int]*socket // by descriptor: those that have a backlog
	received int             // how often something was since the last turn
	busy     bool            // more than once before the last turn before which something was
	atOnce   int             // functions that Later has called at once, in a row
	turnDue  bool            // told is set, for a turn that follows what is received now
	iov      iovecs

	alarm  *time.Timer    // calls ring
	alarms sync.WaitGroup // settings of the alarm that have not rung
	room   room

	told   atomic.Bool // a turn is under way, or a write to wakefd that brings it
	queued atomic.Bool // there is something in queue
	stats  counters

	mu      sync.Mutex // guards the fields below
	queue   batch
	stopped bool // nothing is queued any more
}

var _ server.Loop = (*loop)(nil)

// A batch is what one swap takes from the queue. Two of them take turns, so
// that queueing allocates nothing in a steady state.
type batch struct {
	posts []func()
	dirty []server.Flusher

	posted, flushed int // how many of each have been run
}

// Dirty implements server.Loop.
func (l *loop) Dirty(f server.Flusher) {
	l.mu.Lock()
	if !l.stopped {
		l.queue.dirty = append(l.queue.dirty, f)
		l.setQueued()
	}
	l.mu.Unlock()
}

// Post implements server.Loop.
func (l *loop) Post(f func()) {
	l.mu.Lock()
	if !l.stopped {
		l.queue.posts = append(l.queue.posts, f)
		l.setQueued()
	}
	l.mu.Unlock()
	l.Wake()
}

// Later implements server.Loop. The poller tells of many connections at a time, but
// not of the last one: while there are many f is left to the next turn, which the
// poller comes to behind those that it knows of now.
func (l *loop) Later(f func()) {
	if l.atOnce++; l.busy || l.atOnce > probeEvery {
		l.atOnce = 0
		l.Post(f)
		return
	}
	l.turnDue = l.turnDue || l.told.CompareAndSwap(false, true)
	f()
}

// setQueued is called with mu held. A store costs more than a load.
func (l *loop) setQueued() {
	if !l.queued.Load() {
		l.queued.Store(true)
	}
}

// Wake implements server.Loop.
func (l *loop) Wake() {
	if l.queued.Load() && !l.told.Load() && l.told.CompareAndSwap(false, true) {
		signal(l.wakefd)
	}
}

// Now implements server.Loop.
func (l *loop) Now() time.Duration { return time.Since(l.carrier.start) }

// turn is what a wake-up brings. Until it finds the queue empty, or has had
// its slice, told stays set and others need not write to wakefd. Each write
// belongs to one setting of told, and each setting to a write or to a turn at the
// end of OnTraffic; silence relies on that.
func (l *loop) turn() {
	l.stats.wakeups.Add(1)
	if l.received > 0 {
		l.busy = l.received > 1
		l.received = 0
	}
	l.turnEnds = l.Now() + l.longTurn
	for left := slice; ; {
		if left = l.run(left); left == 0 {
			signal(l.wakefd) // the poller first
			return
		}
		l.told.Store(false)
		if !l.queued.Load() || !l.told.CompareAndSwap(false, true) {
			return
		}
	}
}

// run runs at most n of what is queued, in batches, of each batch the tasks
// first, and returns what is left of n.
func (l *loop) run(n int) int {
	b := &l.running
	for ; n > 0; n-- {
		switch {
		case b.posted < len(b.posts):
			f := b.posts[b.posted]
			b.posts[b.posted] = nil
			b.posted++
			f()
			if l.late() {
				return 0
			}
		case b.flushed < len(b.dirty):
			f := b.dirty[b.flushed]
			b.dirty[b.flushed] = nil
			b.flushed++
			l.stats.flushes.Add(1)
			f.Flush()
			if b.flushed%lookAtClock == 0 && l.late() {
				return 0
			}
		case l.swap():
			n++
		default:
			return n
		}
	}
	return 0
}

// late says that the turn has lasted long enough.
func (l *loop) late() bool { return l.Now() > l.turnEnds }

// swap makes the queue the running batch, and tells if there is anything in it.
func (l *loop) swap() bool {
	l.running = batch{posts: l.running.posts[:0], dirty: l.running.dirty[:0]}
	if !l.queued.Load() {
		return false
	}
	l.mu.Lock()
	l.running, l.queue = l.queue, l.running
	l.queued.Store(false)
	l.mu.Unlock()
	return true
}

// Arm implements server.Loop.
func (l *loop) Arm(t *server.Timer, d time.Duration) {
	now := l.Now()
	if l.wheel.armed == 0 {
		l.wheel.tick = max(l.wheel.tick, int64(now/tick))
	}
	d = min(max(d, 0), math.MaxInt64-now-tick)
	l.wheel.arm(t, int64((now+d+tick-1)/tick))
	if l.alarmAt == 0 || t.Due < l.alarmAt {
		l.setAlarm(t.Due, now)
	}
}

// Stop implements server.Loop. The alarm stays set: it rings once for nothing.
func (l *loop) Stop(t *server.Timer) { l.wheel.stop(t) }

// setAlarm has the loop look at its timers at the tick at.
func (l *loop) setAlarm(at int64, now time.Duration) {
	l.alarmAt = at
	l.alarms.Add(1)
	if l.alarm.Reset(time.Duration(at)*tick - now) {
		l.alarms.Done() // the earlier setting will not ring
	}
}

// ring is called by the alarm, on a goroutine of its own.
func (l *loop) ring() {
	l.Post(l.onAlarm)
	l.alarms.Done()
}

// advance fires what is due. The alarm may have been set anew since it rang.
func (l *loop) advance() {
	l.wheel.advance(int64(l.Now() / tick))
	l.alarmAt = 0
	if next, ok := l.wheel.next(); ok {
		l.setAlarm(next, l.Now())
	}
}
