package nljson

import (
	"testing"

	"lapps/services/vm"
)

// held is what v and all of its parts take; each part once.
func held(v vm.Holder, seen map[vm.Holder]bool) (bytes int) {
	if seen[v] {
		return 0
	}
	seen[v] = true
	var parts []vm.Holder
	bytes = v.Parts(func(h vm.Holder) { parts = append(parts, h) })
	for _, p := range parts {
		bytes += held(p, seen)
	}
	return bytes
}

// TestParts adds up about what values take, whatever they are made of.
func TestParts(t *testing.T) {
	text := make([]byte, 1000)
	leaf := func() *array { return &array{elems: []value{int64(1), blob(text)}} }
	shared := leaf()
	few, many := newObject(2), newObject(1000)
	few.few = append(few.few, member{"a", leaf()}, member{"b", shared}, member{"c", shared})
	for i := range 1000 {
		many.many[string(rune('a'+i))] = shared
	}
	for name, c := range map[string]struct {
		v    vm.Holder
		want int
	}{
		"empty":  {new(array), 0},
		"array":  {leaf(), 1000},
		"shared": {&array{elems: []value{shared, shared, shared}}, 1000},
		"few":    {few, 2000},
		"many":   {many, 1000 + 1000*memberBytes},
		"scalar": {scalar{blob(text)}, 1000},
	} {
		if got := held(c.v, map[vm.Holder]bool{}); got < c.want || got > c.want+c.want/10+300 {
			t.Errorf("%s: %d bytes, want about %d", name, got, c.want)
		}
	}
}
