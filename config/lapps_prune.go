package config

import (
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/tailscale/hujson"
)

// prune takes out of v, which is at path, the keys that have no meaning in s,
// and notes each. What is left can be checked as if there were no others. The native
// schema of the same place, nil where there is none, tells which keys would have a
// meaning there.
func (c *checker) prune(path string, s, native *jsonschema.Schema, v *hujson.Value) {
	o, ok := v.Value.(*hujson.Object)
	if !ok || s.Type != "object" {
		return
	}
	if native == nil {
		native = &jsonschema.Schema{}
	}
	o.Members = slices.DeleteFunc(o.Members, func(m hujson.ObjectMember) bool {
		key := nameOf(&m)
		at, here := m.Name.StartOffset, join(path, key)
		switch p := s.Properties[key]; {
		case isMap(s):
			c.prune(here, s.AdditionalProperties, native.AdditionalProperties, &m.Value)
			return false
		case p == nil:
			c.unknownKey(at, here, key, s.PropertyOrder, native)
			return true
		case p.Type == "": // of type meaningless
			c.note(at, here, "%s", p.Description)
			return true
		default:
			c.prune(here, p, native.Properties[key], &m.Value)
			return false
		}
	})
}

// unknownKey notes a key that LAppS does not know either. One that is of the native form, or is
// nearly, tells that form.
func (c *checker) unknownKey(offset int, path, key string, known []string, native *jsonschema.Schema) {
	if c.noted() {
		c.native = c.native || native.Properties[key] != nil
		return // spares the search
	}
	k := nearest(key, known)
	switch {
	case native.Properties[key] != nil:
		c.native = true
		c.note(offset, path, "unknown key of LAppS, ignored; the native form has it, which lapps import writes")
	case k != "":
		c.note(offset, path, "unknown key, ignored; did you mean %q?", k)
	default:
		c.native = c.native || nearest(key, native.PropertyOrder) != ""
		c.note(offset, path, "unknown key, ignored")
	}
}
