package luadoc

import (
	"fmt"
	"regexp"
	"strings"
)

// A scanner reads types off the front of a text. It is given an error once and reads no
// further then.
type scanner struct {
	text  string
	pos   int
	depth int
	names []string // of types, as they come
	err   error
}

// maxDepth is how deep types may be within each other.
const maxDepth = 50

var (
	typeName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*`)
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*`)
	literal    = regexp.MustCompile(`^(-?[0-9]+|"[^"]*"|'[^']*')`)
)

func (s *scanner) rest() string { return s.text[s.pos:] }

func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

func (s *scanner) spaces() {
	for s.pos < len(s.text) && s.text[s.pos] == ' ' {
		s.pos++
	}
}

// skip moves on behind what, if that comes next.
func (s *scanner) skip(what string) bool {
	if s.err != nil || !strings.HasPrefix(s.rest(), what) {
		return false
	}
	s.pos += len(what)
	return true
}

// accept is skip, with spaces before what.
func (s *scanner) accept(what string) bool {
	was := s.pos
	s.spaces()
	if s.skip(what) {
		return true
	}
	s.pos = was
	return false
}

func (s *scanner) expect(what string) {
	if !s.accept(what) {
		s.fail("%q is expected at %q", what, s.rest())
	}
}

// match moves on behind what re matches, "" where it does not.
func (s *scanner) match(re *regexp.Regexp) string {
	if s.err != nil {
		return ""
	}
	found := re.FindString(s.rest())
	s.pos += len(found)
	return found
}

// typ reads a type and returns it as it is written.
func (s *scanner) typ() string {
	s.spaces()
	begin := s.pos
	if s.depth++; s.depth > maxDepth {
		s.fail("more than %d types within each other", maxDepth)
	}
	defer func() { s.depth-- }()
	for s.err == nil {
		s.primary()
		for s.skip("[]") || s.skip("?") {
		}
		if !s.accept("|") {
			break
		}
		s.spaces()
	}
	return s.text[begin:s.pos]
}

// primary reads one of the types of a union.
func (s *scanner) primary() {
	switch {
	case s.skip("("):
		s.typ()
		s.expect(")")
	case s.skip("{"):
		s.tableType()
	case s.skip("["):
		s.list("]")
	case s.skip("`"):
		s.name()
		s.expect("`")
	case s.skip("..."):
		if typeName.MatchString(s.rest()) {
			s.name()
		}
	case strings.HasPrefix(s.rest(), "fun("), strings.HasPrefix(s.rest(), "async fun("):
		s.skip("async ")
		s.skip("fun")
		s.signature()
	case literal.MatchString(s.rest()):
		s.match(literal)
	default:
		s.name()
		if s.skip("<") {
			s.list(">")
		}
	}
}

// name reads the name of a type.
func (s *scanner) name() {
	name := s.match(typeName)
	if name == "" {
		s.fail("a type is expected at %q", s.rest())
	}
	s.names = append(s.names, name)
}

// list reads types and what closes them.
func (s *scanner) list(closing string) {
	for s.err == nil {
		s.typ()
		if !s.accept(",") {
			s.expect(closing)
			return
		}
	}
}

// tableType reads { name: type, [type]: type }, behind the brace.
func (s *scanner) tableType() {
	for s.err == nil && !s.accept("}") {
		if s.accept("[") {
			s.typ()
			s.expect("]")
		} else if s.spaces(); s.match(identifier) == "" {
			s.fail("the name of a member is expected at %q", s.rest())
		} else {
			s.accept("?")
		}
		s.expect(":")
		s.typ()
		if !s.accept(",") && !s.accept(";") {
			s.expect("}")
			return
		}
	}
}

// signature reads (name: type, ...): type, type.
func (s *scanner) signature() *Signature {
	sig := new(Signature)
	s.expect("(")
	for s.err == nil && !s.accept(")") {
		sig.Params = append(sig.Params, s.param())
		if !s.accept(",") {
			s.expect(")")
			break
		}
	}
	if !s.skip(":") {
		return sig
	}
	for s.err == nil {
		sig.Results = append(sig.Results, s.result())
		if !s.accept(",") {
			break
		}
	}
	return sig
}

// param reads name?: type.
func (s *scanner) param() (p Param) {
	s.spaces()
	if p.Name = s.match(identifier); p.Name == "" {
		s.expect("...")
		p.Name = "..."
	}
	p.Optional = s.skip("?")
	if s.accept(":") {
		p.Type = s.typ()
	}
	return p
}

// result reads a type, or name: type.
func (s *scanner) result() (r Result) {
	s.spaces()
	if name := identifier.FindString(s.rest()); name != "" && strings.HasPrefix(s.rest()[len(name):], ":") {
		s.pos += len(name) + 1
		r.Name = name
	}
	r.Type = s.typ()
	return r
}

// callable is the signature that a type is: only fun(…) is one.
func callable(typ string) (sig *Signature, ok bool) {
	if !strings.HasPrefix(typ, "fun(") {
		return nil, false
	}
	s := scanner{text: typ, pos: len("fun")}
	sig = s.signature()
	return sig, s.err == nil && s.pos == len(typ)
}
