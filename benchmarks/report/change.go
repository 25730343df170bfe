package main

import "fmt"

// Change is the table of our own figures before and after.
func (p *page) Change() string {
	t := newTable("scenario", "server", "figure", "before", "after", "ratio to the reference before", "after")
	for i := range p.Results.Scenarios {
		s := &p.Results.Scenarios[i]
		old := p.Before.scenario(s.Name)
		if old == nil {
			continue
		}
		for _, e := range s.Entries {
			was := old.entry(e.Server)
			if was == nil || !p.Results.server(e.Server).Ours {
				continue
			}
			for _, f := range s.Judged {
				before, ok := was.Figures[f]
				after, ok2 := e.Figures[f]
				if !ok || !ok2 {
					continue
				}
				info := figures[f]
				t.row(s.Name, p.Name(e.Server), info.title(s.Kind), info.spread(before), info.spread(after), reference(was, f), reference(&e, f))
			}
		}
	}
	return t.String()
}

func reference(e *entry, figure string) string {
	if r, ok := e.Ratios[figure]; ok {
		return ratio(r)
	}
	return "–"
}

// BeforeRun says when and what was measured before.
func (p *page) BeforeRun() string {
	b := p.Before
	return fmt.Sprintf("%s, commit %s, on %s, %d cores", b.Date.Format("2006-01-02"), b.Commit, b.Machine.CPU, b.Machine.Cores)
}
