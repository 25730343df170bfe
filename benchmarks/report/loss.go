package main

import "fmt"

// A loss is a figure in which a peer is ahead of one of our servers.
type loss struct {
	scenario *scenarioResult
	figure   string
	ours     entry
	peer     entry
	ratio    spread // ours to the peer's, round by round
}

// unclear reports whether the rounds disagree about who is ahead.
func (l loss) unclear() bool { return l.ratio.Min <= 1 }

// losses finds all there are, scenario by scenario.
func (p *page) losses() []loss {
	var all []loss
	for i := range p.Results.Scenarios {
		s := &p.Results.Scenarios[i]
		for _, f := range s.Judged {
			for _, o := range s.measured(f) {
				if us := p.Results.server(o.Server); !us.Ours || us.Before {
					continue
				}
				for _, e := range s.measured(f) {
					if p.Results.server(e.Server).Ours || e.Figures[f].Median >= o.Figures[f].Median {
						continue
					}
					all = append(all, loss{s, f, o, e, over(o.Rounds[f], e.Rounds[f])})
				}
			}
		}
	}
	return all
}

// Losses is the table of where we lose.
func (p *page) Losses() string {
	all := p.losses()
	if len(all) == 0 {
		return "Nowhere: no peer is ahead of us in any row."
	}
	t := newTable("scenario", "figure", "ours", "", "who is ahead", "", "ours to theirs")
	for _, l := range all {
		f := figures[l.figure]
		times := ratio(l.ratio)
		if l.unclear() {
			times += ", not in every round"
		}
		t.row(l.scenario.Name, f.title(l.scenario.Kind), p.Name(l.ours.Server), f.number(l.ours.Figures[l.figure].Median),
			p.ahead(l.peer.Server), f.number(l.peer.Figures[l.figure].Median), times)
	}
	return t.String()
}

// ahead names a peer, and says whether a script is in its way.
func (p *page) ahead(server string) string {
	if p.Results.server(server).Script {
		return p.Name(server) + ", a script"
	}
	return p.Name(server)
}

// LossCount says in how many rows we lose: to whom with a script, to whom
// without.
func (p *page) LossCount() string {
	script, none := 0, 0
	for _, l := range p.losses() {
		if p.Results.server(l.peer.Server).Script {
			script++
		} else {
			none++
		}
	}
	return fmt.Sprintf("%d to servers that run a script for each message, %d to servers that run none", script, none)
}
