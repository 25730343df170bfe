package vm

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

func TestLoadErrors(t *testing.T) {
	for _, tt := range []struct{ name, source, want string }{
		{"syntax", "local x\nx = = 1\n", "main.lua:2: syntax error near '='"},
		{"unfinished", "function f()\n\n", "main.lua:2: syntax error near the end of the file"},
		{"string", "x = 'abc", "main.lua:1: unterminated string near the end of the file"},
		{"goto", "goto nowhere", "main.lua:2: no visible label 'nowhere' for <goto> at line 1"},
		{"break", "\nbreak", "main.lua:2: no loop to break"},
		{"bytecode", "\x1bLua", "main.lua: is bytecode: only text is loaded"},
		{"long", strings.Repeat(" ", maxSource+1), "main.lua: longer than 1048576 bytes"},
		{"shebang", "#!/usr/bin/lua\n= 1", "main.lua:2: syntax error near '='"},
	} {
		root := files(t, map[string]string{"main.lua": tt.source})
		_, err := Load(root.FS(), "main.lua")
		var e *Error
		if !errors.As(err, &e) || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
	root := files(t, map[string]string{"dir/x": ""})
	if _, err := Load(root.FS(), "main.lua"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: got %v", err)
	}
	if _, err := Load(root.FS(), "dir"); err == nil || err.Error() != "vm: open dir: not a regular file" {
		t.Errorf("directory: got %v", err)
	}
}

func TestCheck(t *testing.T) {
	p := program(t, map[string]string{"main.lua": "", "a.lua": "= 1", "b/c.lua": "\n)", "b/d.txt": "= 1", "e.lua": "x = 1"})
	if err := p.Check(); err == nil || err.Error() != "a.lua:1: syntax error near '='\nb/c.lua:2: syntax error near ')'" {
		t.Errorf("got %v", err)
	}
	good := program(t, map[string]string{"main.lua": ""})
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}

func TestRequire(t *testing.T) {
	opened := 0
	module := Module{Name: "go", Open: func(_ *Instance, L *lua.LState) lua.LValue { opened++; return lua.LString("from Go") }}
	fails := Module{Name: "fails", Open: func(_ *Instance, L *lua.LState) lua.LValue { L.RaiseError("not today"); return lua.LNil }}
	root := files(t, map[string]string{
		"main.lua":      "",
		"table1.lua":    "return {n = 1, name = ...}",
		"nothing.lua":   "count = (count or 0) + 1",
		"sub/dir.lua":   "return 'sub.dir'",
		"pkg/init.lua":  "return 'pkg'",
		"a.lua":         "return require('b')",
		"b.lua":         "return require('c')",
		"c.lua":         "return require('a')",
		"broken.lua":    "= 1",
		"throws.lua":    "error('thrown')",
		"itself.lua":    "package.loaded[...] = 'itself'",
		"upvalues.lua":  "local n = 0; return function() n = n + 1; return n end",
		"sub/bytes.lua": "\x1bLua",
	})
	if err := os.Symlink("/etc", filepath.Join(root.Name(), "outside")); err != nil {
		t.Fatal(err)
	}
	p, err := Load(root.FS(), "main.lua")
	if err != nil {
		t.Fatal(err)
	}
	in := start(t, "", Config{Program: p, Modules: []Module{module, fails}})
	for _, tt := range []struct{ source, want string }{
		{`local t = require("table1"); return t.n .. t.name .. tostring(require("table1") == t) .. tostring(package.loaded.table1 == t)`, "1table1truetrue"},
		{`return tostring(require("nothing")) .. tostring(require("nothing")) .. count`, "truetrue1"},
		{`return require("sub.dir")`, "sub.dir"},
		{`return require("pkg")`, "pkg"},
		{`return require("go") .. require("go")`, "from Gofrom Go"},
		{`return require("itself")`, "itself"},
		{`return require("string") == string`, "true"},
		{`require("upvalues")(); return require("upvalues")()`, "2"},
		{`package.loaded.pkg = nil; return require("pkg")`, "pkg"},
		{`return select(2, pcall(require, "fails"))`, "not today"},
		{`return select(2, pcall(require, "a"))`, "c.lua:1: modules require each other: a -> b -> c -> a"},
		{`return select(2, pcall(require, "a"))`, "c.lua:1: modules require each other: a -> b -> c -> a"},
		{`return select(2, pcall(require, "throws"))`, "throws.lua:1: thrown"},
		{`return select(2, pcall(require, "broken"))`, "error loading module 'broken': broken.lua:1: syntax error near '='"},
		{`return select(2, pcall(require, "sub.bytes"))`, "error loading module 'sub.bytes': sub/bytes.lua: is bytecode: only text is loaded"},
		{`return select(2, pcall(require, "no.such"))`, "module 'no.such' not found:\n\tno module 'no.such' in the server\n\tno file 'no/such.lua'\n\tno file 'no/such/init.lua'"},
		{`return select(2, pcall(require, "..x"))`, "module '..x' not found:\n\tno module '..x' in the server\n\t'//x.lua' is no path within the service's directory\n\t'//x/init.lua' is no path within the service's directory"},
		{`return select(2, pcall(require, "/etc/x"))`, "module '/etc/x' not found:\n\tno module '/etc/x' in the server\n\t'/etc/x.lua' is no path within the service's directory\n\t'/etc/x/init.lua' is no path within the service's directory"},
	} {
		v, err := eval(t, in, tt.source)
		if err != nil || strings.TrimSpace(v.String()) != tt.want {
			t.Errorf("%s:\n\tgot  %v %v\n\twant %s", tt.source, v, err, tt.want)
		}
	}
	if v, err := eval(t, in, `return select(2, pcall(require, "outside.hostname"))`); err != nil || !strings.Contains(v.String(), "path escapes") {
		t.Errorf("symlink: got %v %v", v, err)
	}
	if opened != 1 {
		t.Errorf("opened %d times", opened)
	}
}

// A service's own files go before the modules of the server, and these before the search
// path. What was made a global is what require gives, too.
func TestOwnFilesFirst(t *testing.T) {
	module := func(name string) Module {
		return Module{Name: name, Open: func(*Instance, *lua.LState) lua.LValue { return lua.LString("server's " + name) }}
	}
	root := files(t, map[string]string{
		"main.lua":           "",
		"timer.lua":          "return 'own timer'",
		"task/init.lua":      "return 'own task'",
		"global.lua":         "return 'own global'",
		"more/bit.lua":       "return require('more.bit')",
		"adds.lua":           "return 'own, and ' .. require('adds')",
		"cycle.lua":          "return require('through')",
		"through.lua":        "return require('cycle')",
		"broken.lua":         "= 1",
		"svc.lua":            "return 'the main file'",
		"bit":                "a file, and no directory of bit/init.lua",
		"task2.lua/x":        "a directory, and no file",
		"elsewhere/time.lua": "return 'time of the path'",
		"elsewhere/more.lua": "return 'more of the path'",
	})
	elsewhere, err := fs.Sub(root.FS(), "elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Load(root.FS(), "main.lua", Place{Files: elsewhere, Template: "?.lua", Where: "/elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	in := start(t, "", Config{
		Service: "svc",
		Program: p,
		Modules: []Module{module("timer"), module("task"), module("time"), module("global"), module("broken"), module("svc"), module("bit"), module("task2"), module("adds"), module("cycle")},
		Globals: func(in *Instance, L *lua.LState) { in.Preload(L, "global"); in.Preload(L, "global") },
	})
	want(t, in, `return require("timer")`, "own timer")
	want(t, in, `return require("task")`, "own task")
	want(t, in, `return require("time")`, "server's time")
	want(t, in, `return require("bit")`, "server's bit")
	want(t, in, `return require("task2")`, "server's task2")
	want(t, in, `return require("adds") .. "; " .. require("adds")`, "own, and server's adds; own, and server's adds")
	want(t, in, `return select(2, pcall(require, "cycle"))`, "through.lua:1: modules require each other: cycle -> through -> cycle")
	want(t, in, `return select(2, pcall(require, "more.bit"))`, "more/bit.lua:1: modules require each other: more.bit -> more.bit")
	want(t, in, `return require("more")`, "more of the path")
	want(t, in, `return global .. ", " .. require("global")`, "server's global, server's global")
	want(t, in, `return require("svc")`, "server's svc")
	want(t, in, `return select(2, pcall(require, "broken"))`, "error loading module 'broken': broken.lua:1: syntax error near '='")
	want(t, in, `return select(2, pcall(require, "none"))`, "module 'none' not found:\n\tno module 'none' in the server\n\tno file 'none.lua'\n\tno file 'none/init.lua'\n\tno file '/elsewhere/none.lua'")
}

// Preloading a module that is not there is an error.
func TestPreloadNothing(t *testing.T) {
	in, err := New(Config{Program: program(t, map[string]string{"main.lua": ""}), Globals: func(in *Instance, L *lua.LState) { in.Preload(L, "none") }})
	if err != nil {
		t.Fatal(err)
	}
	do(t, in, func(in *Instance) {
		if _, err := in.Main(); err == nil || !strings.Contains(err.Error(), "no module 'none' in the server") {
			t.Errorf("got %v", err)
		}
	})
	stop(t, in)
}

// Instances share what was compiled, and nothing else.
func TestInstancesShareProgram(t *testing.T) {
	p := program(t, map[string]string{"main.lua": `n = (n or 0) + 1; helper = require("helper")`, "helper.lua": `return {}`})
	var ins []*Instance
	for range 2 {
		in, err := New(Config{Program: p})
		if err != nil {
			t.Fatal(err)
		}
		ins = append(ins, in)
	}
	for _, in := range ins {
		if err := in.Do(context.Background(), func(in *Instance) error { _, err := in.Main(); return err }); err != nil {
			t.Error(err)
		}
		want(t, in, `return n`, "1")
	}
	if len(p.compiled) != 2 {
		t.Errorf("%d files compiled", len(p.compiled))
	}
	for _, in := range ins {
		stop(t, in)
	}
}

func TestGlobals(t *testing.T) {
	p := program(t, map[string]string{"main.lua": "return ws.x"})
	in, err := New(Config{Program: p, Globals: func(in *Instance, L *lua.LState) {
		ws := L.NewTable()
		ws.RawSetString("x", lua.LString(in.Name()))
		L.SetGlobal("ws", ws)
	}, Instance: "i"})
	if err != nil {
		t.Fatal(err)
	}
	do(t, in, func(in *Instance) {
		if v, err := in.Main(); err != nil || v != lua.LString("i") {
			t.Errorf("got %v, %v", v, err)
		}
	})
	stop(t, in)
}
