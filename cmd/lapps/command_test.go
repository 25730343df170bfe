package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// command runs a command line in this process.
func command(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = execute(t.Context(), args, &out, &err)
	return status, out.String(), err.String()
}

const tenMistakes = `{
  "listeners": [
    {"address": "127.0.0.1"},
    {"adress": "127.0.0.1:80"}
  ],
  "acl": {"policy": "perhaps", "exclude": ["10.0.0.0/33"]},
  "timeouts": {"ping_ms": -1, "idle_ms": "long"},
  "loops": 1.5,
  "services": {
    "echo": {"instances": 0, "protocol": "rwa"},
    "chat": {"request_target": "chat"},
    "2fast": {}
  }
}`

func TestCheckNamesEveryMistake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lapps.json")
	if err := os.WriteFile(path, []byte(tenMistakes), 0o644); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := command(t, "check", "-c", path)
	if status != exitUsage {
		t.Errorf("exit status %d, want %d", status, exitUsage)
	}
	for _, want := range []string{
		":3: listeners[0].address:",
		":4: listeners[1].adress:",
		":6: acl.policy:",
		":6: acl.exclude[0]:",
		":7: timeouts.ping_ms:",
		":7: timeouts.idle_ms:",
		":8: loops:",
		":10: services.echo.instances:",
		":10: services.echo.protocol:",
		":11: services.chat.request_target:",
		":12: services.2fast:",
	} {
		if !strings.Contains(stderr, path+want) {
			t.Errorf("%q is not named in:\n%s", want, stderr)
		}
	}
}

func TestCheckCompilesLua(t *testing.T) {
	dir := writeApps(t, map[string]string{
		"one/one.lua":      "return {onMessage = function() end",
		"two/two.lua":      echoLua,
		"two/lib/deep.lua": "x = = 1",
	})
	path := writeConfig(t, dir, `{"services": {"one": {}, "two": {}, "three": {}}}`)
	status, _, stderr := command(t, "check", "-c", path)
	for _, want := range []string{path + ":1: services.three: its directory must be readable", "one.lua", "lib/deep.lua"} {
		if status != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("status %d, %q is not named in:\n%s", status, want, stderr)
		}
	}
}

func TestCheckAccepts(t *testing.T) {
	dir := writeApps(t, echoApp)
	path := writeConfig(t, dir, `{"services": {"echo": {}}}`)
	status, stdout, stderr := command(t, "check", "-c", path)
	if status != exitOK || stdout != path+": ok\n" || stderr != "" {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
		names  string
	}{
		{[]string{"run"}, exitUsage, "no configuration is given"},
		{[]string{"check", "-c", "/nowhere/lapps.json"}, exitUsage, "/nowhere/lapps.json"},
		{[]string{"fly"}, exitUsage, `unknown command "fly"`},
		{[]string{"run", "-x"}, exitUsage, "unknown shorthand flag"},
	} {
		status, _, stderr := command(t, c.args...)
		if status != c.status || !strings.Contains(stderr, c.names) {
			t.Errorf("%v: status %d, %q", c.args, status, stderr)
		}
	}
	if status, stdout, _ := command(t, "version"); status != exitOK || !strings.HasPrefix(stdout, "lapps ") {
		t.Errorf("version: %d, %q", status, stdout)
	}
	var schema map[string]any
	status, stdout, _ := command(t, "schema")
	if err := json.Unmarshal([]byte(stdout), &schema); err != nil || status != exitOK || schema["$schema"] == nil {
		t.Errorf("schema: %d, %v, %.100s", status, err, stdout)
	}
}

func TestAddressInUse(t *testing.T) {
	d := startDaemon(t, `{}`, nil)
	path := writeConfig(t, t.TempDir(), `{"listeners": [{"address": "127.0.0.1:0"}, {"address": "`+d.addr()+`"}]}`)
	status, _, stderr := command(t, "run", "-c", path)
	if status != exitFailed || !strings.Contains(stderr, "cannot listen on "+d.addr()) {
		t.Errorf("status %d, %s", status, stderr)
	}
}
