package main

import (
	"context"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// saved is how long nothing must have changed before a service is started anew: editors
// write files in several steps, and a change may be one of several files.
const saved = 100 * time.Millisecond

// A reloader starts services anew when their files change, for who develops them.
type reloader struct {
	// Immutable.
	dirs     map[string]string // the services' directories, by name
	restart  func(ctx context.Context, service string) error
	log      *slog.Logger
	notifier *fsnotify.Watcher
	ctx      context.Context // ends by stop
	cancel   context.CancelFunc
	done     chan struct{} // closed when run has ended
}

// newReloader watches the directories of services, by their names.
func newReloader(dirs map[string]string, log *slog.Logger, restart func(context.Context, string) error) (*reloader, error) {
	notifier, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	r := &reloader{dirs: dirs, restart: restart, log: log, notifier: notifier, done: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	for _, dir := range dirs {
		r.watch(dir)
		if err := notifier.Add(filepath.Dir(dir)); err != nil { // where it is made again when it was removed
			log.Warn("changes of files will not all be seen", "directory", filepath.Dir(dir), "err", err)
		}
	}
	go r.run()
	return r, nil
}

// stop ends the watch, and waits for it.
func (r *reloader) stop() {
	r.cancel()
	<-r.done
}

// watch watches a directory and those below it.
func (r *reloader) watch(dir string) {
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return nil // it has gone meanwhile
		}
		if path != dir && isTemporary(path) {
			return fs.SkipDir
		}
		return r.notifier.Add(path)
	})
	if err != nil {
		r.log.Warn("changes of files will not all be seen", "directory", dir, "err", err)
	}
}

// run starts services anew until stop.
func (r *reloader) run() {
	defer close(r.done)
	defer r.notifier.Close()
	changed := make(map[string]bool)
	calm := time.NewTimer(time.Hour)
	defer calm.Stop()
	for {
		select {
		case e := <-r.notifier.Events:
			if isTemporary(e.Name) || e.Op == fsnotify.Chmod {
				continue
			}
			for name, dir := range r.dirs {
				if e.Name != dir && !strings.HasPrefix(e.Name, dir+"/") {
					continue
				}
				if e.Has(fsnotify.Create) && isDirectory(e.Name) {
					r.watch(e.Name)
				}
				changed[name] = true
				calm.Reset(saved)
			}
		case <-r.notifier.Errors: // events were lost
			for name := range r.dirs {
				changed[name] = true
			}
			calm.Reset(saved)
		case <-calm.C:
			for name := range changed {
				r.reload(name)
			}
			clear(changed)
		case <-r.ctx.Done():
			return
		}
	}
}

func (r *reloader) reload(name string) {
	r.watch(r.dirs[name]) // it may have been replaced
	if err := r.restart(r.ctx, name); err != nil {
		r.log.Error("not reloaded: the version before goes on", "service", name, "err", err)
		return
	}
	r.log.Info("reloaded: its files have changed", "service", name)
}

// isTemporary reports whether a file is one that editors make for a moment, or one that is hidden.
func isTemporary(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || name == "4913"
}
