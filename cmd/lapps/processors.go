package main

import (
	"runtime"

	"lapps/config"
)

// setProcessors says how many processors Go uses at a time: what the configuration says,
// or else GOMAXPROCS, or else as many as there are event loops. Where one is idle each
// message that an event loop hands over wakes it, and it looks about in vain as often as
// not: with one loop a processor more than that costs a fifth for each message.
func setProcessors(cfg *config.Config, getenv func(string) string) {
	n := cfg.Processors
	if n == 0 && getenv("GOMAXPROCS") == "" {
		n = cfg.Loops
	}
	if n > 0 {
		runtime.GOMAXPROCS(n)
	}
}
