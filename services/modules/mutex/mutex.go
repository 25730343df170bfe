// Package mutex is the module mutex: sections of handlers of one instance that
// must not interleave where they wait.
//
//	local m = mutex.new()
//	m:with(fn, ...)             what fn returns; the mutex is locked meanwhile
//	m:lock(timeout)             true; or false and "timeout", or "the service has to stop"
//	m:unlock()
//	m:locked()                  whether it is
//
// Without waits inside there is nothing to lock: one handler runs at a time. A
// timeout is in seconds; none means no limit. Whoever has waited longest is
// next. with unlocks however fn ends. What lock has locked only the same handler
// unlocks, or its end, be it an error: then whoever waits goes on. In a standalone service
// that has to stop waits end: lock has not locked, and with raises an error.
package mutex

import (
	_ "embed"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

//go:embed types.lua
var types string

// Module is the module, for any number of instances.
func Module() vm.Module { return vm.Module{Name: "mutex", Types: types, Open: open} }

// A mutex is one of Lua's. Owned by the baton's holder.
type mutex struct {
	vm.Semaphore
	hold *hold // nil: it is not locked
}

// A hold is a handler's of a mutex.
type hold struct {
	event any // vm.Instance.Event
}

func open(_ *vm.Instance, L *lua.LState) lua.LValue {
	meta := L.CreateTable(0, 8)
	meta.RawSetString("__index", L.SetFuncs(L.CreateTable(0, 8), map[string]lua.LGFunction{
		"lock": lock, "unlock": unlock, "with": with, "locked": locked,
	}))
	meta.RawSetString("__metatable", lua.LFalse)
	return L.SetFuncs(L.CreateTable(0, 8), map[string]lua.LGFunction{"new": func(L *lua.LState) int {
		m := &mutex{}
		m.Places = 1
		L.Push(&lua.LUserData{Value: m, Metatable: meta})
		return 1
	}})
}

func check(L *lua.LState) *mutex {
	if u, ok := L.Get(1).(*lua.LUserData); ok {
		if m, ok := u.Value.(*mutex); ok {
			return m
		}
	}
	L.ArgError(1, "mutex expected, got "+L.Get(1).Type().String())
	return nil
}

// acquire locks m for the handler at hand, until its end at the latest.
func (m *mutex) acquire(L *lua.LState, wait func() error) error {
	in := vm.Of(L)
	if m.hold != nil && m.hold.event == in.Event() {
		L.RaiseError("the handler has locked this mutex already")
	}
	if err := wait(); err != nil {
		return err
	}
	h := &hold{in.Event()}
	m.hold = h
	in.AtEnd(func() { m.release(h) })
	return nil
}

// release ends h, if it has not ended.
func (m *mutex) release(h *hold) {
	if m.hold == h {
		m.hold = nil
		m.Release()
	}
}

func lock(L *lua.LState) int {
	m, timeout := check(L), vm.OptTimeout(L, 2)
	return vm.PushOutcome(L, m.acquire(L, func() error { return m.Acquire(L, timeout) }))
}

func unlock(L *lua.LState) int {
	m := check(L)
	if m.hold == nil || m.hold.event != vm.Of(L).Event() {
		L.RaiseError("this handler has not locked the mutex")
	}
	m.release(m.hold)
	return 0
}

func with(L *lua.LState) int {
	m := check(L)
	L.CheckFunction(2)
	if err := m.acquire(L, func() error { return m.Acquire(L, -1) }); err != nil {
		L.RaiseError("%s", err.Error())
	}
	h := m.hold
	return vm.With(L, 2, func() { m.release(h) })
}

func locked(L *lua.LState) int {
	L.Push(lua.LBool(check(L).Places == 0))
	return 1
}
