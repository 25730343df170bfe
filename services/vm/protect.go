package vm

import (
	"errors"

	lua "github.com/yuin/gopher-lua"
)

// pcall is Lua's, with the function on a thread of its own: see the package
// comment.
func pcall(L *lua.LState) int {
	fn := L.CheckAny(1)
	if fn.Type() != lua.LTFunction && L.GetMetaField(fn, "__call").Type() != lua.LTFunction {
		L.Push(lua.LFalse)
		L.Push(lua.LString("attempt to call a " + fn.Type().String() + " value"))
		return 2
	}
	if n := protected(L, L.GetTop()-1); n >= 0 {
		return n
	}
	L.Insert(lua.LFalse, L.GetTop())
	return 2
}

// xpcall is Lua 5.1's, and passes arguments on as LuaJIT's does. The handler
// is called after the stack has been unwound, not before: Lua cannot tell
// without the debug library.
func xpcall(L *lua.LState) int {
	L.CheckFunction(1)
	handler := L.CheckFunction(2)
	L.Remove(2)
	if n := protected(L, L.GetTop()-1); n >= 0 {
		return n
	}
	L.Insert(handler, L.GetTop())
	if n := protected(L, 1); n < 0 { // the handler failed too: its error is the result
		L.Insert(lua.LFalse, L.GetTop())
		return 2
	} else if n == 1 { // the handler returned nothing
		L.Push(lua.LNil)
	} else {
		L.Pop(n - 2)
	}
	L.Replace(-2, lua.LFalse)
	return 2
}

// protected calls the function below nargs arguments. It replaces them by true
// and the results, and returns how many values these are; or by what was
// thrown, and returns -1.
func protected(L *lua.LState, nargs int) int {
	in := Of(L)
	th := in.thread()
	L.XMoveTo(th, nargs+1)
	if err := in.protect(th, nargs, lua.MultRet, false); err != nil {
		L.Push(in.caught(err))
		return -1
	}
	L.Push(lua.LTrue)
	n := th.GetTop()
	th.XMoveTo(L, n)
	in.recycle(th)
	return n + 1
}

// caught is what Lua gets for an error that it catches. A Go panic is a bug,
// so it is logged, too.
func (in *Instance) caught(err error) lua.LValue {
	var api *lua.ApiError
	if !errors.As(err, &api) {
		return lua.LString(err.Error())
	}
	v, isPanic := thrown(api)
	if isPanic {
		in.log.Error("panic in a module", "err", errorText(v), "traceback", api.StackTrace)
	}
	return v
}
