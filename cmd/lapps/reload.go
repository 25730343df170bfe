package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"lapps/services"
)

// A reloader starts services anew when their files change, for who develops them. Those that
// services may write themselves are passed over, but for Lua: one that does when it starts would
// never come to rest.
type reloader struct {
	// Immutable.
	dirs     map[string]string                               // the services' directories, by name
	written  []string                                        // the directories that services may write in
	restart  func(ctx context.Context, service string) error // services.ErrNotRunning: it is not meant to run
	log      *slog.Logger
	notifier *fsnotify.Watcher
	ctx      context.Context // ends by stop
	cancel   context.CancelFunc
	done     chan struct{} // closed when run has ended

	sources map[string]bool // the files that count, those that have gone included; owned by run
}

// newReloader watches the directories of services, by their names. Services may write in those that
// are written.
func newReloader(dirs map[string]string, written []string, log *slog.Logger, restart func(context.Context, string) error) (*reloader, error) {
	notifier, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	r := &reloader{dirs: dirs, written: written, restart: restart, log: log, notifier: notifier, done: make(chan struct{}), sources: make(map[string]bool)}
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

// watch watches a directory and those below it, and gathers the files there that count.
func (r *reloader) watch(dir string) {
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // it has gone meanwhile
		}
		if !e.IsDir() {
			r.note(path)
			return nil
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
	changes := make(settling)
	due := time.NewTimer(time.Hour)
	defer due.Stop()
	for {
		select {
		case e := <-r.notifier.Events:
			for _, name := range r.concerned(e) {
				changes.changed(name, time.Now())
			}
		case <-r.notifier.Errors: // events were lost
			for name := range r.dirs {
				changes.changed(name, time.Now())
			}
		case <-due.C:
		case <-r.ctx.Done():
			return
		}
		names, wait := changes.take(time.Now())
		for _, name := range names {
			r.reload(name)
			wait = saved // others may be due by now
		}
		if wait > 0 {
			due.Reset(wait)
		}
	}
}

// concerned are the services that an event is about. It has directories that are new be watched.
func (r *reloader) concerned(e fsnotify.Event) (names []string) {
	if isTemporary(e.Name) || e.Op == fsnotify.Chmod {
		return nil
	}
	for name, dir := range r.dirs {
		if e.Name != dir && !strings.HasPrefix(e.Name, dir+"/") {
			continue
		}
		if e.Has(fsnotify.Create) && isDirectory(e.Name) {
			r.watch(e.Name)
		}
		if r.note(e.Name) || r.holds(e.Name) {
			names = append(names, name)
		}
	}
	return names
}

// note notes a file's name, and reports whether it counts.
func (r *reloader) note(path string) bool {
	if filepath.Ext(path) != ".lua" && slices.ContainsFunc(r.written, func(dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }) {
		return false
	}
	r.sources[path] = true
	return true
}

// holds reports whether there are files that count in a directory, or were in one that has gone.
func (r *reloader) holds(dir string) bool {
	for path := range r.sources {
		if strings.HasPrefix(path, dir+"/") {
			return true
		}
	}
	return false
}

func (r *reloader) reload(name string) {
	r.watch(r.dirs[name]) // it may have been replaced
	err := r.restart(r.ctx, name)
	if errors.Is(err, services.ErrNotRunning) {
		return
	}
	if err != nil {
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

// reload is restart for a service whose files have changed, if it is to run.
func (d *deployer) reload(ctx context.Context, name string) error {
	ctx, done, err := d.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if s := d.registry.Service(name); s != nil && !d.wanted(s) {
		return services.ErrNotRunning
	}
	return d.again(ctx, name)
}

// wanted reports whether a service is to run, be it that it does not since its files are no good: it
// was started by a command, or starts by itself, or what depends on it does. mu is held.
func (d *deployer) wanted(s *services.Service) bool {
	if asked, ok := d.asked[s.Name]; ok || s.Running() {
		return asked || s.Running()
	}
	return s.AutoStart || slices.ContainsFunc(d.registry.Services(), func(o *services.Service) bool {
		return slices.Contains(o.Depends, s.Name) && d.wanted(o)
	})
}
