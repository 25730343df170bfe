package nljson

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// An object does what a map and a sort do, below and above maxFew, also when it
// shrinks again.
func TestObject(t *testing.T) {
	for _, names := range []int{3, maxFew, maxFew + 1, 200} {
		r := rand.New(rand.NewPCG(1, uint64(names)))
		o, twin := newObject(r.IntN(2*names)), map[string]value{}
		for step := range 2000 {
			key := fmt.Sprintf("%c%d", 'a'+rune(r.IntN(3)), r.IntN(names))
			switch r.IntN(4) {
			case 0, 1:
				o.set(key, int64(step))
				twin[key] = int64(step)
			case 2:
				_, want := twin[key]
				if got := o.remove(key); got != want {
					t.Fatalf("%d: remove %s: got %v", step, key, got)
				}
				delete(twin, key)
			case 3:
				got, ok := o.get(key)
				if want, wantOK := twin[key]; got != want || ok != wantOK {
					t.Fatalf("%d: get %s: got %v, %v", step, key, got, ok)
				}
			}
			if want := slices.Sorted(maps.Keys(twin)); o.len() != len(want) || !slices.Equal(o.keys(), want) {
				t.Fatalf("%d: got %q, want %q", step, o.keys(), want)
			}
		}
	}
}

// keys is a snapshot.
func TestObjectKeysStay(t *testing.T) {
	for _, n := range []int{4, 2 * maxFew} {
		o := newObject(-1)
		for i := range n {
			o.set(fmt.Sprint("k", i), nil)
		}
		keys := o.keys()
		before := slices.Clone(keys)
		o.set("a", nil)
		o.remove("k1")
		o.keys()
		if !slices.Equal(keys, before) {
			t.Errorf("%d members: the keys have changed to %q", n, keys)
		}
	}
}

func BenchmarkObjectInsert(b *testing.B) {
	for _, n := range []int{8, 32, 1000, 100_000} {
		keys := make([]string, n)
		for i := range keys {
			keys[i] = fmt.Sprint("key", rand.Int64())
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var o object
				for _, k := range keys {
					o.set(k, nil)
				}
				o.keys()
			}
		})
	}
}
