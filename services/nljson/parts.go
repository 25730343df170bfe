package nljson

import (
	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

// What things take, in bytes, about.
const (
	valueBytes  = 24 // an element, with what a number is boxed in
	memberBytes = 64 // a member and its key's header, in a slice or a map
)

var (
	_ vm.Holder = (*array)(nil)
	_ vm.Holder = (*object)(nil)
	_ vm.Holder = (*view)(nil)
	_ vm.Holder = scalar{}
)

// Parts implements vm.Holder.
func (a *array) Parts(yield func(vm.Holder)) (bytes int) {
	bytes = cap(a.elems) * valueBytes
	for _, v := range a.elems {
		bytes += part(v, yield)
	}
	return bytes
}

// Parts implements vm.Holder.
func (o *object) Parts(yield func(vm.Holder)) (bytes int) {
	for _, m := range o.few {
		bytes += memberBytes + len(m.key) + part(m.v, yield)
	}
	for key, v := range o.many {
		bytes += memberBytes + len(key) + part(v, yield)
	}
	return bytes
}

// Parts implements vm.Holder.
func (w *view) Parts(yield func(vm.Holder)) (bytes int) {
	return len(w.seen)*memberBytes + part(w.v, yield)
}

// Parts implements vm.Holder.
func (s scalar) Parts(yield func(vm.Holder)) (bytes int) { return part(s.v, yield) }

// part is what v takes without its place, if it is no Holder.
func part(v value, yield func(vm.Holder)) (bytes int) {
	switch v := v.(type) {
	case vm.Holder:
		yield(v)
	case lua.LString:
		return len(v)
	case blob:
		return len(v)
	}
	return 0
}
