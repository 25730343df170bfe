package nljson

import (
	"fmt"
	"math"
	"slices"

	"lapps/protocol/rpc"
	"lapps/services/vm"

	lua "github.com/yuin/gopher-lua"
)

// functions are the module's, as Lua calls them: nljson.decode(text).
var functions = []function{
	{"array", 0, 1, (*Lib).newArray},
	{"bytes", 1, 1, (*Lib).bytes},
	{"copy", 1, 1, (*Lib).copy},
	{"decode", 1, 1, (*Lib).decode},
	{"decode_file", 1, 1, (*Lib).decodeFile},
	{"each", 1, 1, (*Lib).each},
	{"empty", 1, 1, (*Lib).empty},
	{"encode", 1, 1, (*Lib).encode},
	{"encode_pretty", 1, 2, (*Lib).encodePretty},
	{"erase", 2, 2, (*Lib).erase},
	{"find", 2, 2, (*Lib).find},
	{"foreach", 2, 2, (*Lib).foreach},
	{"freeze", 1, 1, (*Lib).freeze},
	{"from_cbor", 1, 1, (*Lib).fromCBOR},
	{"frozen", 1, 1, (*Lib).frozen},
	{"keys", 1, 1, (*Lib).keys},
	{"object", 0, 1, (*Lib).newObject},
	{"push", 2, -1, (*Lib).push},
	{"size", 1, 1, (*Lib).size},
	{"to_cbor", 1, 1, (*Lib).toCBOR},
	{"totable", 1, 1, (*Lib).toTable},
	{"traverse", 2, 2, (*Lib).traverse},
	{"typename", 1, 1, (*Lib).typename},
}

func (l *Lib) decode(L *lua.LState) int {
	return l.decodeText(L, "", stringArg(L, 1))
}

// decodeText pushes what a text holds; an error begins with what it is.
func (l *Lib) decodeText(L *lua.LState, what, text string) int {
	defer l.tree.take() // of a text that may not be read to its end
	err := parseJSON(text, &l.tree, func(instructions int) { vm.Spend(L, instructions) })
	v := l.tree.take()
	if err != nil {
		L.RaiseError("nljson: %s%s", what, err.Error())
	}
	L.Push(l.wrap(v))
	return 1
}

func (l *Lib) encode(L *lua.LState) int { return l.pushText(L, 0) }

func (l *Lib) encodePretty(L *lua.LState) int {
	const defaultIndent, maxIndent = 2, 16
	n := L.OptNumber(2, defaultIndent)
	if !(n >= 0 && n <= maxIndent) || n != lua.LNumber(int(n)) {
		L.ArgError(2, fmt.Sprintf("an integer from 0 to %d expected", maxIndent))
	}
	return l.pushText(L, int(n))
}

func (l *Lib) pushText(L *lua.LState, indent int) int {
	text, err := l.text(L.Get(1), indent)
	if err != nil {
		L.RaiseError("nljson: cannot be encoded: %s", err.Error())
	}
	L.Push(lua.LString(text))
	return 1
}

func (l *Lib) toCBOR(L *lua.LState) int {
	defer l.cbor.Reset()
	if err := l.Walk(L.Get(1), &l.cbor); err != nil {
		L.RaiseError("nljson: cannot be encoded: %s", err.Error())
	}
	L.Push(lua.LString(l.cbor.Encoded()))
	return 1
}

func (l *Lib) fromCBOR(L *lua.LState) int {
	p := stringArg(L, 1)
	if err := rpc.Check(p); err != nil {
		why := err.Error()
		if e, ok := err.(*rpc.Error); ok {
			why = e.Message
		}
		L.RaiseError("nljson: %s", why)
	}
	L.Push(l.FromCBOR(p))
	return 1
}

// find returns nil for all that is not there.
func (l *Lib) find(L *lua.LState) int {
	v := valueArg(L, 1)
	L.Push(l.plain(lookup(v, keyArg(L))))
	return 1
}

// keyArg returns argument 2, a string or a number.
func keyArg(L *lua.LState) lua.LValue {
	key := L.Get(2)
	if !lua.LVCanConvToString(key) {
		wrongType(L, 2, "string or number")
	}
	return key
}

// lookup returns nil where v has nothing for key.
func lookup(v value, key lua.LValue) value {
	switch v := v.(type) {
	case *object:
		x, _ := v.get(key.String())
		return x
	case *array:
		if i, ok := v.at(key); ok {
			return v.elems[i]
		}
	}
	return nil
}

// at returns the index in elems that key means, if it means one that exists.
func (a *array) at(key lua.LValue) (i int, ok bool) {
	n, ok := key.(lua.LNumber)
	if !ok || !(n >= 1 && float64(n) <= float64(len(a.elems))) || float64(n) != math.Floor(float64(n)) {
		return 0, false
	}
	return int(n) - 1, true
}

// erase reports whether there was such an element.
func (l *Lib) erase(L *lua.LState) int {
	v, key, ok := valueArg(L, 1), keyArg(L), false
	refuseFrozen(L, v)
	switch v := v.(type) {
	case *object:
		ok = v.remove(key.String())
	case *array:
		var i int
		if i, ok = v.at(key); ok {
			v.elems = slices.Delete(v.elems, i, i+1)
		}
	}
	L.Push(lua.LBool(ok))
	return 1
}

func (l *Lib) push(L *lua.LState) int {
	v, _ := unwrap(L.Get(1))
	a, ok := v.(*array)
	if !ok {
		wrongType(L, 1, "nljson array")
	}
	refuseFrozen(L, a)
	more := make([]value, 0, L.GetTop()-1)
	for i := 2; i <= L.GetTop(); i++ {
		more = append(more, l.buildArg(L, i))
	}
	a.elems = append(a.elems, more...)
	L.Push(lua.LNumber(len(a.elems)))
	return 1
}

// buildArg returns argument n as part of a tree.
func (l *Lib) buildArg(L *lua.LState, n int) value {
	v, err := l.build(L.Get(n))
	if err != nil {
		L.ArgError(n, err.Error())
	}
	return v
}

func (l *Lib) newArray(L *lua.LState) int {
	v := l.buildArg(L, optTable(L))
	if n, _ := size(v); n == 0 {
		v = new(array)
	}
	if _, ok := v.(*array); !ok {
		L.ArgError(1, "the table has strings as keys")
	}
	L.Push(l.wrap(v))
	return 1
}

func (l *Lib) newObject(L *lua.LState) int {
	v := l.buildArg(L, optTable(L))
	if n, _ := size(v); n == 0 {
		v = new(object)
	}
	if _, ok := v.(*object); !ok {
		L.ArgError(1, "the table has numbers as keys")
	}
	L.Push(l.wrap(v))
	return 1
}

// optTable has argument 1 be a table, or nil or nothing; it returns 1.
func optTable(L *lua.LState) int {
	L.OptTable(1, nil)
	return 1
}

func (l *Lib) bytes(L *lua.LState) int {
	L.Push(l.wrap(blob(stringArg(L, 1))))
	return 1
}

func (l *Lib) toTable(L *lua.LState) int {
	b := tableBuilder{lib: l}
	if err := l.tell(L.Get(1), &b, l.maxItems); err != nil {
		L.ArgError(1, err.Error())
	}
	L.Push(b.root)
	return 1
}

func (l *Lib) typename(L *lua.LState) int {
	name := "null"
	switch v := L.Get(1).(type) {
	case lua.LBool:
		name = "boolean"
	case lua.LNumber:
		name = "number"
	case lua.LString:
		name = "string"
	case *lua.LTable:
		name = "array"
		if _, isMap := l.shapeArg(L, v); isMap {
			name = "object"
		}
	case *lua.LUserData:
		x, _ := unwrap(v)
		name = typeName(x)
	}
	L.Push(lua.LString(name))
	return 1
}

// shapeArg returns the keys that t, argument 1, has as an object, or the number
// of elements it has as an array.
func (l *Lib) shapeArg(L *lua.LState, t *lua.LTable) (n int, isMap bool) {
	n, isMap, err := l.source.shape(t)
	l.source.reset()
	if err != nil {
		L.ArgError(1, err.Error())
	}
	return n, isMap
}

func (l *Lib) size(L *lua.LState) int {
	n, ok := l.sizeArg(L)
	if !ok {
		wrongType(L, 1, "object, array or table")
	}
	L.Push(lua.LNumber(n))
	return 1
}

// empty is false for scalars, as in LAppS.
func (l *Lib) empty(L *lua.LState) int {
	n, ok := l.sizeArg(L)
	L.Push(lua.LBool(ok && n == 0))
	return 1
}

// sizeArg returns the size of argument 1; ok is false if it has none.
func (l *Lib) sizeArg(L *lua.LState) (n int, ok bool) {
	if t, ok := L.Get(1).(*lua.LTable); ok {
		n, _ = l.shapeArg(L, t)
		return n, true
	}
	v, _ := unwrap(L.Get(1))
	return size(v)
}

// keys returns a Lua array.
func (l *Lib) keys(L *lua.LState) int {
	v := containerArg(L, 1)
	n, _ := size(v)
	t := L.CreateTable(n, 0)
	c := begin(v)
	for key, _, ok := c.next(); ok; key, _, ok = c.next() {
		t.Append(key)
	}
	L.Push(t)
	return 1
}
