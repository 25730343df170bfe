package vm

import (
	"context"
	"errors"
	"math"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// A Waiter is a Target whose waits can be ended one by one: where Block or Wait
// is called while an event of it is handled, this is the context that wait gets.
// It is to be derived from Instance.Context.
type Waiter interface {
	Target
	Context() context.Context
}

// Context ends when Stop interrupts the instance.
func (in *Instance) Context() context.Context { return in.ctx }

// ErrCancelled is what bindings raise, as text, whose wait was ended before there
// was a result.
var ErrCancelled = errors.New("cancelled while waiting")

// ErrTimeout is what bindings return, as text, whose time is over.
var ErrTimeout = errors.New("timeout")

// ErrHalted is what bindings return, as text, whose wait has ended because the
// instance has to stop.
var ErrHalted = errors.New("the service has to stop")

// Await is Block until done is closed or ready to be received from. timeout < 0
// means no limit. The error is ErrTimeout, or ErrCancelled.
func Await[T any](L *lua.LState, done <-chan T, timeout time.Duration) (err error) {
	select {
	case <-done:
		return nil
	default:
	}
	if timeout == 0 {
		return ErrTimeout
	}
	in := Of(L)
	in.Wait(func(ctx context.Context) { err = await(in, ctx, done, nil, timeout) })
	return err
}

// AwaitHalt is Await that ends with ErrHalted, too: when the instance has to stop.
// Where it has to already, that is after a short rest, as in Sleep.
func AwaitHalt[T any](L *lua.LState, done <-chan T, timeout time.Duration) (err error) {
	select {
	case <-done:
		return nil
	default:
	}
	if timeout == 0 {
		return ErrTimeout
	}
	in := Of(L)
	halting, halted := in.Halting(), in.Halted()
	if halted {
		if halting = nil; timeout < 0 || timeout > shortRest {
			timeout = shortRest
		}
	}
	in.Wait(func(ctx context.Context) { err = await(in, ctx, done, halting, timeout) })
	if halted && err == ErrTimeout {
		return ErrHalted
	}
	return err
}

// AwaitOthers is for what others of the instance do: tasks, and who gives back what is
// waited for. In a program (Config.Standalone) that has to stop it is AwaitHalt, since they
// may never do it: timers have ended, and who is to do it may wait for the program.
// Elsewhere it is Await: handlers of messages that were accepted still need it.
func AwaitOthers[T any](L *lua.LState, done <-chan T, timeout time.Duration) error {
	if Of(L).config.Standalone {
		return AwaitHalt(L, done, timeout)
	}
	return Await(L, done, timeout)
}

// PushOutcome pushes true; or false and "timeout", or that the service has to stop; any
// other error is raised.
func PushOutcome(L *lua.LState, err error) int {
	switch err {
	case nil:
		L.Push(lua.LTrue)
		return 1
	case ErrTimeout, ErrHalted:
		L.Push(lua.LFalse)
		L.Push(lua.LString(err.Error()))
		return 2
	}
	raise(L, err)
	return 0
}

// raise raises the error of a wait; or why nothing may go on at all.
func raise(L *lua.LState, err error) {
	fail(L, Of(L).hook.look())
	fail(L, err)
}

// Event tells events apart: it is the same for all that the handling of one does,
// and no other's while that lasts. The baton must be held.
func (in *Instance) Event() any { return in.running }

// longest is how long a wait lasts at most: some 292 years.
const longest = time.Duration(math.MaxInt64)

// Span is n units, as far as a Duration reaches. n must not be negative.
func Span(n float64, unit time.Duration) time.Duration {
	if d := n * float64(unit); d < float64(longest) {
		return time.Duration(d)
	}
	return longest
}

// CheckSeconds is the n-th argument, a number of seconds that is not negative.
func CheckSeconds(L *lua.LState, n int) time.Duration {
	s := L.CheckNumber(n)
	if !(s >= 0) {
		L.ArgError(n, "must not be negative")
	}
	return Span(float64(s), time.Second)
}

// OptTimeout is the n-th argument, a number of seconds; -1 where there is none.
func OptTimeout(L *lua.LState, n int) time.Duration {
	if L.Get(n) == lua.LNil {
		return -1
	}
	return CheckSeconds(L, n)
}

// shortRest is how long a sleep lasts that begins when the instance has to stop
// already: a program that does not ask must_stop() shall not occupy a core
// until it is interrupted.
const shortRest = 10 * time.Millisecond

// Sleep is Block for a time; false: the instance has to stop, and the sleep has
// ended early. Where the wait is ended for another reason it raises ErrCancelled.
func Sleep(L *lua.LState, d time.Duration) (whole bool) {
	in := Of(L)
	halting := in.Halting()
	if in.Halted() {
		halting, d = nil, min(d, shortRest)
	}
	cancelled := false
	in.Wait(func(ctx context.Context) {
		err := await(in, ctx, halting, nil, d)
		whole = err == ErrTimeout && halting != nil
		cancelled = err == ErrCancelled && !in.Halted()
	})
	if cancelled {
		raise(L, ErrCancelled)
	}
	return whole
}

// sleep is the global sleep(seconds): true, or false where the service has to
// stop.
func sleep(L *lua.LState) int {
	L.Push(lua.LBool(Sleep(L, CheckSeconds(L, 1))))
	return 1
}

// AtEnd has f called when the event at hand has been handled, with the baton
// held: the last first. It must not call Lua, and not wait.
func (in *Instance) AtEnd(f func()) {
	e := in.running
	e.atEnd = append(e.atEnd, f)
}

// end calls what AtEnd was given.
func (e *executor) end() {
	for n := len(e.atEnd); n > 0; n = len(e.atEnd) {
		f := e.atEnd[n-1]
		e.atEnd[n-1] = nil
		e.atEnd = e.atEnd[:n-1]
		f()
	}
}

// AtHalt has f called by Halt, or Stop; at once where that was called already.
// It is called on any goroutine, must not block, and not call Lua. forget has it
// not be called any more.
func (in *Instance) AtHalt(f func()) (forget func()) {
	stop := context.AfterFunc(in.haltCtx, f)
	return func() { stop() }
}

// Failed tells Config.OnError.
func (in *Instance) Failed(what string, err error) {
	if in.config.OnError != nil {
		in.config.OnError(what, err)
	}
}
