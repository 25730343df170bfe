package nljson

import (
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxFew is how many members an object keeps in a sorted slice. Up to there a
// binary search and a move cost less than a map.
const maxFew = 32

// An object is a set of members, which have an order: that of their keys'
// bytes. Its zero value is empty.
type object struct {
	few  []member         // sorted; unused once many is made
	many map[string]value // nil up to maxFew members

	// order is the sorted keys of many; nil when that is not known. It is
	// replaced, never changed: iterators keep it. That of a frozen object is known.
	order []string

	ud *lua.LUserData // what Lua knows it by; nil until Lua has seen it; iced: it is frozen
}

type member struct {
	key string
	v   value
}

// newObject returns an empty object with room for n members; n < 0: nobody
// knows.
func newObject(n int) *object {
	switch {
	case n > maxFew:
		return &object{many: make(map[string]value, n)}
	case n > 0:
		return &object{few: make([]member, 0, n)}
	}
	return new(object)
}

func (o *object) len() int {
	if o.many != nil {
		return len(o.many)
	}
	return len(o.few)
}

func (o *object) get(key string) (v value, ok bool) {
	if o.many != nil {
		v, ok = o.many[key]
		return v, ok
	}
	if i, ok := o.search(key); ok {
		return o.few[i].v, true
	}
	return nil, false
}

// set adds a member or replaces its value.
func (o *object) set(key string, v value) {
	if o.many == nil {
		i, ok := o.search(key)
		if ok {
			o.few[i].v = v
			return
		}
		if len(o.few) < maxFew {
			o.few = slices.Insert(o.few, i, member{key, v})
			return
		}
		o.spread()
	}
	before := len(o.many)
	o.many[key] = v
	if len(o.many) > before {
		o.order = nil
	}
}

// spread moves the members into a map.
func (o *object) spread() {
	o.many = make(map[string]value, 2*maxFew)
	for _, m := range o.few {
		o.many[m.key] = m.v
	}
	o.few = nil
}

// remove reports whether there was such a member.
func (o *object) remove(key string) bool {
	if o.many != nil {
		if _, ok := o.many[key]; !ok {
			return false
		}
		delete(o.many, key)
		o.order = nil
		return true
	}
	i, ok := o.search(key)
	if ok {
		o.few = slices.Delete(o.few, i, i+1)
	}
	return ok
}

// keys returns the keys in order, as they are now. The slice must not be
// changed.
func (o *object) keys() []string {
	if o.many == nil {
		keys := make([]string, len(o.few))
		for i, m := range o.few {
			keys[i] = m.key
		}
		return keys
	}
	if o.order == nil {
		o.order = make([]string, 0, len(o.many))
		for k := range o.many {
			o.order = append(o.order, k)
		}
		slices.Sort(o.order)
	}
	return o.order
}

func (o *object) search(key string) (i int, ok bool) {
	return slices.BinarySearchFunc(o.few, key, func(m member, key string) int { return strings.Compare(m.key, key) })
}
