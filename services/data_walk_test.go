package services

import (
	"math/rand/v2"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// TestDataWalk has connections come and go: each keeps its table, and there are never
// more places than there were connections at once.
func TestDataWalk(t *testing.T) {
	l := lua.NewState()
	defer l.Close()
	r := rand.New(rand.NewPCG(5, 6))
	var d data
	tables := map[*Seat]lua.LValue{}
	most := 0
	for step := range 20_000 {
		for s, table := range tables {
			if d.of(l, s) != table {
				t.Fatalf("step %d: a seat has another table", step)
			}
			if r.IntN(40) < 1+step/1000%4 {
				d.forget(l, s)
				delete(tables, s)
			}
			break
		}
		if len(tables) < 50 && r.IntN(40) < 2 {
			s := new(Seat)
			d.forget(l, s) // it has none
			tables[s] = d.of(l, s)
			most = max(most, len(tables))
		}
		if len(tables) == 0 {
			most = 0
			if d.all != nil || l.G.Registry.RawGetString(dataKey) != lua.LNil {
				t.Fatalf("step %d: something is left: %v", step, d)
			}
			continue
		}
		if d.next-1 > most || d.next-1 != len(tables)+len(d.free) || l.G.Registry.RawGetString(dataKey) != lua.LValue(d.all) {
			t.Fatalf("step %d: %d tables, %d at most, and %d places, %d of them free", step, len(tables), most, d.next-1, len(d.free))
		}
	}
}
