// Package task is the module task: functions that run beside the handler that
// started them, in the same instance.
//
//	local t = task.spawn(fn, ...)
//	t:wait(timeout)             true and what fn returned; or false and the error
//	t:status()                  waiting, running, done, failed or cancelled
//	t:cancel()                  it does not begin, or its wait ends
//	task.wait(t, timeout)       is t:wait(timeout)
//	task.all(list, timeout)     true and an array of first results; or false, the error, and whose it is
//	task.any(list, timeout)     the index of the first that has ended, and what wait returns for it
//
// A task begins when the handler waits or ends, and gives way when it waits
// itself: there is one Lua state, and one runs at a time. A timeout is in seconds;
// none means no limit. One that is over is the error "timeout": the task goes on. In a
// standalone service that has to stop waits end, with that as the error.
// A task that fails without anybody waiting for it is told to the instance
// (vm.Config.OnError). From one wait to the next a task has the time of a handler,
// which it shares with the handler that has spawned it and all that that did.
package task

import (
	"context"
	_ "embed"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

// maxTasks is how many tasks of an instance there may be that have not ended. Half
// as many handlers may be in flight again beside them: see vm.Limits.
const maxTasks = 4_000

//go:embed types.lua
var types string

// Module is the module, for any number of instances.
func Module() vm.Module { return vm.Module{Name: "task", Types: types, Open: open} }

// tasks are those of an instance. Owned by the baton's holder.
type tasks struct {
	count int // that have not ended
	meta  *lua.LTable
}

func open(in *vm.Instance, L *lua.LState) lua.LValue {
	ts := &tasks{meta: L.CreateTable(0, 8)}
	methods := L.SetFuncs(L.CreateTable(0, 8), map[string]lua.LGFunction{"wait": ts.wait, "cancel": ts.cancel, "status": ts.status})
	ts.meta.RawSetString("__index", methods)
	ts.meta.RawSetString("__metatable", lua.LFalse)
	return L.SetFuncs(L.CreateTable(0, 8), map[string]lua.LGFunction{
		"spawn": ts.spawn, "wait": ts.wait, "all": ts.all, "any": ts.any,
	})
}

// A task is a vm.Target with one event. Its fields are owned by the baton's
// holder.
type task struct {
	owner   *tasks
	budget  *vm.Budget // of who has spawned it
	fn      lua.LValue
	args    []lua.LValue
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{} // closed when it has ended
	status  string
	results []lua.LValue
	err     lua.LValue      // nil: none
	awaited bool            // somebody has waited, or waits
	bells   []chan struct{} // of those who wait for any of several; capacity 1
}

var _ vm.Waiter = (*task)(nil)

// Gate implements vm.Target: tasks have no order.
func (t *task) Gate() *vm.Gate { return nil }

// Room implements vm.Target.
func (t *task) Room() {}

// Context implements vm.Waiter.
func (t *task) Context() context.Context { return t.ctx }

// Handle implements vm.Target.
func (t *task) Handle(in *vm.Instance, _ vm.Event) {
	if in.MoveOff() {
		return
	}
	if t.status == "cancelled" { // before it began
		return
	}
	t.status = "running"
	in.Spawned(t.budget)
	results, err := in.CallAll(nil, t.fn, t.args...)
	t.fn, t.args = nil, nil
	switch {
	case err == nil:
		t.end("done", results, nil)
	case t.ctx.Err() != nil:
		t.end("cancelled", nil, lua.LString(vm.ErrCancelled.Error()))
	default:
		t.end("failed", nil, vm.Thrown(err))
		if !t.awaited {
			in.Failed("task", err)
		}
	}
}

func (t *task) end(status string, results []lua.LValue, err lua.LValue) {
	t.status, t.results, t.err = status, results, err
	t.owner.count--
	t.cancel()
	close(t.done)
	for _, bell := range t.bells {
		select {
		case bell <- struct{}{}:
		default: // another one has rung it
		}
	}
}

// spawn is task.spawn.
func (ts *tasks) spawn(L *lua.LState) int {
	fn := L.CheckFunction(1)
	if ts.count >= maxTasks {
		L.RaiseError("too many tasks: there are %d that have not ended", maxTasks)
	}
	in := vm.Of(L)
	t := &task{owner: ts, budget: in.Budget(), fn: fn, done: make(chan struct{}), status: "waiting"}
	for i := 2; i <= L.GetTop(); i++ {
		t.args = append(t.args, L.Get(i))
	}
	t.ctx, t.cancel = context.WithCancel(in.Context())
	if err := in.Post(vm.Event{Target: t}); err != nil {
		t.cancel()
		L.RaiseError("the service has to stop")
	}
	ts.count++
	L.Push(&lua.LUserData{Value: t, Metatable: ts.meta})
	return 1
}

// check is the n-th argument, a task.
func check(L *lua.LState, n int) *task {
	if u, ok := L.Get(n).(*lua.LUserData); ok {
		if t, ok := u.Value.(*task); ok {
			return t
		}
	}
	L.ArgError(n, "task expected, got "+L.Get(n).Type().String())
	return nil
}

// wait is t:wait.
func (ts *tasks) wait(L *lua.LState) int {
	t, timeout := check(L, 1), vm.OptTimeout(L, 2)
	t.refuseOwn(L)
	t.awaited = true
	if err := vm.AwaitOthers(L, t.done, timeout); err != nil {
		return vm.PushOutcome(L, err)
	}
	return t.push(L)
}

// refuseOwn raises an error in a task that would wait for itself.
func (t *task) refuseOwn(L *lua.LState) {
	if own, ok := vm.Of(L).Handling().(*task); ok && own == t {
		L.RaiseError("a task cannot wait for itself")
	}
}

// push pushes what became of a task that has ended.
func (t *task) push(L *lua.LState) int {
	if t.status != "done" {
		L.Push(lua.LFalse)
		L.Push(t.err)
		return 2
	}
	L.Push(lua.LTrue)
	for _, v := range t.results {
		L.Push(v)
	}
	return 1 + len(t.results)
}

// cancel is t:cancel: whether there was anything to cancel.
func (ts *tasks) cancel(L *lua.LState) int {
	t := check(L, 1)
	switch t.status {
	case "waiting":
		t.fn, t.args = nil, nil
		t.end("cancelled", nil, lua.LString(vm.ErrCancelled.Error()))
		L.Push(lua.LTrue)
	case "running":
		t.cancel()
		L.Push(lua.LTrue)
	default:
		L.Push(lua.LFalse)
	}
	return 1
}

// status is t:status.
func (ts *tasks) status(L *lua.LState) int {
	L.Push(lua.LString(check(L, 1).status))
	return 1
}

// list is the n-th argument, an array of tasks.
func list(L *lua.LState, n int) (all []*task) {
	t := L.CheckTable(n)
	for i := 1; i <= t.Len(); i++ {
		u, _ := t.RawGetInt(i).(*lua.LUserData)
		if u == nil {
			L.ArgError(n, "array of tasks expected")
		}
		one, ok := u.Value.(*task)
		if !ok {
			L.ArgError(n, "array of tasks expected")
		}
		one.refuseOwn(L)
		one.awaited = true
		all = append(all, one)
	}
	return all
}

// all is task.all.
func (ts *tasks) all(L *lua.LState) int {
	all, timeout := list(L, 1), vm.OptTimeout(L, 2)
	in := vm.Of(L)
	began := in.Now()
	results := L.CreateTable(len(all), 0)
	for i, t := range all {
		left := timeout
		if timeout > 0 {
			left = max(timeout-in.Now().Sub(began), 0)
		}
		if err := vm.AwaitOthers(L, t.done, left); err != nil {
			return vm.PushOutcome(L, err)
		}
		if t.status != "done" {
			t.push(L)
			L.Push(lua.LNumber(i + 1))
			return 3
		}
		if len(t.results) > 0 {
			results.RawSetInt(i+1, t.results[0])
		}
	}
	L.Push(lua.LTrue)
	L.Push(results)
	return 2
}

// any is task.any.
func (ts *tasks) any(L *lua.LState) int {
	all, timeout := list(L, 1), vm.OptTimeout(L, 2)
	if len(all) == 0 {
		L.ArgError(1, "no task to wait for")
	}
	first := func() int { return slices.IndexFunc(all, (*task).ended) }
	if i := first(); i >= 0 {
		return pushIndexed(L, i, all[i])
	}
	bell := make(chan struct{}, 1)
	for _, t := range all {
		t.bells = append(t.bells, bell)
	}
	err := vm.AwaitOthers(L, bell, timeout)
	for _, t := range all {
		t.bells = slices.DeleteFunc(t.bells, func(b chan struct{}) bool { return b == bell })
	}
	if i := first(); i >= 0 {
		return pushIndexed(L, i, all[i])
	}
	return vm.PushOutcome(L, err)
}

func (t *task) ended() bool { return t.status != "waiting" && t.status != "running" }

func pushIndexed(L *lua.LState, i int, t *task) int {
	L.Push(lua.LNumber(i + 1))
	return 1 + t.push(L)
}
