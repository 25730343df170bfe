package server

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// TestPace lets through, in whatever time, as many as the rate says and as
// many at once, and never refuses who is steady.
func TestPace(t *testing.T) {
	for _, rate := range []int{1, 3, 7, 1000, 70_000} {
		var p, steady pace
		interval := time.Second / time.Duration(rate)
		r := rand.New(rand.NewPCG(uint64(rate), 1))
		now := time.Unix(1e9, 0)
		var through []time.Time
		for range 20_000 {
			if r.IntN(5) == 0 {
				now = now.Add(time.Duration(r.Int64N(int64(4 * interval))))
			}
			if r.IntN(2000) == 0 {
				now = now.Add(time.Duration(r.Int64N(int64(3 * time.Second))))
			}
			if p.allows(now, rate) {
				through = append(through, now)
			}
		}
		for i, first := range through {
			for j := i + rate; j < len(through); j += 1 + len(through)/50 {
				if span, most := through[j].Sub(first), rate+int(through[j].Sub(first)/interval); j-i+1 > most {
					t.Fatalf("rate %d: %d in %v, want %d at most", rate, j-i+1, span, most)
				}
			}
		}
		for i := range 10_000 {
			if !steady.allows(now.Add(time.Duration(i)*interval), rate) {
				t.Fatalf("rate %d: the %d. of a steady sender is refused", rate, i)
			}
		}
	}
}

// TestPrefixesShrink has many prefixes come and go: the counts are right all
// the time, and the maps do not keep the room of those that have gone.
func TestPrefixesShrink(t *testing.T) {
	var ps prefixes
	r := rand.New(rand.NewPCG(1, 1))
	truth := map[prefix]int{}
	var all []prefix
	for i := range 100_000 {
		if len(all) > 0 && r.IntN(100_000) < i { // at first they come, at last they go
			k := r.IntN(len(all))
			p := all[k]
			all[k] = all[len(all)-1]
			all = all[:len(all)-1]
			truth[p]--
			ps.leave(p)
			continue
		}
		p := prefixOf(netip.AddrFrom4([4]byte{10, byte(r.IntN(4)), byte(r.IntN(256)), byte(r.IntN(32))}))
		all = append(all, p)
		truth[p]++
		if n := ps.enter(p); n != truth[p] {
			t.Fatalf("%v has %d connections, want %d", p, n, truth[p])
		}
	}
	for _, p := range all {
		ps.leave(p)
		if s := ps.shard(p); s.most >= 64 && len(s.counts) <= s.most/4 {
			t.Fatalf("%d prefixes in a map that had %d", len(s.counts), s.most)
		}
	}
	for i := range ps.shards {
		if s := &ps.shards[i]; s.counts != nil {
			t.Errorf("%d prefixes are left in a shard", len(s.counts))
		}
	}
}
