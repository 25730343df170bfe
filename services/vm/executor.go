package vm

import (
	"runtime/pprof"
	"time"

	lua "github.com/yuin/gopher-lua"
)

const (
	turnEvents       = 256              // events of a turn, at most
	turnTime         = time.Millisecond // and how long it lasts, about: what it wrote waits for its end
	lookAtClock      = 8                // events between two looks at the clock; the first of a turn, too
	maxIdleExecutors = 8                // parked; more than these end
	slowTurns        = 3                // in succession, from which on events are dealt: see take
)

// An executor is a goroutine that handles events while it holds the baton; or it is
// the one of Config.Loop, see inline.go.
//
//	            startRunner           Block                  the wait is over
//	idle, new -------------> runner ---------> blocked ------------------+
//	  ^                       |  ^                                       |
//	  | nothing is left       |  | there is no runner                    v
//	  +-----------------------+  +-------------------------------- finishing
//	  ^                                                                  |
//	  +------------------------------------------------------------------+
//
// In each state it may have to wait for the baton, first come, first served.
type executor struct {
	in   *Instance
	wake chan struct{} // capacity 1: the baton is yours; without runner: end

	begin func() // signal; of the loop's: step

	inline bool // it is the loop's

	// Guarded by in.mu.
	next *executor // in the queue for the baton

	// Written under in.mu before the executor is woken; then its own.
	started bool
	runner  bool

	// Its own, used with the baton held.
	parked    bool
	current   *item         // whose handler runs: in the batch, or own
	moveOff   bool          // see MoveOff
	blocked   bool          // the handler has blocked: own is its event, and e is not the runner
	own       item          // taken out of the batch when the handler blocked
	held      []item        // what came for own's gate meanwhile
	heldPos   int           // how much of held has been handled
	depth     int           // protected calls and coroutines within each other
	clock     clock         // of the event at hand
	threads   []*lua.LState // that its handler runs on, one within the other
	index     int           // in waiting
	atEnd     []func()      // what AtEnd was given
	requiring []string      // the modules being loaded, outermost first
}

// run is an executor's life; it begins with the baton.
func (e *executor) run() {
	pprof.SetGoroutineLabels(e.in.labelled)
	for {
		e.in.running = e
		e.in.beginTurn()
		if e.blocked { // it was given an event: see giveAway
			e.handle(&e.own)
		}
		if !e.blocked || e.finish() {
			e.work()
		}
		if !e.parked {
			return
		}
		<-e.wake
		if !e.runner && !e.blocked {
			return
		}
	}
}

// work handles events until there are none for e. The baton is held, and has
// been given away when work returns.
func (e *executor) work() {
	for {
		it := e.nextItem()
		if it == nil {
			return
		}
		if g := it.gate; g != nil && g.keeps(it) {
			e.in.putAside(it)
			*it = item{}
			continue
		}
		e.handle(it)
		if e.moveOff {
			e.giveAway()
		}
		if e.blocked && !e.finish() {
			return
		}
	}
}

// handle calls the target. The baton is held.
func (e *executor) handle(it *item) {
	e.current = it
	e.in.ran = true
	e.rewind(e.in.callTime(e))
	e.clock.spare = it.Last
	it.Target.Handle(e.in, it.Event)
	if e.clock.budget != nil {
		e.clock.charge()
	}
	if len(e.atEnd) > 0 {
		e.end()
	}
}

// nextItem returns the runner's next item; nil: there is none and the baton
// has been given away.
func (e *executor) nextItem() *item {
	in := e.in
	over := in.left == 0 || in.pos == len(in.batch) || in.wanted.Load() != 0
	if late := !over && e.late(); over || late {
		in.countSlow(late)
		if !e.turn() {
			return nil
		}
	}
	in.left--
	it := &in.batch[in.pos]
	in.pos++
	return it
}

// late reports whether the turn has lasted long enough. It looks at the clock
// before each event while handlers are slow, and seldom while they are fast.
func (e *executor) late() bool {
	in := e.in
	done := turnEvents - in.left
	return (done == 1 || done%lookAtClock == 0) && time.Since(in.begun) > turnTime
}

// countSlow counts turns that have lasted for too long. A single one may not have had
// a processor. late: this one has.
func (in *Instance) countSlow(late bool) {
	if late || in.slow > 0 && time.Since(in.begun) > turnTime {
		in.slow++
	} else {
		in.slow = 0
	}
}

// beginTurn begins to count a turn's events and its time.
func (in *Instance) beginTurn() {
	in.newTurn()
	in.left = turnEvents
	in.begun = time.Now()
	in.rest(in.begun)
}

// turn ends the runner's turn and begins the next, if there are events.
func (e *executor) turn() bool {
	in := e.in
	in.endTurn()
	in.mu.Lock()
	in.settle()
	in.makeRoom()
	in.take()
	more := in.pos < len(in.batch) && in.inFlight < in.limits.InFlight // or who comes to its end goes on: see leave
	more = e.pass(more)
	if more {
		in.beginTurn()
	}
	return more
}

// finish follows a handler that has blocked: e, which is not the runner,
// strikes off its event, handles what came for its gate meanwhile, and becomes
// the runner if there is none. false: e had nothing to do and has given the
// baton away.
func (e *executor) finish() bool {
	in := e.in
	for {
		in.endTurn()
		in.mu.Lock()
		gate := e.own.gate
		in.settle() // e may not be the runner, but what was put aside is
		in.strikeAside(&e.own)
		in.makeRoom()
		if next := e.nextHeld(gate); next.Target != nil {
			e.pass(true)
			in.newTurn()
			e.own = next
			e.handle(&e.own)
			continue
		}
		e.open(gate)
		if !in.hasRunner && in.pending() {
			if in.inline != nil {
				in.startRunner()
			} else {
				in.hasRunner, e.runner = true, true
			}
		}
		return e.pass(e.runner)
	}
}

// open opens the gate that was held while a handler was blocked. mu is held.
func (e *executor) open(g *Gate) {
	e.blocked = false
	e.in.inFlight--
	if g != nil {
		g.holder = nil
		if g.Loose {
			g.blocked--
		}
	}
	e.held, e.heldPos = e.held[:0], 0
	if cap(e.held) > keepItems {
		e.held = nil
	}
}

// keeps keeps an event for when the blocked handlers of its gate have ended, and
// reports whether it has to. The baton is held.
func (g *Gate) keeps(it *item) bool {
	switch {
	case g.holder != nil:
		g.holder.held = append(g.holder.held, *it)
	case it.Last && g.blocked > 0:
		last := *it
		g.last = &last
	default:
		return false
	}
	return true
}

// nextHeld is what was kept for e, whose handler has ended; one without a Target:
// there is nothing, or others of a loose gate are still blocked. The baton is
// held.
func (e *executor) nextHeld(g *Gate) (next item) {
	switch {
	case e.heldPos < len(e.held):
		next, e.held[e.heldPos] = e.held[e.heldPos], item{}
		if e.heldPos++; 2*e.heldPos > len(e.held) { // or it grows for as long as something is held
			n := copy(e.held, e.held[e.heldPos:])
			clear(e.held[n:])
			e.held, e.heldPos = e.held[:n], 0
		}
	case g != nil && g.blocked == 1 && g.last != nil:
		next, g.last = *g.last, nil
	}
	return next
}

// pass ends a critical section of the baton's holder. If e goes on it keeps
// the baton, unless others wait for it: then it queues behind them. The loop's
// goes on later, and pass returns false. mu is held and has been released when pass
// returns.
func (e *executor) pass(goesOn bool) bool {
	in := e.in
	waits := goesOn && in.first != nil
	switch {
	case !goesOn:
		e.resign()
	case waits:
		in.enqueue(e)
		in.release()
	}
	in.mu.Unlock()
	switch {
	case !goesOn:
		return false
	case e.inline:
		if !waits {
			e.signal()
		}
		return false
	case waits:
		<-e.wake
		in.running = e
	}
	return true
}

// resign parks e, or ends it, and gives the baton away. mu is held.
func (e *executor) resign() {
	in := e.in
	if e.runner {
		e.runner, in.hasRunner = false, false
	}
	e.current = nil
	e.parked = len(in.idle) < maxIdleExecutors
	switch {
	case e.inline:
	case e.parked:
		in.idle = append(in.idle, e)
	default:
		in.executors--
	}
	in.release()
}
