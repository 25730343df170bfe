package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lapps/services"
	"lapps/services/luadoc"
	"lapps/services/luatest"
	"lapps/services/nljson"
	"lapps/services/vm"
)

func newTypes() *cobra.Command {
	return &cobra.Command{
		Use:   "types DIR",
		Short: "Write what Lua finds as definitions for editors",
		Long: `Write what Lua finds, modules and callbacks, as definitions of the Lua language server, by
which editors complete, explain and check: a file for each module. DIR is made where it
is missing. Files that an earlier run has written there are overwritten, and no others.

The reference pages in docs/modules are made of the same text.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			if err := writeTypes(dirs[0], cmd.OutOrStdout()); err != nil {
				return &failure{err}
			}
			return nil
		},
	}
}

// A part is which part of the Lua API something belongs to.
type part int

const (
	partAlways  part = iota // of services: found by all of them
	partModules             // what has to be required, or preloaded
	partTests               // found by tests only
)

// A description is of something that Lua finds.
type description struct {
	*luadoc.Doc
	part part
	text string // as it is written
}

// alwaysModules are the modules that every service has as globals, for their descriptions.
func alwaysModules() []vm.Module {
	return append(globalModules(nil), vm.Module{Name: "nljson", Types: nljson.Types})
}

// luaAPI returns all descriptions, those of each part by name.
func luaAPI() (all []description, err error) {
	var errs []error
	add := func(p part, name, text string) {
		if text == "" {
			return
		}
		doc, err := luadoc.Parse(name, text)
		if err != nil {
			errs = append(errs, err)
			return
		}
		all = append(all, description{doc, p, text})
	}
	for _, text := range services.Types() {
		add(partAlways, "services", text)
	}
	add(partAlways, "sandbox", vm.Types)
	for _, m := range alwaysModules() {
		add(partAlways, m.Name, m.Types)
	}
	for _, m := range described {
		add(partModules, m.Name, m.Types)
	}
	add(partTests, "testing", luatest.Types)
	slices.SortStableFunc(all, func(a, b description) int {
		if a.part != b.part {
			return int(a.part - b.part)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all, errors.Join(errs...)
}

// typesMark is the line by which lapps types knows its files again.
const typesMark = "-- Written by lapps types, which overwrites it."

// typesFiles are the files for editors, by their names.
func typesFiles() (map[string]string, error) {
	all, err := luaAPI()
	if err != nil {
		return nil, err
	}
	files := make(map[string]string)
	globals := ""
	for _, d := range all {
		meta, rest, _ := strings.Cut(d.text, "\n")
		files[d.Name+".lua"] = meta + "\n" + typesMark + "\n" + rest
		if d.part == partAlways && d.Returned && !slices.Contains(editorsOwn, d.Name) {
			globals += fmt.Sprintf("%s = require %q\n", d.Name, d.Name)
		}
	}
	if globals != "" {
		files["globals.lua"] = "---@meta globals\n" + typesMark + "\n\n" + globals
	}
	return files, nil
}

// editorsOwn are the libraries that editors take for globals by themselves.
var editorsOwn = []string{"io", "os", "string", "table", "math", "coroutine"}

// writeTypes writes the files to a directory, and says which, and what to do with them.
func writeTypes(dir string, out io.Writer) error {
	files, err := typesFiles()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	if err := refuseForeign(root, dir, names); err != nil {
		return err
	}
	for _, name := range names {
		if err := root.WriteFile(name, []byte(files[name]), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(out, filepath.Join(dir, name))
	}
	return explainTypes(dir, out)
}

// refuseForeign is an error where any of the files is there and was not written by lapps.
func refuseForeign(root *os.Root, dir string, names []string) error {
	var errs []error
	for _, name := range names {
		text, err := root.ReadFile(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			errs = append(errs, err)
		case !strings.Contains(string(text), typesMark):
			errs = append(errs, fmt.Errorf("%s: was not written by lapps types, and stays: move it, or give another directory; nothing has been written", filepath.Join(dir, name)))
		}
	}
	return errors.Join(errs...)
}

// explainTypes says how the Lua language server is told.
func explainTypes(dir string, out io.Writer) error {
	settings, err := json.MarshalIndent(map[string]any{
		"runtime.version":   "Lua 5.1",
		"runtime.builtin":   map[string]string{"debug": "disable"}, // services have none
		"workspace.library": []string{filepath.ToSlash(dir)},
	}, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nFor the Lua language server, in the file .luarc.json of the directory that is opened in the\neditor; a relative path is relative to that:\n\n%s\n", settings)
	return err
}
