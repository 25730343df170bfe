package nljson

import (
	"lapps/protocol/rpc"

	lua "github.com/yuin/gopher-lua"
)

// A treeBuilder is a Builder that makes a tree. Its zero value is ready; take
// makes it so again.
type treeBuilder struct {
	root value
	open []openNode
}

// An openNode is a container that has begun: one of the two.
type openNode struct {
	list *array
	obj  *object
	key  string // of the member whose value follows
}

var _ rpc.Builder = (*treeBuilder)(nil)

// take returns the tree, which is the caller's, and forgets it. It may be
// called in the middle of a value that turned out to be wrong.
func (b *treeBuilder) take() value {
	v := b.root
	clear(b.open)
	b.root, b.open = nil, b.open[:0]
	return v
}

// add puts a whole value in its place. v becomes part of the tree.
func (b *treeBuilder) add(v value) {
	n := len(b.open)
	if n == 0 {
		b.root = v
		return
	}
	if p := &b.open[n-1]; p.obj != nil {
		p.obj.set(p.key, v)
	} else {
		p.list.elems = append(p.list.elems, v)
	}
}

// has reports whether the object that is being built has that key.
func (b *treeBuilder) has(key string) bool {
	_, ok := b.open[len(b.open)-1].obj.get(key)
	return ok
}

func (b *treeBuilder) Null()           { b.add(nil) }
func (b *treeBuilder) Bool(v bool)     { b.add(v) }
func (b *treeBuilder) Int(v int64)     { b.add(v) }
func (b *treeBuilder) Uint(v uint64)   { b.add(v) }
func (b *treeBuilder) Float(v float64) { b.add(v) }
func (b *treeBuilder) Text(s string)   { b.add(lua.LString(s)) }
func (b *treeBuilder) Bytes(s string)  { b.add(blob(s)) }

func (b *treeBuilder) Array(n int) {
	a := new(array)
	if n > 0 {
		a.elems = make([]value, 0, n)
	}
	b.add(a)
	b.open = append(b.open, openNode{list: a})
}

func (b *treeBuilder) Map(n int) {
	o := newObject(n)
	b.add(o)
	b.open = append(b.open, openNode{obj: o})
}

func (b *treeBuilder) Key(s string) { b.open[len(b.open)-1].key = s }

func (b *treeBuilder) End() {
	last := len(b.open) - 1
	b.open[last] = openNode{}
	b.open = b.open[:last]
}
