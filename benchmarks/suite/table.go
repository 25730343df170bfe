package suite

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// print prints the table of a scenario.
func (r *ScenarioResult) print(w io.Writer) error {
	fmt.Fprintf(w, "%s: %s; median [least, greatest]\n", r.Name, r.Title)
	others := kinds[r.Kind].others
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "server")
	for _, f := range r.Judged {
		fmt.Fprintf(t, "\t%s\tto %s", figures[f].label, r.CompareTo)
	}
	for _, f := range others {
		fmt.Fprintf(t, "\t%s", figures[f].label)
	}
	fmt.Fprintln(t)
	var absent strings.Builder
	for _, e := range r.Entries {
		switch {
		case e.Failed != "":
			fmt.Fprintf(&absent, "%s failed: %s\n", e.Server, e.Failed)
			continue
		case e.Skipped != "":
			fmt.Fprintf(&absent, "%s skipped: %s\n", e.Server, e.Skipped)
			continue
		}
		fmt.Fprint(t, e.Server)
		for _, f := range r.Judged {
			ratio := "-"
			if s, ok := e.Ratios[f]; ok {
				ratio = s.Format(2)
			}
			fmt.Fprintf(t, "\t%s\t%s", figures[f].show(e.Figures[f]), ratio)
		}
		for _, f := range others {
			fmt.Fprintf(t, "\t%.*f", figures[f].decimals, e.Figures[f].Median/figures[f].per)
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("suite: %w", err)
	}
	_, err := fmt.Fprintln(w, absent.String())
	return err
}

// printTargets prints what was met.
func (r *Results) printTargets(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "target\t\tbound\tmeasured\tmet")
	for _, v := range r.Targets {
		met, measured := "no", v.Text
		switch {
		case v.Unmeasured != "":
			met, measured = "-", "not measured: "+v.Unmeasured
		case v.Met:
			met = "yes"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", v.What, v.Grade, v.Bound, measured, met)
	}
	return t.Flush()
}
