package config

import (
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/tailscale/hujson"
)

// prune takes out of v, which is at path, the keys that have no meaning in s,
// and notes each. What is left can be checked as if there were no others.
func (c *checker) prune(path string, s *jsonschema.Schema, v *hujson.Value) {
	o, ok := v.Value.(*hujson.Object)
	if !ok || s.Type != "object" {
		return
	}
	o.Members = slices.DeleteFunc(o.Members, func(m hujson.ObjectMember) bool {
		key := nameOf(&m)
		at, here := m.Name.StartOffset, join(path, key)
		switch p := s.Properties[key]; {
		case isMap(s):
			c.prune(here, s.AdditionalProperties, &m.Value)
			return false
		case p == nil:
			c.unknownKey(at, here, key, s.PropertyOrder)
			return true
		case p.Type == "": // of type meaningless
			c.note(at, here, "%s", p.Description)
			return true
		default:
			c.prune(here, p, &m.Value)
			return false
		}
	})
}

// unknownKey notes a key that LAppS does not know either.
func (c *checker) unknownKey(offset int, path, key string, known []string) {
	if c.noted() {
		return // spares the search
	}
	if k := nearest(key, known); k != "" {
		c.note(offset, path, "unknown key, ignored; did you mean %q?", k)
		return
	}
	c.note(offset, path, "unknown key, ignored")
}
