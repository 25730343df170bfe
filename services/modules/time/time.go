// Package time is LAppS's module time.
//
//	time.now()    milliseconds since 1970, a whole number
package time

import (
	_ "embed"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

//go:embed types.lua
var types string

// Module is the module, for any number of instances.
func Module() vm.Module {
	return vm.Module{Name: "time", Types: types, Open: func(_ *vm.Instance, L *lua.LState) lua.LValue {
		return L.SetFuncs(L.CreateTable(0, 8), map[string]lua.LGFunction{"now": now})
	}}
}

func now(L *lua.LState) int {
	L.Push(lua.LNumber(vm.Of(L).Now().UnixMilli()))
	return 1
}
