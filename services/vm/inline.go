package vm

import (
	"context"
	"errors"
	"runtime/pprof"
	"time"
)

// A Loop is an event loop: one goroutine that calls functions. See Config.Loop.
type Loop interface {
	// Post has f called on the loop, soon, after what was posted before, and never
	// from inside Post. Any goroutine.
	Post(f func())
}

// errWaits is raised where a handler would have its event loop wait.
var errWaits = errors.New("a handler of a service that runs inline must not wait; a task may")

// step is a turn of the loop's executor: what others of the loop have to do comes
// between two. It is called on an event loop, with the baton held.
func (e *executor) step() {
	in := e.in
	pprof.SetGoroutineLabels(in.labelled)
	in.running = e
	if in.pos == len(in.batch) {
		in.mu.Lock()
		in.take()
		in.mu.Unlock()
	}
	in.beginTurn()
	e.work()
	pprof.SetGoroutineLabels(context.Background())
}

// callTime is how long a call by e may run.
func (in *Instance) callTime(e *executor) time.Duration {
	if e.inline {
		return in.config.LoopTime
	}
	return in.config.CallTime
}

// MoveOff has the event at hand handled by an executor, by another call of Handle,
// where it is an event loop now that handles it: false, it is not. It is for what
// may wait, or take long. The baton must be held, and Handle return at once.
func (in *Instance) MoveOff() bool {
	e := in.running
	e.moveOff = e.inline
	return e.inline
}

// giveAway gives the event at hand to another executor, which waits for the baton
// with it as if its handler had been blocked.
func (e *executor) giveAway() {
	in := e.in
	e.moveOff = false
	in.putAside(e.current)
	in.mu.Lock()
	defer in.mu.Unlock()
	x := in.idleExecutor()
	x.blocked = true
	x.own, *e.current = *e.current, item{}
	x.hold(x.own.gate)
	in.inFlight++
	in.enqueue(x)
}
