package vm

import (
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// What values take, in bytes, about.
const (
	boxBytes      = 16  // an LValue in a table, a variable, or on a stack
	stringBytes   = 16  // a string's header, where it is boxed
	tableBytes    = 128 // an empty table
	entryBytes    = 96  // of a table's hash part
	functionBytes = 96
	upvalueBytes  = 64
	threadBytes   = 8 << 10
	userBytes     = 64

	// longString is the length of strings that are counted once, however often
	// they are referred to.
	longString = 64
)

// A Holder is a value of a userdata, or a part of one, that holds memory. It must
// be comparable (a pointer).
type Holder interface {
	// Parts calls yield for each of its parts that is a Holder itself, and
	// returns how many bytes it takes without these.
	Parts(yield func(Holder)) (bytes int)
}

// A reach finds what Lua values take that can be reached, until it is more than
// most. Values that both share are counted once.
type reach struct {
	most  int64
	bytes int64
	seen  map[unsafe.Pointer]struct{}
	held  map[Holder]struct{}
	todo  []lua.LValue // to be looked into
	parts []Holder     // likewise
}

// reachable is how many bytes the values of the instance take, about; more than
// most where it is more. It takes some 0.1 µs for each value. The baton must be
// held.
func (in *Instance) reachable(most int64) int64 {
	r := &reach{most: most, seen: make(map[unsafe.Pointer]struct{}), held: make(map[Holder]struct{})}
	r.add(in.main.G.Global)
	r.add(in.main.G.Registry)
	r.add(in.main.GetMetatable(lua.LString("")))
	for _, e := range append(in.waiting, in.running) {
		for _, th := range e.threads {
			r.add(th)
		}
	}
	for r.bytes <= r.most {
		if n := len(r.todo); n > 0 {
			v := r.todo[n-1]
			r.todo = r.todo[:n-1]
			r.enter(v)
		} else if n := len(r.parts); n > 0 {
			h := r.parts[n-1]
			r.parts = r.parts[:n-1]
			r.bytes += int64(h.Parts(r.hold))
		} else {
			break
		}
	}
	return r.bytes
}

// add counts v itself, and notes it if there is something behind it.
func (r *reach) add(v lua.LValue) {
	switch v := v.(type) {
	case lua.LString:
		if len(v) < longString || r.first(unsafe.Pointer(unsafe.StringData(string(v)))) {
			r.bytes += stringBytes + int64(len(v))
		}
	case *lua.LTable:
		r.note(v, unsafe.Pointer(v), tableBytes)
	case *lua.LFunction:
		r.note(v, unsafe.Pointer(v), functionBytes)
	case *lua.LState:
		r.note(v, unsafe.Pointer(v), threadBytes)
	case *lua.LUserData:
		r.note(v, unsafe.Pointer(v), userBytes)
	}
}

// first reports whether p has not been seen.
func (r *reach) first(p unsafe.Pointer) bool {
	n := len(r.seen)
	r.seen[p] = struct{}{}
	return len(r.seen) > n
}

func (r *reach) note(v lua.LValue, p unsafe.Pointer, bytes int64) {
	if p != nil && r.first(p) {
		r.bytes += bytes
		r.todo = append(r.todo, v)
	}
}

// enter adds what is behind v.
func (r *reach) enter(v lua.LValue) {
	switch v := v.(type) {
	case *lua.LTable:
		r.table(v)
	case *lua.LFunction:
		r.add(v.Env)
		for _, u := range v.Upvalues {
			r.bytes += upvalueBytes
			r.add(u.Value())
		}
	case *lua.LState:
		r.thread(v)
	case *lua.LUserData:
		r.add(v.Metatable)
		if h, ok := v.Value.(Holder); ok {
			r.hold(h)
		}
	}
}

// hold notes h.
func (r *reach) hold(h Holder) {
	n := len(r.held)
	if r.held[h] = struct{}{}; len(r.held) > n {
		r.parts = append(r.parts, h)
	}
}

func (r *reach) table(t *lua.LTable) {
	r.add(t.Metatable)
	array := t.MaxN() // gaps take room, too
	r.bytes += int64(array) * boxBytes
	t.ForEach(func(k, v lua.LValue) {
		if r.bytes > r.most {
			return
		}
		if i, ok := k.(lua.LNumber); !ok || i < 1 || int(i) > array {
			r.bytes += entryBytes
			r.add(k)
		}
		r.add(v)
	})
}

// thread adds what is on a stack.
func (r *reach) thread(th *lua.LState) {
	r.add(th.Env)
	for level := 0; ; level++ {
		frame, ok := th.GetStack(level)
		if !ok {
			return
		}
		if fn, err := th.GetInfo("f", frame, lua.LNil); err == nil {
			r.add(fn)
		}
		for i := 1; ; i++ {
			name, v := th.GetLocal(frame, i)
			if name == "" {
				break
			}
			r.bytes += boxBytes
			r.add(v)
		}
	}
}
