package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

// maxDepth bounds how deep objects and lists may be nested: hujson parses
// them recursively. A configuration needs five levels.
const maxDepth = 100

// parse returns the syntax tree of a file, or an *Error with the one mistake
// after which nothing can be said about the rest.
func parse(name string, data []byte) (source, *hujson.Value, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	src := newSource(name, data)
	fail := func(offset int, format string, args ...any) (source, *hujson.Value, error) {
		start := src.start(src.line(offset))
		column := 1 + utf8.RuneCount(data[start:offset])
		msg := fmt.Sprintf(format, args...)
		return src, nil, &Error{Mistakes: []Mistake{src.mistake(offset, "", "column %d: %s", column, msg)}}
	}
	if len(data) > maxSize {
		return src, nil, &Error{Mistakes: []Mistake{src.mistake(0, "", "the file is larger than %d bytes", maxSize)}}
	}
	if at := invalidUTF8(data); at >= 0 {
		return fail(at, `the byte '\x%02x' is not UTF-8`, data[at])
	}
	if at := tooDeep(data); at >= 0 {
		return fail(at, "nested more than %d levels deep", maxDepth)
	}
	// A line comment may end with the file; hujson wants its newline.
	root, err := hujson.Parse(append(data[:len(data):len(data)], '\n'))
	if err != nil {
		at, msg := syntaxMistake(src, data, err)
		return fail(at, "%s", msg)
	}
	return src, &root, nil
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// tooDeep returns the offset of the bracket that opens one level too many, or
// -1. In a text with syntax errors it counts right up to the first of them.
func tooDeep(data []byte) int {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			if depth++; depth > maxDepth {
				return i
			}
		case '}', ']':
			depth--
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case '/':
			i = endOfComment(data, i)
		}
	}
	return -1
}

// endOfComment returns the offset of the last byte of the comment that starts
// at i, or i where none does.
func endOfComment(data []byte, i int) int {
	end := ""
	switch {
	case bytes.HasPrefix(data[i:], []byte("//")):
		end = "\n"
	case bytes.HasPrefix(data[i:], []byte("/*")):
		end = "*/"
	default:
		return i
	}
	n := bytes.Index(data[i+2:], []byte(end))
	if n < 0 {
		return len(data)
	}
	return i + 2 + n + len(end) - 1
}

// expectations are what was expected, by hujson's words for where it failed.
var expectations = []struct{ where, expected string }{
	{"after top-level value", "the end of the file"},
	{"start of object name", "a key in double quotes"},
	{"after object name", "':'"},
	{"object after name", "':'"},
	{"object after value", "',' or '}'"},
	{"after object value", "',' or '}'"},
	{"array after value", "',' or ']'"},
	{"after array value", "',' or ']'"},
	{"parsing string", "the string's closing quote"},
	{"parsing comment", "the comment's closing */"},
	{"in line comment", "no such line separator in a comment"},
	{"value", "a value, or a key in double quotes"}, // parsing, at start of
}

// syntaxMistake returns where and what the mistake is that hujson found.
func syntaxMistake(src source, data []byte, err error) (offset int, msg string) {
	var line, column int
	if _, serr := fmt.Sscanf(err.Error(), "hujson: line %d, column %d:", &line, &column); serr != nil {
		return 0, err.Error()
	}
	cause := errors.Unwrap(err)
	if errors.Is(cause, io.ErrUnexpectedEOF) {
		end := len(bytes.TrimRight(data, " \t\r\n"))
		return end, "the file ends here: expected " + expected(cause)
	}
	offset = src.start(line) + column - 1
	if literal, ok := strings.CutPrefix(cause.Error(), "invalid literal: "); ok {
		return offset, badLiteral(literal)
	}
	r, _ := utf8.DecodeRune(data[offset:])
	return offset, fmt.Sprintf("expected %s, found %q", expected(cause), r)
}

func expected(cause error) string {
	for _, e := range expectations {
		if strings.Contains(cause.Error(), e.where) {
			return e.expected
		}
	}
	return "JSON"
}

func badLiteral(literal string) string {
	if literal[0] == '"' {
		return fmt.Sprintf("the string %s holds a line break, a control character or a bad escape", quote(literal[1:len(literal)-1]))
	}
	return fmt.Sprintf("expected a value, or a key in double quotes, found %.40s", literal)
}
