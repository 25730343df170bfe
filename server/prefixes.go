package server

import (
	"encoding/binary"
	"net/netip"
	"sync"
)

// A prefix is whose connections Limits.PerPrefix counts together: an IPv4
// address, or an IPv6 /64, which is what a client of that kind has at least.
type prefix struct {
	bits uint64
	v6   bool
}

// prefixOf is the prefix of a, which is valid. A v4-mapped address is an IPv4
// address.
func prefixOf(a netip.Addr) prefix {
	if a = a.Unmap(); a.Is4() {
		b := a.As4()
		return prefix{bits: uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return prefix{binary.BigEndian.Uint64(b[:8]), true}
}

// prefixes count connections by their clients' prefixes. There are never more
// entries than connections. The zero value is ready, for any goroutine.
type prefixes struct{ shards [64]prefixShard }

// A prefixShard has the counts of some prefixes, so that a loop seldom waits
// for another, nor long for a map that is made anew.
type prefixShard struct {
	mu     sync.Mutex // guards the fields below
	counts map[prefix]int
	most   int // entries there have been in counts
}

// shard is where p is counted.
func (ps *prefixes) shard(p prefix) *prefixShard {
	const golden = 0x9e3779b97f4a7c15 // spreads neighbours
	return &ps.shards[p.bits*golden>>58]
}

// enter counts a connection of p, and returns how many there are now.
func (ps *prefixes) enter(p prefix) int {
	s := ps.shard(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = make(map[prefix]int)
	}
	s.counts[p]++
	s.most = max(s.most, len(s.counts))
	return s.counts[p]
}

// leave forgets a connection of p.
func (ps *prefixes) leave(p prefix) {
	s := ps.shard(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts[p]--; s.counts[p] == 0 {
		delete(s.counts, p)
		s.shrink()
	}
}

// shrink makes the map anew when few of its entries are left: a Go map keeps
// the room it once needed. That costs, for each that has left, less than a copy.
func (s *prefixShard) shrink() {
	switch {
	case len(s.counts) == 0:
		s.counts, s.most = nil, 0
	case s.most >= 64 && len(s.counts) <= s.most/4:
		counts := make(map[prefix]int, len(s.counts))
		for p, n := range s.counts {
			counts[p] = n
		}
		s.counts, s.most = counts, len(counts)
	}
}
