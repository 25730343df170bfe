package luatest

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxDifferences is how many are told.
const maxDifferences = 5

// differences says where got is not what want is, table by table; none: they are
// equal. Metatables are not looked at; a table that holds itself is equal to one
// that does so in the same place.
func differences(got, want lua.LValue) (all []string) {
	d := differ{seen: make(map[[2]*lua.LTable]bool)}
	d.compare("", got, want)
	if d.more {
		d.all = append(d.all, "...")
	}
	return d.all
}

type differ struct {
	all  []string
	more bool
	seen map[[2]*lua.LTable]bool // pairs that have been compared, or are
}

func (d *differ) compare(where string, got, want lua.LValue) {
	if got == want {
		return
	}
	a, ok := got.(*lua.LTable)
	b, also := want.(*lua.LTable)
	if !ok || !also {
		d.add(where, got, want)
		return
	}
	pair := [2]*lua.LTable{a, b}
	if d.seen[pair] {
		return
	}
	d.seen[pair] = true
	for _, key := range keys(b) {
		d.compare(where+step(key), a.RawGet(key), b.RawGet(key))
	}
	for _, key := range keys(a) {
		if b.RawGet(key) == lua.LNil {
			d.compare(where+step(key), a.RawGet(key), lua.LNil)
		}
	}
}

// step is how a member is reached from its table.
func step(key lua.LValue) string {
	if name, ok := key.(lua.LString); ok && isName(string(name)) {
		return "." + string(name)
	}
	return "[" + Show(key) + "]"
}

func (d *differ) add(where string, got, want lua.LValue) {
	if len(d.all) == maxDifferences {
		d.more = true
		return
	}
	line := fmt.Sprintf("expected %s, got %s", Show(want), Show(got))
	if where != "" {
		line = "at " + strings.TrimPrefix(where, ".") + ": " + line
	}
	d.all = append(d.all, line+apart(got, want))
}

// apart says where two long texts part.
func apart(got, want lua.LValue) string {
	a, ok := got.(lua.LString)
	b, also := want.(lua.LString)
	if !ok || !also || min(len(a), len(b)) < 30 {
		return ""
	}
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return fmt.Sprintf(" (they part at byte %d: %s, got %s)", n+1, quote(clip(string(b), n)), quote(clip(string(a), n)))
}

// clip is what stands around byte n of a text.
func clip(s string, n int) string { return s[max(0, n-5):min(len(s), n+15)] }
