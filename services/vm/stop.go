package vm

import (
	"context"
	"sync/atomic"
	"time"
)

// grace is how long Stop waits for the executors after it has interrupted Lua.
const grace = time.Second

// An errand is a function for Do, as a Target.
type errand struct {
	f     func(in *Instance) error
	begun atomic.Bool // by the executor, or given up by the caller
	done  chan error
}

func (d *errand) Handle(in *Instance, _ Event) {
	if in.MoveOff() {
		return
	}
	if !d.begun.Swap(true) {
		in.running.rewind(0)
		in.turn.Store(0)
		err := d.f(in)
		in.newTurn()
		in.want(-1)
		d.done <- err
	}
}

func (d *errand) Gate() *Gate { return nil }
func (d *errand) Room()       {}

// Do runs f with the baton held, on an executor, behind what was accepted
// before, and returns its error. If ctx ends first Do returns ctx's error, and
// f is not called, or, if it has begun, goes on. The error is ErrStopped
// after Stop. There is no limit of its time. Do must not be called with the baton
// held.
func (in *Instance) Do(ctx context.Context, f func(in *Instance) error) error {
	d := &errand{f: f, done: make(chan error, 1)}
	in.Work(1) // until the event is
	in.want(1)
	err := in.Post(Event{Target: d})
	if err != nil {
		in.want(-1)
	}
	in.Work(-1)
	if err != nil {
		return err
	}
	select {
	case err := <-d.done:
		return err
	case <-ctx.Done():
		if !d.begun.Swap(true) {
			in.want(-1)
		}
		select {
		case err := <-d.done: // at the same time
			return err
		default:
			return ctx.Err()
		}
	}
}

// Halt asks what runs to come to an end: Halted is true from now on, and
// Halting's channel is closed. Nothing is refused or interrupted yet. Stop
// halts, too.
func (in *Instance) Halt() {
	in.Work(1) // until those who wait can see it
	in.haltNow()
	in.Work(-1)
}

// Halting is closed by Halt: bindings that wait should return then.
func (in *Instance) Halting() <-chan struct{} { return in.haltCtx.Done() }

// Halted reports whether Halt or Stop has been called.
func (in *Instance) Halted() bool { return in.haltCtx.Err() != nil }

// Interrupt ends the Lua that handles an event of t, whatever it catches, and that of
// its events to come, until another t is named. A wait goes on until t's Context ends,
// where it is a Waiter. Any goroutine.
func (in *Instance) Interrupt(t Target) {
	in.hook.unwanted.Store(&t)
	in.hook.attention.Store(true)
}

// InterruptAll has whatever runs end so, be it a task of another's, until it is called
// with false.
func (in *Instance) InterruptAll(on bool) {
	in.hook.allUnwanted.Store(on)
	in.hook.attention.Store(true)
}

// Breathe ends the turn in the midst of a handler that goes on for long: what
// was written goes out, and whoever waits for the baton has it for a while. It
// is for bindings; the baton must be held.
func (in *Instance) Breathe() {
	in.mu.Lock()
	alone := in.first == nil && !in.pending()
	in.mu.Unlock()
	if alone || in.running.inline {
		in.endTurn()
		in.ran = true
		return
	}
	in.Wait(func(context.Context) {})
}

// Stop ends the instance. From now on Offer, Post and Do return ErrStopped.
// What was accepted is handled; then the executors end, and Stop returns nil.
//
// If ctx ends first, Lua is interrupted: the calls under way end with an error
// that wraps ErrStopped, those to come do so at once, and the contexts of
// Block end. Handle is still called for all that was accepted. Stop then waits
// for the executors for at most a second, in case a binding does not heed its
// context, and returns ctx's error.
//
// Stop may be called more than once, but not with the baton held.
func (in *Instance) Stop(ctx context.Context) error {
	in.Halt()
	in.mu.Lock()
	if !in.stopping {
		in.stopping = true
		in.Work(1)
		in.want(1)
		if !in.taken {
			in.endIfDone()
		}
		in.Work(-1)
	}
	in.mu.Unlock()
	select {
	case <-in.done:
		return nil
	default:
	}
	select {
	case <-in.done:
		return nil
	case <-ctx.Done():
	}
	in.hook.interrupted.Store(true)
	in.hook.attention.Store(true)
	in.Work(1) // as in Halt
	in.cancel()
	in.Work(-1)
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-in.done:
	case <-t.C:
	}
	return ctx.Err()
}

// Done is closed when the instance has been stopped and its executors have ended.
func (in *Instance) Done() <-chan struct{} { return in.done }

// endIfDone ends the idle executors once nothing is left to be done: then all
// executors are idle. The baton is free; mu is held.
func (in *Instance) endIfDone() {
	if !in.stopping || in.events > 0 || in.ended {
		return
	}
	in.ended = true
	in.want(-1)
	for _, e := range in.idle {
		e.wake <- struct{}{}
	}
	in.executors -= len(in.idle)
	in.idle = nil
	in.cancel()
	collections.hooks.Delete(in.hook)
	close(in.done)
}
