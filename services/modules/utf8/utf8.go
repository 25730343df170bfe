// Package utf8 is the library utf8 of Lua 5.3.
//
//	utf8.char(n, …)                a text of these code points
//	utf8.charpattern               a pattern that matches one character
//	utf8.codes(s)                  an iterator over positions and code points
//	utf8.codepoint(s [, i [, j]])  the code points of the characters that begin from i to j
//	utf8.len(s [, i [, j]])        how many these are; or nil and the position of what is no UTF-8
//	utf8.offset(s, n [, i])        where the n-th character from i begins, in bytes
//
// As in Lua 5.3 (5.3.6) code points go up to 10FFFF, and surrogates (D800 to DFFF) are
// among them: that is no UTF-8 by its standard, and a text message with them is refused.
// Positions are in bytes, from 1; negative ones count from the end. At most 32,000 values
// are returned.
package utf8

import (
	_ "embed"
	"math"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

//go:embed types.lua
var types string

// Module is the module, for any number of instances.
func Module() vm.Module { return vm.Module{Name: "utf8", Types: types, Open: open} }

const (
	// charPattern matches a character, in what is UTF-8.
	charPattern = "[\x00-\x7F\xC2-\xF4][\x80-\xBF]*"

	// maxResults is how many values a function returns at most, as in package vm.
	maxResults = 32_000

	// bytesPerStep is how many bytes are looked at in about the time of an instruction
	// of Lua.
	bytesPerStep = 8
)

// functions are those of the module but codes.
var functions = map[string]lua.LGFunction{
	"char": char, "codepoint": codepoint, "len": length, "offset": offset,
}

func open(_ *vm.Instance, L *lua.LState) lua.LValue {
	t := L.SetFuncs(L.CreateTable(0, len(functions)+2), functions)
	t.RawSetString("charpattern", lua.LString(charPattern))
	next := L.NewFunction(nextCode)
	t.RawSetString("codes", L.NewFunction(func(L *lua.LState) int {
		s := L.CheckString(1)
		L.Push(next)
		L.Push(lua.LString(s))
		L.Push(lua.LNumber(0))
		return 3
	}))
	return t
}

// checkInt is the n-th argument, a whole number.
func checkInt(L *lua.LState, n int) int {
	f := float64(L.CheckNumber(n))
	if f != math.Floor(f) || !(f >= -1<<63 && f < 1<<63) {
		L.ArgError(n, "number has no integer representation")
	}
	return int(f)
}

// position is the n-th argument, a position in a text of so many bytes; d where there is
// none. One before the beginning is 0.
func position(L *lua.LState, n, size, d int) int {
	i := d
	if L.Get(n) != lua.LNil {
		i = checkInt(L, n)
	}
	switch {
	case i >= 0:
		return i
	case -i > size || i == math.MinInt:
		return 0
	}
	return size + i + 1
}

// continues reports whether the byte at i is one behind the first of a character. There
// is none behind the end.
func continues(s string, i int) bool { return i < len(s) && s[i]&0xC0 == 0x80 }

// decode is the code point at the beginning of s, and how many bytes it has; 0: that is
// no UTF-8. Surrogates are code points like others.
func decode(s string) (code rune, size int) {
	code, size = utf8.DecodeRuneInString(s)
	if code != utf8.RuneError || size == 3 {
		return code, size
	}
	if len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && continues(s, 2) {
		return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return 0, 0
}

// encode appends a code point, from 0 to 10FFFF.
func encode(dst []byte, code rune) []byte {
	if code >= 0xD800 && code <= 0xDFFF {
		return append(dst, 0xED, 0x80|byte(code>>6)&0x3F, 0x80|byte(code)&0x3F)
	}
	return utf8.AppendRune(dst, code)
}

// char is utf8.char.
func char(L *lua.LState) int {
	n := L.GetTop()
	text := make([]byte, 0, n)
	for i := 1; i <= n; i++ {
		code := checkInt(L, i)
		if code < 0 || code > utf8.MaxRune {
			L.ArgError(i, "value out of range")
		}
		text = encode(text, rune(code))
	}
	vm.Allocate(L, len(text))
	L.Push(lua.LString(text))
	return 1
}

// codepoint is utf8.codepoint.
func codepoint(L *lua.LState) int {
	s := L.CheckString(1)
	from := position(L, 2, len(s), 1)
	to := position(L, 3, len(s), from)
	if from < 1 {
		L.ArgError(2, "out of range")
	}
	if to > len(s) {
		L.ArgError(3, "out of range")
	}
	n := 0
	for i := from - 1; i < to; n++ {
		if n == maxResults {
			L.RaiseError("string slice too long")
		}
		code, size := decode(s[i:])
		if size == 0 {
			L.RaiseError("invalid UTF-8 code")
		}
		L.Push(lua.LNumber(code))
		i += size
	}
	vm.Spend(L, n)
	return n
}

// length is utf8.len.
func length(L *lua.LState) int {
	s := L.CheckString(1)
	from := position(L, 2, len(s), 1) - 1
	to := position(L, 3, len(s), -1) - 1
	if from < 0 || from > len(s) {
		L.ArgError(2, "initial position out of string")
	}
	if to >= len(s) {
		L.ArgError(3, "final position out of string")
	}
	vm.Spend(L, max(to-from, 0)/bytesPerStep)
	n := 0
	for from <= to {
		_, size := decode(s[from:])
		if size == 0 {
			L.Push(lua.LNil)
			L.Push(lua.LNumber(from + 1))
			return 2
		}
		from += size
		n++
	}
	L.Push(lua.LNumber(n))
	return 1
}

// offset is utf8.offset.
func offset(L *lua.LState) int {
	s, n := L.CheckString(1), checkInt(L, 2)
	first := 1
	if n < 0 {
		first = len(s) + 1
	}
	from := position(L, 3, len(s), first) - 1
	if from < 0 || from > len(s) {
		L.ArgError(3, "position out of range")
	}
	if n != 0 && continues(s, from) {
		L.RaiseError("initial position is a continuation byte")
	}
	at, ok := walk(s, n, from)
	vm.Spend(L, max(at-from, from-at)/bytesPerStep)
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LNumber(at + 1))
	return 1
}

// walk is where the n-th character from i begins: the first is the one there, the -1st
// the one before, and 0 is the one that the byte there belongs to.
func walk(s string, n, i int) (at int, ok bool) {
	switch {
	case n == 0:
		for i > 0 && continues(s, i) {
			i--
		}
	case n < 0:
		for ; n < 0 && i > 0; n++ {
			for i--; i > 0 && continues(s, i); i-- {
			}
		}
	default:
		for n--; n > 0 && i < len(s); n-- {
			for i++; continues(s, i); i++ {
			}
		}
	}
	return i, n == 0
}

// nextCode is what utf8.codes iterates with: of a text and a position, the position and
// the code point of the next character.
func nextCode(L *lua.LState) int {
	s, i := L.CheckString(1), 0
	if last, ok := L.Get(2).(lua.LNumber); ok && last >= 1 {
		i = int(min(float64(last), float64(len(s)))) // behind the first byte
		from := i
		for continues(s, i) {
			i++
		}
		vm.Spend(L, (i-from)/bytesPerStep)
	}
	if i >= len(s) {
		return 0
	}
	code, size := decode(s[i:])
	if size == 0 || continues(s, i+size) {
		L.RaiseError("invalid UTF-8 code")
	}
	L.Push(lua.LNumber(i + 1))
	L.Push(lua.LNumber(code))
	return 2
}
