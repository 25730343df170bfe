package luatest

import (
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestSharedTables compares tables that hold each other twice, 200 deep: each pair is
// looked at once.
func TestSharedTables(t *testing.T) {
	L := lua.NewState()
	defer L.Close()
	nested := func(last lua.LValue) lua.LValue {
		for range 200 {
			table := L.NewTable()
			table.Append(last)
			table.Append(last)
			last = table
		}
		return last
	}
	if d := differences(nested(lua.LNumber(1)), nested(lua.LNumber(1))); len(d) > 0 {
		t.Errorf("equal ones differ: %v", d)
	}
	if d := differences(nested(lua.LNumber(1)), nested(lua.LNumber(2))); len(d) == 0 {
		t.Error("different ones are equal")
	}
}
