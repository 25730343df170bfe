package main

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// decades puts ticks at the powers of ten, and unnamed ones between them.
type decades struct{}

// Ticks implements plot.Ticker.
func (decades) Ticks(lo, hi float64) []plot.Tick {
	var ticks []plot.Tick
	for v := math.Pow(10, math.Floor(math.Log10(lo))); v <= hi; v *= 10 {
		for m := 1.0; m < 10; m++ {
			if m*v < lo || m*v > hi {
				continue
			}
			t := plot.Tick{Value: m * v}
			if m == 1 {
				t.Label = thousands(strconv.FormatFloat(v, 'g', -1, 64))
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// steps puts some five ticks at multiples of 1, 2 or 5 and a power of ten.
type steps struct{}

// Ticks implements plot.Ticker.
func (steps) Ticks(lo, hi float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/4)))
	switch rest := (hi - lo) / 4 / step; {
	case rest >= 5:
		step *= 5
	case rest >= 2:
		step *= 2
	}
	var ticks []plot.Tick
	for i := math.Ceil(lo / step); i*step <= hi; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: thousands(strconv.FormatFloat(i*step, 'g', 6, 64))})
	}
	return ticks
}
