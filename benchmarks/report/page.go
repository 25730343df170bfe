package main

import (
	"bytes"
	"embed"
	"fmt"
	"strings"
	"text/template"
	"time"
)

// texts are what people write: page.md is the page, the others are parts that
// it names. In them the methods of page are at hand.
//
//go:embed text/*.md
var texts embed.FS

// A page is what the templates see. Its methods return Markdown.
type page struct {
	Results *results

	charts []chart // drawn so far
}

// A chart is a file beside the page.
type chart struct {
	name string
	svg  []byte
}

// chartFolder holds the charts, beside the page.
const chartFolder = "performance"

func (p *page) render() ([]byte, error) {
	t, err := template.New("page.md").Option("missingkey=error").ParseFS(texts, "text/*.md")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return nil, err
	}
	// A part that has nothing to say leaves no gap.
	text := out.String()
	for strings.Contains(text, "\n\n\n") {
		text = strings.ReplaceAll(text, "\n\n\n", "\n\n")
	}
	return []byte(strings.TrimSpace(text) + "\n"), nil
}

// Machine says what was measured on.
func (p *page) Machine() string {
	m := p.Results.Machine
	return fmt.Sprintf("%s, %d cores, %.0f GB of memory, Linux %s, %s", m.CPU, m.Cores, float64(m.Memory)/1e9, m.Kernel, m.Go)
}

// Run says when and what was measured.
func (p *page) Run() string {
	r, s := p.Results, p.Results.Settings
	text := fmt.Sprintf("%s, commit %s", r.Date.Format(time.DateOnly), r.Commit)
	if r.Dirty {
		text += " with changes not committed"
	}
	text += fmt.Sprintf(": %d rounds, %v measured in each turn after %v of warm-up, %d generator thread%s", s.Rounds, s.Duration, s.Warmup, s.Threads, map[bool]string{true: "s"}[s.Threads != 1])
	if r.Unfinished {
		text += ". **The run was interrupted: the last scenarios are missing.**"
	}
	return text
}

// Name is how a server is called in the page: ours in bold.
func (p *page) Name(server string) string {
	s := p.Results.server(server)
	if s == nil {
		return server
	}
	if s.Ours {
		return "**" + s.Label + "**"
	}
	return s.Label
}

// Has reports whether scenarios of the group were run.
func (p *page) Has(group string) bool {
	for _, s := range p.Results.Scenarios {
		if s.Group == group {
			return true
		}
	}
	return false
}

// Servers is the table of who took part.
func (p *page) Servers() string {
	t := newTable("server", "version", "a script handles each message")
	for _, s := range p.Results.Servers {
		if s.Skipped != "" {
			continue
		}
		version := s.Version
		if s.Ours {
			version = "commit " + p.Results.Commit
		}
		t.row(p.Name(s.Name), version, map[bool]string{true: "yes", false: "no"}[s.Script])
	}
	return t.String()
}

// Absent lists who took no part, and who failed where.
func (p *page) Absent() string {
	var b strings.Builder
	for _, s := range p.Results.Servers {
		if s.Skipped != "" {
			fmt.Fprintf(&b, "- %s: %s\n", s.Label, s.Skipped)
		}
	}
	for _, s := range p.Results.Scenarios {
		for _, e := range s.Entries {
			if e.Failed != "" {
				fmt.Fprintf(&b, "- %s failed in *%s*: %s\n", p.Name(e.Server), s.Name, oneLine(e.Failed))
			}
		}
	}
	if b.Len() == 0 {
		return "Everybody took part, and nobody failed."
	}
	return b.String()
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
