package vm

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// spaces are those of C's isspace.
const spaces = " \t\n\v\f\r"

// maxDigits is how long the text of a number may be.
const maxDigits = 64 << 10

// log is math.log, with the base that LuaJIT has.
func log(L *lua.LState) int {
	n := math.Log(float64(L.CheckNumber(1)))
	switch base := float64(L.OptNumber(2, math.E)); base {
	case math.E:
	case 2:
		n = math.Log2(float64(L.CheckNumber(1)))
	case 10:
		n = math.Log10(float64(L.CheckNumber(1)))
	default:
		n /= math.Log(base)
	}
	L.Push(lua.LNumber(n))
	return 1
}

// toNumber is the global tonumber.
func toNumber(L *lua.LState) int {
	base := optInt(L, 2, 10)
	if base < 2 || base > 36 {
		L.ArgError(2, "base out of range")
	}
	var n float64
	ok := false
	switch v := L.CheckAny(1).(type) {
	case lua.LNumber:
		n, ok = float64(v), true
		if base != 10 {
			n, ok = parseDigits(v.String(), base)
		}
	case lua.LString:
		if len(v) > maxDigits {
			break
		}
		fail(L, Of(L).spend(len(v)/8))
		if base == 10 {
			n, ok = parseNumber(string(v))
		} else {
			n, ok = parseDigits(string(v), base)
		}
	default:
		if base != 10 {
			L.CheckString(1)
		}
	}
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LNumber(n))
	return 1
}

// parseNumber reads a number as Lua 5.1 has them in its source, with a sign and
// spaces around.
func parseNumber(text string) (n float64, ok bool) {
	if !decimal(text) {
		text = strings.Trim(text, spaces)
		unsigned := strings.TrimLeft(text, "+-")
		switch {
		case len(text)-len(unsigned) > 1:
			return 0, false
		case len(unsigned) > 2 && (unsigned[:2] == "0x" || unsigned[:2] == "0X"):
			return parseDigits(text, 16)
		case !decimal(text):
			return 0, false
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil || n != 0 // what is too large is infinite
}

// decimal reports whether text has only what decimal numbers have: no names, no _, and
// no other bases.
func decimal(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9', c == '.', c == 'e', c == 'E', c == '+', c == '-':
		default:
			return false
		}
	}
	return true
}

// parseDigits reads a whole number.
func parseDigits(text string, base int) (n float64, ok bool) {
	text = strings.Trim(text, spaces)
	negative := strings.HasPrefix(text, "-")
	if negative || strings.HasPrefix(text, "+") {
		text = text[1:]
	}
	if base == 16 && len(text) > 2 && (text[:2] == "0x" || text[:2] == "0X") {
		text = text[2:]
	}
	for i := range len(text) {
		d := strings.IndexByte("0123456789abcdefghijklmnopqrstuvwxyz", text[i]|0x20)
		if text[i] <= '9' {
			d = int(text[i]) - '0'
		}
		if d < 0 || d >= base {
			return 0, false
		}
		n = n*float64(base) + float64(d)
	}
	if negative {
		n = -n
	}
	return n, text != ""
}

// selectArgs is the global select.
func selectArgs(L *lua.LState) int {
	n := L.GetTop()
	if s, ok := L.Get(1).(lua.LString); ok && s == "#" {
		L.Push(lua.LNumber(n - 1))
		return 1
	}
	i := checkInt(L, 1)
	if i < 0 {
		i += n
	}
	if i < 1 {
		L.ArgError(1, "index out of range")
	}
	return n - min(i, n)
}
