package nljson

import (
	"weak"

	lua "github.com/yuin/gopher-lua"
)

// A view is what the userdata of a frozen container holds: the container may be
// others' as well, the view is the instance's own. Owned by the baton's holder.
type view struct {
	v      value
	weight int                      // what can be reached from v takes; 0: nobody has asked
	seen   map[value]*lua.LUserData // what Lua has seen of what v holds: known takes longer
}

// plain is Lib.plain of an element of the container.
func (w *view) plain(l *Lib, x value) lua.LValue {
	if _, ok := size(x); !ok {
		return l.plain(x)
	}
	ud := w.seen[x]
	if ud == nil {
		if w.seen == nil {
			w.seen = make(map[value]*lua.LUserData)
		}
		ud = l.wrap(x)
		w.seen[x] = ud
	}
	return ud
}

// known is what an instance knows of frozen containers: the userdata that its Lua
// has for each, and what those take that were part of a parcel. It keeps none of them
// alive. Owned by the baton's holder.
type known struct {
	arrays  handles[array]
	objects handles[object]
}

// handles are those of containers of one type.
type handles[T any] struct {
	all map[weak.Pointer[T]]handle

	// most is how many there may be before those are sorted out that mean
	// nothing any more: so they are never more than half, or a few.
	most int
}

// A handle is what is known of a container.
type handle struct {
	ud     weak.Pointer[lua.LUserData]
	weight int // 0: not known
}

// fewHandles are so few that nobody sorts them.
const fewHandles = 256

// set notes h for the container c.
func (hs *handles[T]) set(c weak.Pointer[T], h handle) {
	if len(hs.all) >= max(hs.most, fewHandles) {
		hs.sort()
	}
	if hs.all == nil {
		hs.all = make(map[weak.Pointer[T]]handle)
	}
	hs.all[c] = h
}

// sort keeps the handles of containers that are alive, if Lua has them, or their
// weight is known. The map is a new one: Go's do not become smaller.
func (hs *handles[T]) sort() {
	alive := make(map[weak.Pointer[T]]handle)
	for c, h := range hs.all {
		if c.Value() != nil && (h.weight > 0 || h.ud.Value() != nil) {
			alive[c] = h
		}
	}
	hs.all, hs.most = alive, 2*len(alive)
}

// userdata is Lua's for the container c, made by l where there is none.
func (hs *handles[T]) userdata(l *Lib, c *T) *lua.LUserData {
	key := weak.Make(c)
	h := hs.all[key]
	if ud := h.ud.Value(); ud != nil {
		return ud
	}
	ud := l.userdata(&view{v: c})
	h.ud = weak.Make(ud)
	hs.set(key, h)
	return ud
}

// keep notes that ud is Lua's for the container c.
func (hs *handles[T]) keep(c *T, ud *lua.LUserData) {
	key := weak.Make(c)
	h := hs.all[key]
	h.ud = weak.Make(ud)
	hs.set(key, h)
}

// weigh notes the weight of c.
func (hs *handles[T]) weigh(c *T, weight int) {
	key := weak.Make(c)
	if h := hs.all[key]; h.weight != weight {
		h.weight = weight
		hs.set(key, h)
	}
}

// keep notes that ud is Lua's for v, a container, and makes it a view.
func (k *known) keep(v value, ud *lua.LUserData) {
	ud.Value = &view{v: v}
	switch v := v.(type) {
	case *array:
		k.arrays.keep(v, ud)
	case *object:
		k.objects.keep(v, ud)
	}
}

// weigh notes what v takes, a container.
func (k *known) weigh(v value, weight int) {
	switch v := v.(type) {
	case *array:
		k.arrays.weigh(v, weight)
	case *object:
		k.objects.weigh(v, weight)
	}
}

// weight is what v takes, a container; 0: that is not known.
func (k *known) weight(v value) int {
	switch v := v.(type) {
	case *array:
		return k.arrays.all[weak.Make(v)].weight
	case *object:
		return k.objects.all[weak.Make(v)].weight
	}
	return 0
}
