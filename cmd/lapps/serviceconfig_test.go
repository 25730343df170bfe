package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReservedNames are mistakes as others are: each has its line, and all are told at once.
func TestReservedNames(t *testing.T) {
	dir := writeApps(t, map[string]string{"sleep/sleep.lua": echoLua, "echo/echo.lua": echoLua, "bcast/bcast.lua": echoLua, "nap/nap.lua": echoLua})
	path := filepath.Join(dir, "lapps.json")
	mustWrite(t, path, []byte(`{"services": {
		"echo": {},
		"sleep": {},
		"nap": {"preload": ["nap"]},
		"bcast": {"standalone": true},
		"none": {}
	}}`))
	lines := []string{
		`:3: services.sleep: a service cannot be called sleep: it has a global of that name from Lua, the server or its preload`,
		`:4: services.nap: a service cannot be called nap: `,
		`:5: services.bcast: a service cannot be called bcast: `,
		`:6: services.none: its directory must be readable: `,
	}
	for _, name := range []string{"check", "run"} {
		status, _, stderr := command(t, name, "-c", path)
		got := strings.SplitAfter(strings.TrimSuffix(stderr, "\n"), "\n")
		if status != exitUsage || len(got) != len(lines) {
			t.Fatalf("%s: exit status %d, %s", name, status, stderr)
		}
		for i, want := range lines {
			if !strings.HasPrefix(got[i], path+want) {
				t.Errorf("%s: got %s, want %s", name, got[i], want)
			}
		}
	}
}

// TestReservedNamesOfBundles are refused; one that was deployed before the name had a meaning is left out.
func TestReservedNamesOfBundles(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {}}}`, echoApp)
	file := filepath.Join(d.dir, "x.zip")
	mustWrite(t, file, zipOf(t, map[string]string{"sleep/sleep.lua": echoLua, "sleep/sleep.json": "{}"}))
	status, _, stderr := command(t, "deploy", "-c", d.config, file)
	if status != exitFailed || !strings.HasPrefix(stderr, "x.zip: a service cannot be called sleep: ") {
		t.Errorf("exit status %d, %s", status, stderr)
	}
	d.stop()

	was := filepath.Join(d.dir, "apps", "sleep")
	if err := os.Mkdir(was, 0o755); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(was, "sleep.lua"), []byte(echoLua))
	if err := d.operations.deployer.store.write(was, record{Service: "sleep", Bundle: "sleep.zip", Descriptor: "{}", Deployed: time.Unix(1, 0).UTC()}); err != nil {
		t.Fatal(err)
	}
	again := startAgain(t, d.dir, d.config)
	mustEcho(t, again.url("/echo"))
	if again.logged.count("deployed service left out") != 1 {
		t.Error(again.logged)
	}
}
