package vm

import (
	"context"

	lua "github.com/yuin/gopher-lua"
)

// Block is the door for bindings that have to wait: it gives the baton away,
// calls wait as plain Go, and takes the baton again. The binding must have
// taken what it needs from L before, and wait must not touch L or any other
// Lua value. ctx ends when Stop's deadline has passed, or as the event's Waiter
// has it; wait should return then. What wait panics with goes on up to Lua, with the baton held.
//
// The replies written so far go out before the wait: Block ends the turn.
func Block(L *lua.LState, wait func(ctx context.Context)) { Of(L).Wait(wait) }

// Wait is Block for a Target that has to wait in Handle, outside of Lua. The
// baton must be held.
func (in *Instance) Wait(wait func(ctx context.Context)) {
	e, thread := in.running, in.main.G.CurrentThread
	if e.inline {
		thread.RaiseError("%s", errWaits)
	}
	ctx := in.ctx
	if w, ok := e.current.Target.(Waiter); ok {
		ctx = w.Context()
	}
	e.leave()
	defer e.enter(thread)
	wait(ctx)
}

// Handling is the target whose event is being handled: in the midst of a
// handler that has waited, too. The baton must be held, in Target.Handle or
// below it.
func (in *Instance) Handling() Target { return in.running.current.Target }

// leave gives the baton away before a wait.
func (e *executor) leave() {
	in := e.in
	in.endTurn()
	e.clock.stop()
	e.index = len(in.waiting)
	in.waiting = append(in.waiting, e)
	first := !e.blocked
	e.takeOut()
	in.mu.Lock()
	in.settle()
	in.makeRoom()
	if e.runner {
		e.runner, in.hasRunner = false, false
	}
	in.blocked++
	if first {
		in.inFlight++
	}
	in.Work(1) // the wait; it may be one for the clock itself
	// Where too many are in flight the first that comes to its end is the next
	// runner: see finish.
	if !in.hasRunner && in.inFlight < in.limits.InFlight && in.pending() {
		in.startRunner()
	}
	in.release()
	in.mu.Unlock()
}

// takeOut takes the event being handled out of the batch, which others will
// go on with, and closes its gate.
func (e *executor) takeOut() {
	if e.blocked {
		return
	}
	e.blocked = true
	e.in.putAside(e.current)
	e.own, *e.current = *e.current, item{}
	e.current = &e.own
	e.hold(e.own.gate)
}

// hold closes the gate of e's event.
func (e *executor) hold(g *Gate) {
	switch {
	case g == nil:
	case g.Loose:
		g.blocked++
	default:
		g.holder = e
	}
}

// enter takes the baton after a wait and restores what others have moved.
func (e *executor) enter(thread *lua.LState) {
	in := e.in
	in.mu.Lock()
	in.blocked--
	waits := in.taken
	if waits {
		in.enqueue(e)
		in.Work(-1) // but the holder is
	} else {
		in.taken = true
	}
	in.mu.Unlock()
	if waits {
		<-e.wake
	}
	n := len(in.waiting) - 1
	last := in.waiting[n]
	in.waiting[e.index], last.index = last, e.index
	in.waiting[n], in.waiting = nil, in.waiting[:n]
	in.running = e
	in.ran = true
	in.hook.left = 0
	in.newTurn()
	if e.clock.limit == 0 {
		in.turn.Store(0)
	}
	in.main.G.CurrentThread = thread
}

// endTurn calls TurnEnd if anything has run since the last. The baton is held.
func (in *Instance) endTurn() {
	if !in.ran {
		return
	}
	in.ran = false
	if in.turnEnd != nil {
		in.turnEnd()
	}
	for i, f := range in.atTurnEnd {
		in.atTurnEnd[i] = nil
		f()
	}
	in.atTurnEnd = in.atTurnEnd[:0]
}

// AtTurnEnd has f called once, at the end of the turn, behind Config.TurnEnd: by a module that
// has something to be sent then. It must neither block nor call Lua, nor AtTurnEnd. The
// baton must be held.
func (in *Instance) AtTurnEnd(f func()) { in.atTurnEnd = append(in.atTurnEnd, f) }

// startRunner makes an idle or a new executor the runner: it has the baton, or
// its place in the queue for it, when startRunner returns; with the baton unlock
// tells it so. mu is held.
func (in *Instance) startRunner() {
	e := in.inline
	if e == nil {
		e = in.idleExecutor()
	}
	e.runner, in.hasRunner = true, true
	if in.taken {
		in.enqueue(e)
		return
	}
	in.taken = true
	in.Work(1)
	in.chosen = e
}

// idleExecutor is one that is idle, or a new one. mu is held.
func (in *Instance) idleExecutor() (e *executor) {
	if n := len(in.idle); n > 0 {
		e, in.idle[n-1] = in.idle[n-1], nil
		in.idle = in.idle[:n-1]
	} else {
		e = &executor{in: in, wake: make(chan struct{}, 1)}
		e.begin = e.signal
		in.executors++
	}
	return e
}

// signal tells e that the baton is its own.
func (e *executor) signal() {
	if e.inline {
		e.in.turn.Store(0) // the loop may have other things to do for long
		e.in.config.Loop.Post(e.begin)
		return
	}
	if !e.started {
		e.started = true
		go e.run()
		return
	}
	e.wake <- struct{}{}
}

// enqueue has e wait for the baton, behind those who do already. mu is held.
func (in *Instance) enqueue(e *executor) {
	if in.first == nil {
		in.first = e
	} else {
		in.last.next = e
	}
	in.last = e
	in.wanted.Add(1)
}

// release gives the baton to the first who waits for it, if anyone does. mu is
// held.
func (in *Instance) release() {
	e := in.first
	if e == nil {
		in.taken = false
		in.turn.Store(0)
		in.endIfDone()
		in.Work(-1)
		return
	}
	in.first, e.next = e.next, nil
	in.wanted.Add(-1)
	e.signal()
}
