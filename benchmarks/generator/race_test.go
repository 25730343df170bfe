//go:build race

package generator

// The race detector allocates, too.
const raceEnabled = true
