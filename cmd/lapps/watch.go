package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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
	// changed: where a directory was replaced as a whole, or the file is in a
	// file system that tells nothing.
	pollTime = time.Minute
)

// A watch reads the listeners' certificates again when their files change,
// and when somebody asks for it. What is wrong leaves the old ones in place.
//
// It is the directories that are watched, not the files: a file that is
// replaced by renaming another one over it, as editors and ACME clients do,
// is a new one, and in Kubernetes the files do not change at all, but the
// symbolic link ..data beside them, through which they are reached. So are the
// directories of all links on the way. What else happens in them is passed over.
type watch struct {
	// Immutable.
	listeners []*listener // those with keys
	log       *slog.Logger
	asked     <-chan os.Signal
	poll      time.Duration
	quit      chan struct{} // closed when the watch is to end
	done      chan struct{} // closed when it has ended

	// Owned by run.
	notifier *fsnotify.Watcher    // nil: the system gives none
	names    map[string]bool      // of the files, the links on the way to them, and their directories
	trouble  map[*listener]string // what was wrong with its files
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
			if w.names[e.Name] {
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

// nameOf is a certificate's subject, or, as many have none these days, the
// first host it is for.
func nameOf(c *x509.Certificate) string {
	if subject := c.Subject.String(); subject != "" || len(c.DNSNames) == 0 {
		return subject
	}
	return c.DNSNames[0]
}

// follow watches the directories of all files and of the links on the way to
// them. One that is watched already stays so; one that was replaced meanwhile is
// watched anew.
func (w *watch) follow() {
	w.names = make(map[string]bool)
	dirs := make(map[string]bool)
	for _, l := range w.listeners {
		for _, file := range l.keys.Files() {
			for _, name := range way(file) {
				dir := filepath.Dir(name)
				w.names[name], w.names[dir], dirs[dir] = true, true, true
			}
		}
	}
	if w.notifier == nil {
		return
	}
	for dir := range dirs {
		// It fails where there is no such directory: then reading the file
		// does, too, and says so.
		_ = w.notifier.Add(dir)
	}
	for _, dir := range w.notifier.WatchList() {
		if !dirs[dir] {
			_ = w.notifier.Remove(dir) // or it has gone by itself
		}
	}
}
