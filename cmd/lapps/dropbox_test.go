package main

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// isGone reports whether there is no file of a name.
func isGone(path string) bool { _, err := os.Lstat(path); return os.IsNotExist(err) }

// mustSettle has a bundle lie in a directory that nobody has changed for long.
func mustSettle(t *testing.T, path string, data []byte) {
	t.Helper()
	mustWrite(t, path, data)
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
}

// TestSecondServer changes nothing of what the first one has: neither its bundles, nor its files,
// nor what it is unpacking.
func TestSecondServer(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {}}}`, map[string]string{"echo/echo.lua": saysLua("files")})
	d.operations.dropbox.stop() // it is slow
	waits := filepath.Join(d.dir, "deploy", "echo.zip")
	mustSettle(t, waits, zipOf(t, map[string]string{"echo/echo.lua": saysLua("bundle")}))
	staged, err := d.operations.deployer.store.stage()
	if err != nil {
		t.Fatal(err)
	}
	cfg, _, err := loadConfig(d.config)
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(d.dir, "run", "lapps.sock") + ": another lapps listens there"
	if _, err := operate(cfg, false, false, slog.New(slog.DiscardHandler)); err == nil || err.Error() != want {
		t.Errorf("a second server: %v, want %s", err, want)
	}
	if isGone(waits) || isGone(staged) {
		t.Errorf("gone: the bundle %v, what is unpacked %v", isGone(waits), isGone(staged))
	}
	if text, err := os.ReadFile(filepath.Join(d.dir, "apps", "echo", "echo.lua")); string(text) != saysLua("files") {
		t.Errorf("the service's file: %q, %v", text, err)
	}
	if status, _, stderr := command(t, "services", "-c", d.config); status != exitOK {
		t.Errorf("the first server's socket: %s", stderr)
	}
}

// TestSocketOfNoServer is closed again: a configuration that is no good stands in nobody's way.
func TestSocketOfNoServer(t *testing.T) {
	dir := writeApps(t, nil)
	cfg, _, err := loadConfig(writeConfig(t, dir, `{"services": {"echo": {}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := operate(cfg, false, false, slog.New(slog.DiscardHandler)); err == nil {
		t.Fatal("a service without files")
	}
	if path := filepath.Join(dir, "run", "lapps.sock"); !isGone(path) {
		t.Errorf("%s is still there", path)
	}
}

// TestWaitingBundles that are no good change nothing, although they have waited for the server's
// start; those that a service needs to start at all are there in time.
func TestWaitingBundles(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {}, "fresh": {"auto_start": false}}}`, map[string]string{
		"echo/echo.lua": saysLua("files"), "fresh/fresh.lua": saysLua("files"),
	})
	in := func(name string) string { return filepath.Join(d.dir, "deploy", name) }
	mustWrite(t, in("chat.zip"), zipOf(t, map[string]string{"chat/chat.lua": saysLua("one"), "chat/chat.json": "{}"}))
	eventually(t, "the bundle is taken", func() bool { return isGone(in("chat.zip")) })
	mustHear(t, d.url("/chat"), "one")
	d.stop()
	if err := os.RemoveAll(filepath.Join(d.dir, "apps", "fresh")); err != nil {
		t.Fatal(err)
	}
	mustSettle(t, in("chat.zip"), zipOf(t, map[string]string{"chat/chat.lua": saysLua("bad"), "chat/chat.json": `{"request_target": "/echo"}`}))
	mustSettle(t, in("echo.zip"), zipOf(t, map[string]string{"echo/echo.lua": `error("not today")`}))
	mustSettle(t, in("fresh.zip"), zipOf(t, map[string]string{"fresh/fresh.lua": saysLua("bundle")}))
	mustSettle(t, in("more.zip"), zipOf(t, map[string]string{"more/more.lua": saysLua("more"), "more/more.json": "{}"}))

	again := startAgain(t, d.dir, d.config)
	eventually(t, "both are refused", func() bool { return again.logged.count("bundle not deployed") == 2 })
	mustHear(t, again.url("/chat"), "one")
	mustHear(t, again.url("/echo"), "files")
	eventually(t, "the others are taken", func() bool { return isGone(in("fresh.zip")) && isGone(in("more.zip")) })
	mustHear(t, again.url("/more"), "more")
	if isGone(in("chat.zip")) || isGone(in("echo.zip")) {
		t.Error("a bundle that is no good is not there any more")
	}
	if text, err := os.ReadFile(filepath.Join(d.dir, "apps", "fresh", "fresh.lua")); string(text) != saysLua("bundle") {
		t.Errorf("the service without files: %q, %v", text, err)
	}
}

// TestDropboxDepends: services come in whatever order, be they what others depend on.
func TestDropboxDepends(t *testing.T) {
	d := startOperated(t, `{"services": {"echo": {}}}`, echoApp)
	in := func(name string) string { return filepath.Join(d.dir, "deploy", name+".zip") }
	for name, descriptor := range map[string]string{"a": `{"depends": ["b"]}`, "b": `{"depends": ["c"]}`, "c": "{}"} {
		mustWrite(t, in(name), zipOf(t, map[string]string{name + "/" + name + ".lua": saysLua(name), name + "/" + name + ".json": descriptor}))
		eventually(t, name+" is taken or refused", func() bool {
			return isGone(in(name)) || d.logged.count(name+".zip: services: "+name+" depends on ") > 0
		})
	}
	for _, name := range []string{"a", "b", "c"} {
		eventually(t, name+" is taken", func() bool { return isGone(in(name)) })
		mustHear(t, d.url("/"+name), name)
	}
}

// TestDropboxMadeAgain: the directory that is there now is watched, whatever became of the one before.
func TestDropboxMadeAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deploy")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b := newDropbox(dir, slog.New(slog.DiscardHandler), nil)
	defer b.cancel()
	notifier := b.notifier()
	if notifier == nil {
		t.Fatal("nothing is watched")
	}
	defer notifier.Close()
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b.watch(notifier)
	file := filepath.Join(dir, "x.zip")
	if err := os.WriteFile(file, nil, fs.FileMode(0o644)); err != nil {
		t.Fatal(err)
	}
	for e := range notifier.Events {
		if e.Name == file {
			return
		}
	}
}

// TestDropboxPassesOver: the log names what lies there and is no bundle, once; what takes its name may be one.
func TestDropboxPassesOver(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	mustWrite(t, filepath.Join(other, "good.zip"), nil)
	for _, err := range []error{
		os.Symlink(filepath.Join(other, "good.zip"), in("link.zip")),
		syscall.Mkfifo(in("pipe.zip"), 0o600),
		os.Mkdir(in("below"), 0o755),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"hot.tar", ".hidden.rar", "saved~", "below/good.zip"} {
		mustWrite(t, in(name), nil)
	}
	logged := new(logged)
	var deployed []string
	b := newDropbox(dir, slog.New(slog.NewJSONHandler(logged, nil)), func(_ context.Context, _ *os.File, name string) (string, error) {
		deployed = append(deployed, name)
		return "", nil
	})
	defer b.cancel()
	now := time.Now()
	settled := func() {
		b.look(now)
		now = now.Add(settleTime)
		b.look(now)
	}
	b.look(now)
	if logged.String() != "" {
		t.Errorf("before they have settled: %s", logged)
	}
	settled()
	mustWrite(t, in("below/more.zip"), nil)
	mustWrite(t, in("hot.tar"), []byte("more"))
	settled()
	for name, why := range map[string]string{
		"link.zip": "it is a symbolic link", "pipe.zip": "it is no regular file", "below": "it is a directory",
		"hot.tar": "its name does not end with .lar, .zip, .tar.gz or .tgz",
	} {
		if n := logged.count(`"file":"` + in(name) + `","why":"` + why + `"`); n != 1 {
			t.Errorf("%s is named %d times, want once", name, n)
		}
	}
	if n := logged.count("passed over"); n != 4 || deployed != nil {
		t.Errorf("%d are passed over, %v deployed:\n%s", n, deployed, logged)
	}
	mustWrite(t, in("link.zip"), nil)
	settled()
	if !slices.Equal(deployed, []string{"link.zip"}) || !isGone(in("link.zip")) {
		t.Errorf("deployed: %v", deployed)
	}
}
