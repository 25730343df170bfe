package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// minGarbage is how much garbage may pile up, in bytes for each two processors,
// before it is collected. Go's own measure is the live heap, at least 4 MB: with
// few connections the collector would run dozens of times each second, and its
// write barriers slow Lua down all the while. With 32 MB a pipelined echo
// costs a fifth less CPU; there are one or two collections a second then, and as
// many with more processors, which allocate more. maxGarbage ends that.
const (
	minGarbage = 32 << 20
	maxGarbage = 512 << 20
)

// While the live heap grows, which is when connections are opened, there is less:
// youngGarbage, or a quarter of what is live. What is kept lies between the
// garbage of opening handshakes, and the more of that there is, the more pages
// are half empty for as long as those connections live.
const youngGarbage = 8 << 20

// leastHeap is the live heap that Go assumes where there is less, in bytes:
// GOGC is a percentage of that, too.
const leastHeap = 4 << 20

// tuneGarbage sets GOGC after each collection, so that so much piles up until the
// next. An operator's own GOGC stands.
func tuneGarbage() {
	if os.Getenv("GOGC") == "" {
		retune(&tuner{least: leastGarbage(runtime.GOMAXPROCS(0))})
	}
}

// leastGarbage is how much may pile up where little is live.
func leastGarbage(processors int) uint64 {
	return uint64(min(minGarbage*max(processors/2, 1), maxGarbage))
}

// A tuner is garbage from the start, so that its finalizer tells of the next
// collection. It has a pointer, because tiny objects without one share their
// block, and its fate, with others.
type tuner struct {
	_       *byte
	least   uint64 // bytes that may pile up where little is live
	percent int    // what GOGC is
	most    uint64 // bytes that have been live, since it was less than half as much
}

func retune(t *tuner) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	percent := t.next(live[0].Value.Uint64())
	if percent < t.percent*9/10 || percent > t.percent*11/10 { // each change stops the world for a moment
		debug.SetGCPercent(percent)
		t.percent = percent
	}
	runtime.SetFinalizer(t, retune)
}

// next is what GOGC is to be where so many bytes are live. What goes up and down
// with the load does not count as growth.
func (t *tuner) next(live uint64) (percent int) {
	garbage := max(t.least, live)
	if young := max(youngGarbage, live/4); live > t.most+young/8 {
		garbage = young
	}
	if live > t.most || live < t.most/2 {
		t.most = live
	}
	return int(garbage * 100 / max(live, leastHeap))
}
