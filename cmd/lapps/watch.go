package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long nothing must have changed before files are read
	// again: a certificate and its key are two files, and each may be written
	// piece by piece. restless is how long that may be put off.
	quiet    = 200 * time.Millisecond
	restless = 2 * time.Second

	// pollTime is how often files are read although nothing is known to have
	// changed: where a directory further up was replaced, or the file is in a
	// file system that tells nothing.
	pollTime = time.Minute

	// maxLinks is how many symbolic links Linux follows on the way to a file.
	maxLinks = 40
)

// A watch reads the listeners' certificates again when their files change,
// and when somebody asks for it. What is wrong leaves the old ones in place.
//
// It is the directories that are watched, not the files: a file that is
// replaced by renaming another one over it, as editors and ACME clients do,
// is a new one, and in Kubernetes the files do not change at all, but the
// symbolic link ..data beside them, through which they are reached. So the
// directories of all links on the way are watched, too; what else happens in
// them is passed over.
type watch struct {
	// Immutable.
	listeners []*listener // those with keys
	log       *slog.Logger
	asked     <-chan os.Signal
	poll      time.Duration
	quit      chan struct{} // closed when the watch is to end
	done      chan struct{} // closed when it has ended

	// Owned by run.
	notifier *fsnotify.Watcher      // nil: the system gives none
	way      map[string]bool        // the files, and the links on the way to them
	dirs     map[string]os.FileInfo // that are watched
	trouble  map[*listener]string   // what was wrong with its files
}

// newWatch makes the watch over those of the listeners that have keys. A value
// from asked has all files read at once.
func newWatch(listeners []*listener, asked <-chan os.Signal, log *slog.Logger) *watch {
	w := &watch{
		log:     log,
		asked:   asked,
		poll:    pollTime,
		quit:    make(chan struct{}),
		done:    make(chan struct{}),
		trouble: make(map[*listener]string),
	}
	for _, l := range listeners {
		if l.keys != nil {
			w.listeners = append(w.listeners, l)
		}
	}
	return w
}

// start begins to watch. Files that have changed since they were read are read
// again.
func (w *watch) start() {
	var err error
	if w.notifier, err = fsnotify.NewWatcher(); err != nil {
		w.log.Warn("certificates: changes will be seen late", "every", w.poll.String(), "err", err)
		go w.run(nil, nil)
		return
	}
	go w.run(w.notifier.Events, w.notifier.Errors)
}

// stop ends the watch and waits for it, until ctx ends: it may be reading a
// file from somewhere that does not answer.
func (w *watch) stop(ctx context.Context) error {
	close(w.quit)
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("certificates: stop: %w", ctx.Err())
	}
}

// run reads files until stop. An error of the notifier means that events may
// have been lost.
func (w *watch) run(events <-chan fsnotify.Event, lost <-chan error) {
	defer close(w.done)
	if w.notifier != nil {
		defer w.notifier.Close()
	}
	ticker := time.NewTicker(w.poll)
	defer ticker.Stop()
	w.read(false)
	var calm, latest <-chan time.Time // nil while nothing has changed
	for {
		asked := false
		select {
		case e := <-events:
			if w.concerns(e) {
				calm, latest = w.changed(latest)
			}
			continue
		case <-lost:
			calm, latest = w.changed(latest)
			continue
		case <-calm:
		case <-latest:
		case <-ticker.C:
		case <-w.asked:
			asked = true
		case <-w.quit:
			return
		}
		calm, latest = nil, nil
		w.read(asked)
	}
}

// concerns reports whether files may hold something new after an event, or be
// somewhere else. That a file is another's now, or has another mode, matters
// only to one that could not be read.
func (w *watch) concerns(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod && len(w.trouble) == 0 {
		return false
	}
	name := filepath.Clean(e.Name) // that of a file in the root begins with //
	return w.way[name] || w.dirs[name] != nil
}

// changed returns when files are to be read after a change, latest being the
// latest time that an earlier one has set.
func (w *watch) changed(latest <-chan time.Time) (calm, bound <-chan time.Time) {
	if latest == nil {
		latest = time.After(restless)
	}
	return time.After(quiet), latest
}

// read reads the files of all listeners again, and says what came of it: to
// who has asked for it, even where nothing has changed.
func (w *watch) read(asked bool) {
	w.follow() // first: what changes meanwhile is seen then
	for _, l := range w.listeners {
		changed, err := l.keys.Reload()
		if err != nil {
			if msg := err.Error(); asked || msg != w.trouble[l] {
				w.log.Error("certificates: keeps the old ones", "listener", l.address, "err", msg)
				w.trouble[l] = msg
			}
			continue
		}
		if changed || asked || w.trouble[l] != "" {
			w.tell(l, changed)
		}
		delete(w.trouble, l)
	}
}

// tell logs the certificates of a listener.
func (w *watch) tell(l *listener, changed bool) {
	msg := "certificate as before"
	if changed {
		msg = "certificate reloaded"
	}
	for _, leaf := range l.keys.Leaves() {
		w.log.Info(msg, "listener", l.address, "subject", nameOf(leaf), "not_after", leaf.NotAfter.UTC())
		if mis := invalid(leaf, time.Now()); mis != "" {
			w.log.Warn("certificate not valid", "listener", l.address, "subject", nameOf(leaf), "why", mis)
		}
	}
}

// nameOf is a certificate's subject, or, where that names nobody, as many do these
// days, the first host it is for.
func nameOf(c *x509.Certificate) string {
	if c.Subject.CommonName == "" && len(c.DNSNames) > 0 {
		return c.DNSNames[0]
	}
	return c.Subject.String()
}

// follow watches the directories of all files and of the links that lead to
// them. What changes before they are watched shows in another look; what
// changes time and again, in events.
func (w *watch) follow() {
	for range 3 {
		w.way = w.look()
		if w.notifier == nil {
			return
		}
		w.enlist()
		if maps.Equal(w.way, w.look()) {
			return
		}
	}
}

// look finds the way to all files.
func (w *watch) look() map[string]bool {
	way := make(map[string]bool)
	for _, l := range w.listeners {
		for _, file := range l.keys.Files() {
			for _, name := range wayTo(file) {
				way[name] = true
			}
		}
	}
	return way
}

// enlist watches the directories of the way, and no others. One that is watched
// already stays so; one that was replaced meanwhile is watched anew.
func (w *watch) enlist() {
	dirs := make(map[string]os.FileInfo)
	for name := range w.way {
		dir := filepath.Dir(name)
		if info, err := os.Lstat(dir); err == nil {
			dirs[dir] = info
		}
	}
	for dir, was := range w.dirs {
		if !os.SameFile(was, dirs[dir]) {
			_ = w.notifier.Remove(dir) // fails where it is gone: that ended it
		}
	}
	for dir := range dirs {
		// It fails where we may not read the directory, or there are too many
		// watches: then the files are read once a minute.
		_ = w.notifier.Add(dir)
	}
	w.dirs = dirs
}

// wayTo has the symbolic links on the way to a file, and the file, each by its
// name in a directory that is reached without links: thus a directory has one
// name only. Where something is missing, the way ends with its name.
func wayTo(file string) (names []string) {
	if !filepath.IsAbs(file) {
		file, _ = filepath.Abs(file)
	}
	dir, rest := "/", strings.Split(file, "/")
	for len(rest) > 0 && len(names) <= maxLinks {
		step := rest[0]
		rest = rest[1:]
		name := filepath.Join(dir, step)
		if name == dir || step == ".." {
			dir = name
			continue
		}
		info, err := os.Lstat(name)
		switch {
		case err == nil && info.IsDir() && len(rest) > 0:
			dir = name
		case err == nil && info.Mode()&fs.ModeSymlink != 0:
			names = append(names, name)
			target, _ := os.Readlink(name)
			if filepath.IsAbs(target) {
				dir = "/"
			}
			rest = append(strings.Split(target, "/"), rest...)
		default:
			return append(names, name)
		}
	}
	return names
}
