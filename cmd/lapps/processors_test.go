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
		loops, processors int
		env               string
		want              int
	}{
		{0, 0, "", 7},
		{3, 0, "", 3},
		{3, 0, "7", 7},
		{3, 2, "7", 2},
		{0, 2, "", 2},
	} {
		runtime.GOMAXPROCS(7)
		setProcessors(&config.Config{Loops: c.loops, Processors: c.processors}, func(string) string { return c.env })
		if got := runtime.GOMAXPROCS(0); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
