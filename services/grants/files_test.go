package grants

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// tree writes a directory with a file, and beside it what nobody may reach; it grants
// data to read and data/out to write.
func newTree(t *testing.T) (dir string, g *Grants) {
	t.Helper()
	dir = t.TempDir()
	for _, d := range []string{"data/out", "data/sub", "data2", "secret"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"data/in.txt": "in", "data/out/old.txt": "old", "data2/x.txt": "no", "secret/key": "no"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"data/inside": "in.txt", "data/absolute": filepath.Join(dir, "secret/key"), "data/relative": "../secret/key",
		"data/out/up": "..", "data/out/away": "../../secret", "data/proc": "/proc/self/environ", "data/loop": "loop",
		"data/out/dangling": "../../secret/fresh",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "data/pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	g, err := New(Config{Base: dir, Files: []Directory{{Path: filepath.Join(dir, "data")}, {Path: filepath.Join(dir, "data/out"), Write: true}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return dir, g
}

const (
	noRead  = `the service's "grants.files" has no path that holds it`
	noWrite = `the service's "grants.files" has no path with access "write" that holds it`
	leads   = `it leads out of the directory that the service's "grants.files" has`
)

func TestOpen(t *testing.T) {
	dir, g := newTree(t)
	const w = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	for _, c := range []struct {
		name string
		flag int
		err  string // "" is none
	}{
		{"data/in.txt", os.O_RDONLY, ""},
		{filepath.Join(dir, "data/in.txt"), os.O_RDONLY, ""},
		{"data/sub/../in.txt", os.O_RDONLY, ""},
		{"./data//inside", os.O_RDONLY, ""},
		{"data/out/old.txt", os.O_RDONLY, ""},
		{"data/out/new.txt", w, ""},
		{"data/out/old.txt", os.O_RDWR, ""},

		{"data/in.txt", w, `files: to write "data/in.txt" is not granted: ` + noWrite},
		{"data/in.txt", os.O_RDWR, `files: to write "data/in.txt" is not granted: ` + noWrite},
		{"secret/key", os.O_RDONLY, `files: to read "secret/key" is not granted: ` + noRead},
		{"data/../secret/key", os.O_RDONLY, `files: to read "data/../secret/key" is not granted: ` + noRead},
		{"data/out/../in.txt", w, `files: to write "data/out/../in.txt" is not granted: ` + noWrite},
		{"data2/x.txt", os.O_RDONLY, `files: to read "data2/x.txt" is not granted: ` + noRead},
		{"/etc/passwd", os.O_RDONLY, `files: to read "/etc/passwd" is not granted: ` + noRead},
		{"/proc/self/environ", os.O_RDONLY, `files: to read "/proc/self/environ" is not granted: ` + noRead},
		{"", os.O_RDONLY, `files: to read "" is not granted: ` + noRead},
		{"data/absolute", os.O_RDONLY, `files: to read "data/absolute" is not granted: ` + leads},
		{"data/relative", os.O_RDONLY, `files: to read "data/relative" is not granted: ` + leads},
		{"data/proc", os.O_RDONLY, `files: to read "data/proc" is not granted: ` + leads},
		{"data/out/up/in.txt", w, `files: to write "data/out/up/in.txt" is not granted: ` + leads},
		{"data/out/away/key", w, `files: to write "data/out/away/key" is not granted: ` + leads},
		{"data/out/dangling", w, `files: to write "data/out/dangling" is not granted: ` + leads},

		{"data", os.O_RDONLY, "data: not a regular file"},
		{"data/sub", os.O_RDONLY, "data/sub: not a regular file"},
		{"data/out", w, "data/out: not a regular file"},
		{"data/pipe", os.O_RDONLY, "data/pipe: not a regular file"},
		{"data/none", os.O_RDONLY, "open data/none: no such file or directory"},
		{"data/in.txt/x", os.O_RDONLY, "open data/in.txt/x: not a directory"},
		{"data/a\x00b", os.O_RDONLY, "open data/a\x00b: invalid argument"},
		{"data/loop", os.O_RDONLY, "open data/loop: too many levels of symbolic links"},
	} {
		f, err := g.Open(c.name, c.flag)
		if err == nil {
			f.Close()
		}
		if got := text(err); got != c.err {
			t.Errorf("%q, %x:\n got %s\nwant %s", c.name, c.flag, got, c.err)
		}
		var no *Denied
		if errors.As(err, &no) != strings.Contains(c.err, "not granted") {
			t.Errorf("%q: %T", c.name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "secret/fresh")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a file was made where a link leads to:", err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestRemoveAndRename(t *testing.T) {
	dir, g := newTree(t)
	for _, c := range []struct {
		name string
		do   func() error
		want string
	}{
		{"rename", func() error { return g.Rename("data/out/old.txt", "data/out/new.txt") }, ""},
		{"rename out", func() error { return g.Rename("data/out/new.txt", "data/new.txt") }, `files: to write "data/new.txt" is not granted: ` + noWrite},
		{"rename in", func() error { return g.Rename("data/in.txt", "data/out/in.txt") }, `files: to write "data/in.txt" is not granted: ` + noWrite},
		{"rename through a link", func() error { return g.Rename("data/out/new.txt", "data/out/away/new.txt") }, `files: to write "data/out/new.txt" is not granted: ` + leads},
		{"remove", func() error { return g.Remove("data/out/new.txt") }, ""},
		{"remove again", func() error { return g.Remove("data/out/new.txt") }, "open data/out/new.txt: no such file or directory"},
		{"remove what may be read", func() error { return g.Remove("data/in.txt") }, `files: to write "data/in.txt" is not granted: ` + noWrite},
		{"remove through a link", func() error { return g.Remove("data/out/away/key") }, `files: to write "data/out/away/key" is not granted: ` + leads},
		{"remove a link", func() error { return g.Remove("data/out/away") }, ""},
	} {
		if got := text(c.do()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	for _, name := range []string{"data/in.txt", "secret/key"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// TestSwappedLinks has a directory become a link that leads out, and a file a pipe, again and again
// while files are opened: what is read is never what lies outside, and nothing blocks.
func TestSwappedLinks(t *testing.T) {
	dir, g := newTree(t)
	at := func(name string) string { return filepath.Join(dir, "data/out", name) }
	if err := os.Mkdir(at("d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("d/key"), []byte("ours"), 0o644); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			// The errors do not matter: what matters is what is read meanwhile.
			_ = os.Rename(at("d"), at("kept"))
			_ = os.Symlink("../../secret", at("d"))
			_ = os.Remove(at("d"))
			_ = syscall.Mkfifo(at("d"), 0o644)
			_ = os.Remove(at("d"))
			_ = os.Rename(at("kept"), at("d"))
		}
	})
	for range 3000 {
		f, err := g.Open("data/out/d/key", os.O_RDONLY)
		if err != nil {
			continue
		}
		got, err := io.ReadAll(f)
		f.Close()
		if err != nil || string(got) != "ours" {
			t.Errorf("%q, %v", got, err)
			break
		}
	}
	for range 1000 {
		if f, err := g.Open("data/out/d", os.O_RDONLY); err == nil {
			f.Close()
			t.Error("a directory, a link to one, or a pipe is open")
		}
	}
	close(done)
	wg.Wait()
}

// TestMoved: a directory that is granted stays the same, whatever its name becomes.
func TestMoved(t *testing.T) {
	dir, g := newTree(t)
	if err := os.Rename(filepath.Join(dir, "data"), filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("secret", filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Open("data/key", os.O_RDONLY); text(err) != "open data/key: no such file or directory" {
		t.Error(err)
	}
	f, err := g.Open("data/in.txt", os.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestNothing(t *testing.T) {
	var none *Grants
	_, err := none.Open("x", os.O_RDONLY)
	_, _, env := none.Env("HOME")
	_, dial := none.Dial(t.Context(), "tcp", "example.com:80")
	for _, c := range []struct {
		err  error
		want string
	}{
		{err, `files: to read "x" is not granted: ` + noRead},
		{none.Remove("x"), `files: to write "x" is not granted: ` + noWrite},
		{none.Rename("x", "y"), `files: to write "x" is not granted: ` + noWrite},
		{env, `environment: to read "HOME" is not granted: the service's "grants.environment" does not name it`},
		{none.Module("sql"), `modules: to require "sql" is not granted: neither the service's "grants.modules" nor its "preload" names it`},
		{dial, `network: to connect to example.com:80 is not granted: the service's "grants.network" has no entry for it`},
	} {
		if text(c.err) != c.want {
			t.Errorf("\n got %v\nwant %s", c.err, c.want)
		}
	}
	if err := none.Close(); err != nil {
		t.Error(err)
	}
}

func TestEnvironmentAndModules(t *testing.T) {
	t.Setenv("LAPPS_A", "1")
	g, err := New(Config{Environment: []string{"LAPPS_A", "LAPPS_NOT_SET"}, Variables: map[string]string{"LAPPS_GIVEN": "2"}, Modules: []string{"sql"}})
	if err != nil {
		t.Fatal(err)
	}
	if v, ok, err := g.Env("LAPPS_A"); v != "1" || !ok || err != nil {
		t.Error(v, ok, err)
	}
	if v, ok, err := g.Env("LAPPS_GIVEN"); v != "2" || !ok || err != nil {
		t.Errorf("a variable that only the service has: %q, %v, %v", v, ok, err)
	}
	if v, ok, err := g.Env("LAPPS_NOT_SET"); v != "" || ok || err != nil {
		t.Error(v, ok, err)
	}
	if _, _, err := g.Env("lapps_a"); err == nil {
		t.Error("another name is granted")
	}
	all, err := New(Config{Modules: []string{"*"}})
	if err != nil || g.Module("sql") != nil || g.Module("http") == nil || all.Module("http") != nil {
		t.Error(err, g.Module("sql"), g.Module("http"), all.Module("http"))
	}
	if _, err := New(Config{Files: []Directory{{Path: "/nowhere/at/all"}}}); text(err) != "grants: open /nowhere/at/all: no such file or directory" {
		t.Error(err)
	}
}
