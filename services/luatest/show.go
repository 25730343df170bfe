package luatest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Bounds of what Show shows.
const (
	showDepth = 5
	showItems = 40  // of a table
	showBytes = 400 // of a string
	showTotal = 4000
)

// Show is a value as Lua would write it, for people: what is large or deep is left
// out. It calls no Lua.
func Show(v lua.LValue) string {
	var s shower
	s.value(v, 0)
	return s.String()
}

type shower struct {
	strings.Builder
	above []*lua.LTable
}

func (s *shower) value(v lua.LValue, depth int) {
	switch v := v.(type) {
	case lua.LString:
		s.text(string(v))
	case *lua.LTable:
		s.table(v, depth)
	case *lua.LFunction, *lua.LUserData, *lua.LState:
		s.WriteString("<" + v.Type().String() + ">")
	default:
		s.WriteString(v.String())
	}
}

func (s *shower) text(t string) {
	if len(t) > showBytes {
		s.WriteString(quote(t[:showBytes]) + fmt.Sprintf("... (%d bytes)", len(t)))
		return
	}
	s.WriteString(quote(t))
}

// quote is t as a Lua string.
func quote(t string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(t, "\x00") {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			return bytesOf(t)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// bytesOf is t as a Lua string that has more than text in it.
func bytesOf(t string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(t) {
		switch c := t[i]; {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(rune(c)))
		case c >= ' ' && c < 0x7f:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, `\%03d`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (s *shower) table(t *lua.LTable, depth int) {
	switch {
	case slices.Contains(s.above, t):
		s.WriteString("<itself>")
		return
	case depth == showDepth || s.Len() > showTotal:
		s.WriteString("{...}")
		return
	}
	s.above = append(s.above, t)
	defer func() { s.above = s.above[:len(s.above)-1] }()
	s.WriteByte('{')
	n := t.Len()
	for i, key := range keys(t) {
		if i > 0 {
			s.WriteString(", ")
		}
		if i == showItems || s.Len() > showTotal {
			s.WriteString("...")
			break
		}
		if number, ok := key.(lua.LNumber); !ok || number < 1 || number > lua.LNumber(n) {
			s.WriteString(showKey(key) + " = ")
		}
		s.value(t.RawGet(key), depth+1)
	}
	s.WriteByte('}')
}

func showKey(key lua.LValue) string {
	if name, ok := key.(lua.LString); ok && isName(string(name)) {
		return string(name)
	}
	return "[" + Show(key) + "]"
}

func isName(s string) bool {
	for i, r := range s {
		if !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9') {
			return false
		}
	}
	return s != ""
}

// keys are those of a table, in an order of their own: numbers, then strings, then
// others.
func keys(t *lua.LTable) (all []lua.LValue) {
	t.ForEach(func(k, _ lua.LValue) { all = append(all, k) })
	slices.SortStableFunc(all, func(a, b lua.LValue) int {
		if a.Type() != b.Type() {
			return rank(a) - rank(b)
		}
		switch a := a.(type) {
		case lua.LNumber:
			if a < b.(lua.LNumber) {
				return -1
			}
			return 1
		case lua.LString:
			return strings.Compare(string(a), string(b.(lua.LString)))
		}
		return 0
	})
	return all
}

func rank(v lua.LValue) int {
	switch v.Type() {
	case lua.LTNumber:
		return 0
	case lua.LTString:
		return 1
	}
	return 2 + int(v.Type())
}
