package suite

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// readList reads a JSON list whose elements have a name, and checks each. All
// mistakes are reported, with the file and the line on which their element
// begins; unknown keys are among them.
func readList[T any](file string, text []byte, name func(*T) string, check func(*T) error) ([]T, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	line := func() int {
		at := d.InputOffset()
		for int(at) < len(text) && strings.IndexByte(" \t\r\n,", text[at]) >= 0 {
			at++
		}
		return 1 + bytes.Count(text[:at], []byte("\n"))
	}
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, fmt.Errorf("%s:1: expected a list: [{…}, …]", file)
	}
	var list []T
	var errs []error
	seen := map[string]int{}
	for d.More() {
		at := line()
		var e T
		if err := d.Decode(&e); err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", file, at, decodeError(err)))
			if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
				return nil, errors.Join(errs...)
			}
			continue
		}
		n := name(&e)
		if first, ok := seen[n]; ok {
			errs = append(errs, fmt.Errorf("%s:%d: %s: there is one of this name already (line %d)", file, at, n, first))
		}
		seen[n] = at
		for err := range eachError(check(&e)) {
			errs = append(errs, fmt.Errorf("%s:%d: %s: %w", file, at, n, err))
		}
		list = append(list, e)
	}
	if _, err := d.Token(); err != nil {
		errs = append(errs, fmt.Errorf("%s:%d: expected , or the end of the list", file, line()))
	}
	return list, errors.Join(errs...)
}

// decodeError says in a reader's words what encoding/json found.
func decodeError(err error) error {
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("%s: expected %s, not a %s", wrong.Field, wrong.Type, wrong.Value)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

// eachError yields the errors that were joined.
func eachError(err error) func(func(error) bool) {
	return func(yield func(error) bool) {
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok {
			if err != nil {
				yield(err)
			}
			return
		}
		for _, err := range joined.Unwrap() {
			if !yield(err) {
				return
			}
		}
	}
}

// mistakes collects what is wrong with an element.
type mistakes []error

func (m *mistakes) expect(ok bool, format string, args ...any) {
	if !ok {
		*m = append(*m, fmt.Errorf(format, args...))
	}
}

func (m mistakes) err() error { return errors.Join(m...) }
