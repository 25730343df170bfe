package server_test

import (
	"context"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

// gate blocks Lua until it is opened: gateModule's wait() takes one from it.
// Each test's bubble has its own, see open.
var gate chan bool

// gateModule is what Lua requires as "gate".
var gateModule = vm.Module{Name: "gate", Open: func(_ *vm.Instance, l *lua.LState) lua.LValue {
	return l.SetFuncs(l.NewTable(), map[string]lua.LGFunction{"wait": func(l *lua.LState) int {
		vm.Block(l, func(ctx context.Context) {
			select {
			case <-gate:
			case <-ctx.Done():
			}
		})
		return 0
	}})
}}

// openGate lets one wait() return, now or later.
func openGate() { gate <- true }
