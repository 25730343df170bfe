package vm

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// period is how many instructions of Lua, or as much work in Go, pass between
// two looks at the clock: some 20 µs.
const period = 1000

// yieldLooks is after how many looks other goroutines have a processor: some 100 µs.
// Go's scheduler takes it away after 10 ms only, for which event loops, and the
// instances of other services, would wait.
const yieldLooks = 5

// A hook is the context of all threads of an instance. gopher-lua calls Done
// before every instruction, on the goroutine that runs it: it is where Lua is
// counted and ended.
type hook struct {
	in          *Instance
	left        int         // instructions until the next look; owned by the baton's holder
	looks       uint        // likewise
	attention   atomic.Bool // look at once
	interrupted atomic.Bool // attention is set, too
	unwanted    atomic.Pointer[Target]
	allUnwanted atomic.Bool
}

var (
	_ context.Context = (*hook)(nil)

	closed = func() chan struct{} {
		c := make(chan struct{})
		close(c)
		return c
	}()
)

func (h *hook) Done() <-chan struct{} {
	if h.left--; h.left >= 0 && !h.attention.Load() || h.look() == nil {
		return nil
	}
	return closed
}

func (h *hook) Err() error                       { return h.verdict() }
func (h *hook) Deadline() (t time.Time, ok bool) { return }
func (h *hook) Value(any) any                    { return nil }

// look asks whether what runs may go on. Once it may not, each instruction asks
// again: there is nothing that Lua could catch it with.
func (h *hook) look() error {
	soon := h.attention.Load() && h.attention.Swap(false)
	if err := h.verdict(); err != nil {
		return err
	}
	c := &h.in.running.clock
	if c.limit > 0 && c.since.IsZero() {
		h.in.newTurn() // there may be several slow ones in a turn: see Turn
	}
	if t := h.unwanted.Load(); t != nil && *t == h.in.running.current.Target || h.allUnwanted.Load() {
		c.over = ErrInterrupted
	}
	if c.look(); c.over == nil && !c.spare {
		c.over = h.in.lookMemory(soon)
	}
	if c.over != nil {
		h.left = 0
		return c.over
	}
	h.left = period
	if h.looks++; h.looks%yieldLooks == 0 {
		runtime.Gosched()
	}
	return nil
}

// verdict is why nothing may go on; nil: it may.
func (h *hook) verdict() error {
	if h.interrupted.Load() {
		return ErrStopped
	}
	return h.in.running.clock.over
}

// spend counts work in Go as if it were so many instructions of Lua. The error
// is to be raised. The baton must be held.
func (in *Instance) spend(n int) error {
	if in.hook.left -= n; in.hook.left >= 0 && !in.hook.attention.Load() {
		return nil
	}
	return in.hook.look()
}

// A clock holds a call to its time. It begins with the first look, so that short
// calls do not read the time at all. A call that has hardly run may see much time go by
// between two looks: the machine stood still, or Go's collector stopped the world for
// it. So no two looks count for more than half the limit.
type clock struct {
	limit time.Duration // 0: none
	used  time.Duration // before since
	since time.Time     // the last look; zero: it was not looked at since it runs on
	spare bool          // memory is not looked at: it is to give some back
	over  error         // the time is over, or there is not enough memory

	budget  *Budget // shared with others; nil: with nobody
	spawned bool    // each wait has the time begin anew
}

// look reads the time.
func (c *clock) look() {
	if c.limit == 0 {
		return
	}
	now := time.Now()
	if c.since.IsZero() && c.spawned {
		c.used = c.budget.spent(now)
	}
	c.count(now)
	c.since = now
	if c.used > c.limit {
		c.over = ErrTime
	}
}

// count adds what went by since the last look.
func (c *clock) count(now time.Time) {
	if !c.since.IsZero() {
		c.used += min(now.Sub(c.since), c.limit/2)
	}
}

// stop has the time stand still until the next look.
func (c *clock) stop() {
	switch {
	case c.spawned:
		c.used, c.since = 0, time.Time{}
	case !c.since.IsZero():
		c.count(time.Now())
		c.since = time.Time{}
	}
}

// A Budget is the time of a call, limited by Config.CallTime, that those it has
// spawned have with it: without it each of thousands would have as much of its own. It
// comes back as fast as time goes by. The baton must be held; nil is one without
// end.
type Budget struct {
	used time.Duration
	at   time.Time // as of then
}

// spent is what is used of it now.
func (b *Budget) spent(now time.Time) time.Duration {
	if b == nil {
		return 0
	}
	return max(b.used-now.Sub(b.at), 0)
}

// charge counts the time of a call that has ended.
func (c *clock) charge() {
	now := time.Now()
	c.count(now)
	if !c.spawned { // the spawner's own, which did not begin with what others have spent
		c.used += c.budget.spent(now)
	}
	*c.budget = Budget{used: c.used, at: now}
}

// Budget is that of the event at hand, for what it spawns: an event that is handled
// later, begins with Spawned. nil: its time is not limited. The baton must be
// held.
func (in *Instance) Budget() *Budget {
	c := &in.running.clock
	if c.limit > 0 && c.budget == nil {
		c.look() // it may not have begun
		c.budget = &Budget{}
	}
	return c.budget
}

// Spawned has the event at hand, which has not run yet, draw on the budget of who
// spawned it. Each of its waits gives it its time back: what runs beside the
// handlers, for as long as the instance does, is limited from one wait to the
// next. The baton must be held.
func (in *Instance) Spawned(b *Budget) {
	c := &in.running.clock
	c.budget, c.spawned = b, true
	c.look()
}

// Renew gives the event at hand its time anew, for what is to be done about an
// error. The baton must be held, and no Lua run.
func (in *Instance) Renew() {
	c := &in.running.clock
	if c.limit > 0 {
		if c.budget == nil {
			c.budget = &Budget{}
		}
		c.charge() // what is spawned meanwhile has what is left
	}
	*c = clock{limit: c.limit, spare: c.spare, budget: c.budget}
	in.hook.left = period
}

// rewind gives e a new clock, for the next event.
func (e *executor) rewind(limit time.Duration) {
	e.clock = clock{limit: limit}
	e.in.hook.left = period
}
