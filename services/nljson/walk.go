package nljson

import (
	"fmt"

	"lapps/protocol/rpc"

	lua "github.com/yuin/gopher-lua"
)

// Limits of what stays in the instance; CBOR has rpc's.
const (
	// maxItems is how many items a value has at most, counted as
	// rpc.MaxItems is.
	maxItems = 1 << 22

	// maxText is how many bytes all strings and keys of a value have at most,
	// and how long JSON text may get: one string may be in a tree a million
	// times. It is what string.rep makes at most.
	maxText = 64 << 20
)

var (
	errDepth = fmt.Errorf("nested more than %d levels deep (does it contain itself?)", rpc.MaxDepth)
	errText  = fmt.Errorf("more than %d bytes of text", maxText)
)

func errItems(n int) error { return fmt.Errorf("more than %d items", n) }

// A source tells a Builder what a tree or a Lua value holds. It belongs to one
// Lib, which uses it again and again; nothing is called back while it is at
// work.
type source struct {
	lib      *Lib
	b        rpc.Builder
	splice   *treeBuilder // b, if that takes trees as they are
	shares   shares       // which of them
	maxItems int

	depth, items, text int
	weight             int      // of what is frozen and shared, in bytes
	keys               []string // a stack: of the tables being told, see shape
}

// keepKeys is the length of a stack of keys that is kept for the next time.
const keepKeys = 1 << 10

// tell tells b what v holds, whatever it is. A tree is spliced into one that
// is being built, and not walked: see shares. After an error b has heard a part only.
func (l *Lib) tell(v lua.LValue, b rpc.Builder, maxItems int) error {
	s := l.begin(b, maxItems)
	err := s.lua(v)
	s.reset()
	return err
}

// begin makes the source ready to tell b.
func (l *Lib) begin(b rpc.Builder, maxItems int) *source {
	s := &l.source
	*s = source{lib: l, b: b, maxItems: maxItems, keys: s.keys}
	s.splice, _ = b.(*treeBuilder)
	return s
}

// reset keeps nothing alive.
func (s *source) reset() {
	clear(s.keys)
	s.keys = s.keys[:0]
	if cap(s.keys) > keepKeys {
		s.keys = nil
	}
	s.b, s.splice = nil, nil
}

// begin counts an array or a map, and one level.
func (s *source) begin() error {
	if s.depth++; s.depth > rpc.MaxDepth {
		return errDepth
	}
	return s.item(0)
}

// end goes back up one level.
func (s *source) end() {
	s.depth--
	s.b.End()
}

// item counts an item with so many bytes of text.
func (s *source) item(text int) error {
	if s.items++; s.items > s.maxItems {
		return errItems(s.maxItems)
	}
	if s.text += text; s.text > maxText {
		return errText
	}
	return nil
}

// tree tells what a tree holds.
func (s *source) tree(v value) error {
	switch v := v.(type) {
	case *array:
		if done, err := s.shared(v); done {
			return err
		}
		return s.array(v)
	case *object:
		if done, err := s.shared(v); done {
			return err
		}
		return s.object(v)
	case lua.LString:
		if err := s.item(len(v)); err != nil {
			return err
		}
		s.b.Text(string(v))
		return nil
	case blob:
		if err := s.item(len(v)); err != nil {
			return err
		}
		s.b.Bytes(string(v))
		return nil
	}
	if err := s.item(0); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		s.b.Null()
	case bool:
		s.b.Bool(v)
	case int64:
		s.b.Int(v)
	case uint64:
		s.b.Uint(v)
	case float64:
		s.b.Float(v)
	}
	return nil
}

func (s *source) array(a *array) error {
	if err := s.begin(); err != nil {
		return err
	}
	s.b.Array(len(a.elems))
	for _, v := range a.elems {
		if err := s.tree(v); err != nil {
			return err
		}
	}
	s.end()
	return nil
}

func (s *source) object(o *object) error {
	if err := s.begin(); err != nil {
		return err
	}
	s.b.Map(o.len())
	for _, m := range o.few {
		if err := s.member(m.key, m.v); err != nil {
			return err
		}
	}
	if o.many != nil {
		for _, k := range o.keys() {
			if err := s.member(k, o.many[k]); err != nil {
				return err
			}
		}
	}
	s.end()
	return nil
}

func (s *source) member(key string, v value) error {
	if err := s.key(key); err != nil {
		return err
	}
	return s.tree(v)
}

func (s *source) key(key string) error {
	if err := s.item(len(key)); err != nil {
		return err
	}
	s.b.Key(key)
	return nil
}
