package main

import (
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// Growth is what a message costs by the number of connections: a chart and a
// table over the scenarios of a group.
func (p *page) Growth(group string) (string, error) {
	var grown []*scenarioResult
	for i := range p.Results.Scenarios {
		if s := &p.Results.Scenarios[i]; s.Group == group {
			grown = append(grown, s)
		}
	}
	slices.SortStableFunc(grown, func(a, b *scenarioResult) int { return a.Conns - b.Conns })
	header := []string{"server"}
	for _, s := range grown {
		header = append(header, thousands(strconv.Itoa(s.Conns)))
	}
	const figure = "cpu_us"
	f := figures[figure]
	pl, legend := newPlot(), newLegend()
	pl.X.Label.Text, pl.Y.Label.Text = "connections", f.title("echo")
	pl.X.Scale, pl.X.Tick.Marker = plot.LogScale{}, connTicks(grown)
	pl.Y.Min, pl.Y.Tick.Marker = 0, steps{}
	t := newTable(header...)
	for _, srv := range p.Results.Servers {
		cells := []string{p.Name(srv.Name)}
		var line plotter.XYs
		for _, s := range grown {
			e := s.entry(srv.Name)
			if e == nil || e.Figures == nil {
				cells = append(cells, "–")
				continue
			}
			v := e.Figures[figure]
			cells = append(cells, f.spread(v))
			line = append(line, plotter.XY{X: float64(s.Conns), Y: v.Median})
		}
		if len(line) == 0 {
			continue
		}
		t.row(cells...)
		if err := p.addLine(pl, legend, srv.Name, line); err != nil {
			return "", err
		}
	}
	pl.Y.Max *= 1.05
	picture, err := p.draw(group, "CPU per message by the number of connections", pl, legend, 4*vg.Inch)
	return picture + "\n" + t.String(), err
}

// connTicks are ticks at the numbers of connections that were measured.
func connTicks(grown []*scenarioResult) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for _, s := range grown {
		ticks = append(ticks, plot.Tick{Value: float64(s.Conns), Label: thousands(strconv.Itoa(s.Conns))})
	}
	return ticks
}
