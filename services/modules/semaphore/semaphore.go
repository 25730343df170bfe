// Package semaphore is the module semaphore: a number of places for handlers of
// one instance.
//
//	local s = semaphore.new(n)
//	s:acquire(timeout)          true; or false and "timeout", or "the service has to stop"
//	s:release()
//	s:with(fn, ...)             what fn returns; a place is taken meanwhile
//	s:free()                    how many places are free
//
// A timeout is in seconds; none means no limit. Whoever has waited longest is
// next. with gives its place back however fn ends; acquire and release may be
// called by different handlers, and what is acquired stays so until it is released.
// In a standalone service that has to stop waits end: acquire has taken no place, and with
// raises an error.
package semaphore

import (
	_ "embed"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

//go:embed types.lua
var types string

// Module is the module, for any number of instances.
func Module() vm.Module { return vm.Module{Name: "semaphore", Types: types, Open: open} }

// A semaphore is one of Lua's. Owned by the baton's holder.
type semaphore struct {
	vm.Semaphore
	places int // all
}

func open(_ *vm.Instance, L *lua.LState) lua.LValue {
	meta := L.CreateTable(0, 8)
	meta.RawSetString("__index", L.SetFuncs(L.CreateTable(0, 8), map[string]lua.LGFunction{
		"acquire": acquire, "release": release, "with": with, "free": free,
	}))
	meta.RawSetString("__metatable", lua.LFalse)
	return L.SetFuncs(L.CreateTable(0, 8), map[string]lua.LGFunction{"new": func(L *lua.LState) int {
		n := L.CheckInt(1)
		if n < 1 {
			L.ArgError(1, "must be at least 1")
		}
		s := &semaphore{places: n}
		s.Places = n
		L.Push(&lua.LUserData{Value: s, Metatable: meta})
		return 1
	}})
}

func check(L *lua.LState) *semaphore {
	if u, ok := L.Get(1).(*lua.LUserData); ok {
		if s, ok := u.Value.(*semaphore); ok {
			return s
		}
	}
	L.ArgError(1, "semaphore expected, got "+L.Get(1).Type().String())
	return nil
}

func acquire(L *lua.LState) int {
	s := check(L)
	return vm.PushOutcome(L, s.Acquire(L, vm.OptTimeout(L, 2)))
}

func release(L *lua.LState) int {
	s := check(L)
	if s.Places == s.places {
		L.RaiseError("more is released than was acquired")
	}
	s.Release()
	return 0
}

func with(L *lua.LState) int {
	s := check(L)
	L.CheckFunction(2)
	if err := s.Acquire(L, -1); err != nil {
		L.RaiseError("%s", err.Error())
	}
	return vm.With(L, 2, s.Release)
}

func free(L *lua.LState) int {
	L.Push(lua.LNumber(check(L).Places))
	return 1
}
