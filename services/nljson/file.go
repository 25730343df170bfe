package nljson

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxFile is the size of the longest file that decode_file takes, in bytes.
const maxFile = 16 << 20

// decodeFile takes a path.
func (l *Lib) decodeFile(L *lua.LState) int {
	name := stringArg(L, 1)
	text, err := l.readFile(name)
	if err != nil {
		L.RaiseError("nljson: %s", err.Error())
	}
	return l.decodeText(L, name+": ", text)
}

func (l *Lib) readFile(name string) (string, error) {
	if l.files == nil {
		return "", fmt.Errorf("%.80q: there are no files here", name)
	}
	f, err := l.files.Open(name)
	if err != nil {
		return "", fileError(name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fileError(name, err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s: not a regular file", name)
	}
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
	if !errors.As(err, &p) {
		return err // it says which file
	}
	return fmt.Errorf("%s: %w", strings.ReplaceAll(name, "\x00", `\x00`), p.Err)
}
