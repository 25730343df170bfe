package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A store keeps on disk what was deployed, below the directory of the applications:
//
//	NAME/                  the version of a service that serves
//	.lapps/previous/NAME/  the version before
//	.lapps/staging/*       what is being unpacked
//	.lapps/trash/NAME/*    versions before those, which connections may have still
//
// A version that a bundle has brought has its record in it, .lapps.json. A version
// changes its place by renaming its directory: who has opened it goes on reading the same files, and
// a server that is killed meanwhile, or a machine without power, leaves either version whole, with its
// own record.
// Its methods are called one at a time.
type store struct {
	apps string
	home string // .lapps
}

// A record says where a version of a service comes from.
type record struct {
	Service    string    `json:"service"`              // its name, so that a copy of its directory is no deployed service
	Version    string    `json:"version"`              // the beginning of the bundle's SHA-256; "" where there was none
	Bundle     string    `json:"bundle"`               // its file's name
	Deployed   time.Time `json:"deployed"`             // when
	LAppS      bool      `json:"lapps"`                // the descriptor is one of LAppS's
	Descriptor string    `json:"descriptor,omitempty"` // its text; "" where there is none
}

func newStore(apps string) *store { return &store{apps: apps, home: filepath.Join(apps, ".lapps")} }

// tidy removes what a server that ended in the midst of something has left.
func (s *store) tidy() error {
	return errors.Join(os.RemoveAll(s.staging()), os.RemoveAll(filepath.Join(s.home, "trash")))
}

func (s *store) staging() string             { return filepath.Join(s.home, "staging") }
func (s *store) current(name string) string  { return filepath.Join(s.apps, name) }
func (s *store) previous(name string) string { return filepath.Join(s.home, "previous", name) }
func (s *store) trash(name string) string    { return filepath.Join(s.home, "trash", name) }

// recordFile is the file with the record of the version that it lies in.
const recordFile = ".lapps.json"

// stage makes an empty directory to unpack into.
func (s *store) stage() (string, error) {
	if err := os.MkdirAll(s.staging(), 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(s.staging(), "")
}

// read reads the record of the version in dir; the zero one where there is none.
func (s *store) read(dir string) (r record, err error) {
	file := filepath.Join(dir, recordFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return r, err
}

// write writes the record of the version in dir, which nobody has opened yet, and has all of it
// reach the disk. A record that came with its files, since somebody has packed what had been
// deployed, is another's.
func (s *store) write(dir string, r record) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	file := filepath.Join(dir, recordFile)
	if err := os.RemoveAll(file); err != nil {
		return err
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return flush(path)
	})
}

// flush has a file, or the names in a directory, reach the disk.
func flush(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// deployed are the records of the services that bundles have brought, by name.
func (s *store) deployed() (map[string]record, error) {
	all := make(map[string]record)
	entries, err := os.ReadDir(s.apps)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	errs := []error{err}
	for _, e := range entries {
		name := e.Name()
		if !isDirectory(s.current(name)) || name[0] == '.' {
			continue
		}
		r, err := s.read(s.current(name))
		if errs = append(errs, err); err == nil && r.Service == name {
			all[name] = r
		}
	}
	return all, errors.Join(errs...)
}

// replace makes the directory dir, which has its record, the version of a service that
// serves. Where there was one, dir holds that one then, and finish, which is not nil, makes it the
// previous one. Where there is an error nothing has changed.
func (s *store) replace(name, dir string) (finish func() error, err error) {
	defer func() {
		if err == nil {
			_ = flush(s.apps) // where the disk fails the version before may be there after a loss of power
		}
	}()
	if _, err := os.Lstat(s.current(name)); errors.Is(err, fs.ErrNotExist) {
		return nil, os.Rename(dir, s.current(name))
	}
	if err := exchange(dir, s.current(name)); err != nil {
		return nil, err
	}
	return func() error { return errors.Join(s.discard(name, s.previous(name)), s.keep(name, dir)) }, nil
}

// keep makes dir the previous version of a service.
func (s *store) keep(name, dir string) error {
	if err := os.MkdirAll(filepath.Dir(s.previous(name)), 0o755); err != nil {
		return err
	}
	return os.Rename(dir, s.previous(name))
}

// discard puts the version of a service in dir away, if there is one: connections may have it still.
func (s *store) discard(name, dir string) error {
	if err := os.MkdirAll(s.trash(name), 0o755); err != nil {
		return err
	}
	to, err := os.MkdirTemp(s.trash(name), "")
	if err != nil {
		return err
	}
	if err := os.Rename(dir, filepath.Join(to, name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// swap has the two versions of a service change places. Where there is an error the
// one that served still does.
func (s *store) swap(name string) error { return exchange(s.previous(name), s.current(name)) }

// remove puts a service away: nothing is left to come back once another one has its name.
func (s *store) remove(name string) error {
	if err := s.discard(name, s.previous(name)); err != nil {
		return err
	}
	return s.discard(name, s.current(name))
}

// exchange has two directories change names, at once where the file system can do
// that.
func exchange(a, b string) error {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	if err == nil || !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) {
		return os.NewSyscallError("renameat2", err)
	}
	aside := a + ".aside"
	if err := os.Rename(b, aside); err != nil {
		return err
	}
	if err := os.Rename(a, b); err != nil {
		return errors.Join(err, os.Rename(aside, b))
	}
	return os.Rename(aside, a)
}

// isBundle reports whether a file's name is one of a bundle.
func isBundle(name string) bool {
	for _, suffix := range []string{".lar", ".zip", ".tar.gz", ".tgz"} {
		if stem, ok := strings.CutSuffix(name, suffix); ok && stem != "" && stem[0] != '.' {
			return true
		}
	}
	return false
}
