package main

import (
	"fmt"
	"io"
	"os"
)

// A progress tells how far a run is: one line that changes where it goes to a
// terminal, else a line per group.
type progress struct {
	w        io.Writer
	terminal bool
	left     map[string]int // cases of a group that are not done
	good     map[string]int
	all      map[string]int
	bad      int
}

func newProgress(w io.Writer, cases []Case) *progress {
	p := &progress{w: w, left: make(map[string]int), good: make(map[string]int), all: make(map[string]int)}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	for i := range cases {
		p.left[cases[i].Group()]++
		p.all[cases[i].Group()]++
	}
	return p
}

// tell is called after each case.
func (p *progress) tell(done, total int, r *Result) {
	group := (&Case{ID: r.ID}).Group()
	p.left[group]--
	if r.good() {
		p.good[group]++
	} else {
		p.bad++
	}
	switch {
	case p.terminal:
		fmt.Fprintf(p.w, "\r\x1b[K%s  %d/%d  %d good, %d not", r.ID, done, total, done-p.bad, p.bad)
		if done == total {
			fmt.Fprint(p.w, "\r\x1b[K")
		}
	case p.left[group] == 0:
		fmt.Fprintf(p.w, "group %s: %d of %d good\n", group, p.good[group], p.all[group])
	}
}
