package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// After a burst, of TLS handshakes above all, most of the heap is garbage, or free
// and kept for the next burst: 17 kB for each connection of which 5 are live. Go
// collects again when as much has been allocated once more, or after two minutes,
// and gives pages back slowly. So once the process has gone quiet they are
// collected and given back at once: then it delays nobody.
const (
	// releaseTime is how often the heap is looked at.
	releaseTime = 500 * time.Millisecond

	// quietBytes is how much may be allocated between two looks by a process
	// that is quiet: less than a thousand messages per second. quietShare is
	// which part of the live heap, where that is more: pings of a million idle
	// connections.
	quietBytes = 64 << 10
	quietShare = 128

	// spareBytes is how much may be kept without need, and spareShare which
	// part of the live heap where that is more.
	spareBytes = 4 << 20
	spareShare = 8

	// releaseRate is how much of the heap may be collected in this way, in bytes
	// of what is live per second: that takes some hundredths of a processor.
	releaseRate = 64 << 20
)

// A releaser gives memory back that the process has no use for.
type releaser struct {
	heap    func() heap
	release func() // collects, and gives back what is free

	last uint64    // allocated at the last look
	rest time.Time // nothing is released before

	quit chan struct{}
	done chan struct{}
}

// A heap is Go's, in bytes.
type heap struct {
	allocated uint64 // since the start
	live      uint64 // what the last collection has left
	spare     uint64 // what has been allocated since, or is free and kept
}

// startReleaser starts one; nil: the operator's own GOGC stands.
func startReleaser() *releaser {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	r := &releaser{heap: readHeap, release: debug.FreeOSMemory, quit: make(chan struct{}), done: make(chan struct{})}
	go r.run()
	return r
}

// stop ends run and waits for it. It does nothing where there is no releaser.
func (r *releaser) stop() {
	if r != nil {
		close(r.quit)
		<-r.done
	}
}

func (r *releaser) run() {
	defer close(r.done)
	ticker := time.NewTicker(releaseTime)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			r.look()
		case <-r.quit:
			return
		}
	}
}

// look releases memory if there is much to be given back, and nothing else to do.
func (r *releaser) look() {
	h := r.heap()
	busy := h.allocated-r.last > max(quietBytes, h.live/quietShare)
	r.last = h.allocated
	now := time.Now()
	if busy || h.spare < max(spareBytes, h.live/spareShare) || now.Before(r.rest) {
		return
	}
	r.rest = now.Add(time.Duration(float64(h.live) / releaseRate * float64(time.Second)))
	r.release()
}

// readHeap asks Go's runtime; it stops nothing.
func readHeap() heap {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(samples)
	n := func(i int) uint64 { return samples[i].Value.Uint64() }
	kept := n(2) + n(3)
	return heap{allocated: n(0), live: n(1), spare: kept - min(kept, n(1))}
}
