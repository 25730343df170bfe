package luadoc_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"lapps/services/luadoc"
)

var update = flag.Bool("update", false, "rewrite testdata/counter.md")

// TestMarkdown renders a description that has everything.
func TestMarkdown(t *testing.T) {
	text, err := os.ReadFile("testdata/counter.lua")
	if err != nil {
		t.Fatal(err)
	}
	d, err := luadoc.Parse("counter.lua", string(text))
	if err != nil {
		t.Fatal(err)
	}
	got := d.Markdown()
	const golden = "testdata/counter.md"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the page is not that of %s; if it should have changed, run go test -update. It is\n%s", golden, got)
	}
	if d.Markdown() != got {
		t.Error("it is another one the second time")
	}
}

// TestEverythingIsShown: no text of a description is missing on its page.
func TestEverythingIsShown(t *testing.T) {
	source, err := os.ReadFile("testdata/counter.lua")
	if err != nil {
		t.Fatal(err)
	}
	d, err := luadoc.Parse("counter.lua", string(source))
	if err != nil {
		t.Fatal(err)
	}
	page := d.Markdown()
	for line := range strings.Lines(string(source)) {
		line = strings.TrimSpace(strings.TrimPrefix(line, "---"))
		if _, text, ok := strings.Cut(line, "  "); ok && strings.HasPrefix(line, "@") {
			line = strings.TrimPrefix(text, "# ")
		}
		if line == "" || strings.HasPrefix(line, "@") || strings.HasPrefix(line, "|") || !strings.Contains(line, " ") ||
			strings.HasPrefix(line, "function ") || strings.HasPrefix(line, "local ") || strings.HasSuffix(line, "= nil") ||
			strings.HasSuffix(line, "= 0") || strings.HasPrefix(line, "return ") {
			continue
		}
		if !strings.Contains(page, strings.TrimSpace(line)) {
			t.Errorf("%q is not on the page", line)
		}
	}
}

// TestIntroduction: it may stand alone, or above the class of the module's table.
func TestIntroduction(t *testing.T) {
	const want = "# m\n\nDoes things.\n\nAnd more.\n"
	for _, text := range []string{
		"---@meta m\n\n--- Does things.\n---\n--- And more.\n---@class m\nlocal m = {}\n\nreturn m\n",
		"---@meta m\n\n--- Does things.\n---\n--- And more.\n---@class m\nm = {}\n",
		"---@meta m\n--- Does things.\n---\n--- And more.\n",
		"---@meta m\r\n\r\n--- Does things.\r\n---\r\n--- And more.\r\n\r\n---@class m\r\nm = {}\r\n",
	} {
		d, err := luadoc.Parse("m.lua", text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := d.Markdown(); got != want {
			t.Errorf("%q: got\n%s\nwant\n%s", text, got, want)
		}
	}
}
