package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"
)

// MarshalNative returns c as the text of a file: indented, the keys in the
// schema's order, and only what differs from the defaults. c must be checked,
// as all of Load, Parse and LoadLAppS return it; Parse makes the same of the
// text, and what would be too large for it is an error. The paths are
// absolute, so that the file may be anywhere. The slice belongs to the caller.
func (c *Config) MarshalNative() ([]byte, error) {
	native := c.clone()
	for _, p := range native.places() {
		dir, err := filepath.Abs(*p.path)
		if err != nil {
			return nil, fmt.Errorf("config: %s: %w", p.key, err)
		}
		if !filepath.IsAbs(*p.path) {
			*p.path = dir
		}
		if !utf8.ValidString(*p.path) {
			return nil, fmt.Errorf("config: %s: JSON has no way to write the path %q, which is not UTF-8", p.key, *p.path)
		}
	}
	for name, s := range native.Services {
		if s.RequestTarget == defaultTarget(name) {
			s.RequestTarget = ""
			native.Services[name] = s
		}
	}
	var all bytes.Buffer
	e := json.NewEncoder(&all)
	e.SetEscapeHTML(false)
	if err := e.Encode(native); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, appendChanged(nil, schema(), all.Bytes()), "", "  "); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	text.WriteByte('\n')
	if text.Len() > maxSize {
		return nil, fmt.Errorf("config: the file would be larger than %d bytes", maxSize)
	}
	return text.Bytes(), nil
}

// appendChanged appends the JSON value, which s describes, to dst: of objects
// the members that are not at their defaults.
func appendChanged(dst []byte, s *jsonschema.Schema, value json.RawMessage) []byte {
	switch {
	case s.Type == "array" && s.Items.Type == "object":
		return appendElements(dst, s.Items, value)
	case s.Type != "object":
		return append(dst, value...)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(value, &members); err != nil {
		panic(fmt.Sprintf("config: %v", err)) // it comes of Marshal
	}
	keys := s.PropertyOrder
	if isMap(s) {
		keys = slices.Sorted(maps.Keys(members))
	}
	start := len(dst)
	for _, key := range keys {
		p := s.Properties[key]
		if isMap(s) {
			p = s.AdditionalProperties
		}
		if !isMap(s) && isDefault(p, members[key]) {
			continue
		}
		name, _ := json.Marshal(key)
		dst = append(dst, ',')
		dst = append(dst, name...)
		dst = append(dst, ':')
		dst = appendChanged(dst, p, members[key])
	}
	if len(dst) == start {
		dst = append(dst, '{')
	}
	dst[start] = '{'
	return append(dst, '}')
}

// appendElements appends the JSON list of values, which s describes, to dst.
func appendElements(dst []byte, s *jsonschema.Schema, list json.RawMessage) []byte {
	var elements []json.RawMessage
	if err := json.Unmarshal(list, &elements); err != nil {
		panic(fmt.Sprintf("config: %v", err)) // it comes of Marshal
	}
	dst = append(dst, '[')
	for i, element := range elements {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendChanged(dst, s, element)
	}
	return append(dst, ']')
}

// isDefault reports whether a property need not be written: it has its
// default, or none and is empty, or is an object of such.
func isDefault(s *jsonschema.Schema, value json.RawMessage) bool {
	switch {
	case value == nil:
		return true
	case s.Properties != nil:
		return bytes.Equal(appendChanged(nil, s, value), []byte("{}"))
	case s.Default == nil:
		return string(value) == `""`
	}
	return bytes.Equal(value, s.Default)
}
