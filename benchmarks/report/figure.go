package main

import (
	"fmt"
	"strconv"
	"strings"
)

// A figureInfo says how a figure is shown.
type figureInfo struct {
	label    string // %s is what is counted: message, delivery, handshake
	per      float64
	decimals int // -1: three digits
}

var figures = map[string]figureInfo{
	"cpu_us":       {"CPU µs per %s", 1, -1},
	"per_s":        {"%ss/s", 1, 0},
	"generator_us": {"generator µs", 1, -1},
	"p50_us":       {"p50 µs", 1, 0},
	"p90_us":       {"p90 µs", 1, 0},
	"p99_us":       {"p99 µs", 1, 0},
	"p999_us":      {"p99.9 µs", 1, 0},
	"max_us":       {"longest µs", 1, 0},
	"rate_per_s":   {"%ss/s", 1, 0},
	"late_share":   {"sent late %%", 0.01, 1},
	"slope_bytes":  {"kB per connection", 1024, 2},
	"empty_bytes":  {"MB at first", 1 << 20, 1},
	"rss_bytes":    {"MB resident", 1 << 20, 0},
}

// shown are the figures in the tables besides those by which servers are
// compared, by kind of scenario.
var shown = map[string][]string{
	"echo":      {"per_s", "generator_us"},
	"lapps":     {"per_s", "generator_us"},
	"mixed":     {"per_s", "generator_us"},
	"broadcast": {"per_s", "p50_us", "p99_us"},
	"connect":   {"per_s", "p50_us", "p99_us"},
	"open":      {"p50_us", "p90_us", "max_us", "rate_per_s", "late_share", "cpu_us"},
	"idle":      {"empty_bytes", "rss_bytes"},
}

// title is the figure's label where that is measured by a kind of scenario.
func (f figureInfo) title(kind string) string {
	counted := "message"
	switch kind {
	case "broadcast":
		counted = "delivery"
	case "connect":
		counted = "handshake"
	}
	label := strings.ReplaceAll(f.label, "%ss", plural(counted))
	return strings.NewReplacer("%%", "%", "%s", counted).Replace(label)
}

func plural(noun string) string {
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return stem + "ies"
	}
	return noun + "s"
}

// number shows one value.
func (f figureInfo) number(v float64) string {
	v /= f.per
	if f.decimals < 0 {
		return digits(v)
	}
	return thousands(strconv.FormatFloat(v, 'f', f.decimals, 64))
}

// spread shows the median with the extremes in brackets.
func (f figureInfo) spread(s spread) string {
	return fmt.Sprintf("%s [%s, %s]", f.number(s.Median), f.number(s.Min), f.number(s.Max))
}

// ratio shows a ratio with its extremes.
func ratio(s spread) string {
	return fmt.Sprintf("%.2f [%.2f, %.2f]", s.Median, s.Min, s.Max)
}

// digits shows three digits: 0.354, 5.67, 42.1, 1,234.
func digits(v float64) string {
	decimals := 3
	for limit := 1.0; v >= limit && decimals > 0; limit *= 10 {
		decimals--
	}
	return thousands(strconv.FormatFloat(v, 'f', decimals, 64))
}

// thousands puts commas between the thousands of a decimal number.
func thousands(text string) string {
	whole, rest, dot := strings.Cut(text, ".")
	start := 0
	if strings.HasPrefix(whole, "-") {
		start = 1
	}
	for i := len(whole) - 3; i > start; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if dot {
		return whole + "." + rest
	}
	return whole
}
