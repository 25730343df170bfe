package nljson

import (
	"math"
	"slices"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
)

// maxPadding is how far beyond the end of an array an element may be assigned.
const maxPadding = 1024

// metamethods are those of all userdata. The number of arguments is Lua's
// affair.
var metamethods = []function{
	{"__eq", 0, -1, (*Lib).eq},
	{"__index", 0, -1, (*Lib).index},
	{"__ipairs", 0, -1, (*Lib).ipairs},
	{"__len", 0, -1, (*Lib).length},
	{"__newindex", 0, -1, (*Lib).newIndex},
	{"__pairs", 0, -1, (*Lib).pairs},
	{"__tostring", 0, -1, (*Lib).tostring},
}

func (l *Lib) index(L *lua.LState) int {
	v, _ := unwrap(L.Get(1))
	key := L.Get(2)
	checkKey(L, v, key)
	x := lookup(v, key)
	if w := viewOf(L.Get(1)); w != nil {
		L.Push(w.plain(l, x))
	} else {
		L.Push(l.plain(x))
	}
	return 1
}

// checkKey raises an error if key is not of the kind that v has.
func checkKey(L *lua.LState, v value, key lua.LValue) {
	switch v.(type) {
	case *object:
		if _, ok := key.(lua.LString); !ok {
			L.RaiseError("object key must be a string, not a %s", got(key))
		}
	case *array:
		n, ok := key.(lua.LNumber)
		if !ok {
			L.RaiseError("array index must be a number, not a %s", got(key))
		}
		if float64(n) != math.Floor(float64(n)) {
			L.RaiseError("array index must be an integer, not %s", n.String())
		}
	default:
		L.RaiseError("attempt to index an nljson %s", typeName(v))
	}
}

func (l *Lib) newIndex(L *lua.LState) int {
	v, _ := unwrap(L.Get(1))
	key := L.Get(2)
	checkKey(L, v, key)
	refuseFrozen(L, v)
	x, err := l.build(L.Get(3))
	if err != nil {
		L.RaiseError("nljson: cannot be assigned: %s", err.Error())
	}
	switch v := v.(type) {
	case *object:
		k := key.String()
		if !utf8.ValidString(k) {
			L.RaiseError("nljson: cannot be assigned: %s", errKey(k).Error())
		}
		v.set(k, x)
	case *array:
		v.assign(L, key.(lua.LNumber), x)
	}
	return 0
}

// assign pads with null what is between the end and n, an integer.
func (a *array) assign(L *lua.LState, n lua.LNumber, x value) {
	size := len(a.elems)
	switch {
	case n < 1:
		L.RaiseError("array index must be at least 1, not %s", n.String())
	case float64(n) > float64(size+maxPadding):
		L.RaiseError("array index %s is more than %d beyond the end of %d elements", n.String(), maxPadding, size)
	}
	if i := int(n); i > size {
		a.elems = append(slices.Grow(a.elems, i-size), make([]value, i-size)...)
	}
	a.elems[int(n)-1] = x
}

func (l *Lib) length(L *lua.LState) int {
	v, _ := unwrap(L.Get(1))
	n, ok := size(v)
	if !ok {
		L.RaiseError("attempt to get length of an nljson %s", typeName(v))
	}
	L.Push(lua.LNumber(n))
	return 1
}

// tostring raises no error, since print does not expect one.
func (l *Lib) tostring(L *lua.LState) int {
	text, err := l.text(L.Get(1), 0)
	if err != nil {
		v, _ := unwrap(L.Get(1))
		text = "nljson " + typeName(v) + ": " + err.Error()
	}
	L.Push(lua.LString(text))
	return 1
}

// eq compares what Lua sees: containers are equal if they are the same.
func (l *Lib) eq(L *lua.LState) int {
	a, okA := unwrap(L.Get(1))
	b, okB := unwrap(L.Get(2))
	if _, container := size(a); container {
		L.Push(lua.LBool(okB && a == b))
		return 1
	}
	L.Push(lua.LBool(okA && okB && l.plain(a) == l.plain(b)))
	return 1
}

// pairs is each, as Lua 5.2's pairs asks for it.
func (l *Lib) pairs(L *lua.LState) int {
	v, _ := unwrap(L.Get(1))
	if _, ok := size(v); !ok {
		L.RaiseError("attempt to iterate over an nljson %s", typeName(v))
	}
	L.Push(l.iterator(L, v))
	return 1
}

// ipairs goes through all elements, also null, which is nil.
func (l *Lib) ipairs(L *lua.LState) int {
	v, _ := unwrap(L.Get(1))
	if _, ok := v.(*array); !ok {
		L.RaiseError("attempt to iterate over an nljson %s with ipairs", typeName(v))
	}
	L.Push(l.iterator(L, v))
	return 1
}
