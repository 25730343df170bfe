package main

import "testing"

// TestTuner follows the live heap: GOGC is small while that grows, and not before
// nor after.
func TestTuner(t *testing.T) {
	const mb = 1 << 20
	tuner := &tuner{least: leastGarbage(2)}
	for i, step := range []struct{ live, want int }{
		{2 * mb, 200}, // 8 MB of the 4 that Go takes for it: it has grown from nothing
		{2 * mb, 800}, // 32 MB
		{3 * mb, 800}, // hardly
		{8 * mb, 100}, // 8 MB
		{16 * mb, 50},
		{64 * mb, 25}, // a quarter of it
		{65 * mb, 100},
		{40 * mb, 100},
		{60 * mb, 100}, // not more than it has been
		{70 * mb, 25},
		{34 * mb, 100}, // connections have gone
		{40 * mb, 25},  // and come again
		{20 * mb, 160},
	} {
		if got := tuner.next(uint64(step.live)); got != step.want {
			t.Errorf("step %d, %d bytes are live: GOGC is %d, want %d", i, step.live, got, step.want)
		}
	}
}

// TestLeastGarbage: as much for each two processors, up to a bound.
func TestLeastGarbage(t *testing.T) {
	for processors, want := range map[int]uint64{1: 32 << 20, 2: 32 << 20, 3: 32 << 20, 8: 128 << 20, 32: 512 << 20, 256: 512 << 20} {
		if got := leastGarbage(processors); got != want {
			t.Errorf("%d processors: %d bytes, want %d", processors, got, want)
		}
	}
}
