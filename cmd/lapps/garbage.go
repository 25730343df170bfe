package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// minGarbage is how much garbage may pile up, in bytes, before it is
// collected. Go's own measure is the live heap, at least 4 MB: with few
// connections the collector would run dozens of times each second, and its
// write barriers slow Lua down all the while. With 32 MB a pipelined echo
// costs a fifth less CPU.
const minGarbage = 32 << 20

// leastHeap is the live heap that Go assumes where there is less, in bytes:
// GOGC is a percentage of that, too.
const leastHeap = 4 << 20

// tuneGarbage sets GOGC after each collection, so that minGarbage or, with a
// larger heap, as much as is live, piles up until the next. An operator's own
// GOGC stands.
func tuneGarbage() {
	if os.Getenv("GOGC") == "" {
		retune(new(tuner))
	}
}

// A tuner is garbage from the start, so that its finalizer tells of the next
// collection. It has a pointer, because tiny objects without one share their
// block, and its fate, with others.
type tuner struct {
	_       *byte
	percent int // what GOGC is
}

func retune(t *tuner) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	percent := 100
	if n := live[0].Value.Uint64(); n < minGarbage {
		percent = int(minGarbage * 100 / max(n, leastHeap))
	}
	if percent < t.percent*9/10 || percent > t.percent*11/10 { // each change stops the world for a moment
		debug.SetGCPercent(percent)
		t.percent = percent
	}
	runtime.SetFinalizer(t, retune)
}
