package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// An Error is all that is wrong with a file: at least one mistake, in the
// order of the lines.
type Error struct {
	Mistakes []Mistake
}

// Error returns one line for each mistake.
func (e *Error) Error() string {
	lines := make([]string, len(e.Mistakes))
	for i, m := range e.Mistakes {
		lines[i] = m.String()
	}
	return strings.Join(lines, "\n")
}

// A Mistake is one thing that is wrong with a file.
type Mistake struct {
	File string // as given to Load or Parse
	Line int    // from 1
	Path string // of the value, like services.echo.acl.exclude[0]; "" for the file as a whole
	Msg  string // what is wrong, and what was expected
}

// String returns "file:line: path: message", without a path where it is "".
func (m Mistake) String() string {
	if m.Path == "" {
		return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.Msg)
	}
	return fmt.Sprintf("%s:%d: %s: %s", m.File, m.Line, m.Path, m.Msg)
}

// maxMistakes bounds an Error. A file with more is not a configuration with
// mistakes but another file.
const maxMistakes = 1000

// A source is a file's name and the offsets of its line ends, ascending.
type source struct {
	name     string
	newlines []int
}

func newSource(name string, data []byte) source {
	src := source{name: name, newlines: make([]int, 0, bytes.Count(data, []byte("\n")))}
	for i, b := range data {
		if b == '\n' {
			src.newlines = append(src.newlines, i)
		}
	}
	return src
}

// line returns the line, from 1, of the byte at offset.
func (src source) line(offset int) int {
	n, _ := slices.BinarySearch(src.newlines, offset)
	return n + 1
}

// start returns the offset of the first byte of a line.
func (src source) start(line int) int {
	if line == 1 {
		return 0
	}
	return src.newlines[line-2] + 1
}

// mistake returns the mistake at offset.
func (src source) mistake(offset int, path, format string, args ...any) Mistake {
	return Mistake{File: src.name, Line: src.line(offset), Path: path, Msg: fmt.Sprintf(format, args...)}
}
