package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what is rendered to testdata/golden")

// The page of two small results, with its charts, byte by byte.
func TestGolden(t *testing.T) {
	out := t.TempDir()
	if err := render("testdata/result.json", "", out); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/golden"
	if *update {
		if err := os.RemoveAll(golden); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(golden, os.DirFS(out)); err != nil {
			t.Fatal(err)
		}
	}
	got, want := files(t, out), files(t, golden)
	for name := range got {
		if want[name] == nil {
			t.Errorf("%s was rendered and is not in %s", name, golden)
		}
	}
	for name, text := range want {
		if !bytes.Equal(got[name], text) {
			t.Errorf("%s: got\n%s", name, got[name])
		}
	}
}

// files returns what is below dir.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, pattern := range []string{"*.md", "*/*.svg"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			rel, err := filepath.Rel(dir, name)
			if err != nil {
				t.Fatal(err)
			}
			all[rel] = text
		}
	}
	return all
}

// Charts that are no longer drawn go, other files stay.
func TestStaleCharts(t *testing.T) {
	out := t.TempDir()
	if err := os.Mkdir(filepath.Join(out, chartFolder), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"gone.svg", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(out, chartFolder, name), []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var log strings.Builder
	if status := run([]string{"-out", out, "testdata/result.json"}, &log); status != 0 || log.Len() > 0 {
		t.Fatalf("status %d, %s", status, log.String())
	}
	entries, err := os.ReadDir(filepath.Join(out, chartFolder))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"80x1.svg", "80x16.svg", "growth.svg", "idle.svg", "notes.txt", "open-50.svg"}; !slices.Equal(names, want) {
		t.Errorf("got %v, expected %v", names, want)
	}
}

func TestNewest(t *testing.T) {
	dir := t.TempDir()
	for name, from := range map[string]string{"2026-11-20-f8200a1.json": "result.json", "2026-11-27-36273ca.json": "result.json", "2026-11-28.json": "", "notes.md": ""} {
		text := []byte("{}")
		if from != "" {
			var err error
			if text, err = os.ReadFile(filepath.Join("testdata", from)); err != nil {
				t.Fatal(err)
			}
			text = bytes.Replace(text, []byte("2026-11-27T"), []byte(name[:10]+"T"), 1)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if name, err := newest(dir); err != nil || name != filepath.Join(dir, "2026-11-27-36273ca.json") {
		t.Errorf("got %s, %v", name, err)
	}
	if _, err := newest(t.TempDir()); err == nil || !strings.HasSuffix(err.Error(), " has no result: expected DATE-COMMIT.json, which `make bench` writes") {
		t.Errorf("got %v", err)
	}
}

func TestErrors(t *testing.T) {
	valid, err := os.ReadFile("testdata/result.json")
	if err != nil {
		t.Fatal(err)
	}
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "r.json")
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	replaced := func(old, with string) string {
		if !strings.Contains(string(valid), old) {
			t.Fatalf("there is no %s in the result", old)
		}
		return file(strings.Replace(string(valid), old, with, 1))
	}
	tests := []struct {
		name   string
		args   []string
		status int
		want   string // the end of what it says
	}{
		{"no file", []string{"none.json"}, 1, "report: open none.json: no such file or directory\n"},
		{"no JSON", []string{file("x")}, 1, "r.json: invalid character 'x' looking for beginning of value\n"},
		{"another JSON", []string{file(`{"scenarios": [{"name": "80x1"}]}`)}, 1, "r.json: expected a result of `compare suite`: date, machine and scenarios\n"},
		{"an unknown server", []string{replaced(`"server": "gws"`, `"server": "gwx"`)}, 1, "r.json: 80x1: gwx is none of the servers\n"},
		{"an unknown figure", []string{replaced("\"judged\": [\n    \"cpu_us\"", "\"judged\": [\n    \"cpu\"")}, 1, "r.json: 80x1: no figure is called \"cpu\"\n"},
		{"two results", []string{"a.json", "b.json"}, 2, "report: unexpected argument \"b.json\": expected one result file\n"},
		{"one chart twice", []string{replaced(`"name": "open 50 %"`, `"name": "80x1!"`)}, 1, "chart 80x1.svg: there is one called so already\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log strings.Builder
			if status := run(append([]string{"-out", t.TempDir()}, tt.args...), &log); status != tt.status || !strings.HasSuffix(log.String(), tt.want) {
				t.Errorf("status %d, %q", status, log.String())
			}
		})
	}
}
