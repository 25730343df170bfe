package vm

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// A formatting is a call of string.format.
type formatting struct {
	L   *lua.LState
	arg int // the last that was used
	out []byte
}

// format is string.format, with the directives of Lua 5.1; %s takes any value, as
// LuaJIT's does.
func format(L *lua.LState) int {
	text := L.CheckString(1)
	f := formatting{L: L, arg: 1, out: make([]byte, 0, len(text)+16)}
	for {
		i := strings.IndexByte(text, '%')
		if i < 0 {
			break
		}
		f.add(text[:i])
		text = f.directive(text[i+1:])
	}
	f.add(text)
	L.Push(textOf(f.out))
	return 1
}

func (f *formatting) add(s string) {
	checkText(f.L, len(f.out)+len(s), "string.format")
	if len(s) >= bytesPerStep {
		makeBytes(f.L, len(s))
	} else {
		fail(f.L, Of(f.L).spend(1))
	}
	f.out = append(f.out, s...)
}

// A spec is what stands between % and the letter.
type spec struct {
	text             string // all of it, for package fmt
	minus, zero      bool
	width, precision int // -1: none
}

// directive adds what a directive stands for, and returns the text behind it.
func (f *formatting) directive(text string) (rest string) {
	if strings.HasPrefix(text, "%") {
		f.add("%")
		return text[1:]
	}
	s, rest := f.spec(text)
	if rest == "" {
		f.L.RaiseError("invalid option '%s' to 'format'", "%")
	}
	letter := rest[0]
	f.arg++
	switch letter {
	case 'd', 'i':
		f.integer(s, integerOf(f.L.CheckNumber(f.arg)))
	case 'o', 'u', 'x', 'X':
		f.unsigned(s, letter, unsignedOf(f.L.CheckNumber(f.arg)))
	case 'e', 'E', 'f', 'g', 'G':
		f.float(s, letter, float64(f.L.CheckNumber(f.arg)))
	case 'c':
		f.pad(s, string([]byte{byte(checkInt(f.L, f.arg))}))
	case 's':
		f.str(s)
	case 'q':
		f.quoted(f.L.CheckString(f.arg))
	default:
		f.L.RaiseError("invalid option '%%%c' to 'format'", letter)
	}
	return rest[1:]
}

// spec takes flags, width and precision.
func (f *formatting) spec(text string) (s spec, rest string) {
	s.width, s.precision = -1, -1
	i := 0
	for ; i < len(text) && strings.IndexByte("-+ #0", text[i]) >= 0; i++ {
		s.minus = s.minus || text[i] == '-'
		s.zero = s.zero || text[i] == '0'
	}
	if i > 5 {
		f.L.RaiseError("invalid format (repeated flags)")
	}
	s.width, i = f.digits(text, i)
	if i < len(text) && text[i] == '.' {
		s.precision, i = f.digits(text, i+1)
		s.precision = max(s.precision, 0)
	}
	s.text = text[:i]
	return s, text[i:]
}

// digits takes a number of two digits at most, -1 where there is none.
func (f *formatting) digits(text string, i int) (n, next int) {
	n = -1
	for next = i; next < len(text) && text[next] >= '0' && text[next] <= '9'; next++ {
		if next == i+2 {
			f.L.RaiseError("invalid format (width or precision too long)")
		}
		n = max(n, 0)*10 + int(text[next]-'0')
	}
	return n, next
}

func integerOf(n lua.LNumber) int64 {
	if f := float64(n); f >= math.MinInt64 && f < math.MaxInt64 {
		return int64(f)
	}
	return math.MinInt64 // as a processor has it
}

func unsignedOf(n lua.LNumber) uint64 {
	if f := float64(n); f >= math.MaxInt64 && f < math.MaxUint64 {
		return uint64(f)
	}
	return uint64(integerOf(n))
}

func (f *formatting) integer(s spec, n int64) {
	if s.text == "" {
		f.out = strconv.AppendInt(f.out, n, 10)
		return
	}
	f.out = fmt.Appendf(f.out, "%"+strings.ReplaceAll(s.text, "#", "")+"d", n)
}

func (f *formatting) unsigned(s spec, letter byte, n uint64) {
	drop := "+ "
	switch {
	case letter == 'u':
		letter, drop = 'd', "+ #"
	case n == 0:
		drop = "+ #"
	}
	flags := strings.Map(func(r rune) rune {
		if strings.ContainsRune(drop, r) {
			return -1
		}
		return r
	}, s.text)
	f.out = fmt.Appendf(f.out, "%"+flags+string(letter), n)
}

func (f *formatting) float(s spec, letter byte, n float64) {
	switch {
	case math.IsInf(n, 0) || n != n:
		f.notFinite(s, letter, n)
	case s.text == "":
		f.out = strconv.AppendFloat(f.out, n, letter, 6, 64)
	default:
		text := s.text
		if s.precision < 0 {
			text += ".6" // %g means the shortest without
		}
		f.out = fmt.Appendf(f.out, "%"+text+string(letter), n)
	}
}

// notFinite adds inf or nan, as C has them.
func (f *formatting) notFinite(s spec, letter byte, n float64) {
	text := "inf"
	if n != n {
		text = "nan"
	}
	switch {
	case math.Signbit(n):
		text = "-" + text
	case strings.Contains(s.text, "+"):
		text = "+" + text
	case strings.Contains(s.text, " "):
		text = " " + text
	}
	if letter < 'a' {
		text = strings.ToUpper(text)
	}
	f.pad(s, text)
}

func (f *formatting) str(s spec) {
	f.L.CheckAny(f.arg)
	text := f.L.ToStringMeta(f.L.Get(f.arg)).String()
	if s.precision >= 0 && s.precision < len(text) {
		text = text[:s.precision]
	}
	f.pad(s, text)
}

// pad adds text, with spaces, if it is shorter than the width.
func (f *formatting) pad(s spec, text string) {
	spaces := strings.Repeat(" ", max(s.width-len(text), 0))
	if s.minus {
		f.add(text)
		f.add(spaces)
	} else {
		f.add(spaces)
		f.add(text)
	}
}

// quoted adds text so that Lua reads it again.
func (f *formatting) quoted(text string) {
	f.add(`"`)
	for {
		i := strings.IndexAny(text, "\"\\\n\r\x00")
		if i < 0 {
			break
		}
		f.add(text[:i])
		switch text[i] {
		case '\r':
			f.add(`\r`)
		case 0:
			f.add(`\000`)
		default:
			f.add("\\" + text[i:i+1])
		}
		text = text[i+1:]
	}
	f.add(text)
	f.add(`"`)
}
