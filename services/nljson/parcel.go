package nljson

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// A Parcel is a value on its way from one instance to another. It belongs to no
// instance, and may be kept and passed on by any goroutine; it is to be imported
// once. The zero Parcel holds nil.
type Parcel struct {
	// v is a lua.LString, a lua.LNumber, a scalar, a container that is frozen, or
	// one that nobody else has.
	v    any
	size int
}

// itemBytes is what an item takes, about: a value with its place, or a key.
const itemBytes = 32

// Size is how many bytes the value takes, about; of a string, how long it is.
func (p Parcel) Size() int { return p.size }

// Export makes a Parcel of a value of the instance's: a string, a number, a table, or
// one of nljson. What is frozen is handed over as it is, whatever its size; it is
// looked through once, to be weighed, in the instance that exports it first. Of
// anything else that has parts the parcel holds a copy, bounded as all copies are, in
// which only what is frozen is shared. The error says what is wrong with v.
func (l *Lib) Export(v lua.LValue) (Parcel, error) {
	switch s := v.(type) {
	case lua.LString:
		return Parcel{v, len(s)}, nil
	case lua.LNumber:
		return Parcel{v, itemBytes}, nil
	case *lua.LTable:
		return l.exportCopy(v)
	case *lua.LUserData:
		x, ok := unwrap(v)
		if !ok {
			break
		}
		if _, ok := size(x); !ok {
			return Parcel{scalar{x}, itemBytes + part(x, nil)}, nil
		}
		if !isFrozen(x) {
			return l.exportCopy(v)
		}
		return l.exportFrozen(viewOf(v))
	}
	return Parcel{}, fmt.Errorf("nljson value, table, string or number expected, got %s", got(v))
}

// exportFrozen makes a parcel of the container that w views.
func (l *Lib) exportFrozen(w *view) (_ Parcel, err error) {
	if w.weight == 0 {
		if w.weight, err = l.weight(w.v); err != nil {
			return Parcel{}, err
		}
	}
	return Parcel{w.v, w.weight}, nil
}

// exportCopy makes a parcel of a copy of v, a container of nljson or of Lua.
func (l *Lib) exportCopy(v lua.LValue) (Parcel, error) {
	s := l.begin(&l.tree, l.maxItems)
	s.shares = shareFrozen
	err := s.lua(v)
	n := s.items*itemBytes + s.text + s.weight
	s.reset()
	x := l.tree.take()
	if err != nil {
		return Parcel{}, err
	}
	return Parcel{x, n}, nil
}

// Import makes the value of a parcel one of the instance's: strings and numbers are
// Lua's own, anything else is userdata. What was not frozen may be changed.
func (l *Lib) Import(p Parcel) lua.LValue {
	switch v := p.v.(type) {
	case lua.LValue: // a string, or a number: as it was boxed
		return v
	case scalar:
		return l.userdata(v)
	case *array, *object:
		ud := l.wrap(v)
		if w := viewOf(ud); w != nil {
			w.weight = p.size
		}
		return ud
	}
	return lua.LNil
}
