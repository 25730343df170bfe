package main

import "testing"

// TestTuner follows the live heap: GOGC is small while that grows, and not before
// nor after.
func TestTuner(t *testing.T) {
	const mb = 1 << 20
	tuner := new(tuner)
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
