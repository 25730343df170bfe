package nljson

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxFile is the size of the longest file that decode_file takes, in bytes.
const maxFile = 16 << 20

// decodeFile takes a path within the service's directory.
func (l *Lib) decodeFile(L *lua.LState) int {
	name := stringArg(L, 1)
	text, err := l.readFile(name)
	if err != nil {
		L.RaiseError("nljson: %s", err.Error())
	}
	return l.decodeText(L, name+": ", text)
}

func (l *Lib) readFile(name string) (string, error) {
	name = path.Clean(name)
	if l.files == nil || !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") {
		return "", fmt.Errorf("%.80q is no path within the service's directory", name)
	}
	info, err := fs.Stat(l.files, name)
	if err != nil {
		return "", fileError(name, err)
	}
	if !info.Mode().IsRegular() { // a pipe would block
		return "", fmt.Errorf("%s: not a regular file", name)
	}
	f, err := l.files.Open(name)
	if err != nil {
		return "", fileError(name, err)
	}
	defer f.Close()
	var b strings.Builder
	b.Grow(int(min(info.Size(), maxFile)))
	n, err := io.Copy(&b, io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", fileError(name, err)
	}
	if n > maxFile {
		return "", fmt.Errorf("%s: longer than %d bytes", name, maxFile)
	}
	return b.String(), nil
}

// fileError leaves out which system call failed.
func fileError(name string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}
