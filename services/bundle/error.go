package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// An Error says which rule an archive breaks, and where. Other errors of this package
// are of the system: an archive that could not be read, a file that could not be written.
type Error struct {
	Archive string // its name, as it was given
	Entry   string // the name of the file or directory, as the archive has it; "" where all of it is meant
	Rule    string // what is wrong, such as "is a symbolic link"; completes "ARCHIVE: ENTRY:"
	Err     error  // what the decoder said; nil where it is not that
}

// Error is one line, whatever the archive's names are.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("bundle: " + e.Archive + ": ")
	if e.Entry != "" {
		b.WriteString(quote(e.Entry) + ": ")
	}
	b.WriteString(e.Rule)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns what the decoder said.
func (e *Error) Unwrap() error { return e.Err }

// maxQuoted is how much of a name stands in a message: some formats have room for 64 kB.
const maxQuoted = 120

// quote is a name as it may stand in a message.
func quote(name string) string {
	if len(name) > maxQuoted {
		return strconv.Quote(name[:maxQuoted]) + "…"
	}
	return strconv.Quote(name)
}

// refuse is the error for an entry, or, where that is "", for the whole archive.
func (a *Archive) refuse(entry, format string, args ...any) error {
	return &Error{Archive: a.name, Entry: entry, Rule: fmt.Sprintf(format, args...)}
}

// damaged is the error for what a decoder could not read. What comes from below the
// decoder, a breach found there or an error of the system, is that.
func (a *Archive) damaged(entry string, err error) error {
	var breach *Error
	var system *fs.PathError
	switch {
	case errors.As(err, &breach):
		return breach
	case errors.As(err, &system):
		return a.failed(err)
	}
	return &Error{Archive: a.name, Entry: entry, Rule: "is damaged", Err: err}
}

// failed is an error of the system.
func (a *Archive) failed(err error) error { return fmt.Errorf("bundle: %s: %w", a.name, err) }
