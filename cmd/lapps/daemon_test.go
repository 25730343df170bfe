package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"lapps/config"
)

// A testDaemon is a daemon on a free port of the loopback interface, and what
// it logs.
type testDaemon struct {
	*daemon
	logged *logged
	stop   func() // before the end of the test; may be called again
}

// url is the address of a service.
func (d *testDaemon) url(path string) string { return "ws://" + d.Addrs()[0].String() + path }

// addr is the address of the first listener.
func (d *testDaemon) addr() string { return d.Addrs()[0].String() }

// startDaemon serves a configuration (JSON; {} has all defaults) whose
// applications are the given files, by path below the directory of
// applications. It listens on a free port unless the configuration says
// otherwise, and is stopped at the end of the test.
func startDaemon(t testing.TB, doc string, files map[string]string) *testDaemon {
	t.Helper()
	dir := writeApps(t, files)
	path := writeConfig(t, dir, doc)
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return startConfig(t, cfg)
}

// startConfig serves a configuration until the end of the test.
func startConfig(t testing.TB, cfg *config.Config) *testDaemon {
	t.Helper()
	logged := new(logged)
	log := slog.New(slog.NewJSONHandler(logged, &slog.HandlerOptions{Level: levelOf(cfg)}))
	d, err := assemble(cfg, directory(cfg), log)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	stop := func() { once.Do(func() { stopDaemon(t, d) }) }
	t.Cleanup(stop)
	return &testDaemon{daemon: d, logged: logged, stop: stop}
}

func stopDaemon(t testing.TB, d *daemon) {
	t.Helper()
	if err := d.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// writeApps writes the files below a new directory.
func writeApps(t testing.TB, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, "apps", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// writeConfig writes doc to dir, with a listener on a free port added where
// it has none, and silence allowed where it says nothing of timeouts: on a busy
// machine clients of tests may be too slow to answer pings.
func writeConfig(t testing.TB, dir, doc string) (path string) {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(doc), &object); err != nil {
		t.Fatal(err)
	}
	if object["listeners"] == nil {
		object["listeners"] = []any{map[string]any{"address": "127.0.0.1:0"}}
	}
	if object["timeouts"] == nil {
		object["timeouts"] = map[string]any{"idle_ms": 0, "ping_ms": 0, "pong_ms": 0}
	}
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "lapps.json")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// echoLua echoes.
const echoLua = `
local echo = {}
function echo.onMessage(handler, opcode, message) return ws:send(handler, opcode, message) end
return echo`

// A logged keeps what is logged.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// count is how often text has been logged.
func (l *logged) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// eventually waits for a condition that other goroutines, or the kernel, make
// true. It does not measure: it fails only when the test would hang.
func eventually(t testing.TB, what string, true func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !true(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// openFiles is how many descriptors the process has.
func openFiles(t testing.TB) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// atRest collects garbage and tells the live heap.
func atRest() (heap uint64) {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// patience is a context that ends before a test would hang.
func patience(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
