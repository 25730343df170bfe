package cws

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestScripts runs the scripts in testdata, in parts: an empty line ends each. A part in which a line
// ends with --> and a text in quotes has to fail with that text, there; what comes after them has not
// to fail.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.lua")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	n := newNetwork(t)
	_, url := newServer(t)
	lead := strings.Count(prelude, "\n")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line, part := range parts(string(text)) {
			got := newLab(t, n, url, strings.Repeat("\n", line)+part, nil).run()
			want := "nil"
			for i, l := range strings.Split(part, "\n") {
				if _, text, ok := strings.Cut(l, ` --> "`); ok {
					want = "main.lua:" + strconv.Itoa(lead+line+i+1) + ": " + strings.TrimSuffix(text, `"`)
				}
			}
			if got != want {
				t.Errorf("%s:%d:\n got %s\nwant %s", name, line+1, got, want)
			}
		}
	}
}

// parts are those of a script, by how many lines are before them.
func parts(text string) map[int]string {
	all := make(map[int]string)
	line := 0
	for part := range strings.SplitSeq(text, "\n\n") {
		if strings.TrimSpace(part) != "" {
			all[line] = part
		}
		line += strings.Count(part, "\n") + 2
	}
	return all
}
