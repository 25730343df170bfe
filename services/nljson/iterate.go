package nljson

import (
	"lapps/protocol/rpc"

	lua "github.com/yuin/gopher-lua"
)

// A cursor goes through the elements that a container had when it began, in
// order, and leaves out what has gone since.
type cursor struct {
	v    value
	keys []string // of an object
	n, i int      // how many elements, and how many are behind it
}

func begin(v value) cursor {
	switch v := v.(type) {
	case *object:
		keys := v.keys()
		return cursor{v: v, keys: keys, n: len(keys)}
	case *array:
		return cursor{v: v, n: len(v.elems)}
	}
	return cursor{}
}

// next returns the next element, and false after the last.
func (c *cursor) next() (key lua.LValue, v value, ok bool) {
	for c.i < c.n {
		c.i++
		switch in := c.v.(type) {
		case *object:
			k := c.keys[c.i-1]
			if v, ok := in.get(k); ok {
				return lua.LString(k), v, true
			}
		case *array:
			if c.i <= len(in.elems) {
				return lua.LNumber(c.i), in.elems[c.i-1], true
			}
		}
	}
	return lua.LNil, nil, false
}

func (l *Lib) foreach(L *lua.LState) int {
	c, fn := begin(containerArg(L, 1)), L.CheckFunction(2)
	for key, v, ok := c.next(); ok; key, v, ok = c.next() {
		l.callWith(L, fn, key, v)
	}
	return 0
}

func (l *Lib) callWith(L *lua.LState, fn *lua.LFunction, key lua.LValue, v value) {
	L.Push(fn)
	L.Push(key)
	L.Push(l.plain(v))
	L.Call(2, 0)
}

// A level of traverse: the elements of a container, which is itself an element
// of the one above.
type level struct {
	cursor
	key lua.LValue
}

// traverse is in post-order: a container comes after what it contains. It keeps
// its levels on the heap, since fn may call it again, and again.
func (l *Lib) traverse(L *lua.LState) int {
	root, fn := containerArg(L, 1), L.CheckFunction(2)
	levels := []level{{cursor: begin(root)}}
	for items := 0; ; {
		top := &levels[len(levels)-1]
		key, v, ok := top.next()
		if !ok {
			done := *top
			levels = levels[:len(levels)-1]
			if len(levels) == 0 {
				return 0
			}
			l.callWith(L, fn, done.key, done.v)
			continue
		}
		if items++; items > l.maxItems {
			L.RaiseError("nljson: cannot be traversed: %s", errItems(l.maxItems).Error())
		}
		if _, ok := size(v); !ok {
			l.callWith(L, fn, key, v)
			continue
		}
		if len(levels) == rpc.MaxDepth {
			L.RaiseError("nljson: cannot be traversed: %s", errDepth.Error())
		}
		levels = append(levels, level{begin(v), key})
	}
}

// each returns an iterator.
func (l *Lib) each(L *lua.LState) int {
	L.Push(l.iterator(L, containerArg(L, 1)))
	return 1
}

// iterator makes the function that a for loop calls.
func (l *Lib) iterator(L *lua.LState, v value) *lua.LFunction {
	c := begin(v)
	return L.NewFunction(func(L *lua.LState) int {
		key, v, ok := c.next()
		L.Push(key)
		if !ok {
			return 1
		}
		L.Push(l.plain(v))
		return 2
	})
}
