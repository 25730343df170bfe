//go:build race

package vm

// luaWhereabouts is left out: see the other one.
func (in *Instance) luaWhereabouts() string { return "" }
