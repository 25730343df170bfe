package main

import "strings"

// Change is the table of what became of an earlier lapps' figures; "": there was none
// in the run.
func (p *page) Change() string {
	t := newTable("scenario", "figure", "before", "after", "after to before")
	rows := 0
	for i := range p.Results.Scenarios {
		s := &p.Results.Scenarios[i]
		for _, f := range s.Judged {
			before, after := p.pair(s, f)
			if before == nil || after == nil {
				continue
			}
			info := figures[f]
			t.row(s.Name, info.title(s.Kind), info.spread(before.Figures[f]), info.spread(after.Figures[f]), ratio(over(after.Rounds[f], before.Rounds[f])))
			rows++
		}
	}
	if rows == 0 {
		return ""
	}
	return t.String()
}

// pair returns the entries of the earlier lapps and of the one of the same name that
// have the figure, or nil.
func (p *page) pair(s *scenarioResult, figure string) (before, after *entry) {
	for i := range s.Entries {
		e := &s.Entries[i]
		if !p.Results.server(e.Server).Before {
			continue
		}
		if _, ok := e.Figures[figure]; ok {
			before = e
		}
		if now := s.entry(strings.TrimSuffix(e.Server, " before")); now != nil {
			if _, ok := now.Figures[figure]; ok {
				after = now
			}
		}
	}
	return before, after
}

// BeforeVersion says which it was.
func (p *page) BeforeVersion() string {
	for _, s := range p.Results.Servers {
		if s.Before && s.Version != "" {
			return s.Version
		}
	}
	return "an earlier one"
}
