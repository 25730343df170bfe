package vm

import (
	"math"
	"testing"
	"time"
)

// TestSpan: what no Duration reaches is the longest one, and not one of the past.
func TestSpan(t *testing.T) {
	for n, want := range map[float64]time.Duration{0: 0, 1.5: 1500 * time.Millisecond, 1e10: math.MaxInt64, 1e300: math.MaxInt64, math.Inf(1): math.MaxInt64} {
		if got := Span(n, time.Second); got != want {
			t.Errorf("%v s are %v, want %v", n, got, want)
		}
	}
}
