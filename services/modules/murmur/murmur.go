// Package murmur is LAppS's module murmur: the hash MurmurHash64A.
//
//	murmur.hashstr(x)    16 hexadecimal digits
//	murmur.hashnum(x)    the same as a number
//
// x is a text of any bytes, or a whole number, whose hash is itself. Hashes are those of
// LAppS (libstdc++'s std::hash on 64-bit Linux), without the zero that ended its digits, and of
// the whole text, where LAppS stopped at a zero. It is no hash for secrets: who knows
// it makes texts of one hash.
package murmur

import (
	_ "embed"
	"fmt"
	"math"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

//go:embed types.lua
var types string

// Module is the module, for any number of instances.
func Module() vm.Module { return vm.Module{Name: "murmur", Types: types, Open: open} }

const (
	// maxExact is up to where numbers hold all whole ones.
	maxExact = 1 << 53

	// bytesPerStep is how many bytes are hashed in about the time of an instruction of
	// Lua.
	bytesPerStep = 64
)

func open(_ *vm.Instance, L *lua.LState) lua.LValue {
	return L.SetFuncs(L.CreateTable(0, 2), map[string]lua.LGFunction{"hashstr": hashstr, "hashnum": hashnum})
}

// hash is that of the argument of a function.
func hash(L *lua.LState, function string) uint64 {
	if L.GetTop() != 1 {
		L.RaiseError("usage: murmur.%s(x), where x is a string or a whole number", function)
	}
	switch x := L.Get(1).(type) {
	case lua.LString:
		vm.Spend(L, len(x)/bytesPerStep)
		return hash64A(string(x), seed)
	case lua.LNumber:
		if f := float64(x); f != math.Floor(f) || math.Abs(f) > maxExact {
			L.ArgError(1, "must be a whole number, from -2^53 to 2^53")
		}
		return uint64(int64(x))
	default:
		L.ArgError(1, "string or number expected, got "+x.Type().String())
		return 0
	}
}

// hashstr is murmur.hashstr.
func hashstr(L *lua.LState) int {
	L.Push(lua.LString(fmt.Sprintf("%016x", hash(L, "hashstr"))))
	return 1
}

// hashnum is murmur.hashnum.
func hashnum(L *lua.LState) int {
	L.Push(lua.LNumber(hash(L, "hashnum")))
	return 1
}
