package config

import (
	"cmp"
	"slices"
)

// A Notice is a key or a value of LAppS's configuration that has no meaning
// here, or another one than there; or what lapps check finds odd. It has the form
// of a Mistake, but stands in nobody's way.
type Notice Mistake

// String returns "file:line: path: message", in one line, without a path
// where it is "".
func (n Notice) String() string { return Mistake(n).String() }

// note gathers a notice. There are no more of a file than mistakes.
func (c *checker) note(offset int, path, format string, args ...any) {
	switch {
	case c.noted():
		return
	case len(c.notices) == maxMistakes-1:
		path, format, args = "", "too many notices, the others are not listed", nil
	}
	c.notices = append(c.notices, Notice(c.mistake(offset, path, format, args...)))
}

// noteIgnored gathers a notice of what would be a mistake in the native form.
func (c *checker) noteIgnored(offset int, path, format string, args ...any) {
	c.note(offset, path, format+"; it is ignored", args...)
}

// noted reports whether looking for more notices is idle.
func (c *checker) noted() bool { return len(c.notices) == maxMistakes }

// sortedNotices returns what was gathered, in order of lines.
func (c *checker) sortedNotices() []Notice {
	slices.SortStableFunc(c.notices, func(a, b Notice) int { return cmp.Compare(a.Line, b.Line) })
	return c.notices
}
