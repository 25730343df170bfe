// Package timer is the module timer: functions that are called later, in the
// same instance.
//
//	local t = timer.after(seconds, fn, ...)    once
//	local t = timer.every(seconds, fn, ...)    again and again, until fn returns false
//	t:cancel()                                 whether there was anything to cancel
//
// What is called runs as a handler does: other events of the instance are
// handled before and behind it, and its time is limited as a task's is. A call of every that
// still runs, or waits to, when the next is due has that left out. An error is
// told to the instance (vm.Config.OnError), and every goes on. All timers end
// when the instance halts.
package timer

import (
	_ "embed"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

const (
	// maxTimers is how many timers of an instance there may be.
	maxTimers = 10_000

	// shortest is the shortest period of every.
	shortest = time.Millisecond
)

//go:embed types.lua
var types string

// Module is the module, for any number of instances.
func Module() vm.Module { return vm.Module{Name: "timer", Types: types, Open: open} }

// timers are those of an instance. Owned by the baton's holder.
type timers struct {
	count int
	meta  *lua.LTable
}

func open(in *vm.Instance, L *lua.LState) lua.LValue {
	ts := &timers{meta: L.CreateTable(0, 8)}
	ts.meta.RawSetString("__index", L.SetFuncs(L.CreateTable(0, 8), map[string]lua.LGFunction{"cancel": ts.cancel}))
	ts.meta.RawSetString("__metatable", lua.LFalse)
	return L.SetFuncs(L.CreateTable(0, 8), map[string]lua.LGFunction{"after": ts.after, "every": ts.every})
}

// A timer is a vm.Target: an event is a call. Its fields are owned by the baton's
// holder.
type timer struct {
	owner  *timers
	budget *vm.Budget // of who has started it
	in     *vm.Instance
	fn     lua.LValue
	args   []lua.LValue
	period time.Duration // of every; 0: once
	due    time.Time     // when the next call is, or was
	timer  vm.Timer
	forget func() // AtHalt's
	over   bool
}

// Gate implements vm.Target: timers have no order.
func (t *timer) Gate() *vm.Gate { return nil }

// Room implements vm.Target.
func (t *timer) Room() {}

// Handle implements vm.Target.
func (t *timer) Handle(in *vm.Instance, _ vm.Event) {
	if in.MoveOff() {
		return
	}
	if t.over || in.Halted() {
		return
	}
	in.Spawned(t.budget)
	if t.period == 0 {
		fn, args := t.fn, t.args
		t.end()
		if _, err := in.Call(fn, args...); err != nil {
			in.Failed("timer", err)
		}
		return
	}
	again, err := in.Call(t.fn, t.args...)
	if err != nil {
		in.Failed("timer", err)
	}
	switch {
	case t.over:
	case again == lua.LFalse && err == nil:
		t.end()
	default:
		t.next()
	}
}

// next has the function called at the next moment of its rhythm.
func (t *timer) next() {
	now := t.in.Now()
	if late := now.Sub(t.due); late >= 0 {
		t.due = t.due.Add((late/t.period + 1) * t.period)
	}
	t.timer.Reset(t.due.Sub(now))
}

// end is the end of the timer.
func (t *timer) end() {
	t.over = true
	t.owner.count--
	t.timer.Stop()
	t.forget()
	t.fn, t.args = nil, nil
}

func (ts *timers) after(L *lua.LState) int { return ts.start(L, vm.CheckSeconds(L, 1), 0) }

func (ts *timers) every(L *lua.LState) int {
	period := vm.CheckSeconds(L, 1)
	if period < shortest {
		L.ArgError(1, "must be at least 0.001")
	}
	return ts.start(L, period, period)
}

func (ts *timers) start(L *lua.LState, d, period time.Duration) int {
	fn := L.CheckFunction(2)
	if ts.count >= maxTimers {
		L.RaiseError("too many timers: there are %d", maxTimers)
	}
	in := vm.Of(L)
	if in.Halted() {
		L.RaiseError("the service has to stop")
	}
	ts.count++
	t := &timer{owner: ts, budget: in.Budget(), in: in, fn: fn, period: period, due: in.Now().Add(d)}
	for i := 3; i <= L.GetTop(); i++ {
		t.args = append(t.args, L.Get(i))
	}
	t.timer = in.AfterFunc(d, func() { _ = t.in.Post(vm.Event{Target: t}) }) // or the instance has stopped
	t.forget = in.AtHalt(func() { t.timer.Stop() })
	L.Push(&lua.LUserData{Value: t, Metatable: ts.meta})
	return 1
}

// cancel is t:cancel.
func (ts *timers) cancel(L *lua.LState) int {
	u, ok := L.Get(1).(*lua.LUserData)
	var t *timer
	if ok {
		t, ok = u.Value.(*timer)
	}
	if !ok {
		L.ArgError(1, "timer expected, got "+L.Get(1).Type().String())
	}
	L.Push(lua.LBool(!t.over))
	if !t.over {
		t.end()
	}
	return 1
}
