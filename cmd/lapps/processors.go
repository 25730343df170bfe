package main

import (
	"runtime"

	"lapps/config"
)

// setProcessors says how many processors Go uses at a time: what the configuration says,
// or else GOMAXPROCS. Where neither does, and the configuration says how many event loops
// there are, there are no more than can be busy: as many as these, or as the instances of
// the service that has most. Where one is idle each message that an event loop hands over
// wakes it, and it looks about in vain as often as not: with one loop and one instance a
// processor more than that costs a fifth for each message.
func setProcessors(cfg *config.Config, getenv func(string) string) {
	n := cfg.Processors
	if n == 0 && cfg.Loops > 0 && getenv("GOMAXPROCS") == "" {
		n = cfg.Loops
		for _, s := range cfg.Services {
			n = max(n, s.Instances)
		}
		n = min(n, runtime.GOMAXPROCS(0))
	}
	if n > 0 {
		runtime.GOMAXPROCS(n)
	}
}
