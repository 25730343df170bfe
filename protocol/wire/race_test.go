//go:build race

package wire

// Under the race detector a sync.Pool drops things at random.
const raceEnabled = true
