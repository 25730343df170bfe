package vm

import (
	"strings"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// maxResults is how many values a library function returns at most: a thread's stack
// holds 65,536.
const maxResults = 32_000

// textOf is b as a string, which takes it over.
func textOf(b []byte) lua.LString { return lua.LString(unsafe.String(unsafe.SliceData(b), len(b))) }

// rep is string.rep.
func rep(L *lua.LState) int {
	s, n := L.CheckString(1), max(checkInt(L, 2), 0)
	between := L.OptString(3, "") // as Lua 5.2 and LuaJIT have it
	if n > 0 && len(s)+len(between) > maxText/n {
		checkText(L, maxText+1, "string.rep")
	}
	makeBytes(L, (len(s)+len(between))*n)
	text := strings.Repeat(s+between, n)
	L.Push(lua.LString(text[:max(len(text)-len(between), 0)]))
	return 1
}

// slice is the part of n bytes that the arguments at i and behind it name, as
// string.sub has them.
func slice(L *lua.LState, n, i, first, last int) (from, to int) {
	from, to = optInt(L, i, first), optInt(L, i+1, last)
	if from < 0 {
		from = max(from+n+1, 1)
	}
	if to < 0 {
		to += n + 1
	}
	from, to = max(from, 1), min(to, n)
	if from > to {
		return 0, 0
	}
	return from - 1, to
}

// sub is string.sub.
func sub(L *lua.LState) int {
	s := L.CheckString(1)
	checkInt(L, 2)
	from, to := slice(L, len(s), 2, 1, -1)
	L.Push(lua.LString(part(L, s, s[from:to])))
	return 1
}

// byteOf is string.byte.
func byteOf(L *lua.LState) int {
	s := L.CheckString(1)
	first := optInt(L, 2, 1)
	from, to := slice(L, len(s), 2, 1, first)
	if to-from > maxResults {
		L.RaiseError("string slice too long")
	}
	fail(L, Of(L).spend((to-from)/8))
	for i := from; i < to; i++ {
		L.Push(lua.LNumber(s[i]))
	}
	return to - from
}

// char is string.char.
func char(L *lua.LState) int {
	b := make([]byte, L.GetTop())
	for i := range b {
		c := checkInt(L, i+1)
		if c < 0 || c > 255 {
			L.ArgError(i+1, "invalid value")
		}
		b[i] = byte(c)
	}
	L.Push(textOf(b))
	return 1
}

// reverse is string.reverse.
func reverse(L *lua.LState) int {
	s := L.CheckString(1)
	makeBytes(L, len(s))
	b := make([]byte, len(s))
	for i := range b {
		b[i] = s[len(s)-1-i]
	}
	L.Push(textOf(b))
	return 1
}

// lower and upper are those of string: of the letters of ASCII, as in the C locale.
func lower(L *lua.LState) int { return mapBytes(L, 'A', 'Z') }
func upper(L *lua.LState) int { return mapBytes(L, 'a', 'z') }

// mapBytes changes the case of the letters from first to last.
func mapBytes(L *lua.LState, first, last byte) int {
	s := L.CheckString(1)
	makeBytes(L, len(s))
	b := make([]byte, len(s))
	for i := range b {
		c := s[i]
		if c >= first && c <= last {
			c ^= 'a' - 'A'
		}
		b[i] = c
	}
	L.Push(textOf(b))
	return 1
}
