package grants

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// A Reader opens files for reading: those of a service's directory and, where that has
// none of the name, those that are granted. It is an fs.FS that takes all paths, not only those
// of fs.ValidPath. It may be used by any goroutine, and opens regular files only.
type Reader struct {
	Dir    fs.FS // the service's directory; nil: none
	Grants *Grants
}

// Open implements fs.FS. The error is a *Denied, or of the system.
func (r Reader) Open(name string) (fs.File, error) {
	if clean := r.Grants.within(path.Clean(name)); r.Dir != nil && fs.ValidPath(clean) {
		info, err := fs.Stat(r.Dir, clean)
		switch {
		case err == nil && !info.Mode().IsRegular(): // a pipe would block
			return nil, fmt.Errorf("%s: not a regular file", name)
		case err == nil:
			return r.Dir.Open(clean)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return r.Grants.Open(name, os.O_RDONLY)
}

// within is the path within the service's own directory where name is one below it, and
// name otherwise.
func (g *Grants) within(name string) string {
	if g == nil || g.own == "" {
		return name
	}
	if rel, ok := strings.CutPrefix(name, path.Clean(g.own)+"/"); ok {
		return rel
	}
	return name
}
