package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/url"
	"os"
	"strings"
)

//go:embed report.html.tmpl
var reportPage string

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"class":  func(v Verdict) string { return strings.ToLower(strings.ReplaceAll(string(v), " ", "-")) },
	"anchor": func(id string) string { return "case-" + id },
}).Parse(reportPage))

// A reportGroup is a part of the table.
type reportGroup struct {
	Number, Subject string
	Good            int
	Results         []*Result
}

var subjects = map[string]string{
	"1": "framing", "2": "pings and pongs", "3": "reserved bits", "4": "reserved opcodes", "5": "fragmentation",
	"6": "UTF-8", "7": "closing", "9": "limits and performance", "10": "automatic fragmentation",
	"12": "compression: payloads", "13": "compression: offers",
}

func groups(results []*Result) (all []*reportGroup) {
	for _, r := range results {
		number := (&Case{ID: r.ID}).Group()
		if len(all) == 0 || all[len(all)-1].Number != number {
			all = append(all, &reportGroup{Number: number, Subject: subjects[number]})
		}
		g := all[len(all)-1]
		g.Results = append(g.Results, r)
		if r.good() {
			g.Good++
		}
	}
	return all
}

// writeHTML writes the report for people: one file that needs no other.
func writeHTML(path string, r *Report) error {
	host := ""
	if u, err := url.Parse(r.URL); err == nil {
		host = u.Scheme + ", " + u.Host
	}
	var b bytes.Buffer
	err := reportTemplate.Execute(&b, map[string]any{
		"Report": r, "Host": host, "Date": r.Date.UTC().Format("2006-01-02 15:04 UTC"),
		"Counts": counts(r.Results), "Groups": groups(r.Results), "Seconds": int(r.Took.Seconds() + 0.5),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
