package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestSettling: a service is due when it rests, or at last when it does not, and whatever others do.
func TestSettling(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := make(settling)
	if names, wait := s.take(start); names != nil || wait != 0 {
		t.Errorf("nothing has changed: %v, %v", names, wait)
	}
	var got []string
	step := saved / 2
	for at := time.Duration(0); at < 3*time.Second; at += step {
		if at < 2*time.Second {
			s.changed("restless", start.Add(at))
		}
		if at == 0 || at == step {
			s.changed("calm", start.Add(at))
		}
		names, wait := s.take(start.Add(at))
		if wait > saved {
			t.Errorf("%v: the next is due in %v", at, wait)
		}
		for _, name := range names {
			got = append(got, fmt.Sprintf("%s %v", name, at))
		}
	}
	if want := []string{"calm 150ms", "restless 1s", "restless 2.05s"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestWatchRests: what a service writes itself has nothing started anew.
func TestWatchRests(t *testing.T) {
	dir := writeApps(t, map[string]string{"echo/echo.lua": saysLua("one"), "other/other.lua": saysLua("one")})
	d := startWatching(t, dir, writeConfig(t, dir, `{"services": {
		"echo": {"instances": 1, "grants": {"files": [{"path": "apps/echo", "access": "write"}]}}, "other": {}
	}}`), true)
	mustWrite(t, filepath.Join(dir, "apps", "echo", "echo.lua"), []byte(`
		local f = assert(io.open("apps/echo/started", "a")) f:write("x") f:close()
		`+saysLua("two")))
	eventually(t, "it is reloaded", func() bool { got, _ := hears(t, d.url("/echo")); return got == "two" })
	for _, word := range []string{"two", "three"} { // changes that are seen later than echo's own
		mustWrite(t, filepath.Join(dir, "apps", "other", "other.lua"), []byte(saysLua(word)))
		eventually(t, "another is reloaded", func() bool { got, _ := hears(t, d.url("/other")); return got == word })
	}
	if n := d.logged.count(`have changed","service":"echo"`); n != 1 {
		t.Errorf("reloaded %d times, want once:\n%s", n, d.logged)
	}
	if _, err := os.Stat(filepath.Join(dir, "apps", "echo", "started")); err != nil {
		t.Error(err)
	}
}

// TestWatchLeavesStopped: no file has a service run that is not to run; one that is, and could not start, does when
// its file is mended.
func TestWatchLeavesStopped(t *testing.T) {
	dir := writeApps(t, map[string]string{
		"stopped/stopped.lua": saysLua("one"), "idle/idle.lua": saysLua("one"), "bad/bad.lua": "error 'not yet'",
		"base/base.lua": "error 'not yet'",
	})
	d := startWatching(t, dir, writeConfig(t, dir, `{"services": {
		"stopped": {}, "idle": {"auto_start": false}, "bad": {"depends": ["base"]}, "base": {"auto_start": false}
	}}`), true)
	if status, _, stderr := command(t, "stop", "-c", d.config, "stopped"); status != exitOK {
		t.Fatal(stderr)
	}
	for _, name := range []string{"idle", "stopped", "base", "bad"} { // those that are to rest are due before the last
		mustWrite(t, filepath.Join(dir, "apps", name, name+".lua"), []byte(saysLua("two")))
		if name == "base" || name == "bad" {
			eventually(t, name+" starts", func() bool { got, _ := hears(t, d.url("/"+name)); return got == "two" })
		}
	}
	for _, name := range []string{"stopped", "idle"} {
		if s := d.registry.Service(name); s.Running() {
			t.Errorf("%s runs", name)
		}
		if status, _, stderr := command(t, "start", "-c", d.config, name); status != exitOK {
			t.Fatal(stderr)
		}
		mustWrite(t, filepath.Join(dir, "apps", name, name+".lua"), []byte(saysLua("three")))
		eventually(t, name+" is reloaded", func() bool { got, _ := hears(t, d.url("/"+name)); return got == "three" })
	}
}
