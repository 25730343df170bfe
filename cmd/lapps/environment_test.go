package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfigPath finds the configuration that nobody has named.
func TestConfigPath(t *testing.T) {
	dir := t.TempDir()
	home, conf, empty := filepath.Join(dir, "home"), filepath.Join(dir, "conf"), filepath.Join(dir, "empty")
	for _, file := range []string{filepath.Join(home, "etc", "conf", "ws.json"), filepath.Join(conf, "lapps.json"), filepath.Join(empty, "server.json")} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const none = "no configuration is given: -c PATH names its file, or LAPPS_CONF_DIR or LAPPS_HOME the directory of LAppS's"
	for _, tt := range []struct {
		name, given string
		env         map[string]string
		want        string
	}{
		{"given", "x.json", map[string]string{"LAPPS_CONF_DIR": conf}, "x.json"},
		{"nothing", "", nil, none},
		{"LAPPS_HOME", "", map[string]string{"LAPPS_HOME": home}, filepath.Join(home, "etc", "conf")},
		{"LAPPS_CONF_DIR", "", map[string]string{"LAPPS_HOME": home, "LAPPS_CONF_DIR": conf}, conf},
		{"a home without", "", map[string]string{"LAPPS_HOME": empty}, none},
		{"a directory without", "", map[string]string{"LAPPS_CONF_DIR": empty}, empty + ": holds no configuration of LAppS"},
		{"other names", "", map[string]string{"LAPPS_CONF_DIR": empty, "WS_CONFIG": "server.json"}, empty},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"LAPPS_HOME", "LAPPS_CONF_DIR", "WS_CONFIG", "LAPPS_CONFIG"} {
				t.Setenv(name, tt.env[name])
			}
			got, err := configPath(tt.given)
			if err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestLuaPath has modules found that are not in the service's directory, behind its own.
func TestLuaPath(t *testing.T) {
	lib := t.TempDir()
	for name, text := range map[string]string{
		"words.lua": `return "library"`, "both.lua": `return "library"`, "deep/init.lua": `return "deep"`, "deep/er.lua": `return "deeper"`, "bad.lua": "return =",
	} {
		file := filepath.Join(lib, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("LUA_PATH", lib+"/?.lua;;nothing;"+lib+"/?/init.lua")
	d := startDaemon(t, `{"services": {"echo": {}, "other": {}}}`, map[string]string{
		"echo/echo.lua": `return {onMessage = function(h, op, name)
			local ok, v = pcall(require, name)
			return ws:send(h, 1, tostring(v))
		end}`,
		"echo/both.lua":   `return "own"`,
		"other/other.lua": echoLua,
	})
	c := dialCoder(t, d.url("/echo"), nil)
	for name, want := range map[string]string{
		"words": "library", "both": "own", "deep": "deep", "deep.er": "deeper",
		"bad":   "error loading module 'bad': " + lib + "/bad.lua:1: ",
		"other": "module 'other' not found:\n\tno module 'other' in the server\n\tno file 'other.lua'\n\tno file 'other/init.lua'\n\tno file '" + lib + "/other.lua'\n\tno file '" + lib + "/other/init.lua'",
	} {
		c.send(t, false, []byte(name))
		if _, got := c.receive(t); !strings.Contains(string(got), want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if n := d.logged.count(`LUA_PATH: \"nothing\" has no ?, which stands for the module`); n != 1 {
		t.Errorf("said %d times:\n%s", n, d.logged)
	}
}

// TestOperatedPath finds the configuration of a server that runs: a file that is near, unless the environment names
// another.
func TestOperatedPath(t *testing.T) {
	dir := t.TempDir()
	conf, below := filepath.Join(dir, "conf"), filepath.Join(dir, "site", "apps")
	for _, d := range []string{conf, below} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{filepath.Join(conf, "ws.json"), filepath.Join(dir, "site", "lapps.json")} {
		if err := os.WriteFile(file, []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ name, given, in, conf, want string }{
		{"given", "x.json", below, "", "x.json"},
		{"here", "", filepath.Join(dir, "site"), "", "lapps.json"},
		{"above", "", below, "", "../lapps.json"},
		{"the environment", "", below, conf, conf},
		{"nowhere near", "", conf, "", "no configuration is given: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(tt.in)
			for name, value := range map[string]string{"LAPPS_HOME": "", "LAPPS_CONF_DIR": tt.conf, "WS_CONFIG": "", "LAPPS_CONFIG": ""} {
				t.Setenv(name, value)
			}
			got, err := operatedPath(tt.given)
			if err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
