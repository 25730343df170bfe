package vm

import lua "github.com/yuin/gopher-lua"

// iteration makes pairs or ipairs what it is in Lua 5.2: if the argument has
// the metamethod, it is called and its first three results are the results.
func iteration(event string) func(stock lua.LGFunction) lua.LGFunction {
	return func(stock lua.LGFunction) lua.LGFunction {
		return func(L *lua.LState) int {
			v := L.Get(1)
			method := L.GetMetaField(v, event)
			if method == lua.LNil {
				return stock(L)
			}
			L.Push(method)
			L.Push(v)
			L.Call(1, 3)
			return 3
		}
	}
}
