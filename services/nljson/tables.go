package nljson

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"lapps/protocol/rpc"

	lua "github.com/yuin/gopher-lua"
)

// exact is the magnitude up to which every integer is a Lua number of its own.
const exact = 1 << 53

// sparse is how many more than twice its elements a table may need as an
// array, holes included.
const sparse = 1024

var errMixed = errors.New("a table has both strings and numbers as keys, so it is neither an object nor an array")

// lua tells what a Lua value holds: what JSON has no word for is null.
// Metamethods are not called.
func (s *source) lua(v lua.LValue) error {
	switch v := v.(type) {
	case *lua.LTable:
		return s.table(v)
	case *lua.LUserData:
		x, _ := unwrap(v)
		if done, err := s.shared(x); done {
			return err
		}
		return s.tree(x)
	case lua.LString:
		if err := s.item(len(v)); err != nil {
			return err
		}
		if utf8.ValidString(string(v)) {
			s.b.Text(string(v))
		} else {
			s.b.Bytes(string(v))
		}
		return nil
	}
	if err := s.item(0); err != nil {
		return err
	}
	switch v := v.(type) {
	case lua.LBool:
		s.b.Bool(bool(v))
	case lua.LNumber:
		s.number(float64(v))
	default:
		s.b.Null()
	}
	return nil
}

// number tells an integer where n is one. -0 is not: it would lose its sign.
func (s *source) number(n float64) {
	if n != math.Trunc(n) || math.Abs(n) > exact || n == 0 && math.Signbit(n) {
		s.b.Float(n)
		return
	}
	s.b.Int(int64(n))
}

func (s *source) table(t *lua.LTable) error {
	if err := s.begin(); err != nil {
		return err
	}
	first := len(s.keys)
	n, isMap, err := s.shape(t)
	if err != nil {
		return err
	}
	if isMap {
		s.b.Map(n)
		for i := first; i < first+n; i++ {
			key := s.keys[i]
			if err := s.key(key); err != nil {
				return err
			}
			if err := s.lua(t.RawGetString(key)); err != nil {
				return err
			}
		}
		clear(s.keys[first:])
		s.keys = s.keys[:first]
	} else {
		s.b.Array(n)
		for i := 1; i <= n; i++ {
			if err := s.lua(t.RawGetInt(i)); err != nil {
				return err
			}
		}
	}
	s.end()
	return nil
}

// shape says what t is: an array of n elements, or a map of n members, whose
// keys it pushes onto s.keys, in order.
func (s *source) shape(t *lua.LTable) (n int, isMap bool, err error) {
	n = t.MaxN()
	before := lua.LNil
	if n > 0 {
		before = lua.LNumber(n)
	}
	key, _ := t.Next(before) // of those that are not in the table's array
	switch key.(type) {
	case *lua.LNilType:
		return n, n == 0 && isObject(t), dense(t, n)
	case lua.LString:
		if n > 0 {
			return 0, false, errMixed
		}
		return s.members(t, key)
	}
	return 0, false, s.badKey(t, key)
}

// isObject reports whether the metatable of an empty table wants it to be {}.
func isObject(t *lua.LTable) bool {
	mt, ok := t.Metatable.(*lua.LTable)
	return ok && mt.RawGetString("__jsontype") == lua.LString("object")
}

// dense refuses an array that is mostly holes.
func dense(t *lua.LTable, n int) error {
	if n <= sparse {
		return nil
	}
	count := 0
	for i := 1; i <= n; i++ {
		if t.RawGetInt(i) != lua.LNil {
			count++
		}
	}
	if n > 2*count+sparse {
		return errSparse(count, float64(n))
	}
	return nil
}

func errSparse(count int, n float64) error {
	return fmt.Errorf("a table with %d elements and the key %s is too sparse for an array", count, lua.LNumber(n))
}

// members pushes the keys of t, of which key is the first, in order.
func (s *source) members(t *lua.LTable, key lua.LValue) (n int, isMap bool, err error) {
	first := len(s.keys)
	for ; key != lua.LNil; key, _ = t.Next(key) {
		k, ok := key.(lua.LString)
		if !ok {
			return 0, false, s.badKey(t, key)
		}
		if !utf8.ValidString(string(k)) {
			return 0, false, errKey(string(k))
		}
		s.keys = append(s.keys, string(k))
	}
	slices.Sort(s.keys[first:])
	return len(s.keys) - first, true, nil
}

// badKey says what is wrong with a table that has a key which is neither in
// its array nor a string.
func (s *source) badKey(t *lua.LTable, key lua.LValue) error {
	n, ok := key.(lua.LNumber)
	switch {
	case !ok:
		return fmt.Errorf("a table has a %s as a key; only strings or positive integers will do", key.Type())
	case !(n >= 1) || float64(n) != math.Floor(float64(n)):
		return fmt.Errorf("a table has the key %s; only strings or positive integers will do", n)
	}
	count, strings := 0, false
	t.ForEach(func(k, _ lua.LValue) {
		_, isString := k.(lua.LString)
		strings = strings || isString
		count++
	})
	if strings {
		return errMixed
	}
	return errSparse(count, float64(n))
}

// errKey is why a string cannot be a key.
func errKey(key string) error { return fmt.Errorf("the key %.40q is not valid UTF-8", key) }

// A tableBuilder is a Builder that makes Lua tables, strings and numbers. null
// is nil: a hole in an array, and no member at all.
type tableBuilder struct {
	lib  *Lib
	root lua.LValue
	open []openTable
}

type openTable struct {
	t     *lua.LTable
	isMap bool
	key   string // of the member whose value follows
	n     int    // elements so far; of a map: members that are not null
}

var _ rpc.Builder = (*tableBuilder)(nil)

func (b *tableBuilder) add(v lua.LValue) {
	last := len(b.open) - 1
	if last < 0 {
		b.root = v
		return
	}
	p := &b.open[last]
	switch {
	case !p.isMap:
		if p.n++; v != lua.LNil {
			p.t.RawSetInt(p.n, v)
		}
	case v != lua.LNil:
		p.n++
		p.t.RawSetString(p.key, v)
	}
}

func (b *tableBuilder) Null()           { b.add(lua.LNil) }
func (b *tableBuilder) Bool(v bool)     { b.add(lua.LBool(v)) }
func (b *tableBuilder) Int(v int64)     { b.add(lua.LNumber(v)) }
func (b *tableBuilder) Uint(v uint64)   { b.add(lua.LNumber(v)) }
func (b *tableBuilder) Float(v float64) { b.add(lua.LNumber(v)) }
func (b *tableBuilder) Text(s string)   { b.add(lua.LString(s)) }
func (b *tableBuilder) Bytes(s string)  { b.add(lua.LString(s)) }

func (b *tableBuilder) Array(n int) { b.begin(openTable{t: b.lib.state.CreateTable(max(n, 0), 0)}) }

func (b *tableBuilder) Map(n int) {
	b.begin(openTable{t: b.lib.state.CreateTable(0, max(n, 1)), isMap: true})
}

func (b *tableBuilder) begin(o openTable) {
	b.add(o.t)
	b.open = append(b.open, o)
}

func (b *tableBuilder) Key(s string) { b.open[len(b.open)-1].key = s }

// End marks a map that has come out empty: Lua's {} would go back as an array.
func (b *tableBuilder) End() {
	last := len(b.open) - 1
	if o := b.open[last]; o.isMap && o.n == 0 {
		o.t.Metatable = b.lib.emptyMap
	}
	b.open = b.open[:last]
}
