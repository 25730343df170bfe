// Package bit is LuaJIT's library bit: operations on the 32 bits of numbers.
//
//	bit.tobit(x)                         x as the operations have it
//	bit.tohex(x [, n])                   n hexadecimal digits, in capitals where n < 0
//	bit.bnot(x)  bit.bswap(x)
//	bit.band(x, …)  bit.bor(x, …)  bit.bxor(x, …)
//	bit.lshift(x, n)  bit.rshift(x, n)  bit.arshift(x, n)  bit.rol(x, n)  bit.ror(x, n)
//
// Results are signed: from -2^31 to 2^31 - 1. Arguments are rounded to whole numbers, and
// of these the lowest 32 bits count, as in LuaJIT; unlike there this holds beyond ±2^51, too,
// as far as a number is one: NaN and infinities are 0. Of a count of bits the lowest five
// bits count. Texts of numbers are numbers.
package bit

import (
	_ "embed"
	"math"
	"math/bits"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

//go:embed types.lua
var types string

// Module is the module, for any number of instances.
func Module() vm.Module { return vm.Module{Name: "bit", Types: types, Open: open} }

// functions are those of the module.
var functions = map[string]lua.LGFunction{
	"tobit":   unary(func(x uint32) uint32 { return x }),
	"bnot":    unary(func(x uint32) uint32 { return ^x }),
	"bswap":   unary(bits.ReverseBytes32),
	"band":    fold(func(x, y uint32) uint32 { return x & y }),
	"bor":     fold(func(x, y uint32) uint32 { return x | y }),
	"bxor":    fold(func(x, y uint32) uint32 { return x ^ y }),
	"lshift":  shift(func(x uint32, n int) uint32 { return x << n }),
	"rshift":  shift(func(x uint32, n int) uint32 { return x >> n }),
	"arshift": shift(func(x uint32, n int) uint32 { return uint32(int32(x) >> n) }),
	"rol":     shift(bits.RotateLeft32),
	"ror":     shift(func(x uint32, n int) uint32 { return bits.RotateLeft32(x, -n) }),
	"tohex":   tohex,
}

func open(_ *vm.Instance, L *lua.LState) lua.LValue {
	return L.SetFuncs(L.CreateTable(0, len(functions)), functions)
}

// word is the n-th argument.
func word(L *lua.LState, n int) uint32 { return tobit(float64(L.CheckNumber(n))) }

// tobit is the lowest 32 bits of the whole number next to f, of two the even one.
func tobit(f float64) uint32 {
	f = math.RoundToEven(f)
	switch {
	case math.Abs(f) < 1<<63:
		return uint32(int64(f))
	case math.IsNaN(f) || math.IsInf(f, 0):
		return 0
	}
	return uint32(int64(math.Mod(f, 1<<32)))
}

// push pushes a result.
func push(L *lua.LState, x uint32) int {
	L.Push(lua.LNumber(int32(x)))
	return 1
}

// unary makes the function of an operation on one argument.
func unary(op func(x uint32) uint32) lua.LGFunction {
	return func(L *lua.LState) int { return push(L, op(word(L, 1))) }
}

// fold makes the function of an operation on the first two arguments, then on what
// results and the next, and so on.
func fold(op func(x, y uint32) uint32) lua.LGFunction {
	return func(L *lua.LState) int {
		x := word(L, 1)
		for i := 2; i <= L.GetTop(); i++ {
			x = op(x, word(L, i))
		}
		return push(L, x)
	}
}

// shift makes the function of an operation with a number of bits, from 0 to 31.
func shift(op func(x uint32, n int) uint32) lua.LGFunction {
	return func(L *lua.LState) int { return push(L, op(word(L, 1), int(word(L, 2)&31))) }
}

// tohex is bit.tohex.
func tohex(L *lua.LState) int {
	x, n, digits := word(L, 1), 8, "0123456789abcdef"
	if L.Get(2) != lua.LNil {
		n = int(int32(word(L, 2)))
	}
	if n < 0 {
		n, digits = -n, "0123456789ABCDEF"
	}
	n = min(n, 8)
	var text [8]byte
	for i := n - 1; i >= 0; i-- {
		text[i] = digits[x&15]
		x >>= 4
	}
	L.Push(lua.LString(text[:n]))
	return 1
}
