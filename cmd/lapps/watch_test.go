package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"

	"lapps/config"
	"lapps/server/secure"
)

// encrypted is a configuration with one listener that has this certificate.
func encrypted(cert, key string) string {
	return fmt.Sprintf(`{"listeners": [{"address": "127.0.0.1:0", "tls": {"certificates": [{"cert": %q, "key": %q}]}}], "services": {"echo": {}}}`, cert, key)
}

// serves reports whether the certificate in a file is the one that is served.
func (d *testDaemon) serves(t testing.TB, file string) bool {
	t.Helper()
	c := shakenHands(t, d.addr(), &tls.Config{InsecureSkipVerify: true})
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Equal(leafOf(t, file))
}

// replace renames a new pair over the one in two files.
func replace(t testing.TB, cert, key string) { remakeCert(t, cert, key) }

// overwrite writes what is in a file into another one.
func overwrite(t testing.TB, file, with string) {
	t.Helper()
	data, err := os.ReadFile(with)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReload(t *testing.T) {
	for name, change := range map[string]func(t testing.TB, cert, key string){
		"renamed": replace,
		"in place": func(t testing.TB, cert, key string) {
			newCert, newKey := makeCert(t)
			overwrite(t, cert, newCert)
			overwrite(t, key, newKey)
		},
		"removed first": func(t testing.TB, cert, key string) {
			os.Remove(cert)
			os.Remove(key)
			remakeCert(t, cert, key)
		},
	} {
		t.Run(name, func(t *testing.T) {
			cert, key := makeCert(t)
			d := startDaemon(t, encrypted(cert, key), echoApp)
			for range 3 {
				change(t, cert, key)
				eventually(t, "the new certificate is served", func() bool { return d.serves(t, cert) })
			}
			eventually(t, "it is logged", func() bool { return d.logged.count(`"msg":"certificate reloaded"`) == 3 })
			if line := d.logged.String(); !strings.Contains(line, `"subject":"CN=localhost,O=lapps development","not_after":"20`) {
				t.Errorf("logged: %s", line)
			}
		})
	}
}

// project makes dir what Kubernetes makes of a secret: links through ..data to
// a directory that is replaced as a whole.
func project(t testing.TB, dir, version string) {
	t.Helper()
	real := filepath.Join(dir, version)
	if err := os.Mkdir(real, 0o755); err != nil {
		t.Fatal(err)
	}
	remakeCert(t, filepath.Join(real, "tls.crt"), filepath.Join(real, "tls.key"))
	old, _ := os.Readlink(filepath.Join(dir, "..data"))
	if err := os.Symlink(version, filepath.Join(dir, "..data_tmp")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	if old != "" {
		if err := os.RemoveAll(filepath.Join(dir, old)); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, name := range []string{"tls.crt", "tls.key"} {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReloadKubernetes(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	project(t, dir, "..2024_06_01_00_00_00.1")
	d := startDaemon(t, encrypted(cert, key), echoApp)
	for _, version := range []string{"..2024_07_01_00_00_00.2", "..2024_08_01_00_00_00.3"} {
		project(t, dir, version)
		eventually(t, "the new certificate is served", func() bool { return d.serves(t, cert) })
	}
	if d.logged.count("keeps the old ones") > 0 {
		t.Error(d.logged)
	}
}

// TestReloadKeeps has bad files leave what is served as it is, and be named;
// good ones end it.
func TestReloadKeeps(t *testing.T) {
	cert, key := makeCert(t)
	first, _ := makeCert(t)
	overwrite(t, first, cert)
	d := startDaemon(t, encrypted(cert, key), echoApp)
	other, _ := makeCert(t)
	for _, c := range []struct {
		name  string
		spoil func() error
	}{
		{"no certificate", func() error { return os.WriteFile(cert, []byte("mistake"), 0o644) }},
		{"another key's", func() error { overwrite(t, cert, other); return nil }},
		{"removed", func() error { return os.Remove(cert) }},
		{"empty", func() error { return os.Truncate(cert, 0) }},
		{"cut in the middle", func() error { return os.Truncate(cert, 100) }},
		{"a directory", func() error { return errors.Join(os.Remove(cert), os.Mkdir(cert, 0o755)) }},
	} {
		bad, good := d.logged.count("keeps the old ones"), d.logged.count("certificate as before")
		if err := c.spoil(); err != nil {
			t.Fatal(err)
		}
		eventually(t, c.name+" is logged", func() bool { return d.logged.count("keeps the old ones") > bad })
		if !d.serves(t, first) {
			t.Errorf("%s: the old certificate is not served any more", c.name)
		}
		os.Remove(cert)
		overwrite(t, cert, first)
		eventually(t, "that all is well is logged", func() bool { return d.logged.count("certificate as before") > good })
	}
	if text := d.logged.String(); !strings.Contains(text, `"listener":"127.0.0.1:0","err":"`) || !strings.Contains(text, cert) {
		t.Errorf("listener and file are not named:\n%s", text)
	}
	replace(t, cert, key)
	eventually(t, "a good one is served", func() bool { return d.serves(t, cert) })
}

// put makes a pair in a directory, with the directories that it needs.
func put(t testing.TB, dir string) (cert, key string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	replace(t, cert, key)
	return cert, key
}

// point has a symbolic link lead to a target, at once where it is there already.
func point(t testing.TB, link, target string) {
	t.Helper()
	if err := errors.Join(os.Symlink(target, link+"~"), os.Rename(link+"~", link)); err != nil {
		t.Fatal(err)
	}
}

// TestReloadLinked has events tell of what happens to files in directories that
// only links lead to: nothing polls within the time that eventually waits. Both
// are reached by two links, the second of which leads to the key's directory.
func TestReloadLinked(t *testing.T) {
	dir := t.TempDir()
	at := func(path string) string { return filepath.Join(dir, path) }
	put(t, at("one"))
	put(t, at("two"))
	for _, name := range []string{"conf", "live"} {
		if err := os.Mkdir(at(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	point(t, at("live/cert.pem"), "../one/cert.pem")
	point(t, at("conf/cert.pem"), at("live/cert.pem"))
	point(t, at("live/keys"), "../one/.")
	point(t, at("conf/key.pem"), "../live/keys/key.pem")
	d := startDaemon(t, encrypted(at("conf/cert.pem"), at("conf/key.pem")), echoApp)
	for _, c := range []struct {
		name   string
		change func()
	}{
		{"targets are replaced", func() { put(t, at("one")) }},
		{"targets are written in place", func() {
			newCert, newKey := makeCert(t)
			overwrite(t, at("one/cert.pem"), newCert)
			overwrite(t, at("one/key.pem"), newKey)
		}},
		{"links in the middle lead elsewhere", func() {
			point(t, at("live/cert.pem"), "../two/cert.pem")
			point(t, at("live/keys"), "../two")
		}},
		{"new targets are replaced", func() { put(t, at("two")) }},
		{"the directory of targets is another", func() {
			put(t, at("three"))
			if err := errors.Join(os.Rename(at("two"), at("away")), os.Rename(at("three"), at("two"))); err != nil {
				t.Fatal(err)
			}
		}},
		{"targets are replaced in it", func() { put(t, at("two")) }},
		{"the directory of targets is missing for a while", func() {
			bad := d.logged.count("keeps the old ones")
			if err := os.RemoveAll(at("two")); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it is missed", func() bool { return d.logged.count("keeps the old ones") > bad })
			put(t, at("two"))
		}},
	} {
		c.change()
		eventually(t, c.name+" and served", func() bool { return d.serves(t, at("conf/cert.pem")) })
	}
}

// TestReloadPolls has what no event tells of found out all the same: a directory
// further up is another.
func TestReloadPolls(t *testing.T) {
	dir := t.TempDir()
	up, next := filepath.Join(dir, "up"), filepath.Join(dir, "next")
	cert, key := put(t, filepath.Join(up, "certs"))
	put(t, filepath.Join(next, "certs"))
	d := startPolling(t, encrypted(cert, key))
	if err := errors.Join(os.Rename(up, filepath.Join(dir, "away")), os.Rename(next, up)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is seen", func() bool { return d.serves(t, cert) })
	replace(t, cert, key)
	eventually(t, "what happens in it is, too", func() bool { return d.serves(t, cert) })
}

// startPolling is startDaemon with files read every 20 ms.
func startPolling(t testing.TB, doc string) *testDaemon {
	t.Helper()
	cfg, err := config.Load(writeConfig(t, writeApps(t, echoApp), doc))
	if err != nil {
		t.Fatal(err)
	}
	d := &testDaemon{logged: new(logged)}
	if d.daemon, err = assemble(cfg, directory(cfg), slog.New(slog.NewJSONHandler(d.logged, nil))); err != nil {
		t.Fatal(err)
	}
	d.watch.poll = 20 * time.Millisecond
	if err := d.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopDaemon(t, d.daemon) })
	return d
}

// watching is a watch over a pair that follows when told to.
func watching(t *testing.T, cert, key string) *watch {
	t.Helper()
	keys, err := secure.Load(secure.Options{Certificates: []secure.Pair{{Cert: cert, Key: key}}})
	if err != nil {
		t.Fatal(err)
	}
	w := newWatch([]*listener{{address: "secured", keys: keys}}, nil, slog.New(slog.DiscardHandler))
	if w.notifier, err = fsnotify.NewWatcher(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.notifier.Close() })
	w.follow()
	return w
}

// watched are the directories that are watched below dir, by their names in it.
func (w *watch) watched(t *testing.T, dir string) (names []string) {
	t.Helper()
	for _, path := range w.notifier.WatchList() {
		name, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// kernelWatches is how many watches the kernel keeps for the process.
func kernelWatches(t *testing.T) (n int) {
	t.Helper()
	files, err := filepath.Glob("/proc/self/fdinfo/*")
	if err != nil || files == nil {
		t.Skipf("open files do not tell of their watches: %v", err)
	}
	for _, file := range files {
		text, _ := os.ReadFile(file) // Glob's own is closed
		n += strings.Count(string(text), "inotify wd:")
	}
	return n
}

// canonical is a new directory by the name that no link is in.
func canonical(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestWatchForgets has directories that no way leads through any more be watched
// no longer, whether they are still there or not, or elsewhere.
func TestWatchForgets(t *testing.T) {
	dir := canonical(t)
	link := filepath.Join(dir, "now")
	for _, name := range []string{"a", "b", "up/c"} {
		put(t, filepath.Join(dir, name))
	}
	point(t, link, "a")
	before := kernelWatches(t)
	w := watching(t, filepath.Join(link, "cert.pem"), filepath.Join(link, "key.pem"))
	for range 3 {
		for _, name := range []string{"a", "b", "up/c"} {
			point(t, link, name)
			w.follow()
			if got, want := w.watched(t, dir), []string{".", name}; !slices.Equal(got, want) {
				t.Errorf("watched %q, want %q", got, want)
			}
		}
		// No event tells of it.
		if err := os.Rename(filepath.Join(dir, "up"), filepath.Join(t.TempDir(), "away")); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "up/c"))
		w.follow()
		if n := kernelWatches(t) - before; n != 2 {
			t.Errorf("the kernel watches %d directories, want 2", n)
		}
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	w.follow()
	if got, want := w.watched(t, dir), []string{"."}; !slices.Equal(got, want) {
		t.Errorf("watched %q, want %q", got, want)
	}
}

// TestWatchForgetsKubernetes has a secret's old versions be forgotten.
func TestWatchForgetsKubernetes(t *testing.T) {
	dir := canonical(t)
	project(t, dir, "..1")
	w := watching(t, filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	for _, version := range []string{"..2", "..3", "..4"} {
		project(t, dir, version)
		w.follow()
		if got, want := w.watched(t, dir), []string{".", version}; !slices.Equal(got, want) {
			t.Errorf("watched %q, want %q", got, want)
		}
	}
}

// TestWatchConcerns makes real things happen in the directories that are
// watched: those that have nothing to do with the pair are passed over.
func TestWatchConcerns(t *testing.T) {
	dir := canonical(t)
	at := func(path string) string { return filepath.Join(dir, path) }
	cert, key := put(t, at("real"))
	point(t, at("now"), "real")
	point(t, at("link.pem"), "now/cert.pem")
	w := watching(t, at("link.pem"), key)
	for _, c := range []struct {
		name     string
		do       func() error
		concerns bool
	}{
		{"another file beside a link", func() error { return os.WriteFile(at("other"), []byte("x"), 0o600) }, false},
		{"it is removed", func() error { return os.Remove(at("other")) }, false},
		{"another file beside the pair", func() error { return os.WriteFile(at("real/link.pem"), []byte("x"), 0o600) }, false},
		{"it is renamed", func() error { return os.Rename(at("real/link.pem"), at("real/other")) }, false},
		{"another directory", func() error { return os.Mkdir(at("dir"), 0o755) }, false},
		{"a mode", func() error { return os.Chmod(cert, 0o640) }, false},
		{"a mode of a directory", func() error { return os.Chmod(at("real"), 0o750) }, false},
		{"a time", func() error { return os.Chtimes(cert, time.Unix(1e9, 0), time.Unix(1e9, 0)) }, false},
		{"the certificate is read", func() error { _, err := os.ReadFile(cert); return err }, false},
		{"the certificate is written", func() error { overwrite(t, cert, key); return nil }, true},
		{"the key is written", func() error { overwrite(t, key, cert); return nil }, true},
		{"the key is replaced", func() error { return os.Rename(at("real/other"), key) }, true},
		{"the key is removed", func() error { return os.Remove(key) }, true},
		{"the link leads elsewhere", func() error { point(t, at("link.pem"), "nowhere"); return nil }, true},
		{"the link in the middle leads elsewhere", func() error { point(t, at("now"), "dir"); return nil }, true},
		{"the directory is moved", func() error { return os.Rename(at("real"), at("unreal")) }, true},
	} {
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(at("end"), nil, 0o600), os.Remove(at("end"))); err != nil {
			t.Fatal(err)
		}
		concerned := false
		for e := range w.notifier.Events {
			concerned = concerned || w.concerns(e)
			if e.Name == at("end") && e.Has(fsnotify.Remove) {
				break
			}
		}
		if concerned != c.concerns {
			t.Errorf("%s: concerns us: %v, want %v", c.name, concerned, c.concerns)
		}
	}
}

// TestWayTo is about ways that lead nowhere.
func TestWayTo(t *testing.T) {
	dir := canonical(t)
	at := func(path string) string { return filepath.Join(dir, path) }
	put(t, at("d"))
	for link, target := range map[string]string{"self": "self", "gone": "d/x/y", "up": "d/../d/.//cert.pem", "through": "d/cert.pem/z"} {
		point(t, at(link), target)
	}
	for _, c := range []struct {
		file string
		want []string
	}{
		{"d/cert.pem", []string{"d/cert.pem"}},
		{"d", []string{"d"}},
		{"gone", []string{"gone", "d/x"}},
		{"up", []string{"up", "d/cert.pem"}},
		{"through", []string{"through", "d/cert.pem"}},
		{"self", slices.Repeat([]string{"self"}, maxLinks+1)},
	} {
		for i := range c.want {
			c.want[i] = at(c.want[i])
		}
		if got := wayTo(at(c.file)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.file, got, c.want)
		}
	}
	t.Chdir(dir)
	if got, want := wayTo("d/cert.pem"), []string{at("d/cert.pem")}; !slices.Equal(got, want) {
		t.Errorf("relative: got %q, want %q", got, want)
	}
}

// A watchBubble is a watch in virtual time, whose events are the test's.
type watchBubble struct {
	*watch
	cert, key string
	logged    *logged
	events    chan fsnotify.Event
	lost      chan error
	asked     chan os.Signal
}

// startWatch begins to watch a pair; it has been read once.
func startWatch(t *testing.T) *watchBubble {
	t.Helper()
	b := &watchBubble{logged: new(logged), events: make(chan fsnotify.Event), lost: make(chan error), asked: make(chan os.Signal)}
	b.cert, b.key = put(t, canonical(t))
	keys, err := secure.Load(secure.Options{Certificates: []secure.Pair{{Cert: b.cert, Key: b.key}}})
	if err != nil {
		t.Fatal(err)
	}
	plain, secured := &listener{address: "plain"}, &listener{address: "secured", keys: keys}
	b.watch = newWatch([]*listener{plain, secured}, b.asked, slog.New(slog.NewJSONHandler(b.logged, nil)))
	go b.run(b.events, b.lost)
	synctest.Wait()
	return b
}

// reloaded is how often files have been read that had changed, after d.
func (b *watchBubble) reloaded(d time.Duration) int {
	time.Sleep(d)
	synctest.Wait()
	return b.logged.count("certificate reloaded")
}

// TestWatchWaits has files be read once when nothing has changed for a while,
// and a change that does not end put that off for a while only.
func TestWatchWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startWatch(t)
		defer b.stop(t.Context())
		replace(t, b.cert, b.key)
		for range 3 {
			b.events <- fsnotify.Event{Name: b.cert, Op: fsnotify.Write}
			if n := b.reloaded(quiet - time.Millisecond); n != 0 {
				t.Errorf("read %d times while it changes", n)
			}
		}
		if n := b.reloaded(2 * time.Millisecond); n != 1 {
			t.Errorf("read %d times after it, want once", n)
		}
		replace(t, b.cert, b.key)
		for spent := time.Duration(0); spent < restless-quiet; spent += quiet / 2 {
			b.events <- fsnotify.Event{Name: b.cert, Op: fsnotify.Write}
			if n := b.reloaded(quiet / 2); n != 1 {
				t.Errorf("read %d times within %v", n, spent)
			}
		}
		for range 3 {
			b.events <- fsnotify.Event{Name: b.cert, Op: fsnotify.Write}
			time.Sleep(quiet / 2)
		}
		if n := b.reloaded(0); n != 2 {
			t.Errorf("read %d times after %v of changes, want twice", n, restless)
		}
	})
}

// TestWatchOthers has files be read for lost events, without any, and for who
// asks, who is answered in any case.
func TestWatchOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startWatch(t)
		defer b.stop(t.Context())
		replace(t, b.cert, b.key)
		b.lost <- fsnotify.ErrEventOverflow
		if n := b.reloaded(quiet + time.Millisecond); n != 1 {
			t.Errorf("read %d times after events were lost, want once", n)
		}
		replace(t, b.cert, b.key)
		if n := b.reloaded(pollTime); n != 2 {
			t.Errorf("read %d times after %v, want twice", n, pollTime)
		}
		replace(t, b.cert, b.key)
		b.asked <- syscall.SIGHUP
		if n := b.reloaded(0); n != 3 {
			t.Errorf("read %d times after it was asked for, want 3 times", n)
		}
		if n := b.logged.count("certificate as before"); n != 0 {
			t.Errorf("%d words that nothing has changed, to nobody", n)
		}
		b.asked <- syscall.SIGHUP
		synctest.Wait()
		if n := b.logged.count("certificate as before"); n != 1 {
			t.Errorf("%d words that nothing has changed, want one", n)
		}
	})
}

// TestWatchPassesOver has files not be read for what happens beside them, nor for
// modes, unless something could not be read.
func TestWatchPassesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startWatch(t)
		defer b.stop(t.Context())
		replace(t, b.cert, b.key)
		for spent := time.Duration(0); spent < 2*restless; spent += quiet / 2 {
			b.events <- fsnotify.Event{Name: b.cert + ".new", Op: fsnotify.Create}
			b.events <- fsnotify.Event{Name: b.cert, Op: fsnotify.Chmod}
			if n := b.reloaded(quiet / 2); n != 0 {
				t.Fatalf("read %d times for others' events", n)
			}
		}
		if n := b.reloaded(restless); n != 0 {
			t.Errorf("read %d times after others' events", n)
		}
		b.events <- fsnotify.Event{Name: b.cert, Op: fsnotify.Chmod | fsnotify.Write}
		if n := b.reloaded(quiet + time.Millisecond); n != 1 {
			t.Errorf("read %d times for its own, want once", n)
		}

		if err := os.Rename(b.key, b.key+".away"); err != nil {
			t.Fatal(err)
		}
		b.asked <- syscall.SIGHUP
		synctest.Wait()
		replace(t, b.cert, b.key)
		b.events <- fsnotify.Event{Name: b.key, Op: fsnotify.Chmod}
		if n := b.reloaded(quiet + time.Millisecond); n != 2 {
			t.Errorf("read %d times after one that could not be read has another mode, want twice", n)
		}
	})
}

// TestWatchRepeatsItself says what is wrong once, and to each who asks.
func TestWatchRepeatsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startWatch(t)
		defer b.stop(t.Context())
		if err := os.Remove(b.key); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * pollTime)
		synctest.Wait()
		if n := b.logged.count("keeps the old ones"); n != 1 {
			t.Errorf("said %d times, want once", n)
		}
		b.asked <- syscall.SIGHUP
		synctest.Wait()
		if n := b.logged.count("keeps the old ones"); n != 2 {
			t.Errorf("said %d times after it was asked for, want twice", n)
		}
	})
}

// TestHangup sends SIGHUP to a process: it reads its certificates and lives
// on, and does so without certificates, too.
func TestHangup(t *testing.T) {
	cert, key := makeCert(t)
	p := startProcess(t, 1, encrypted(cert, key), echoApp)
	for i := range 3 {
		p.cmd.Process.Signal(syscall.SIGHUP)
		eventually(t, "the process answers", func() bool { return p.log.count(`"msg":"certificate as before"`) > i })
	}
	if err := os.WriteFile(key, []byte("mistake"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		p.cmd.Process.Signal(syscall.SIGHUP)
		eventually(t, "the process complains", func() bool { return p.log.count("keeps the old ones") > i })
	}
	replace(t, cert, key)
	p.cmd.Process.Signal(syscall.SIGHUP)
	eventually(t, "the process is content", func() bool { return p.log.count(`"msg":"certificate reloaded"`) > 0 })
	p.cmd.Process.Signal(syscall.SIGTERM)
	if status := p.wait(t); status != exitOK {
		t.Errorf("exit status %d\n%s", status, p.log)
	}

	plain := startProcess(t, 1, `{"timeouts": {"close_ms": 300}, "services": {"echo": {}}}`, echoApp)
	plain.cmd.Process.Signal(syscall.SIGHUP)
	mustEcho(t, "ws://"+plain.addr+"/echo")
	plain.cmd.Process.Signal(syscall.SIGTERM)
	if status := plain.wait(t); status != exitOK {
		t.Errorf("without certificates: exit status %d\n%s", status, plain.log)
	}
}
