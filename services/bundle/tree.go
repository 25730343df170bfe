package bundle

import (
	"slices"
	"strings"
)

// An entry is a file or a directory of an archive.
type entry struct {
	name string // as the archive has it
	path string // what clean made of it; "" before
	dir  bool
	size int64         // bytes of a file, as the archive says
	sum  *[sumLen]byte // SHA-256 of a file, as the archive says; nil where it does not
}

// A kind is what there is at a path.
type kind byte

const (
	nothing kind = iota
	file
	directory
	implied // a directory that has no entry of its own: paths lead through it
)

// A tree is what an archive will unpack to, known before anything is written.
type tree struct {
	a       *Archive
	entries []entry         // in the archive's order
	kinds   map[string]kind // by path
	total   int64           // bytes of all files
}

func newTree(a *Archive) *tree { return &tree{a: a, kinds: make(map[string]kind)} }

// add checks an entry and finds its place.
func (t *tree) add(e entry) (err error) {
	if e.path, err = t.a.clean(e); err != nil {
		return err
	}
	if err := t.place(e); err != nil {
		return err
	}
	if len(t.kinds) > t.a.limits.Files {
		return t.a.refuse("", "has more than %d files and directories", t.a.limits.Files)
	}
	t.entries = append(t.entries, e)
	if e.dir {
		return nil
	}
	return t.count(e)
}

// place finds the place for an entry, or that it is taken.
func (t *tree) place(e entry) error {
	for i := range len(e.path) {
		if e.path[i] != '/' {
			continue
		}
		switch above := e.path[:i]; t.kinds[above] {
		case file:
			return t.a.refuse(e.name, "lies in %s, which is a file", quote(above))
		case nothing:
			t.kinds[above] = implied
		}
	}
	switch old := t.kinds[e.path]; {
	case old == nothing, old == implied && e.dir:
	case old == file && !e.dir, old == directory && e.dir:
		return t.a.refuse(e.name, "is there twice")
	default:
		return t.a.refuse(e.name, "is there as a file and as a directory")
	}
	t.kinds[e.path] = file
	if e.dir {
		t.kinds[e.path] = directory
	}
	return nil
}

// count adds the size of a file.
func (t *tree) count(e entry) error {
	l := t.a.limits
	if e.size > l.File {
		return t.a.refuse(e.name, "has %d bytes, more than %d", e.size, l.File)
	}
	if e.size > l.Total-t.total {
		return t.a.refuse(e.name, "with it all files have more than %d bytes", l.Total)
	}
	t.total += e.size
	return nil
}

// A layout is where the files of the service are in a tree.
type layout struct {
	service string
	prefix  string // of the paths in the archive, to have them begin with the service's directory
}

// layout finds the service. Where flat is, its files may be at the top.
func (t *tree) layout(flat bool) (layout, error) {
	tops := t.tops()
	stem := t.a.stem()
	switch {
	case len(t.entries) == 0 || len(tops) == 0:
		return layout{}, t.a.refuse("", "holds no files")
	case len(tops) == 1 && t.kinds[mainFile(tops[0])] == file:
		if !serviceName.MatchString(tops[0]) {
			return layout{}, t.a.refuse(tops[0], "names the service and must be %s", serviceNameRule)
		}
		return layout{service: tops[0]}, nil
	case flat && t.kinds[stem+".lua"] == file:
		if !serviceName.MatchString(stem) {
			return layout{}, t.a.refuse("", "names the service, since the files are at its top: %s must be %s", quote(stem), serviceNameRule)
		}
		return layout{service: stem, prefix: stem + "/"}, nil
	case len(tops) == 1 && t.kinds[tops[0]] != file:
		return layout{}, t.a.refuse("", "lacks %s, the main file of the service", quote(mainFile(tops[0])))
	case flat:
		return layout{}, t.a.refuse("", "must have one directory NAME with NAME/NAME.lua at its top, or %s", quote(stem+".lua"))
	default:
		return layout{}, t.a.refuse("", "must have one directory at its top, and nothing else")
	}
}

// mainFile is that of the service in a directory of its name.
func mainFile(service string) string { return service + "/" + service + ".lua" }

// tops is what there is at the top, sorted.
func (t *tree) tops() (tops []string) {
	for path := range t.kinds {
		if path != "." && !strings.Contains(path, "/") {
			tops = append(tops, path)
		}
	}
	slices.Sort(tops)
	return tops
}

// directories are all of them, those above before those below, as they are to be made.
func (t *tree) directories(l layout) (dirs []string) {
	dirs = append(dirs, l.service)
	for path, k := range t.kinds {
		if name := l.prefix + path; k != file && path != "." && name != l.service {
			dirs = append(dirs, name)
		}
	}
	slices.Sort(dirs)
	return dirs
}

// descriptor is the path of the service's, or "".
func (t *tree) descriptor(l layout) string {
	for _, base := range []string{t.a.stem(), l.service} {
		name := l.service + "/" + base + ".json"
		if t.kinds[strings.TrimPrefix(name, l.prefix)] == file {
			return name
		}
	}
	return ""
}
