package grants

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A tree is a directory that is granted.
type tree struct {
	dir   string // absolute
	write bool
	root  *os.Root
}

func (g *Grants) open(d Directory) error {
	dir, err := filepath.Abs(d.Path)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	g.trees = append(g.trees, tree{dir, d.Write, root})
	return nil
}

// Open opens the regular file of that name, as os.OpenFile does with flag. New files have
// the mode 0666, before umask. The error is a *Denied, or of the system.
func (g *Grants) Open(name string, flag int) (*os.File, error) {
	if strings.HasSuffix(name, "/") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
	}
	write := flag&(os.O_WRONLY|os.O_RDWR) != 0
	t, rel, err := g.find(name, write)
	if err != nil {
		return nil, err
	}
	if info, err := t.root.Stat(rel); err == nil && !info.Mode().IsRegular() {
		return nil, notRegular(name)
	}
	// It may be another one by now: a pipe would block here, and what is no regular file
	// is not to be truncated.
	f, err := t.root.OpenFile(rel, flag&^os.O_TRUNC|syscall.O_NONBLOCK, 0o666)
	if err != nil {
		return nil, explain(name, write, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notRegular(name)
	}
	if err == nil && flag&os.O_TRUNC != 0 {
		err = f.Truncate(0)
	}
	if err != nil {
		return nil, errors.Join(explain(name, write, err), f.Close())
	}
	return f, nil
}

// Remove removes a file or an empty directory.
func (g *Grants) Remove(name string) error {
	t, rel, err := g.find(name, true)
	if err != nil {
		return err
	}
	if info, err := t.root.Lstat(rel); err == nil && !info.IsDir() && strings.HasSuffix(name, "/") {
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTDIR}
	}
	return explain(name, true, t.root.Remove(rel))
}

// Rename renames a file or a directory. Both names have to be below the same
// directory that is granted.
func (g *Grants) Rename(from, to string) error {
	t, old, err := g.find(from, true)
	if err != nil {
		return err
	}
	other, fresh, err := g.find(to, true)
	if err != nil {
		return err
	}
	if t.root != other.root {
		return &fs.PathError{Op: "rename", Path: from, Err: syscall.EXDEV}
	}
	return explain(from, true, t.root.Rename(old, fresh))
}

// Holds reports whether a directory that is granted would hold a file of that name.
func (g *Grants) Holds(name string, write bool) bool {
	_, _, err := g.find(name, write)
	return err == nil
}

// find is the innermost directory that holds name and has the access, and the path
// within. What .. means is decided here, before any link is followed.
func (g *Grants) find(name string, write bool) (found tree, rel string, err error) {
	if g != nil {
		abs := name
		if !filepath.IsAbs(name) {
			abs = filepath.Join(g.base, name)
		}
		abs = filepath.Clean(abs)
		for _, t := range g.trees {
			if write && !t.write || len(t.dir) < len(found.dir) {
				continue
			}
			if r, err := filepath.Rel(t.dir, abs); err == nil && filepath.IsLocal(r) {
				found, rel = t, r
			}
		}
	}
	if found.root != nil {
		return found, rel, nil
	}
	access, with := words(write)
	return found, "", denied("files: to %s %.200q is not granted: the service's \"grants.files\" has no path %sthat holds it", access, name, with)
}

func words(write bool) (access, with string) {
	if write {
		return "write", `with access "write" `
	}
	return "read", ""
}

// explain says of an error of the system whose name was given; and that a name which
// leads out of its directory is not granted, which os.Root has no error value for.
func explain(name string, write bool, err error) error {
	var errno syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.As(err, &errno):
		return &fs.PathError{Op: "open", Path: name, Err: errno}
	case errors.Is(err, errNotRegular), errors.Is(err, fs.ErrClosed):
		return err
	}
	access, _ := words(write)
	return denied("files: to %s %.200q is not granted: it leads out of the directory that the service's \"grants.files\" has", access, name)
}

var errNotRegular = errors.New("not a regular file")

func notRegular(name string) error { return fmt.Errorf("%s: %w", name, errNotRegular) }
