package vm

import (
	"fmt"
	"reflect"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// notCallable is how gopher-lua's error ends when what is called is no function.
const notCallable = "attempt to call a non-function object"

// inWords corrects the error that th is about to panic with. What was called that is no
// function has its name and its type, as in Lua 5.1. Where there is no place of the
// error, since nothing of Lua has called what raises it, gopher-lua begins with
// the space that should be behind that.
func inWords(th *lua.LState, thrown lua.LValue) lua.LValue {
	text, ok := thrown.(lua.LString)
	switch {
	case !ok:
		return thrown
	case strings.HasSuffix(string(text), notCallable):
		return lua.LString(strings.TrimSuffix(string(text), notCallable) + whatIsCalled(th))
	case strings.HasPrefix(string(text), " ") && !fromLua(th):
		return text[1:]
	}
	return thrown
}

func whatIsCalled(th *lua.LState) string {
	name, v, ok := called(th)
	switch {
	case !ok:
		return notCallable
	case name == "?":
		return fmt.Sprintf("attempt to call a %s value", v.Type())
	}
	return fmt.Sprintf("attempt to call '%s' (a %s value)", name, v.Type())
}

// fromLua reports whether the text of the error is Lua's own: a function of Lua is on
// th, or what raises it takes what it is given.
func fromLua(th *lua.LState) bool {
	for level := 0; ; level++ {
		frame, ok := th.GetStack(level)
		if !ok {
			return false
		}
		fn, _ := th.GetInfo("f", frame, lua.LNil)
		if f, ok := fn.(*lua.LFunction); !ok || !f.IsG || asGiven(f) {
			return true
		}
	}
}

// asGiven reports whether f raises what it is given, or what a coroutine has raised.
func asGiven(f *lua.LFunction) bool {
	code := reflect.ValueOf(f.GFunction).Pointer()
	return code == reflect.ValueOf(throw).Pointer() || code == reflect.ValueOf(coWrapped).Pointer()
}

// throw is error of Lua 5.1: numbers have a place before them, too, and the level
// counts calls.
func throw(L *lua.LState) int {
	v := L.Get(1)
	level := 1
	if L.Get(2) != lua.LNil {
		level = checkInt(L, 2)
	}
	if _, isTable := v.(*lua.LTable); !isTable && level > 0 && lua.LVCanConvToString(v) {
		v = lua.LString(placeOf(L, level) + v.String())
	}
	L.Error(v, 0)
	return 0
}

// placeOf is the place of the function that a level of L is in, with what is between it
// and a text; "" where that is not of Lua.
func placeOf(L *lua.LState, level int) string {
	at := 0
	for at < level {
		frame, ok := L.GetStack(at)
		if !ok {
			return ""
		}
		at += 1 + tailCalls(frame)
	}
	frame, ok := L.GetStack(level)
	if !ok || at != level {
		return ""
	}
	if fn, _ := L.GetInfo("f", frame, lua.LNil); fn.(*lua.LFunction).IsG {
		return ""
	}
	return L.Where(level) + " "
}
