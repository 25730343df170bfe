package main

import (
	"runtime"
	"testing"

	"lapps/config"
)

func TestSetProcessors(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, c := range []struct {
		loops, instances, processors int
		env                          string
		want                         int
	}{
		{0, 2, 0, "", 7},
		{3, 2, 0, "", 3},
		{3, 5, 0, "", 5},
		{3, 50, 0, "", 7},
		{32, 1, 0, "", 7},
		{3, 5, 0, "7", 7},
		{3, 5, 2, "7", 2},
		{0, 5, 2, "", 2},
		{0, 5, 9, "", 9},
	} {
		runtime.GOMAXPROCS(7)
		setProcessors(&config.Config{
			Loops: c.loops, Processors: c.processors,
			Services: map[string]config.Service{"a": {Instances: 1}, "b": {Instances: c.instances}},
		}, func(string) string { return c.env })
		if got := runtime.GOMAXPROCS(0); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
