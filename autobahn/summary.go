package main

import (
	"fmt"
	"io"
	"strings"
)

// allVerdicts is the order in which they are counted.
var allVerdicts = []Verdict{OK, NonStrict, Informational, Unimplemented, WrongCode, Unclean, FailedByClient, Failed}

// A Count is how many cases have a verdict in either column.
type Count struct {
	Verdict         Verdict
	Behavior, Close int
}

// counts leaves out verdicts that no case has.
func counts(results []*Result) []Count {
	var all []Count
	for _, v := range allVerdicts {
		n := Count{Verdict: v}
		for _, r := range results {
			if r.Behavior == v {
				n.Behavior++
			}
			if r.BehaviorClose == v {
				n.Close++
			}
		}
		if n.Behavior+n.Close > 0 {
			all = append(all, n)
		}
	}
	return all
}

// writeSummary writes the counts, then what there is to look at.
func writeSummary(w io.Writer, r *Report) {
	fmt.Fprintf(w, "%d cases in %.1f s\n\n%-18s %8s %8s\n", len(r.Results), r.Took.Seconds(), "", "behavior", "close")
	for _, n := range counts(r.Results) {
		fmt.Fprintf(w, "%-18s %8d %8d\n", n.Verdict, n.Behavior, n.Close)
	}
	var unimplemented []string
	for _, one := range r.Results {
		switch {
		case one.Behavior == Unimplemented && one.BehaviorClose.good():
			unimplemented = append(unimplemented, one.ID)
		case !one.good():
			writeBad(w, one)
		}
	}
	if unimplemented != nil {
		fmt.Fprintf(w, "\n%s, close OK: the server does not accept %s\n    in %s\n", Unimplemented, deflateName, strings.Join(unimplemented, " "))
	}
	for _, n := range groupNotes(r.Results) {
		fmt.Fprintf(w, "\nnote: %s\n    in %s\n", n.text, strings.Join(n.ids, " "))
	}
}

func writeBad(w io.Writer, r *Result) {
	fmt.Fprintf(w, "\n%s %s: behavior %s, close %s\n", r.ID, r.Description, r.Behavior, r.BehaviorClose)
	if !r.Behavior.good() {
		fmt.Fprintf(w, "    behavior: %s\n", r.Why)
	}
	if !r.BehaviorClose.good() && r.WhyClose != r.Why {
		fmt.Fprintf(w, "    close: %s\n", r.WhyClose)
	}
}

type groupNote struct {
	text string
	ids  []string
}

// groupNotes lists each note once, with the cases it was made in.
func groupNotes(results []*Result) (notes []*groupNote) {
	byText := make(map[string]*groupNote)
	for _, r := range results {
		for _, text := range r.Notes {
			n := byText[text]
			if n == nil {
				n = &groupNote{text: text}
				byText[text] = n
				notes = append(notes, n)
			}
			n.ids = append(n.ids, r.ID)
		}
	}
	return notes
}

// status is the exit status that the results mean.
func (r *Report) status() int {
	for _, one := range r.Results {
		if !one.good() {
			return 1
		}
	}
	return 0
}
