package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lapps/config"
)

// writeFiles writes files below a new directory.
func writeFiles(t testing.TB, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	lappsServerFile = `{"ip": "127.0.0.1", "port": 6083, "listeners": 1,
		"connection_weight": 0.7}`
	lappsServicesFile = `{"directories": {"applications": "apps"}, "services": {
		"echo": {"standalone": false, "auto_start": true, "instances": 3, "request_target": "/echo", "protocol": "raw"}}}`
)

func TestImport(t *testing.T) {
	home := writeFiles(t, map[string]string{
		"etc/conf/ws.json":    lappsServerFile,
		"etc/conf/lapps.json": lappsServicesFile,
		"apps/echo/echo.lua":  echoLua,
	})
	conf := filepath.Join(home, "etc", "conf")
	want := `{
  "listeners": [
    {
      "address": "127.0.0.1:6083"
    }
  ],
  "directories": {
    "applications": "` + filepath.Join(home, "apps") + `",
    "deploy": "` + filepath.Join(home, "deploy") + `",
    "run": "` + filepath.Join(home, "run") + `"
  },
  "services": {
    "echo": {
      "instances": 3
    }
  }
}
`
	for _, dir := range []string{home, conf} {
		status, stdout, stderr := command(t, "import", dir)
		if status != exitOK || stdout != want {
			t.Errorf("%s: exit status %d,\n got %s\nwant %s", dir, status, stdout, want)
		}
		for _, notice := range []string{
			filepath.Join(conf, "ws.json") + ":2: connection_weight: has no meaning here, as it had none in LAppS\n",
		} {
			if stderr != notice {
				t.Errorf("notices:\n got %s\nwant %s", stderr, notice)
			}
		}
	}
	// What was written is a configuration that means the same.
	path := filepath.Join(t.TempDir(), "native.json")
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{path, home, conf} {
		if status, stdout, stderr := command(t, "check", "-c", c); status != exitOK {
			t.Errorf("check -c %s: %s%s", c, stdout, stderr)
		}
	}
}

// TestLAppSHome has the applications found below LAPPS_HOME where it is set.
func TestLAppSHome(t *testing.T) {
	home := writeFiles(t, map[string]string{"apps/echo/echo.lua": echoLua})
	conf := writeFiles(t, map[string]string{"ws.json": lappsServerFile, "lapps.json": lappsServicesFile, "apps/echo/echo.lua": echoLua})
	apps := func() string {
		t.Helper()
		cfg, _, err := loadConfig(conf)
		if err != nil {
			t.Fatal(err)
		}
		return cfg.Directories.Applications
	}
	if got, want := apps(), filepath.Join(conf, "apps"); got != want {
		t.Errorf("without LAPPS_HOME: %s, want %s", got, want)
	}
	t.Setenv("LAPPS_HOME", home)
	if got, want := apps(), filepath.Join(home, "apps"); got != want {
		t.Errorf("with LAPPS_HOME: %s, want %s", got, want)
	}
}

// TestPipe does not wait for somebody to write.
func TestPipe(t *testing.T) {
	dir := writeFiles(t, map[string]string{"lapps.json": "{}"})
	pipe := filepath.Join(dir, "ws.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := command(t, "check", "-c", dir)
	if want := "config: " + pipe + " is no regular file\n"; status != exitUsage || stderr != want {
		t.Errorf("exit status %d,\n got %swant %s", status, stderr, want)
	}
}

func TestImportRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"nothing there": {nil, []string{"holds no configuration of LAppS"}},
		"mistakes in both": {map[string]string{
			"ws.json":    `{"port": 70000, "tls": true, "tls_server_version": "3"}`,
			"lapps.json": `{"services": {"a": {"depends": ["b"]}, "b": {"depends": ["a"]}}}`,
		}, []string{"ws.json:1: port: must be between", "ws.json:1: tls_server_version: must be a whole number", "services depend on each other: a -> b -> a"}},
		"no JSON": {map[string]string{"ws.json": `{`}, []string{"ws.json:1: column 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := writeFiles(t, c.files)
			for _, args := range [][]string{{"import", dir}, {"check", "-c", dir}, {"run", "-c", dir}} {
				status, stdout, stderr := command(t, args...)
				if status != exitUsage || stdout != "" {
					t.Errorf("%s: exit status %d, %s", args[0], status, stdout)
				}
				for _, want := range c.want {
					if !strings.Contains(stderr, want) {
						t.Errorf("%s: %q is not in %s", args[0], want, stderr)
					}
				}
			}
		})
	}
}

// TestPreload has unknown modules told with their service's line.
func TestPreload(t *testing.T) {
	dir := writeApps(t, map[string]string{"a/a.lua": echoLua, "b/b.lua": echoLua, "c/c.lua": echoLua})
	path := writeConfig(t, dir, `{"services": {"a": {"preload": ["nap", "cws"]}, "b": {"depends": ["a"], "preload": ["time", "nljson"]}, "c": {"preload": ["x"]}}}`)
	status, _, stderr := command(t, "check", "-c", path)
	want := path + ":1: services.c: preload: there is no module x; there are ws, bcast, nljson, cws, mqr, murmur, mutex, nap, pam_auth, semaphore, struct, task, time, timer\n"
	if status != exitUsage || stderr != want {
		t.Errorf("exit status %d\n got %swant %s", status, stderr, want)
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := assemble(cfg, directory(cfg), newLog(new(logged))); err == nil || err.Error()+"\n" != want {
		t.Errorf("assemble: %v", err)
	}
}
