// Command report renders results of `compare suite` as a page with charts.
//
//	report -out ../../docs ../results/2026-11-27-36273ca.json
//
// It writes performance.md and performance/*.svg below -out; charts that are
// there and no longer drawn are removed. Without a file it takes the newest
// of -results.
//
// What people write is in text/: the page is text/page.md, a template, and
// every figure in it comes from the results. The same results always give the
// same bytes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run is the command: it returns the exit status.
func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", "../../docs", "`folder` of the page")
	folder := flags.String("results", "../results", "`folder` whose newest result is taken")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 1:
		fmt.Fprintf(stderr, "report: unexpected argument %q: expected one result file\n", flags.Arg(1))
		return 2
	}
	if err := render(flags.Arg(0), *folder, *out); err != nil {
		fmt.Fprintln(stderr, "report:", err)
		return 1
	}
	return 0
}

// render reads the results and writes the page.
func render(file, folder, out string) error {
	if file == "" {
		var err error
		if file, err = newest(folder); err != nil {
			return err
		}
	}
	p := new(page)
	var err error
	if p.Results, err = readResults(file); err != nil {
		return err
	}
	return p.write(out)
}

// resultName is how results of the suite are called: DATE-COMMIT.json.
var resultName = regexp.MustCompile(`^\d{4}-\d\d-\d\d-(?:[0-9a-f]{7,}|unknown)\.json$`)

// newest returns the result in folder that was measured last.
func newest(folder string) (string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	var last *results
	for _, e := range entries {
		if !resultName.MatchString(e.Name()) {
			continue
		}
		r, err := readResults(filepath.Join(folder, e.Name()))
		if err != nil {
			return "", err
		}
		if last == nil || r.Date.After(last.Date) {
			last = r
		}
	}
	if last == nil {
		return "", fmt.Errorf("%s has no result: expected DATE-COMMIT.json, which `make bench` writes", folder)
	}
	return last.file, nil
}

// write writes the page and its charts below out.
func (p *page) write(out string) error {
	text, err := p.render()
	if err != nil {
		return err
	}
	charts := filepath.Join(out, chartFolder)
	if err := os.MkdirAll(charts, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(charts, "*.svg"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if !slices.ContainsFunc(p.charts, func(c chart) bool { return c.name == filepath.Base(name) }) {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	for _, c := range p.charts {
		if err := os.WriteFile(filepath.Join(charts, c.name), c.svg, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(out, "performance.md"), text, 0o644)
}
