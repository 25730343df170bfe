package suite

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A clock tells how far a run is, and what is left of it: what was expected,
// times what the turns took longer than expected so far.
type clock struct {
	settings     Settings
	began        time.Time
	turns, all   int
	passed, left time.Duration // as expected
}

func newClock(s *Suite, set Settings) *clock {
	k := &clock{settings: set, began: time.Now()}
	for i := range s.scenarios {
		c := &s.scenarios[i]
		servers := len(s.contestants(c))
		k.all += set.rounds(c) * servers
		k.left += set.all(c, servers)
	}
	return k
}

// budget is what to say before the first turn.
func (k *clock) budget() string {
	return fmt.Sprintf("suite: %d turns, about %s, until %s", k.all, short(k.left), k.began.Add(k.left).Format("15:04"))
}

// pass notes that a turn is over.
func (k *clock) pass(c *Scenario, round int) {
	d := k.settings.expected(c, round)
	k.turns++
	k.passed += d
	k.left -= d
}

// String tells how many turns are over and how long the others will take.
func (k *clock) String() string {
	left := time.Duration(float64(k.left) * float64(time.Since(k.began)) / float64(max(k.passed, 1)))
	return fmt.Sprintf("[%d/%d, %s left]", k.turns, k.all, short(left))
}

// String tells the figures, by name.
func (t Turn) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(t.Figures)) {
		f := figures[name]
		parts = append(parts, fmt.Sprintf("%s %.*f", f.label, f.decimals, t.Figures[name]/f.per))
	}
	return strings.Join(parts, ", ")
}
