//go:build race

package server_test

const raceDetector = true

// The race detector makes everything ten times as slow, TLS most of all: the
// stacks in between are left to the tests without it.
func init() { stacks = []stack{stacks[0], stacks[3]} }
