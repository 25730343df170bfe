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

// TestReloadLinked has files be links to others of another directory, which are
// overwritten and replaced, and the links led elsewhere.
func TestReloadLinked(t *testing.T) {
	dir := t.TempDir()
	pair := func(name string) (cert, key string) {
		return filepath.Join(dir, name, "cert.pem"), filepath.Join(dir, name, "key.pem")
	}
	for _, name := range []string{"live", "one", "two"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if name != "live" {
			remakeCert(t, filepath.Join(dir, name, "cert.pem"), filepath.Join(dir, name, "key.pem"))
		}
	}
	lead := func(to string) {
		for _, file := range []string{"cert.pem", "key.pem"} {
			link := filepath.Join(dir, "live", file)
			os.Remove(link)
			if err := os.Symlink(filepath.Join("..", to, file), link); err != nil {
				t.Fatal(err)
			}
		}
	}
	lead("one")
	cert, key := pair("live")
	d := startDaemon(t, encrypted(cert, key), echoApp)
	reloads := func(what, name string) {
		t.Helper()
		cert, key := pair(name)
		newCert, newKey := makeCert(t)
		overwrite(t, cert, newCert)
		overwrite(t, key, newKey)
		eventually(t, what+", in place: the new certificate is served", func() bool { return d.serves(t, cert) })
		replace(t, cert, key)
		eventually(t, what+", renamed: the new certificate is served", func() bool { return d.serves(t, cert) })
	}
	reloads("behind the links", "one")
	lead("two")
	eventually(t, "the links are followed", func() bool { return d.serves(t, cert) })
	reloads("behind other links", "two")
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

// TestReloadPolls has what no event tells of found out all the same: the
// directory is moved away and comes back, and a link to it leads elsewhere.
func TestReloadPolls(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	for _, to := range []string{one, two} {
		if err := os.Mkdir(to, 0o755); err != nil {
			t.Fatal(err)
		}
		remakeCert(t, filepath.Join(to, "cert.pem"), filepath.Join(to, "key.pem"))
	}
	link := filepath.Join(dir, "now")
	if err := os.Symlink(one, link); err != nil {
		t.Fatal(err)
	}
	cert, key := filepath.Join(link, "cert.pem"), filepath.Join(link, "key.pem")
	d := startPolling(t, encrypted(cert, key))

	if err := errors.Join(os.Remove(link), os.Symlink(two, link)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the link is followed", func() bool { return d.serves(t, filepath.Join(two, "cert.pem")) })

	if err := os.Rename(two, filepath.Join(dir, "away")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is missed", func() bool { return d.logged.count("keeps the old ones") > 0 })
	if err := os.Mkdir(two, 0o755); err != nil {
		t.Fatal(err)
	}
	replace(t, cert, key)
	eventually(t, "it is back", func() bool { return d.serves(t, cert) })
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
	b.cert, b.key = makeCert(t)
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

// TestWatchPassesOver has a busy directory cost nothing.
func TestWatchPassesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := startWatch(t)
		defer b.stop(t.Context())
		replace(t, b.cert, b.key)
		b.events <- fsnotify.Event{Name: filepath.Join(filepath.Dir(b.cert), "other"), Op: fsnotify.Create}
		if n := b.reloaded(restless + time.Millisecond); n != 0 {
			t.Errorf("read %d times for a file that is none of ours", n)
		}
		b.events <- fsnotify.Event{Name: filepath.Dir(b.cert), Op: fsnotify.Remove}
		if n := b.reloaded(quiet + time.Millisecond); n != 1 {
			t.Errorf("read %d times after the directory was removed, want once", n)
		}
	})
}

// TestFollow watches the directories of what is of use, and no others.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	project(t, dir, "..1")
	keys, err := secure.Load(secure.Options{Certificates: []secure.Pair{{Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}}})
	if err != nil {
		t.Fatal(err)
	}
	w := newWatch([]*listener{{keys: keys}}, nil, slog.New(slog.DiscardHandler))
	if w.notifier, err = fsnotify.NewWatcher(); err != nil {
		t.Fatal(err)
	}
	defer w.notifier.Close()
	for _, version := range []string{"..1", "..2"} {
		if version != "..1" {
			project(t, dir, version)
		}
		w.follow()
		got := w.notifier.WatchList()
		slices.Sort(got)
		if want := []string{dir, filepath.Join(dir, version)}; !slices.Equal(got, want) {
			t.Errorf("watches %q, want %q", got, want)
		}
	}
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
