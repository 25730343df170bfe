package vm

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// notCallable is how gopher-lua's error ends when what is called is no function.
const notCallable = "attempt to call a non-function object"

// inWords completes the error that th is about to panic with: what was called that is no
// function has its name and its type, as in Lua 5.1.
func inWords(th *lua.LState, thrown lua.LValue) lua.LValue {
	text, ok := thrown.(lua.LString)
	if !ok || !strings.HasSuffix(string(text), notCallable) {
		return thrown
	}
	name, v, ok := called(th)
	if !ok {
		return thrown
	}
	what := fmt.Sprintf("a %s value", v.Type())
	if name != "?" {
		what = fmt.Sprintf("'%s' (%s)", name, what)
	}
	return lua.LString(strings.TrimSuffix(string(text), notCallable) + "attempt to call " + what)
}

// called is what th was about to call, and what the source calls it: "?" where that is
// no name.
func called(th *lua.LState) (name string, v lua.LValue, ok bool) {
	dbg, ok := th.GetStack(0)
	if !ok {
		return "", nil, false
	}
	fn, err := th.GetInfo("f", dbg, lua.LNil)
	if f, isFunction := fn.(*lua.LFunction); err == nil && isFunction && !f.IsG {
		// The program counter, past the instruction, is the one thing that GetInfo
		// does not tell.
		pc := int(reflect.ValueOf(dbg).Elem().FieldByName("frame").Elem().FieldByName("Pc").Int()) - 1
		i := slices.IndexFunc(f.Proto.DbgCalls, func(c lua.DbgCall) bool { return c.Pc == pc })
		if i >= 0 {
			register := int(f.Proto.Code[pc]>>18) & 0xff
			return f.Proto.DbgCalls[i].Name, th.Get(register + 1), true
		}
	}
	return "", nil, false
}

// nameFirst corrects a traceback of th, in which the function that a thread has begun
// with is the main chunk, whatever it is: each call is on a thread of its own.
func nameFirst(th *lua.LState, trace string) string {
	const chunk = " in main chunk"
	i := strings.LastIndex(trace, chunk)
	if i < 0 {
		return trace
	}
	depth := 0
	for step := 1 << 20; step > 0; step /= 2 {
		if _, ok := th.GetStack(depth + step); ok {
			depth += step
		}
	}
	first, ok := th.GetStack(depth)
	if !ok {
		return trace
	}
	if _, err := th.GetInfo("S", first, lua.LNil); err != nil || first.LineDefined == 0 {
		return trace
	}
	return fmt.Sprintf("%s in function <%s:%d>%s", trace[:i], first.Source, first.LineDefined, trace[i+len(chunk):])
}
