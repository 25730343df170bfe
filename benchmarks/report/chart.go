package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"regexp"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	chartWidth  = 9 * vg.Inch // as wide as a page shows without scaling
	legendWidth = 3.5 * vg.Inch
)

// The colours of bars.
var (
	beforeColor = color.RGBA{R: 0x9a, G: 0xbd, B: 0xdd, A: 0xff}
	oursColor   = color.RGBA{R: 0x1f, G: 0x6f, B: 0xb5, A: 0xff}
	scriptColor = color.RGBA{R: 0xe0, G: 0x8a, B: 0x2e, A: 0xff}
	plainColor  = color.RGBA{R: 0x9a, G: 0xa0, B: 0xa6, A: 0xff}
	spreadColor = color.RGBA{R: 0x33, G: 0x33, B: 0x33, A: 0xff}
)

// The colours of lines, which are told apart one by one: ours, and the
// others'.
var (
	oursLines  = []color.RGBA{oursColor, {R: 0x2b, G: 0xb3, B: 0xd9, A: 0xff}}
	otherLines = []color.RGBA{
		{R: 0x6b, G: 0x70, B: 0x76, A: 0xff}, {R: 0xd6, G: 0x3a, B: 0x2f, A: 0xff}, {R: 0x2f, G: 0x9e, B: 0x44, A: 0xff},
		{R: 0xe0, G: 0x8a, B: 0x2e, A: 0xff}, {R: 0x7b, G: 0x4f, B: 0xb8, A: 0xff}, {R: 0x8c, G: 0x56, B: 0x4b, A: 0xff},
		{R: 0xd6, G: 0x5c, B: 0xb0, A: 0xff}, {R: 0xa8, G: 0xa8, B: 0x1e, A: 0xff}, {R: 0xe5, G: 0x7f, B: 0x7f, A: 0xff},
		{R: 0x1b, G: 0x5e, B: 0x20, A: 0xff},
	}
)

// lineColor is the colour of a server's lines, in all charts of a page.
func (p *page) lineColor(server string) color.RGBA {
	ours, others := 0, 0
	for _, s := range p.Results.Servers {
		switch {
		case s.Name == server && s.Before:
			return beforeColor
		case s.Before:
		case s.Name == server && s.Ours:
			return oursLines[ours%len(oursLines)]
		case s.Name == server:
			return otherLines[others%len(otherLines)]
		case s.Ours:
			ours++
		default:
			others++
		}
	}
	return spreadColor
}

// newPlot makes an empty plot.
func newPlot() *plot.Plot {
	p := plot.New()
	for _, s := range []*draw.TextStyle{
		&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label,
	} {
		s.Font.Variant = "Sans"
		s.Font.Size = 11
	}
	return p
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// Not every reader has the font that the plots are measured with; one of the
// fallbacks is as wide.
const (
	font      = "font-family:Liberation Sans"
	fallbacks = ",Arial,Helvetica,sans-serif"
)

// draw keeps the plot as a file, with the legend beside it if there is one,
// and returns the Markdown that shows it.
func (p *page) draw(name, alt string, plot *plot.Plot, legend *plot.Legend, height vg.Length) (string, error) {
	c := vgsvg.New(chartWidth, height)
	all := draw.New(c)
	all.SetColor(color.White)
	all.Fill(all.Rectangle.Path())
	const margin = 8
	all = draw.Crop(all, margin, -margin, margin, -margin)
	paper := all
	if legend != nil {
		paper = draw.Crop(all, 0, -legendWidth, 0, 0)
		legend.Draw(draw.Crop(all, chartWidth-2*margin-legendWidth, 0, 0, 0))
	}
	plot.Draw(paper)
	var svg bytes.Buffer
	if _, err := c.WriteTo(&svg); err != nil {
		return "", fmt.Errorf("chart %s: %w", name, err)
	}
	file := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(name), "-"), "-") + ".svg"
	for _, c := range p.charts {
		if c.name == file {
			return "", fmt.Errorf("chart %s: there is one called so already", file)
		}
	}
	p.charts = append(p.charts, chart{file, bytes.ReplaceAll(svg.Bytes(), []byte(font), []byte(font+fallbacks))})
	return fmt.Sprintf("![%s](%s/%s)\n", alt, chartFolder, file), nil
}

// picture is the chart of a scenario: latencies as lines, everything else as
// bars.
func (p *page) picture(s *scenarioResult) (string, error) {
	if s.Kind == "open" {
		return p.percentiles(s)
	}
	return p.bars(s, s.Judged[0])
}

// bars draws a figure as a bar for each server, the best on top, with a line
// from the least to the greatest.
func (p *page) bars(s *scenarioResult, figure string) (string, error) {
	f := figures[figure]
	entries := s.measured(figure)
	n := len(entries)
	pl := newPlot()
	pl.X.Label.Text = f.title(s.Kind)
	pl.X.Min, pl.X.Tick.Marker = 0, steps{}
	names := make([]string, n)
	spreads := new(spreadBars)
	for i, e := range entries {
		at := n - 1 - i // the first row is the highest
		v := e.Figures[figure]
		names[at] = p.label(e.Server)
		names[at] += strings.Repeat(" ", len(names[at])/2) // some readers' fonts are wider than that of the plots
		bar, err := plotter.NewBarChart(plotter.Values{v.Median / f.per}, 14)
		if err != nil {
			return "", err
		}
		bar.Horizontal, bar.XMin, bar.Color, bar.LineStyle.Width = true, float64(at), p.color(e.Server), 0
		pl.Add(bar)
		spreads.XYs = append(spreads.XYs, plotter.XY{X: v.Median / f.per, Y: float64(at)})
		spreads.XErrors = append(spreads.XErrors, struct{ Low, High float64 }{(v.Median - v.Min) / f.per, (v.Max - v.Median) / f.per})
	}
	lines, err := plotter.NewXErrorBars(spreads)
	if err != nil {
		return "", err
	}
	lines.LineStyle.Color = spreadColor
	pl.Add(lines)
	pl.NominalY(names...)
	pl.Y.Min, pl.Y.Max = -0.5, float64(n)-0.5
	pl.X.Max *= 1.02
	return p.draw(s.Name, fmt.Sprintf("%s, %s", s.Title, f.title(s.Kind)), pl, nil, vg.Length(n)*22+55)
}

// spreadBars are the medians with what is to the left and right of them.
type spreadBars struct {
	plotter.XYs
	plotter.XErrors
}

func (p *page) color(server string) color.RGBA {
	switch s := p.Results.server(server); {
	case s.Before:
		return beforeColor
	case s.Ours:
		return oursColor
	case s.Script:
		return scriptColor
	}
	return plainColor
}

// percentileFigures are the points of a line of latencies.
var percentileFigures = []struct{ figure, label string }{
	{"p50_us", "p50"}, {"p90_us", "p90"}, {"p99_us", "p99"}, {"p999_us", "p99.9"}, {"max_us", "max"},
}

// percentiles draws the medians of the percentiles, a line for each server.
func (p *page) percentiles(s *scenarioResult) (string, error) {
	pl, legend := newPlot(), newLegend()
	// As a title: a label beside a logarithmic axis makes the plot smaller.
	pl.Title.Text = "µs from when a message was due"
	pl.Y.Scale, pl.Y.Tick.Marker = plot.LogScale{}, decades{}
	labels := make([]string, len(percentileFigures))
	for i, f := range percentileFigures {
		labels[i] = f.label
	}
	for _, e := range s.measured("p99_us") {
		var line plotter.XYs
		for i, f := range percentileFigures {
			if v := e.Figures[f.figure].Median; v > 0 {
				line = append(line, plotter.XY{X: float64(i), Y: v})
			}
		}
		if err := p.addLine(pl, legend, e.Server, line); err != nil {
			return "", err
		}
	}
	pl.NominalX(labels...)
	pl.Y.Min = math.Pow(10, math.Floor(math.Log10(pl.Y.Min)))
	pl.Y.Max = math.Pow(10, math.Ceil(math.Log10(pl.Y.Max)))
	return p.draw(s.Name, s.Title+": latency by percentile", pl, legend, 4*vg.Inch)
}

// newLegend makes an empty legend for the right of a plot.
func newLegend() *plot.Legend {
	l := plot.NewLegend()
	l.TextStyle.Font.Variant, l.TextStyle.Font.Size = "Sans", 11
	l.Top, l.Left, l.Padding, l.XOffs = true, true, 3, 16
	return &l
}

// addLine adds a server's line with its points to a plot; ours are thick.
func (p *page) addLine(pl *plot.Plot, legend *plot.Legend, server string, line plotter.XYs) error {
	l, points, err := plotter.NewLinePoints(line)
	if err != nil {
		return err
	}
	l.Color, l.Width = p.lineColor(server), 1
	if p.Results.server(server).Ours {
		l.Width = 2.5
	}
	points.Color, points.Shape, points.Radius = l.Color, draw.CircleGlyph{}, 2
	pl.Add(l, points)
	legend.Add(p.label(server), l, points)
	return nil
}
