package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/modules anew")

// pagesDir is where the reference pages are.
const pagesDir = "../../docs/modules"

// TestManual: the pages in docs/modules are those that the descriptions make.
func TestManual(t *testing.T) {
	want := pages(t)
	if *update {
		if err := os.RemoveAll(pagesDir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(pagesDir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			if err := os.WriteFile(filepath.Join(pagesDir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	entries, err := os.ReadDir(pagesDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got, err := os.ReadFile(filepath.Join(pagesDir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := want[e.Name()]; !ok {
			t.Errorf("docs/modules/%s: nothing describes what is there", e.Name())
		} else if string(got) != text {
			t.Errorf("docs/modules/%s is not what its description makes; go test ./cmd/lapps -run Manual -update writes it", e.Name())
		}
		delete(want, e.Name())
	}
	for name := range want {
		t.Errorf("docs/modules/%s is missing; go test ./cmd/lapps -run Manual -update writes it", name)
	}
}

// notice is what the pages begin with.
const notice = "<!-- Made of %s by go test ./cmd/lapps -run Manual -update -->\n\n"

// pages are the files of docs/modules.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all, err := luaAPI()
	if err != nil {
		t.Fatal(err)
	}
	index := fmt.Sprintf(notice, "the descriptions") + `# What Lua finds

The reference, a page for each module. How it goes together is in [the Lua API](../lua.md).
` + "`lapps types DIR` writes the same for editors ([operating](../operating.md)).\n"
	titles := map[part]string{
		partAlways:  "Found by every service",
		partModules: "Modules, to be required or preloaded",
		partTests:   "Found by tests",
	}
	files := make(map[string]string)
	last := part(-1)
	for _, d := range all {
		if d.part != last {
			index += "\n## " + titles[d.part] + "\n\n"
			last = d.part
		}
		index += fmt.Sprintf("- [%s](%s.md): %s\n", d.Name, d.Name, d.Summary())
		files[d.Name+".md"] = fmt.Sprintf(notice, "its description") + d.Markdown()
	}
	files["README.md"] = index
	return files
}

// TestManualLinks: what the pages, and the manual, link to is there.
func TestManualLinks(t *testing.T) {
	names, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string)
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts["docs/"+filepath.Base(name)] = string(text)
	}
	for name, text := range pages(t) {
		texts["docs/modules/"+name] = text
	}
	for name, text := range texts {
		for _, link := range links.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := name
			if target != "" {
				file = filepath.Join(filepath.Dir(name), target)
			}
			page, ok := texts[file]
			if _, err := os.Stat(filepath.Join("../..", file)); !ok && err != nil {
				t.Errorf("%s links to %s, which is not there", name, link[1])
			} else if ok && anchor != "" && !hasAnchor(page, anchor) {
				t.Errorf("%s links to %s, and there is no such heading", name, link[1])
			}
		}
	}
}

var (
	links      = regexp.MustCompile(`\]\(([^() ]+)\)`)
	headings   = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInLinks = regexp.MustCompile("[^a-z0-9 _-]")
)

// hasAnchor reports whether a page has a heading of that anchor.
func hasAnchor(page, anchor string) bool {
	seen := make(map[string]int)
	for _, h := range headings.FindAllStringSubmatch(page, -1) {
		a := strings.ReplaceAll(notInLinks.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")
		if n := seen[a]; n > 0 && anchor == fmt.Sprintf("%s-%d", a, n) || n == 0 && anchor == a {
			return true
		}
		seen[a]++
	}
	return false
}
