package nljson

import (
	"errors"
	"fmt"

	"lapps/services/vm"

	lua "github.com/yuin/gopher-lua"
)

// iced is the ud of a container that is frozen. It marks it as such, so that what
// is not frozen pays nothing for it: several instances may have what is, and each
// keeps a userdata of its own for it, see known.
var iced = new(lua.LUserData)

var errFrozen = errors.New("the value is frozen: nljson.copy makes one that can be changed")

// isFrozen reports whether v and all its parts stay as they are: scalars do.
func isFrozen(v value) bool {
	switch v := v.(type) {
	case *array:
		return v.ud == iced
	case *object:
		return v.ud == iced
	}
	return true
}

// refuseFrozen raises an error where v must not be changed.
func refuseFrozen(L *lua.LState, v value) {
	if _, ok := size(v); ok && isFrozen(v) {
		L.RaiseError("nljson: %s", errFrozen.Error())
	}
}

// A freezer freezes containers, each once: it knows those it has by their mark, so
// that a tree may contain itself. Whatever a frozen container holds is frozen.
type freezer struct{ parts []frozenPart }

// A frozenPart is a container that has been frozen just now.
type frozenPart struct {
	v  value
	ud *lua.LUserData // what Lua knew it by; nil: Lua has not seen it
}

// add freezes v itself.
func (f *freezer) add(v value) {
	if isFrozen(v) {
		return
	}
	ud := mark(v)
	f.parts = append(f.parts, frozenPart{v, *ud})
	*ud = iced
}

// mark is where a container keeps its ud.
func mark(v value) **lua.LUserData {
	if a, ok := v.(*array); ok {
		return &a.ud
	}
	return &v.(*object).ud
}

// thaw undoes all.
func (f *freezer) thaw() {
	for _, p := range f.parts {
		*mark(p.v) = p.ud
	}
}

// freezeAll freezes v and all its parts, or, with an error, nothing.
func (l *Lib) freezeAll(v value) error {
	var f freezer
	f.add(v)
	items := 0
	for i := 0; i < len(f.parts); i++ {
		n, _ := size(f.parts[i].v)
		if items += n; items > l.maxItems {
			f.thaw()
			return errItems(l.maxItems)
		}
		f.addElements(f.parts[i].v)
	}
	for _, p := range f.parts {
		if o, ok := p.v.(*object); ok && o.many != nil {
			o.keys() // which remembers their order: nobody may do that any more
		}
		if p.ud != nil {
			l.known.keep(p.v, p.ud)
		}
	}
	return nil
}

// addElements freezes what a container holds.
func (f *freezer) addElements(v value) {
	switch v := v.(type) {
	case *array:
		for _, x := range v.elems {
			f.add(x)
		}
	case *object:
		for _, m := range v.few {
			f.add(m.v)
		}
		for _, x := range v.many {
			f.add(x)
		}
	}
}

// containerBytes is what an empty container takes, about.
const containerBytes = 32

// weigh is how many bytes a container takes, about, with all its parts, each
// counted once.
func weigh(root vm.Holder, maxItems int) (bytes int, err error) {
	seen := map[vm.Holder]struct{}{root: {}}
	todo := []vm.Holder{root}
	for items := 0; len(todo) > 0; {
		h := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		n, _ := size(h)
		if items += n + 1; items > maxItems {
			return 0, errItems(maxItems)
		}
		bytes += containerBytes + h.Parts(func(part vm.Holder) {
			if _, ok := seen[part]; !ok {
				seen[part] = struct{}{}
				todo = append(todo, part)
			}
		})
	}
	return bytes, nil
}

// weight is weigh for what is frozen; it is found out once for each.
func (l *Lib) weight(v value) (bytes int, err error) {
	if bytes = l.known.weight(v); bytes > 0 {
		return bytes, nil
	}
	if bytes, err = weigh(v.(vm.Holder), l.maxItems); err == nil {
		l.known.weigh(v, bytes)
	}
	return bytes, err
}

// freeze is nljson.freeze.
func (l *Lib) freeze(L *lua.LState) int {
	if err := l.freezeAll(valueArg(L, 1)); err != nil {
		L.RaiseError("nljson: cannot be frozen: %s", err.Error())
	}
	L.Push(L.Get(1))
	return 1
}

// frozen is nljson.frozen.
func (l *Lib) frozen(L *lua.LState) int {
	L.Push(lua.LBool(isFrozen(valueArg(L, 1))))
	return 1
}

// copy is nljson.copy. What the value has of one part several times the copy has as
// several.
func (l *Lib) copy(L *lua.LState) int {
	valueArg(L, 1)
	s := l.begin(&l.tree, l.maxItems)
	s.shares = shareNone
	err := s.lua(L.Get(1))
	s.reset()
	v := l.tree.take()
	if err != nil {
		L.RaiseError("nljson: cannot be copied: %s", err.Error())
	}
	L.Push(l.wrap(v))
	return 1
}

// shares says what of the trees that are told becomes part of the tree that is
// built; the rest is copied.
type shares uint8

const (
	shareAll shares = iota
	shareFrozen
	shareNone
)

// maxWeight is how many bytes what is shared may come to, each time that it is.
const maxWeight = 1 << 40

// shared reports whether v has become part of the tree that is being built, or
// should have.
func (s *source) shared(v value) (done bool, err error) {
	_, container := size(v)
	if s.splice == nil || s.shares == shareNone || s.shares == shareFrozen && !(container && isFrozen(v)) {
		return false, nil
	}
	s.splice.add(v)
	if s.shares == shareFrozen {
		n, err := s.lib.weight(v)
		if s.weight += n; err == nil && s.weight > maxWeight {
			err = fmt.Errorf("more than %d bytes", maxWeight)
		}
		if err != nil {
			return true, err
		}
	}
	return true, s.item(0)
}
