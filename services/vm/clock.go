package vm

import (
	"context"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// A Clock is the time that the instances of Config.Clock know: what they read, and
// what their sleeps, timers and timeouts wait for. It may go on in leaps, where
// nothing is left to be done meanwhile; so it is told what is. Its methods may be
// called from any goroutine, with the baton held or not, and do not call Lua.
//
// How long a call may run, and a turn, is a matter of real time always.
type Clock interface {
	Now() time.Time

	// AfterFunc has f called d from now. f does not block.
	AfterFunc(d time.Duration, f func()) Timer

	// Wait waits until ended returns true, or, with timedOut, for d; d < 0 means
	// no limit. ended is called from time to time, on any goroutine, and must not
	// block. Neither: the clock has been given up. The caller is at work, and is
	// not while it waits.
	Wait(d time.Duration, ended func() bool) (timedOut bool)

	// Work says that n more are at work, or, below 0, fewer: while anybody is the
	// time stands still.
	Work(n int)

	// Want says that n more wait for something that may take time, or fewer: while
	// nobody does the time stands still.
	Want(n int)
}

// A Timer is what AfterFunc returns: see time.Timer.
type Timer interface {
	Stop() bool
	Reset(d time.Duration) bool
}

// Now is the time, as Config.Clock has it.
func (in *Instance) Now() time.Time {
	if c := in.config.Clock; c != nil {
		return c.Now()
	}
	return time.Now()
}

// AfterFunc has f called d from now, as Config.Clock has it, on any goroutine. f
// must not block.
func (in *Instance) AfterFunc(d time.Duration, f func()) Timer {
	if c := in.config.Clock; c != nil {
		return c.AfterFunc(d, f)
	}
	return time.AfterFunc(d, f)
}

// Work tells Config.Clock that n more, or fewer, goroutines are at work.
func (in *Instance) Work(n int) {
	if c := in.config.Clock; c != nil {
		c.Work(n)
	}
}

func (in *Instance) want(n int) {
	if c := in.config.Clock; c != nil {
		c.Want(n)
	}
}

// Run is Do without a context, for a goroutine of the instance's own, which Work
// knows: nobody wants the time to pass for f.
func (in *Instance) Run(f func(in *Instance) error) error {
	return in.Do(context.Background(), func(in *Instance) error {
		in.want(-1)
		in.Work(-1)
		defer func() {
			in.Work(1)
			in.want(1)
		}()
		return f(in)
	})
}

// Rest waits for d on a goroutine that Work knows; false: the instance has to stop.
func (in *Instance) Rest(d time.Duration) (whole bool) {
	return await(in, context.Background(), in.Halting(), nil, d) == ErrTimeout
}

// await waits for done, for halting, which may be nil, for the end of ctx, or for
// timeout; below 0 that is no limit.
func await[T any](in *Instance, ctx context.Context, done <-chan T, halting <-chan struct{}, timeout time.Duration) error {
	if in.config.Clock != nil {
		return in.awaitClock(timeout, func() error {
			select {
			case <-done:
				return nil
			case <-halting:
				return ErrHalted
			case <-ctx.Done():
				return ErrCancelled
			default:
				return ErrTimeout
			}
		})
	}
	var over <-chan time.Time
	if timeout >= 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-done:
		return nil
	case <-halting:
		return ErrHalted
	case <-over:
		return ErrTimeout
	case <-ctx.Done():
		return ErrCancelled
	}
}

// awaitClock is await where there is a Clock. look returns ErrTimeout while there
// is nothing to be seen.
func (in *Instance) awaitClock(timeout time.Duration, look func() error) error {
	err := ErrCancelled
	if in.config.Clock.Wait(timeout, func() bool { err = look(); return err != ErrTimeout }) {
		return ErrTimeout
	}
	if err == ErrTimeout { // the clock has been given up
		return ErrCancelled
	}
	return err
}

// openClock has os.clock tell the time of Config.Clock; date and time do by themselves.
func (in *Instance) openClock(os *lua.LTable) {
	c := in.config.Clock
	began := c.Now()
	in.main.SetFuncs(os, map[string]lua.LGFunction{
		"clock": func(L *lua.LState) int {
			L.Push(lua.LNumber(c.Now().Sub(began).Seconds()))
			return 1
		},
	})
}
