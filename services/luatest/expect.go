package luatest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

// An expectation is what expect(v) returns.
type expectation struct {
	got   lua.LValue
	never bool
}

// A matcher says whether an expectation is met: what was expected, as in "expected
// v to be 1", and, where it helps, what was found.
type matcher func(t *test, L *lua.LState, got lua.LValue, args []lua.LValue) (ok bool, what, found string)

// matchers are the methods of expectations.
var matchers = map[string]matcher{
	"to_be":      toBe,
	"to_be_a":    toBeA,
	"to_be_nil":  toBeNil,
	"to_contain": toContain,
	"to_equal":   toEqual,
	"to_fail":    toFail,
	"to_match":   toMatch,
}

// expect is the global expect(v).
func (t *test) expect(L *lua.LState) int {
	L.Push(&lua.LUserData{Value: &expectation{got: L.Get(1)}, Metatable: t.expectations})
	return 1
}

// expectationMeta is the metatable of expectations.
func (t *test) expectationMeta(L *lua.LState) *lua.LTable {
	meta := L.NewTable()
	meta.RawSetString("__metatable", lua.LFalse)
	meta.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		e := L.CheckUserData(1).Value.(*expectation)
		name := L.CheckString(2)
		if name == "never" {
			L.Push(&lua.LUserData{Value: &expectation{got: e.got, never: !e.never}, Metatable: t.expectations})
			return 1
		}
		m := matchers[name]
		if m == nil {
			L.RaiseError("there is no expectation %s", name)
		}
		L.Push(L.NewFunction(func(L *lua.LState) int { return t.check(L, e, m) }))
		return 1
	}))
	return meta
}

// check fails the test where an expectation is not met.
func (t *test) check(L *lua.LState, e *expectation, m matcher) int {
	var args []lua.LValue
	for i := 1; i <= L.GetTop(); i++ {
		args = append(args, L.Get(i))
	}
	if len(args) > 0 { // expect(v):to_be(w)
		if u, ok := args[0].(*lua.LUserData); ok && u.Value == e {
			args = args[1:]
		}
	}
	ok, what, found := m(t, L, e.got, args)
	if ok == e.never {
		never := ""
		if e.never {
			never, found = "never ", ""
		}
		text := fmt.Sprintf("expected %s %s%s", Show(e.got), never, what)
		if found != "" {
			text += "\n" + found
		}
		t.fail(L, "%s", text)
	}
	return 0
}

// argument is the n-th of args, which there must be.
func argument(L *lua.LState, args []lua.LValue, n int) lua.LValue {
	if len(args) < n {
		L.RaiseError("the expectation lacks an argument")
	}
	return args[n-1]
}

func toBe(_ *test, L *lua.LState, got lua.LValue, args []lua.LValue) (bool, string, string) {
	want := argument(L, args, 1)
	return got == want, "to be " + Show(want), strings.TrimPrefix(apart(got, want), " ")
}

func toBeNil(_ *test, _ *lua.LState, got lua.LValue, _ []lua.LValue) (bool, string, string) {
	return got == lua.LNil, "to be nil", ""
}

func toBeA(_ *test, L *lua.LState, got lua.LValue, args []lua.LValue) (bool, string, string) {
	want := argument(L, args, 1).String()
	return got.Type().String() == want, "to be a " + want, "it is a " + got.Type().String()
}

func toEqual(_ *test, L *lua.LState, got lua.LValue, args []lua.LValue) (bool, string, string) {
	want := argument(L, args, 1)
	all := differences(got, want)
	return len(all) == 0, "to equal " + Show(want), strings.Join(all, "\n")
}

func toMatch(t *test, L *lua.LState, got lua.LValue, args []lua.LValue) (bool, string, string) {
	pattern := argument(L, args, 1)
	text, ok := got.(lua.LString)
	return ok && t.matches(L, string(text), pattern), "to match " + Show(pattern), ""
}

// toContain is about a part of a string, or an element of a table.
func toContain(_ *test, L *lua.LState, got lua.LValue, args []lua.LValue) (ok bool, what, found string) {
	want := argument(L, args, 1)
	switch got := got.(type) {
	case lua.LString:
		ok = strings.Contains(string(got), want.String())
	case *lua.LTable:
		got.ForEach(func(_, v lua.LValue) { ok = ok || len(differences(v, want)) == 0 })
	}
	return ok, "to contain " + Show(want), ""
}

// toFail calls the function, which has to raise an error, one that matches the
// pattern where there is one.
func toFail(t *test, L *lua.LState, got lua.LValue, args []lua.LValue) (ok bool, what, found string) {
	if what = "to fail"; len(args) > 0 {
		what += " with " + Show(args[0])
	}
	if table, ok := got.(*lua.LTable); got.Type() != lua.LTFunction && !(ok && table.Metatable != lua.LNil) {
		L.RaiseError("to_fail calls what it is given: a function is expected, got %s", got.Type())
	}
	_, err := t.machine.Call(got)
	switch {
	case err == nil:
		return false, what, "it did not fail"
	case errors.Is(err, vm.ErrStopped):
		L.RaiseError("%s", err.Error())
	}
	text := errorText(err)
	return len(args) == 0 || t.matches(L, text, args[0]), what, "it failed with " + quote(text)
}

// errorText is what an error says, be it a table.
func errorText(err error) string {
	switch v := vm.Thrown(err).(type) {
	case lua.LString:
		return string(v)
	case *lua.LTable:
		if text, ok := v.RawGetString("message").(lua.LString); ok {
			return string(text)
		}
		return Show(v)
	default:
		return err.Error()
	}
}

// matches reports whether a text has a match of a Lua pattern.
func (t *test) matches(L *lua.LState, text string, pattern lua.LValue) bool {
	if pattern.Type() != lua.LTString {
		L.RaiseError("the pattern must be a string, not a %s", pattern.Type().String())
	}
	found, err := t.machine.Call(t.find, lua.LString(text), pattern)
	if err != nil {
		L.RaiseError("%s", err.Error())
	}
	return found != lua.LNil
}

// expectLog is the global expect_log(pattern): one of the errors that the services
// have logged so far matches, and is not a failure of the test.
func (t *test) expectLog(L *lua.LState) int {
	pattern := L.CheckString(1)
	t.settle(L)
	errors := t.log.takeErrors()
	i := slices.IndexFunc(errors, func(text string) bool { return t.matches(L, text, lua.LString(pattern)) })
	if i < 0 {
		t.log.putErrors(errors)
		found := "none has been logged"
		if len(errors) > 0 {
			found = "there are:\n" + strings.Join(errors, "\n")
		}
		t.fail(L, "expected an error in the log that matches %s\n%s", quote(pattern), found)
	}
	t.log.putErrors(slices.Delete(errors, i, i+1))
	return 0
}
