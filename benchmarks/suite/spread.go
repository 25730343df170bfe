package suite

import (
	"fmt"
	"slices"
)

// A Spread is the median of some figures, and their extremes.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// SpreadOf returns the spread of at least one figure.
func SpreadOf(v []float64) Spread {
	v = slices.Sorted(slices.Values(v))
	mid := len(v) / 2
	s := Spread{Median: v[mid], Min: v[0], Max: v[len(v)-1]}
	if len(v)%2 == 0 {
		s.Median = (v[mid-1] + v[mid]) / 2
	}
	return s
}

// Format returns the median with the extremes in brackets.
func (s Spread) Format(decimals int) string {
	return fmt.Sprintf("%.*f [%.*f, %.*f]", decimals, s.Median, decimals, s.Min, decimals, s.Max)
}

// pairwise returns f of the figures of each round. There are as many in a as
// in b, or what one has more is left out.
func pairwise(a, b []float64, f func(a, b float64) float64) []float64 {
	v := make([]float64, min(len(a), len(b)))
	for i := range v {
		v[i] = f(a[i], b[i])
	}
	return v
}
