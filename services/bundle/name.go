package bundle

import (
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// serviceName is what a service may be called: the rule of the configuration, since it
// names a Lua global and a directory.
var serviceName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)

// serviceNameRule completes "must be".
const serviceNameRule = "a letter or _ and at most 63 letters, digits, _ and -"

// endings are those of archives' names, the longest first.
var endings = []string{".tar.gz", ".tgz", ".zip", ".lar"}

// stem is the archive's name without its directory and its ending.
func (a *Archive) stem() string {
	base := filepath.Base(a.name)
	for _, ending := range endings {
		if stem, ok := strings.CutSuffix(base, ending); ok {
			return stem
		}
	}
	return base
}

// clean checks the name of an entry and returns its path: below the archive's top, with
// slashes, as io/fs has it. The top itself is ".".
func (a *Archive) clean(e entry) (path string, err error) {
	refuse := func(format string, args ...any) (string, error) { return "", a.refuse(e.name, format, args...) }
	switch {
	case e.name == "":
		return refuse("has an entry without a name")
	case len(e.name) > a.limits.Path:
		return refuse("has a name of %d bytes, more than %d", len(e.name), a.limits.Path)
	case !utf8.ValidString(e.name):
		return refuse("its name is not UTF-8")
	case strings.ContainsFunc(e.name, unicode.IsControl):
		return refuse("has a control character in its name")
	case strings.Contains(e.name, `\`):
		return refuse("has a backslash in its name")
	case e.name[0] == '/':
		return refuse("has an absolute name")
	}
	path = e.name
	if e.dir {
		path = strings.TrimSuffix(path, "/")
	}
	if e.dir && path == "." {
		return path, nil
	}
	path = strings.TrimPrefix(path, "./")
	parts := 0
	for part := range strings.SplitSeq(path, "/") {
		switch {
		case part == "..":
			return refuse("has .. in its name")
		case part == ".":
			return refuse("has a part . in its name")
		case part == "":
			return refuse("has an empty part in its name")
		case len(part) > maxPart:
			return refuse("has a part of %d bytes in its name, more than %d", len(part), maxPart)
		}
		parts++
	}
	if parts > a.limits.Depth {
		return refuse("has %d parts in its name, more than %d", parts, a.limits.Depth)
	}
	return path, nil
}
