package luatest

import (
	"container/heap"
	"slices"
	"sync"
	"time"

	"lapps/services/vm"
)

// epoch is when the time of every test begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// A clock is the time of one test. It stands still while anybody is at work. When
// nobody is, it does one thing, and waits until that has been dealt with:
//
//   - a wait of the services' whose end has come goes on, the one that began first;
//   - else what is due now happens, in the order in which it was set up;
//   - else a wait of the test's own whose end has come goes on;
//   - else, where somebody wants it to, the time goes to what is due next. Where
//     nothing is, a test that waits for a message waits in vain.
//
// So everything has one order, whatever the goroutines do. Nothing is called with
// mu held but the functions of waits, which look at channels and queues only.
type clock struct {
	done  chan struct{} // closed when run has ended
	stuck chan struct{} // closed when all wait, and nothing can ever end that

	mu         sync.Mutex // guards the fields below
	changed    sync.Cond
	now        time.Time
	work, want int
	set        uint64 // alarms set up, ever
	alarms     alarms
	waits      []*wait // of the services and modules, in the order in which they began
	own        []*wait // of the test's bindings, likewise
	over       bool    // everything is to end
	isStuck    bool
}

var _ vm.Clock = (*clock)(nil)

// A wait is somebody who waits.
type wait struct {
	ended func() bool
	alarm *alarm // nil: there is no limit
	own   bool   // it is the test's
	hopes bool   // and for something to happen, not for the time to pass
	ch    chan outcome
}

// An outcome is how a wait has ended.
type outcome uint8

const (
	happened outcome = iota // what was waited for
	timedOut
	inVain  // nothing is left that could happen
	givenUp // the clock has ended
)

// An alarm is something that is due: f is called, or the wait ends.
type alarm struct {
	due   time.Time
	seq   uint64
	f     func()
	wait  *wait
	index int // in alarms; -1: it is not set
}

func newClock() *clock {
	c := &clock{done: make(chan struct{}), stuck: make(chan struct{}), now: epoch}
	c.changed.L = &c.mu
	go c.run()
	return c
}

// end gives the clock up: nothing waits any more.
func (c *clock) end() {
	c.abandon()
	<-c.done
}

// abandon ends all waits, those to come, too, and all alarms.
func (c *clock) abandon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	for _, w := range slices.Concat(c.waits, c.own) {
		c.release(w, givenUp)
	}
	for _, a := range c.alarms {
		a.index = -1
	}
	c.alarms = nil
	c.changed.Signal()
}

// run is the clock's goroutine.
func (c *clock) run() {
	defer close(c.done)
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.over {
		if c.work > 0 || !c.step() {
			c.changed.Wait()
		}
	}
}

// step does what is next; false: there is nothing. mu is held.
func (c *clock) step() bool {
	if c.endOne(c.waits) || c.ringNow() || c.endOne(c.own) {
		return true
	}
	if c.want == 0 {
		return false
	}
	if i := slices.IndexFunc(c.own, func(w *wait) bool { return w.hopes }); i >= 0 && !c.eventful() {
		c.release(c.own[i], inVain)
		return true
	}
	if len(c.alarms) > 0 {
		c.ring()
		return true
	}
	if !c.isStuck {
		c.isStuck = true
		close(c.stuck)
	}
	return false
}

// eventful reports whether there is anything to come but that somebody's patience
// ends.
func (c *clock) eventful() bool {
	return slices.ContainsFunc(c.alarms, func(a *alarm) bool { return a.wait == nil || !a.wait.hopes })
}

// endOne ends the first of waits that has to.
func (c *clock) endOne(waits []*wait) bool {
	for _, w := range waits {
		if w.ended() {
			c.release(w, happened)
			return true
		}
	}
	return false
}

// ringNow has the first alarm happen that is due now, but for the test's.
func (c *clock) ringNow() bool {
	if len(c.alarms) == 0 || c.alarms[0].isOwn() || c.alarms[0].due.After(c.now) {
		return false
	}
	c.ring()
	return true
}

// ring has the first alarm happen; it may become later by that.
func (c *clock) ring() {
	a := heap.Pop(&c.alarms).(*alarm)
	if a.due.After(c.now) {
		c.now = a.due
	}
	if a.wait != nil {
		c.release(a.wait, timedOut)
		return
	}
	c.work++
	c.mu.Unlock()
	a.f()
	c.mu.Lock()
	c.work--
}

// release lets w go on. mu is held.
func (c *clock) release(w *wait, o outcome) {
	if w.alarm != nil {
		c.unset(w.alarm)
	}
	list := &c.waits
	if w.own {
		list = &c.own
	}
	*list = slices.DeleteFunc(*list, func(x *wait) bool { return x == w })
	c.work++
	w.ch <- o
}

// Now implements vm.Clock.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Work implements vm.Clock.
func (c *clock) Work(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.work += n; c.work == 0 {
		c.changed.Signal()
	}
}

// Want implements vm.Clock.
func (c *clock) Want(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.want += n
	c.changed.Signal()
}

// Wait implements vm.Clock.
func (c *clock) Wait(d time.Duration, ended func() bool) bool {
	return c.wait(&wait{ended: ended}, d) == timedOut
}

// await waits for ended to be true, on behalf of the test: for d at most, and no
// longer than it can be.
func (c *clock) await(d time.Duration, ended func() bool) outcome {
	return c.wait(&wait{ended: ended, own: true, hopes: true}, d)
}

// pass lets time pass; 0: until nobody is at work.
func (c *clock) pass(d time.Duration) outcome {
	if d == 0 {
		return c.wait(&wait{ended: func() bool { return true }, own: true}, -1)
	}
	return c.wait(&wait{ended: func() bool { return false }, own: true}, d)
}

func (c *clock) wait(w *wait, d time.Duration) outcome {
	w.ch = make(chan outcome, 1)
	c.mu.Lock()
	if c.over {
		c.mu.Unlock()
		return givenUp
	}
	if w.own {
		c.own = append(c.own, w)
	} else {
		c.waits = append(c.waits, w)
	}
	if d >= 0 {
		w.alarm = &alarm{wait: w, index: -1}
		c.setAlarm(w.alarm, d)
	}
	if c.work--; c.work == 0 {
		c.changed.Signal()
	}
	c.mu.Unlock()
	return <-w.ch
}

// A setting is a vm.Timer.
type setting struct {
	c *clock
	a *alarm
}

// AfterFunc implements vm.Clock.
func (c *clock) AfterFunc(d time.Duration, f func()) vm.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &alarm{f: f, index: -1}
	c.setAlarm(a, d)
	return &setting{c, a}
}

// Stop implements vm.Timer.
func (t *setting) Stop() bool {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	return t.c.unset(t.a)
}

// Reset implements vm.Timer.
func (t *setting) Reset(d time.Duration) bool {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	was := t.c.unset(t.a)
	t.c.setAlarm(t.a, d)
	return was
}

// setAlarm has a happen d from now. mu is held.
func (c *clock) setAlarm(a *alarm, d time.Duration) {
	if c.over {
		return
	}
	c.set++
	a.due, a.seq = c.now.Add(max(d, 0)), c.set
	heap.Push(&c.alarms, a)
	c.changed.Signal()
}

// unset has a not happen; false: it was not to. mu is held.
func (c *clock) unset(a *alarm) bool {
	if a.index < 0 {
		return false
	}
	heap.Remove(&c.alarms, a.index)
	return true
}

// alarms is a heap: the first is due first. Of one time those of the test come
// last, and else the one that was set up first comes first.
type alarms []*alarm

func (a alarms) Len() int { return len(a) }

func (a alarms) Less(i, j int) bool {
	x, y := a[i], a[j]
	if !x.due.Equal(y.due) {
		return x.due.Before(y.due)
	}
	if x.isOwn() != y.isOwn() {
		return y.isOwn()
	}
	return x.seq < y.seq
}

func (a *alarm) isOwn() bool { return a.wait != nil && a.wait.own }

func (a alarms) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].index, a[j].index = i, j
}

func (a *alarms) Push(x any) {
	one := x.(*alarm)
	one.index = len(*a)
	*a = append(*a, one)
}

func (a *alarms) Pop() any {
	n := len(*a) - 1
	last := (*a)[n]
	(*a)[n] = nil
	*a = (*a)[:n]
	last.index = -1
	return last
}
