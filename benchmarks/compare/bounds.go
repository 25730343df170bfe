package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// bounds are the greatest ratios of CPU per message to the first server that are
// taken for no regression, by scenario.
type bounds map[string]float64

// parseBounds reads a list such as 80x1=1.5,80x16=3.
func parseBounds(text string, scenarios []scenario) (bounds, error) {
	if text == "" {
		return nil, nil
	}
	b := make(bounds)
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(part, "=")
		most, err := strconv.ParseFloat(value, 64)
		if err != nil || !(most > 0) {
			return nil, fmt.Errorf("compare: -most %q: expected scenario=ratio such as 80x16=3, not %q", text, part)
		}
		if !slices.ContainsFunc(scenarios, func(s scenario) bool { return s.Name == name }) {
			return nil, fmt.Errorf("compare: -most %q: %s is none of the scenarios", text, name)
		}
		b[name] = most
	}
	return b, nil
}

// check is an error where the median of a server's ratios is past its bound.
func (b bounds) check(all []outcome) error {
	var errs []error
	for _, o := range all {
		most, ok := b[o.Name]
		if !ok {
			continue
		}
		for _, f := range o.Servers[1:] {
			if f.CPURatio.Median > most {
				errs = append(errs, fmt.Errorf("compare: %s: %s takes %.2f times the CPU per message of %s, %.2f at most is allowed",
					o.Name, f.Name, f.CPURatio.Median, o.Servers[0].Name, most))
			}
		}
	}
	return errors.Join(errs...)
}
