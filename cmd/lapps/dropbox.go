package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"lapps/services"
)

const (
	// settleTime is how long a bundle must not have changed before it is taken: who copies
	// it may not be done.
	settleTime = 500 * time.Millisecond

	// dropboxPoll is how often the directory is looked at although nothing is known to
	// have changed.
	dropboxPoll = 10 * time.Second
)

// A dropbox is the directory whose bundles are deployed as they appear, by whatever way: mv, cp, a
// download. One that was deployed is removed. One that is no good stays, is named in the log,
// once, and is tried again when it has changed; where it depends on a service that does not run
// it is tried again when another has been deployed, too. What is no bundle is named once, and passed over.
type dropbox struct {
	// Immutable.
	dir    string
	log    *slog.Logger
	deploy func(ctx context.Context, archive *os.File, name string) (service string, err error)
	ctx    context.Context // ends by stop
	cancel context.CancelFunc
	runs   sync.WaitGroup // run

	seen map[string]sighting // by name; owned by run
}

// A sighting is a file as it was seen.
type sighting struct {
	info  os.FileInfo
	since time.Time // when it was first seen so
	tried bool
	lacks bool // it depends on a service that did not run

	passed bool // it is no bundle, and the log says so
}

func newDropbox(dir string, log *slog.Logger, deploy func(context.Context, *os.File, string) (string, error)) *dropbox {
	b := &dropbox{dir: dir, log: log, deploy: deploy, seen: make(map[string]sighting)}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// install takes of the bundles that are there already those that the server cannot start
// without, but for those that somebody may be writing still.
func (b *dropbox) install() {
	entries, _ := os.ReadDir(b.dir) // where there is none nothing waits
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && isBundle(e.Name()) && time.Since(info.ModTime()) > settleTime {
			if err := b.take(e.Name(), info); !errors.Is(err, errLater) {
				b.seen[e.Name()] = sighting{info: info, tried: true}
			}
		}
	}
}

// start begins to watch the directory; where there is none nothing is watched.
func (b *dropbox) start() {
	if !isDirectory(b.dir) {
		return
	}
	notifier := b.notifier()
	b.log.Info("bundles are deployed from here", "directory", b.dir)
	b.runs.Go(func() { b.run(notifier) })
}

// notifier tells of changes in the directory; nil: the system gives none.
func (b *dropbox) notifier() *fsnotify.Watcher {
	notifier, err := fsnotify.NewWatcher()
	if err == nil {
		err = b.watch(notifier)
	}
	if err != nil {
		b.log.Warn("bundles will be seen late", "directory", b.dir, "every", dropboxPoll.String(), "err", err)
	}
	return notifier
}

// watch has the notifier tell of the directory that is there now: it may be another one than
// before. It does nothing where there is no notifier.
func (b *dropbox) watch(notifier *fsnotify.Watcher) error {
	if notifier == nil {
		return nil
	}
	return notifier.Add(b.dir)
}

// stop ends the watch, and a deployment that is under way.
func (b *dropbox) stop() {
	b.cancel()
	b.runs.Wait()
}

// run looks at the directory whenever something has changed in it.
func (b *dropbox) run(notifier *fsnotify.Watcher) {
	var events <-chan fsnotify.Event
	var lost <-chan error
	if notifier != nil {
		defer notifier.Close()
		events, lost = notifier.Events, notifier.Errors
	}
	again, soon := time.NewTimer(0), true
	defer again.Stop()
	changed := func() {
		if !soon { // not for each of the writes that make a file
			soon = true
			again.Reset(settleTime / 10)
		}
	}
	for {
		select {
		case <-events:
			changed()
		case <-lost:
			changed()
		case <-again.C:
			soon = false
			_ = b.watch(notifier) // where it fails look says so, or has the next one soon enough
			again.Reset(b.look(time.Now()))
		case <-b.ctx.Done():
			return
		}
	}
}

// look deploys what has settled, and returns when to look again.
func (b *dropbox) look(now time.Time) (next time.Duration) {
	next = dropboxPoll
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		b.log.Error("the directory of bundles cannot be read", "directory", b.dir, "err", err)
		return next
	}
	there := make(map[string]sighting, len(entries))
	deployed := false
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || isTemporary(e.Name()) {
			continue
		}
		s, known := b.seen[e.Name()]
		if !known || !same(s.info, info) {
			s = sighting{info: info, since: now, passed: s.passed}
		}
		if left := settleTime - now.Sub(s.since); !s.tried && left > 0 {
			next = min(next, left)
		} else if why := noBundle(info); why != "" {
			b.passOver(e.Name(), why, &s)
		} else if !s.tried && b.ctx.Err() == nil {
			var lacks *services.LacksError
			err := b.take(e.Name(), info)
			s.tried, s.lacks = true, errors.As(err, &lacks)
			deployed = deployed || err == nil
		}
		there[e.Name()] = s
	}
	b.seen = there
	if deployed && b.retry() {
		return 0
	}
	return next
}

// noBundle is why a file is passed over; "": it is none to be passed over.
func noBundle(info os.FileInfo) string {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return "it is a directory"
	case mode&fs.ModeSymlink != 0:
		return "it is a symbolic link"
	case !mode.IsRegular():
		return "it is no regular file"
	case !isBundle(info.Name()):
		return "its name does not end with .lar, .zip, .tar.gz or .tgz"
	}
	return ""
}

// passOver says once of a name that nothing is done with what has it.
func (b *dropbox) passOver(name, why string, s *sighting) {
	if !s.passed {
		b.log.Warn("no bundle: passed over", "file", filepath.Join(b.dir, name), "why", why)
	}
	s.tried, s.passed = true, true
}

// retry has those tried again that depend on what may be there now, and reports whether
// there are any.
func (b *dropbox) retry() (any bool) {
	for name, s := range b.seen {
		if s.lacks {
			s.tried, s.lacks, any = false, false, true
			b.seen[name] = s
		}
	}
	return any
}

// same reports whether a file is as it was.
func same(was, is os.FileInfo) bool {
	return os.SameFile(was, is) && was.Size() == is.Size() && was.ModTime().Equal(is.ModTime())
}

// take deploys a bundle, and removes it. What fails it has logged, but for errLater.
func (b *dropbox) take(name string, seen fs.FileInfo) error {
	path := filepath.Join(b.dir, name)
	archive, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // be it a pipe by now
	if err == nil {
		defer archive.Close()
		_, err = b.deploy(b.ctx, archive, name)
	}
	if err != nil {
		if !errors.Is(err, errLater) {
			b.log.Error("bundle not deployed", "bundle", path, "err", err)
		}
		return err
	}
	if info, err := os.Lstat(path); err != nil || !same(seen, info) {
		return nil // it is another one by now
	}
	if err := os.Remove(path); err != nil {
		b.log.Warn("bundle not removed", "bundle", path, "err", err)
	}
	return nil
}
