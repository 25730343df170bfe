// Package structs is the module struct: values in binary messages, as the library
// struct of Roberto Ierusalimschy has them.
//
//	struct.pack(format, …)           a text of bytes
//	struct.unpack(format, s [, i])   what is in s from i on, and where it ends
//	struct.size(format)              how many bytes a format is, where that is fixed
//
// The sizes of C's types are those of 64-bit Linux on every machine. Unlike that library this
// one refuses what it would cut or round: a whole number that does not fit, one beyond
// ±2^53, a fraction, a zero in a zero-terminated text. Format letters are in format.go, and in types.lua
// for people.
package structs

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

//go:embed types.lua
var types string

// Module is the module, for any number of instances.
func Module() vm.Module { return vm.Module{Name: "struct", Types: types, Open: open} }

const (
	// maxText bounds what pack makes, in bytes, as those of package vm are.
	maxText = 64 << 20

	// maxFormat is how long a format may be, in bytes.
	maxFormat = 64 << 10

	// maxResults is how many values unpack returns at most, as in package vm.
	maxResults = 32_000

	// maxExact is up to where numbers hold all whole ones.
	maxExact = 1 << 53
)

func open(_ *vm.Instance, L *lua.LState) lua.LValue {
	return L.SetFuncs(L.CreateTable(0, 3), map[string]lua.LGFunction{"pack": pack, "unpack": unpack, "size": size})
}

// checkFormat is the first argument.
func checkFormat(L *lua.LState) format {
	text := L.CheckString(1)
	if len(text) > maxFormat {
		L.ArgError(1, fmt.Sprintf("format longer than %d bytes", maxFormat))
	}
	vm.Spend(L, len(text))
	return newFormat(text)
}

// next is the next item of a format at a position; false: there is none.
func next(L *lua.LState, f *format, at int) (it item, ok bool) {
	it, ok, why := f.next(at)
	if why != "" {
		L.ArgError(1, why)
	}
	return it, ok
}

// pack is struct.pack.
func pack(L *lua.LState) int {
	f, out, arg := checkFormat(L), []byte(nil), 1
	for {
		it, ok := next(L, &f, len(out))
		if !ok {
			break
		}
		room(L, len(out), it.padding+it.size)
		out = append(out, zeros[:it.padding]...)
		if it.kind != 'x' {
			arg++
		}
		switch it.kind {
		case 'x':
			out = append(out, 0)
		case 'i', 'I':
			out = it.appendInteger(out, integer(L, arg, it))
		case 'f':
			out = it.appendBits(out, uint64(math.Float32bits(float(L, arg))))
		case 'd':
			out = it.appendBits(out, math.Float64bits(float64(L.CheckNumber(arg))))
		default:
			out = appendText(L, arg, out, it)
		}
	}
	L.Push(lua.LString(out))
	return 1
}

// zeros are what items are padded with.
var zeros [maxAlign]byte

// room raises an error where n bytes more are too many.
func room(L *lua.LState, size, n int) {
	if size+n > maxText {
		L.RaiseError("resulting string too large (struct.pack: at most %d bytes)", maxText)
	}
}

// integer is the n-th argument, a whole number that the item holds.
func integer(L *lua.LState, n int, it item) int64 {
	f := float64(L.CheckNumber(n))
	switch low, high := it.limits(); {
	case f != math.Floor(f) || math.IsInf(f, 0):
		L.ArgError(n, fmt.Sprintf("%v is not a whole number", lua.LNumber(f)))
	case f < low || f > high:
		L.ArgError(n, fmt.Sprintf("%v does not fit: want %.0f to %.0f", lua.LNumber(f), low, high))
	}
	return int64(f)
}

// float is the n-th argument, rounded to a float of 4 bytes.
func float(L *lua.LState, n int) float32 {
	d := float64(L.CheckNumber(n))
	f := float32(d)
	if math.IsInf(float64(f), 0) && !math.IsInf(d, 0) {
		L.ArgError(n, fmt.Sprintf("%v does not fit into 4 bytes", lua.LNumber(d)))
	}
	return f
}

// appendText appends the n-th argument.
func appendText(L *lua.LState, n int, out []byte, it item) []byte {
	s := L.CheckString(n)
	switch {
	case it.kind == 's':
		room(L, len(out), len(s)+1)
		if strings.IndexByte(s, 0) >= 0 {
			L.ArgError(n, "string contains zeros")
		}
	case it.size == 0:
		room(L, len(out), len(s))
	case len(s) < it.size:
		L.ArgError(n, fmt.Sprintf("string too short: %d bytes, want %d", len(s), it.size))
	default:
		s = s[:it.size]
	}
	vm.Allocate(L, len(s))
	out = append(out, s...)
	if it.kind == 's' {
		out = append(out, 0)
	}
	return out
}

// unpack is struct.unpack.
func unpack(L *lua.LState) int {
	f, s := checkFormat(L), L.CheckString(2)
	u := unpacking{L: L, s: s, at: start(L, len(s))}
	for {
		it, ok := next(L, &f, u.at)
		if !ok {
			break
		}
		u.skip(it.padding)
		u.item(it)
		if len(u.values) > maxResults {
			L.RaiseError("too many results")
		}
	}
	for _, v := range u.values {
		L.Push(v)
	}
	L.Push(lua.LNumber(u.at + 1))
	return len(u.values) + 1
}

// start is the third argument, a position in a text of so many bytes, or behind it.
func start(L *lua.LState, size int) int {
	if L.Get(3) == lua.LNil {
		return 0
	}
	i := float64(L.CheckNumber(3))
	if i != math.Floor(i) || i < 1 || i > float64(size+1) {
		L.ArgError(3, "initial position out of string")
	}
	return int(i) - 1
}

// An unpacking is a call of struct.unpack.
type unpacking struct {
	L      *lua.LState
	s      string
	at     int
	values []lua.LValue
}

// skip takes n bytes.
func (u *unpacking) skip(n int) string {
	if n > len(u.s)-u.at {
		u.L.ArgError(2, fmt.Sprintf("data string too short: at byte %d, %d more are wanted, and there are %d", u.at+1, n, len(u.s)-u.at))
	}
	u.at += n
	return u.s[u.at-n : u.at]
}

func (u *unpacking) push(v lua.LValue) { u.values = append(u.values, v) }

// text pushes a text, which is a part of s.
func (u *unpacking) text(t string) { u.push(lua.LString(vm.Part(u.L, u.s, t))) }

// item takes an item.
func (u *unpacking) item(it item) {
	switch it.kind {
	case 'x':
		u.skip(1)
	case 'i', 'I':
		at := u.at
		n, exact := it.integer(u.skip(it.size))
		if !exact {
			u.L.ArgError(2, fmt.Sprintf("the whole number at byte %d is beyond 2^53: a number does not hold it exactly", at+1))
		}
		u.push(lua.LNumber(n))
	case 'f':
		u.push(lua.LNumber(math.Float32frombits(uint32(it.bits(u.skip(4))))))
	case 'd':
		u.push(lua.LNumber(math.Float64frombits(it.bits(u.skip(8)))))
	case 's':
		end := strings.IndexByte(u.s[u.at:], 0)
		if end < 0 {
			u.L.ArgError(2, fmt.Sprintf("unfinished string in data: no zero from byte %d on", u.at+1))
		}
		vm.Spend(u.L, end/128)
		u.text(u.skip(end))
		u.skip(1)
	default:
		n := it.size
		if n == 0 {
			n = u.count()
		}
		u.text(u.skip(n))
	}
}

// count takes back the value before, which is how long the text is that follows.
func (u *unpacking) count() int {
	var n lua.LNumber
	ok := false
	last := len(u.values) - 1
	if last >= 0 {
		n, ok = u.values[last].(lua.LNumber)
	}
	if !ok {
		u.L.RaiseError("format 'c0' needs a previous size")
	}
	if f := float64(n); f != math.Floor(f) || f < 0 || f > maxExact {
		u.L.RaiseError("format 'c0' needs a previous size, and %v is none", n)
	}
	u.values = u.values[:last]
	return int(n)
}

// size is struct.size.
func size(L *lua.LState) int {
	f, total := checkFormat(L), 0
	for {
		it, ok := next(L, &f, total)
		if !ok {
			break
		}
		switch {
		case it.kind == 's':
			L.ArgError(1, "option 's' has no fixed size")
		case it.kind == 'c' && it.size == 0:
			L.ArgError(1, "option 'c0' has no fixed size")
		}
		if total += it.padding + it.size; total > maxText {
			L.ArgError(1, fmt.Sprintf("more than %d bytes", maxText))
		}
	}
	L.Push(lua.LNumber(total))
	return 1
}

// native reports whether numbers of this machine begin with their highest byte.
var native = binary.NativeEndian.Uint16([]byte{0, 1}) == 1
