//go:build race

package rpc

// The race detector allocates, too.
const raceEnabled = true
