package nljson

import lua "github.com/yuin/gopher-lua"

// A value is a node of a tree:
//
//	nil             null
//	bool
//	int64           an integer
//	uint64          an integer above math.MaxInt64
//	float64         a number that was not written as an integer
//	lua.LString     a text, UTF-8: Lua gets it without an allocation
//	blob            bytes
//	*array, *object
type value any

// A blob is a string of bytes that need not be text.
type blob string

// An array is a list of values. Its zero value is empty.
type array struct {
	elems []value
	ud    *lua.LUserData // what Lua knows it by; nil until Lua has seen it; iced: it is frozen
}

// A scalar is what the userdata of a value holds that is no container.
type scalar struct{ v value }

// typeName is v's type as typename tells it.
func typeName(v value) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case int64, uint64, float64:
		return "number"
	case *array:
		return "array"
	case *object:
		return "object"
	}
	return "string"
}

// size is how many elements or members v has; ok is false if it can have none.
func size(v value) (n int, ok bool) {
	switch v := v.(type) {
	case *array:
		return len(v.elems), true
	case *object:
		return v.len(), true
	}
	return 0, false
}

// number is v as a Lua number.
func number(v value) (n float64, ok bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// unwrap returns the value behind a userdata of this package.
func unwrap(v lua.LValue) (x value, ok bool) {
	ud, ok := v.(*lua.LUserData)
	if !ok {
		return nil, false
	}
	switch x := ud.Value.(type) {
	case *array:
		return x, true
	case *object:
		return x, true
	case *view:
		return x.v, true
	case scalar:
		return x.v, true
	}
	return nil, false
}

// viewOf is what v holds where it is the userdata of a frozen container; or nil.
func viewOf(v lua.LValue) *view {
	if ud, ok := v.(*lua.LUserData); ok {
		w, _ := ud.Value.(*view)
		return w
	}
	return nil
}

// wrap returns the userdata of v: a container's own, or a new one.
func (l *Lib) wrap(v value) *lua.LUserData {
	switch v := v.(type) {
	case *array:
		switch v.ud {
		case nil:
			v.ud = l.userdata(v)
		case iced:
			return l.known.arrays.userdata(l, v)
		}
		return v.ud
	case *object:
		switch v.ud {
		case nil:
			v.ud = l.userdata(v)
		case iced:
			return l.known.objects.userdata(l, v)
		}
		return v.ud
	}
	return l.userdata(scalar{v})
}

func (l *Lib) userdata(content any) *lua.LUserData {
	return &lua.LUserData{Value: content, Env: l.state.G.Global, Metatable: l.meta}
}

// plain returns v as indexing does: containers as userdata, scalars as Lua's
// own values, null as nil.
func (l *Lib) plain(v value) lua.LValue {
	switch v := v.(type) {
	case nil:
		return lua.LNil
	case bool:
		return lua.LBool(v)
	case lua.LString:
		return v
	case blob:
		return lua.LString(v)
	case *array, *object:
		return l.wrap(v)
	}
	n, _ := number(v)
	return lua.LNumber(n)
}
