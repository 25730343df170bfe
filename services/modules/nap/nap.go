// Package nap is LAppS's module nap: sleeping.
//
//	nap:sleep(seconds)     fractions too
//	nap:usleep(microseconds)
//	nap:nsleep(nanoseconds)
//	nap:new()              an object with the same methods, as LAppS has them
//
// The handler that sleeps gives the baton away: other connections of the
// instance are served meanwhile, and nothing overtakes on its own connection.
// All return true, or false when the service has to stop: then they return at
// once, or after 10 ms, so that must_stop() can be asked. Arguments that are no numbers,
// negative or NaN raise an error.
package nap

import (
	_ "embed"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

//go:embed types.lua
var types string

// Module is the module, for any number of instances.
func Module() vm.Module { return vm.Module{Name: "nap", Types: types, Open: open} }

// units are the functions by what their argument counts.
var units = map[string]time.Duration{
	"sleep":  time.Second,
	"usleep": time.Microsecond,
	"nsleep": time.Nanosecond,
}

func open(_ *vm.Instance, L *lua.LState) lua.LValue {
	nap := L.CreateTable(0, 8)
	for name, unit := range units {
		nap.RawSetString(name, L.NewFunction(sleep(name, unit)))
	}
	nap.RawSetString("new", L.NewFunction(func(L *lua.LState) int {
		L.Push(nap)
		return 1
	}))
	return nap
}

// sleep makes the function that sleeps for its argument times unit.
func sleep(name string, unit time.Duration) lua.LGFunction {
	return func(L *lua.LState) int {
		if L.GetTop() != 2 {
			L.RaiseError("usage: nap:%s(n)", name)
		}
		n := L.CheckNumber(2)
		if !(n >= 0) {
			L.ArgError(2, "must not be negative")
		}
		L.Push(lua.LBool(vm.Sleep(L, vm.Span(float64(n), unit))))
		return 1
	}
}
