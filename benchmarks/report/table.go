package main

import (
	"fmt"
	"strings"
)

// A table is one of Markdown.
type table struct {
	b strings.Builder
}

func newTable(header ...string) *table {
	t := new(table)
	t.row(header...)
	t.row(strings.Split(strings.Repeat("---|", len(header)-1)+"---", "|")...)
	return t
}

func (t *table) row(cells ...string) {
	for i := range cells {
		cells[i] = strings.ReplaceAll(oneLine(cells[i]), "|", `\|`)
	}
	fmt.Fprintf(&t.b, "| %s |\n", strings.Join(cells, " | "))
}

func (t *table) String() string { return t.b.String() }

// Tables are the tables of a group's scenarios, with their charts.
func (p *page) Tables(group string) (string, error) {
	var b strings.Builder
	for i := range p.Results.Scenarios {
		s := &p.Results.Scenarios[i]
		if s.Group != group {
			continue
		}
		fmt.Fprintf(&b, "### %s\n\n%s.\n\n", s.Name, upper(s.Title))
		if len(s.measured(s.Judged[0])) == 0 {
			b.WriteString("Nothing was measured.\n\n")
			continue
		}
		picture, err := p.picture(s)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s\n%s\n", picture, p.table(s))
	}
	return b.String(), nil
}

func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// table is the table of a scenario, the best first.
func (p *page) table(s *scenarioResult) string {
	header := []string{"server"}
	for i, f := range s.Judged {
		header = append(header, figures[f].title(s.Kind))
		if i == 0 {
			header = append(header, "to "+p.label(s.CompareTo))
		}
	}
	var others []string
	for _, f := range shown[s.Kind] {
		if anyHas(s.Entries, f) {
			others = append(others, f)
			header = append(header, figures[f].title(s.Kind))
		}
	}
	if s.TLS {
		header = append(header, "agreed on")
	}
	t := newTable(header...)
	for _, e := range s.measured(s.Judged[0]) {
		cells := []string{p.Name(e.Server)}
		for i, f := range s.Judged {
			cells = append(cells, figures[f].spread(e.Figures[f]))
			if i > 0 {
				continue
			}
			to := "–"
			if r, ok := e.Ratios[f]; ok {
				to = ratio(r)
			}
			cells = append(cells, to)
		}
		for _, f := range others {
			cells = append(cells, figures[f].number(e.Figures[f].Median))
		}
		if s.TLS {
			cells = append(cells, e.TLS)
		}
		t.row(cells...)
	}
	return t.String()
}

func anyHas(entries []entry, figure string) bool {
	for _, e := range entries {
		if _, ok := e.Figures[figure]; ok {
			return true
		}
	}
	return false
}

func (p *page) label(server string) string {
	if s := p.Results.server(server); s != nil {
		return s.Label
	}
	return server
}
