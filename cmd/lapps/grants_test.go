package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lapps/config"
)

const filesLua = `
local function load(name) return io.open(name) end
local f = io.open("data/in.txt")
local g = io.open("data/out/log", "a")
for line in io.lines("elsewhere/x") do end
os.remove("data/in.txt")
print(os.getenv("LAPPS_SET"), os.getenv("LAPPS_OTHER"), require "task", require "files.helper")
return {onMessage = function() return true end}
`

// TestCheckListsGrants: what services ask for, what they are granted, and what does not
// go together.
func TestCheckListsGrants(t *testing.T) {
	t.Setenv("LAPPS_SET", "1")
	dir := writeApps(t, map[string]string{
		"files/files.lua": filesLua, "files/files/helper.lua": "return {}",
		"idle/idle.lua": echoLua, "plain/plain.lua": echoLua,
	})
	for _, d := range []string{"data/out"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := writeConfig(t, dir, `{"services": {
		"files": {"grants": {"files": [{"path": "data", "access": "read"}, {"path": "data/out", "access": "write"}], "environment": ["LAPPS_SET"]}},
		"idle": {"grants": {"files": [{"path": "data", "access": "read"}], "environment": ["LAPPS_UNUSED"], "modules": ["task"], "network": ["example.com:443"]}},
		"plain": {}}}`)
	status, stdout, stderr := command(t, "check", "-c", path)
	strip := strings.NewReplacer(path, "CONFIG", dir, "DIR").Replace
	const wantOut = `files asks for environment "LAPPS_OTHER" (files.lua:7)
files asks for environment "LAPPS_SET" (files.lua:7)
files asks for read "data/in.txt" (files.lua:3)
files asks for read "elsewhere/x" (files.lua:5)
files asks for read or write (files.lua:2)
files asks for write "data/in.txt" (files.lua:6)
files asks for write "data/out/log" (files.lua:4)
files is granted read "DIR/data"
files is granted write "DIR/data/out"
files is granted environment "LAPPS_SET"
idle is granted read "DIR/data"
idle is granted network "example.com:443"
idle is granted environment "LAPPS_UNUSED"
idle is granted module "task"
CONFIG: ok
`
	const wantErr = `CONFIG:1: services.files: asks for environment "LAPPS_OTHER" (files.lua:7), which is not granted: grants.environment does not name it
CONFIG:1: services.files: asks for read "elsewhere/x" (files.lua:5), which is not granted: grants.files has no path for it
CONFIG:1: services.files: asks for write "data/in.txt" (files.lua:6), which is not granted: grants.files has no path with access "write" for it
CONFIG:1: services.idle: grants read of "DIR/data", and asks for no file
CONFIG:1: services.idle: grants environment "LAPPS_UNUSED", and does not ask for it
CONFIG:1: services.idle: grants module "task", which needs no grant
CONFIG:1: services.idle: grants network, and requires no module that connects to anything
`
	if status != exitOK || strip(stdout) != wantOut || strip(stderr) != wantErr {
		t.Errorf("status %d\n%s\n%s", status, strip(stdout), strip(stderr))
	}
}

// TestGrantsAreMistakes: what is wrong with grants has the service's line.
func TestGrantsAreMistakes(t *testing.T) {
	dir := writeApps(t, map[string]string{"a/a.lua": echoLua, "io/io.lua": echoLua, "bit/bit.lua": echoLua, "utf8/utf8.lua": echoLua})
	for services, want := range map[string]string{
		`{"a": {"grants": {"files": [{"path": "none", "access": "read"}]}}}`: ":1: services.a: grants: open " + filepath.Join(dir, "none") + ": no such file or directory",
		`{"a": {"grants": {"modules": ["*", "sql"]}}}`:                       ":1: services.a: grants.modules: there is no module sql; there are",
		`{"io": {}}`:   "a service cannot be called io",
		`{"bit": {}}`:  "a service cannot be called bit",
		`{"utf8": {}}`: "a service cannot be called utf8",
	} {
		path := writeConfig(t, dir, `{"services": `+services+`}`)
		if status, _, stderr := command(t, "check", "-c", path); status != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: status %d, %s", services, status, stderr)
		}
	}
}

// TestGrantedFiles has a service of a running server keep what it is sent in a file, and
// be refused another.
func TestGrantedFiles(t *testing.T) {
	dir := writeApps(t, map[string]string{"notes/notes.lua": `
return {onMessage = function(h, op, message)
  local ok, err = pcall(function()
    local f = assert(io.open(message, "a"))
    f:write(message, "\n") f:close()
  end)
  ws:send(h, 1, ok and "written" or err)
  return true
end}`})
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(writeConfig(t, dir, `{"services": {"notes": {"grants": {"files": [{"path": "data", "access": "write"}]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	d := startConfig(t, cfg)
	c := dialCoder(t, d.url("/notes"), nil)
	for message, want := range map[string]string{
		"data/a": "written",
		"../x":   `notes.lua:4: files: to write "../x" is not granted: the service's "grants.files" has no path with access "write" that holds it`,
	} {
		c.send(t, false, []byte(message))
		if _, got := c.receive(t); string(got) != want {
			t.Errorf("%s: %s", message, got)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "data/a")); err != nil || string(text) != "data/a\n" {
		t.Errorf("%q, %v", text, err)
	}
}
