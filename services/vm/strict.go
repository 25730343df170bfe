package vm

import lua "github.com/yuin/gopher-lua"

// A Strict is what happens when Lua assigns to a global that has not been there
// before, most often a local that was forgotten: handlers of all connections
// share it. It is never about the main chunk and those of modules, whose way it is
// to set globals.
type Strict uint8

const (
	StrictOff  Strict = iota // nothing
	StrictWarn               // it is logged, once for each name
	StrictFail               // it is an error
)

// maxWarned is how many names are warned of.
const maxWarned = 100

// watchGlobals begins to be strict. A metatable that the service has given its
// globals stays.
func (in *Instance) watchGlobals() {
	g := in.main.G.Global
	if in.config.Strict == StrictOff || g.Metatable != lua.LNil {
		return
	}
	warned := make(map[string]bool)
	mt := in.main.NewTable()
	mt.RawSetString("__newindex", in.main.NewFunction(func(L *lua.LState) int {
		t, name := L.CheckTable(1), L.Get(2)
		switch {
		case len(in.running.requiring) > 0:
		case in.config.Strict == StrictFail:
			L.RaiseError("assignment to the undeclared global '%s'", name.String())
		case !warned[name.String()] && len(warned) < maxWarned:
			warned[name.String()] = true
			in.log.Warn("assignment to an undeclared global", "name", name.String(), "at", L.Where(1))
		}
		t.RawSet(name, L.Get(3))
		return 0
	}))
	g.Metatable = mt
}
