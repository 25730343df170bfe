package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestWay(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"a", "a/b", "c"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "a/file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{
		"same":        "a/file",
		"a/b/up":      "../file",
		"c/dir":       "../a/b",
		"c/far":       "dir/../file", // of a, not of c
		"c/absolute":  filepath.Join(dir, "a/file"),
		"c/twice":     "absolute",
		"c/nowhere":   "none/at/all",
		"c/circle":    "circle",
		"c/slashes":   "..//a/./file",
		"c/directory": "../a/",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string][]string{
		"a/file":           {"a/file"},
		"a/none":           {"a/none"},
		"none/at/all":      {"none/at/all"},
		"same":             {"same", "a/file"},
		"a/b/up":           {"a/b/up", "a/file"},
		"c/dir/up":         {"c/dir", "a/b/up", "a/file"},
		"c/far":            {"c/far", "c/dir", "a/file"},
		"c/absolute":       {"c/absolute", "a/file"},
		"c/twice":          {"c/twice", "c/absolute", "a/file"},
		"c/nowhere":        {"c/nowhere", "c/none/at/all"},
		"c/slashes":        {"c/slashes", "a/file"},
		"c/directory/file": {"c/directory", "a/file"},
	} {
		for i := range want {
			want[i] = filepath.Join(dir, want[i])
		}
		if got := way(filepath.Join(dir, file)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
	if got := way(filepath.Join(dir, "c/circle")); len(got) != maxLinks+1 {
		t.Errorf("a circle: %d names, want %d", len(got), maxLinks+1)
	}
}
