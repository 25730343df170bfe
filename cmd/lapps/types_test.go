package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/gopher-lua/parse"
)

// TestTypes writes the files for editors: they are Lua, and may be written again.
func TestTypes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "lapps")
	status, stdout, stderr := command(t, "types", dir)
	if status != exitOK || stderr != "" {
		t.Fatalf("status %d: %s", status, stderr)
	}
	want, err := typesFiles()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for name, text := range want {
		path := filepath.Join(dir, name)
		lines = append(lines, path+"\n")
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Errorf("%s: %v, %q", name, err, got)
		}
		if _, err := parse.Parse(strings.NewReader(text), name); err != nil {
			t.Errorf("%s is no Lua: %v", name, err)
		}
		if !strings.HasPrefix(text, "---@meta "+strings.TrimSuffix(name, ".lua")+"\n"+typesMark+"\n\n") {
			t.Errorf("%s begins with %.80q", name, text)
		}
	}
	slices.Sort(lines)
	told, hint, _ := strings.Cut(stdout, "\n\nFor the Lua language server")
	if told+"\n" != strings.Join(lines, "") {
		t.Errorf("it says\n%s\nand not\n%s", told, strings.Join(lines, ""))
	}
	var settings map[string]any
	if err := json.Unmarshal([]byte(hint[strings.Index(hint, "{"):]), &settings); err != nil {
		t.Error(err)
	} else if got := settings["workspace.library"]; !reflect.DeepEqual(got, []any{filepath.ToSlash(dir)}) {
		t.Errorf("the library is %v", got)
	}
	if status, again, stderr := command(t, "types", dir); status != exitOK || again != stdout {
		t.Errorf("the second time: status %d, %s%s", status, again, stderr)
	}
}

// TestTypesOfOthers: what lapps has not written stays, and then nothing is written.
func TestTypesOfOthers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ws.lua")
	if err := os.WriteFile(path, []byte("---@meta\nws = {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := command(t, "types", dir)
	want := path + ": was not written by lapps types, and stays: move it, or give another directory; nothing has been written\n"
	if status != exitFailed || stdout != "" || stderr != want {
		t.Errorf("status %d, %q, %q, want %q", status, stdout, stderr, want)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("there are %v, %v", entries, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"types"}, {"types", "a", "b"}} {
		if status, _, _ := command(t, args...); status != exitUsage {
			t.Errorf("%v: status %d", args, status)
		}
	}
	if status, _, stderr := command(t, "types", filepath.Join(dir, "file")); status != exitFailed || stderr == "" {
		t.Errorf("a file for a directory: status %d, %q", status, stderr)
	}
}
