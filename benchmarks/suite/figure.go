package suite

import "fmt"

// A figureInfo says how a figure is shown. All figures are in µs, bytes, per
// second, or shares.
type figureInfo struct {
	label    string
	unit     string
	per      float64 // figures per unit
	decimals int
}

var figures = map[string]figureInfo{
	"cpu_us":       {"CPU µs", "µs", 1, 3},
	"per_s":        {"per second", "/s", 1, 0},
	"generator_us": {"generator µs", "µs", 1, 3},
	"p50_us":       {"p50 µs", "µs", 1, 0},
	"p90_us":       {"p90 µs", "µs", 1, 0},
	"p99_us":       {"p99 µs", "µs", 1, 0},
	"p999_us":      {"p99.9 µs", "µs", 1, 0},
	"max_us":       {"max µs", "µs", 1, 0},
	"rate_per_s":   {"rate per second", "/s", 1, 0},
	"late_share":   {"sent late %", "%", 0.01, 2},
	"slow_ended":   {"slow readers closed", "", 1, 0},
	"slope_bytes":  {"kB per connection", "kB", 1024, 2},
	"empty_bytes":  {"kB at first", "kB", 1024, 0},
	"rss_bytes":    {"kB resident", "kB", 1024, 0},
}

// show returns s in the figure's unit.
func (f figureInfo) show(s Spread) string {
	return Spread{s.Median / f.per, s.Min / f.per, s.Max / f.per}.Format(f.decimals)
}

// amount returns a value with its unit, in as few digits as it has.
func (f figureInfo) amount(v float64) string {
	return fmt.Sprintf("%g %s", v/f.per, f.unit)
}
