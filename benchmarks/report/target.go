package main

import "fmt"

// Targets is the table of targets.
func (p *page) Targets() string {
	t := newTable("target", "", "bound", "measured", "met")
	last := ""
	for _, v := range p.Results.Targets {
		what := v.What
		if what == last {
			what = ""
		}
		last = v.What
		met, measured := "**no**", v.Text
		switch {
		case v.Unmeasured != "":
			met, measured = "–", "not measured: "+v.Unmeasured
		case v.Met:
			met = "yes"
		}
		t.row(what, v.Grade, v.Bound, measured, met)
	}
	return t.String()
}

// Score counts the targets of a grade that were met.
func (p *page) Score(grade string) string {
	met, all, unmeasured := 0, 0, 0
	for _, v := range p.Results.Targets {
		switch {
		case v.Grade != grade:
			continue
		case v.Unmeasured != "":
			unmeasured++
		case v.Met:
			met++
		}
		all++
	}
	text := fmt.Sprintf("%d of %d", met, all)
	if unmeasured > 0 {
		text += fmt.Sprintf(" (%d not measured)", unmeasured)
	}
	return text
}
