package main

import (
	"fmt"
	"strings"
)

// A usageError is a mistake of whoever calls: status 2.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// choose returns those cases that any of the patterns means, in their order:
// "*" is all of them, "7.9.*" those below 7.9, "6.4.1" that one. No pattern
// means all. A pattern that means none is an error.
func choose(cases []Case, patterns []string) ([]Case, error) {
	if len(patterns) == 0 {
		return cases, nil
	}
	wanted := make([]bool, len(cases))
	for _, p := range patterns {
		found := false
		for i := range cases {
			if means(p, cases[i].ID) {
				wanted[i], found = true, true
			}
		}
		if !found {
			return nil, &usageError{fmt.Sprintf("no case is meant by %q; expected something like *, 1.*, 7.9.* or 6.4.1", p)}
		}
	}
	var chosen []Case
	for i, w := range wanted {
		if w {
			chosen = append(chosen, cases[i])
		}
	}
	return chosen, nil
}

func means(pattern, id string) bool {
	if pattern == "*" {
		return true
	}
	if below, ok := strings.CutSuffix(pattern, ".*"); ok {
		return strings.HasPrefix(id, below+".")
	}
	return pattern == id
}
