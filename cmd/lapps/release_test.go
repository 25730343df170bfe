package main

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestReleaser: memory is given back once there is much of it and nothing else to
// do, and where much is live not often.
func TestReleaser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards the variables below
		h, releases := heap{live: 4 << 20}, 0
		r := &releaser{
			heap: func() heap { mu.Lock(); defer mu.Unlock(); return h },
			release: func() {
				mu.Lock()
				defer mu.Unlock()
				releases++
				h.spare = 0
			},
			quit: make(chan struct{}), done: make(chan struct{}),
		}
		go r.run()
		defer r.stop()
		look := func(allocated, spare uint64, want int) {
			t.Helper()
			mu.Lock()
			h.allocated += allocated
			h.spare = spare
			mu.Unlock()
			time.Sleep(releaseTime)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if releases != want {
				t.Errorf("%d bytes allocated, %d spare: %d releases, want %d", allocated, spare, releases, want)
			}
		}
		look(30<<20, 30<<20, 0) // a burst
		look(quietBytes+1, 30<<20, 0)
		look(quietBytes, 30<<20, 1)
		look(0, spareBytes-1, 1)
		look(0, spareBytes, 2)

		mu.Lock()
		h.live = 128 << 20
		mu.Unlock()
		look(0, 16<<20-1, 2)
		look(1<<20+1, 16<<20, 2)
		look(1<<20, 16<<20, 3)
		for range 3 { // two seconds
			look(0, 16<<20, 3)
		}
		look(0, 16<<20, 4)
	})
}

// TestReadHeap: what is allocated is counted.
func TestReadHeap(t *testing.T) {
	before := readHeap()
	garbage := make([][]byte, 64)
	for i := range garbage {
		garbage[i] = make([]byte, 1<<20)
	}
	after := readHeap()
	if n := after.allocated - before.allocated; n < 64<<20 {
		t.Errorf("64 MiB were allocated, it says %d bytes", n)
	}
	if kept := after.live + after.spare; kept < 64<<20 {
		t.Errorf("64 MiB are kept, it says %d bytes", kept)
	}
	runtime.KeepAlive(garbage)
}
