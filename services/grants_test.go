package services_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"lapps/services"
	"lapps/services/grants"
	"lapps/services/vm"
)

// constant is a module that is a string.
func constant(name string, privileged bool) vm.Module {
	return vm.Module{Name: name, Privileged: privileged, Open: func(*vm.Instance, *lua.LState) lua.LValue { return lua.LString("the " + name) }}
}

// TestGrantedModules: a module that reaches outside has to be granted, or preloaded.
func TestGrantedModules(t *testing.T) {
	const refused = `test.lua:2: modules: to require "sql" is not granted: neither the service's "grants.modules" nor its "preload" names it`
	modules := []vm.Module{constant("sql", true), constant("time", false)}
	for _, c := range []struct {
		name    string
		granted []string
		preload []string
		want    string
	}{
		{"nothing", nil, nil, refused},
		{"another one", []string{"http"}, []string{"time"}, refused},
		{"by name", []string{"sql"}, nil, "the sql"},
		{"all", []string{"*"}, nil, "the sql"},
		{"preloaded", nil, []string{"sql"}, "the sql"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := grants.New(grants.Config{Modules: c.granted})
			if err != nil {
				t.Fatal(err)
			}
			serveWith(t, services.Config{Grants: g, Preload: c.preload, Libraries: []vm.Module{constant("lib", false)}}, modules, `
local ok, v = pcall(function() return require("sql") end)
print(v, require "time", lib, require "lib")
return {onMessage = function() return true end}`, func(t *testing.T, _ *services.Registry, log *bytes.Buffer) {
				if text := strings.ReplaceAll(log.String(), `\"`, `"`); !strings.Contains(text, c.want+`\tthe time\tthe lib\tthe lib`) {
					t.Error(text)
				}
			})
		})
	}
	if err := startOne(t, services.Config{Libraries: []vm.Module{constant("test", false)}}, ""); err == nil || !strings.Contains(err.Error(), "a service cannot be called test") {
		t.Error(err)
	}
}

// TestOwnModules: what a service has in place of a module that all have, it has where it may have that.
func TestOwnModules(t *testing.T) {
	own := vm.Module{Name: "sql", Privileged: true, Open: func(*vm.Instance, *lua.LState) lua.LValue { return lua.LString("its own sql") }}
	for preload, want := range map[string]string{"sql": `its own sql\tthe time`, "time": `is not granted`} {
		serveWith(t, services.Config{Preload: []string{preload}, Modules: []vm.Module{own, constant("other", false)}}, []vm.Module{constant("sql", true), constant("time", false)}, `
print(select(2, pcall(require, "sql")), require "time", pcall(require, "other"))
return {onMessage = function() return true end}`, func(t *testing.T, _ *services.Registry, log *bytes.Buffer) {
			if text := log.String(); !strings.Contains(text, want) || !strings.Contains(text, "module 'other' not found") {
				t.Error(text)
			}
		})
	}
}

// TestDecodeFile: nljson reads files of the service, and those that it is granted.
func TestDecodeFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "granted.json"), []byte(`["granted"]`), 0o644); err != nil {
		t.Fatal(err)
	}
	g, err := grants.New(grants.Config{Base: dir, Files: []grants.Directory{{Path: dir}}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	serveWith(t, services.Config{Grants: g}, nil, `
print(nljson.decode_file("granted.json")[1], nljson.decode_file("`+dir+`/granted.json")[1], (select(2, pcall(nljson.decode_file, "/etc/hostname"))), pcall(nljson.decode_file, "test.lua"))
return {onMessage = function() return true end}`, func(t *testing.T, _ *services.Registry, log *bytes.Buffer) {
		text := strings.ReplaceAll(log.String(), `\"`, `"`)
		for _, want := range []string{
			`granted\tgranted\t`, `to read "/etc/hostname" is not granted: the service's "grants.files" has no path that holds it`,
			"nljson: test.lua: invalid character",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("want %s:\n%s", want, text)
			}
		}
	})
}
