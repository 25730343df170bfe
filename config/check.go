package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/tailscale/hujson"
)

// A checker walks a syntax tree with the schema and gathers the mistakes. It
// knows the keywords that schema.go uses and no others; a test holds it
// against a validator that knows them all.
type checker struct {
	source
	mistakes []Mistake
	notices  []Notice // only LAppS's files have them
	native   bool     // one of LAppS's has a key that only the native form has
}

// A report notes what there is to say about the value at offset: a mistake
// (checker.add) or a notice (checker.note).
type report func(offset int, path, format string, args ...any)

// add notes a mistake.
func (c *checker) add(offset int, path, format string, args ...any) {
	switch {
	case c.full():
		return
	case len(c.mistakes) == maxMistakes-1:
		path, format, args = "", "too many mistakes, the others are not listed", nil
	}
	c.mistakes = append(c.mistakes, c.mistake(offset, path, format, args...))
}

// full reports whether looking for more mistakes is idle.
func (c *checker) full() bool { return len(c.mistakes) == maxMistakes }

// err returns what was gathered, in order of lines, or nil.
func (c *checker) err() error {
	if len(c.mistakes) == 0 {
		return nil
	}
	slices.SortStableFunc(c.mistakes, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return &Error{Mistakes: c.mistakes}
}

// value checks v, which is at path, against s.
func (c *checker) value(path string, s *jsonschema.Schema, v *hujson.Value) {
	if kind := kindOf(v); kind != s.Type {
		c.add(v.StartOffset, path, "must be %s, not %s", kinds[s.Type], show(v))
		return
	}
	switch x := v.Value.(type) {
	case *hujson.Object:
		c.object(path, s, v.StartOffset, x)
	case *hujson.Array:
		for i := 0; i < len(x.Elements) && !c.full(); i++ {
			c.value(fmt.Sprintf("%s[%d]", path, i), s.Items, &x.Elements[i])
		}
		if s.UniqueItems {
			c.repeated(path, x, c.add)
		}
	case hujson.Literal:
		mis := ""
		switch s.Type {
		case "integer":
			mis = integerMistake(s, string(x))
		case "string":
			mis = stringMistake(s, x.String())
		}
		if mis != "" {
			c.add(v.StartOffset, path, "%s", mis)
		}
	}
}

// kinds are JSON Schema's types in words.
var kinds = map[string]string{
	"object":  "an object",
	"array":   "a list",
	"string":  "a string",
	"integer": "a whole number",
	"boolean": "true or false",
}

// kindOf returns JSON Schema's type of v; every number is an "integer" here.
func kindOf(v *hujson.Value) string {
	switch v.Value.Kind() {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case '0':
		return "integer"
	case 't', 'f':
		return "boolean"
	}
	return "null"
}

// show returns v for a message: what it is, or what it says if that is short.
func show(v *hujson.Value) string {
	lit, ok := v.Value.(hujson.Literal)
	switch {
	case !ok:
		return kinds[kindOf(v)]
	case lit.Kind() == '"':
		return quote(lit.String())
	}
	return fmt.Sprintf("%.40s", string(lit))
}

// object checks the members of o, whose brace is at offset, against s.
func (c *checker) object(path string, s *jsonschema.Schema, offset int, o *hujson.Object) {
	lines := make(map[string]int, len(o.Members)) // where each key was first given
	for i := 0; i < len(o.Members) && !c.full(); i++ {
		m := &o.Members[i]
		key := nameOf(m)
		at, here := m.Name.StartOffset, join(path, key)
		if first, twice := lines[key]; twice {
			c.add(at, here, "is given twice, first in line %d", first)
			continue
		}
		lines[key] = c.line(at)
		switch p := s.Properties[key]; {
		case p != nil:
			c.value(here, p, &m.Value)
		case isMap(s):
			if mis := stringMistake(s.PropertyNames, key); mis != "" {
				c.add(at, here, "the name %s", mis)
			}
			c.value(here, s.AdditionalProperties, &m.Value)
		default:
			c.add(at, here, "unknown key%s", knownKeys(key, s.PropertyOrder))
		}
	}
	for _, key := range s.Required {
		if lines[key] == 0 {
			c.add(offset, join(path, key), "is missing")
		}
	}
}

// repeated reports the strings of a list that are in it already.
func (c *checker) repeated(path string, list *hujson.Array, report report) {
	lines := make(map[string]int, len(list.Elements)) // where each was first given
	for i := range list.Elements {
		v := &list.Elements[i]
		s, ok := text(v)
		if !ok {
			continue
		}
		if first := lines[s]; first > 0 {
			report(v.StartOffset, fmt.Sprintf("%s[%d]", path, i), "%s is given twice, first in line %d", quote(s), first)
			continue
		}
		lines[s] = c.line(v.StartOffset)
	}
}

// integerMistake returns what is wrong with a number, or "". To JSON Schema
// 5.0 is an integer; here it is refused as encoding/json will refuse it.
func integerMistake(s *jsonschema.Schema, digits string) string {
	if strings.ContainsAny(digits, ".eE") {
		return fmt.Sprintf("must be a whole number without fraction and exponent, not %.40s", digits)
	}
	n, err := strconv.ParseInt(digits, 10, 64) // fails only where it is too large
	low, high := int64(*s.Minimum), int64(*s.Maximum)
	if err != nil || n < low || n > high {
		return fmt.Sprintf("must be between %d and %d, not %.40s", low, high, digits)
	}
	return ""
}

// stringMistake returns what is wrong with a string, or "".
func stringMistake(s *jsonschema.Schema, text string) string {
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, any(text)) {
		words := make([]string, len(s.Enum))
		for i, word := range s.Enum {
			words[i] = strconv.Quote(word.(string))
		}
		last := len(words) - 1
		return fmt.Sprintf("must be %s or %s, not %s", strings.Join(words[:last], ", "), words[last], quote(text))
	}
	if f := formats[s.Pattern]; f != nil {
		return f.mistake(text)
	}
	return ""
}

// join returns the path of the member key of the object at path.
func join(path, key string) string {
	plain := key != "" && len(key) <= 64 && !strings.ContainsFunc(key, func(r rune) bool {
		return r != '_' && r != '-' && r != '$' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	switch {
	case !plain:
		return path + "[" + quote(key) + "]"
	case path == "":
		return key
	}
	return path + "." + key
}
