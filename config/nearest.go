package config

import (
	"fmt"
	"strings"
)

// knownKeys returns the end of the sentence "unknown key": what was meant, if
// one of the known keys is near, and all that are known.
func knownKeys(key string, known []string) string {
	meant := ","
	if k := nearest(key, known); k != "" {
		meant = fmt.Sprintf(", did you mean %q?", k)
	}
	if meant == "," {
		return ", known here: " + strings.Join(known, ", ")
	}
	return meant + " Known here: " + strings.Join(known, ", ")
}

// nearest returns the known key that key was probably meant to be, or "".
func nearest(key string, known []string) string {
	if len(key) > 64 {
		return ""
	}
	key = strings.ToLower(key)
	best, least := "", 0
	for _, k := range known {
		d := distance(key, k)
		near := d <= 1+len(k)/4 || len(key) > 2 && strings.HasPrefix(k, key)
		if near && (best == "" || d < least) {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's: how many bytes must be inserted, removed or
// replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // distances of a's beginning to b's beginnings
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
