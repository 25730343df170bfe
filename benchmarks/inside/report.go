package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// report writes the table.
func report(w io.Writer, loads []load, turns [][]turn) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	heading := ""
	for i, l := range loads {
		if h := strings.Join(l.figures, "\t"); h != heading {
			heading = h
			fmt.Fprintf(t, "load\t%s\tbeside\tratio\n", h)
		}
		fmt.Fprintf(t, "%s", l.name)
		for f := range l.figures {
			fmt.Fprintf(t, "\t%s", spread(turns[i], func(t turn) float64 { return t.figures[f] }))
		}
		fmt.Fprintf(t, "\t%s: %s\t%s\n", l.beside,
			spread(turns[i], func(t turn) float64 { return t.beside }),
			spread(turns[i], func(t turn) float64 { return t.figures[0] / t.beside }))
	}
	return t.Flush()
}

// spread is the median of f, with the least and the greatest.
func spread(turns []turn, f func(turn) float64) string {
	values := make([]float64, 0, len(turns))
	for _, t := range turns {
		values = append(values, f(t))
	}
	slices.Sort(values)
	return fmt.Sprintf("%s [%s %s]", short(values[len(values)/2]), short(values[0]), short(values[len(values)-1]))
}

// short has as many decimals as say something.
func short(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}
