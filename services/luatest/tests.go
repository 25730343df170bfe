package luatest

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// A suite is what a file has declared. Its functions are called while the file is
// run, and at no other time.
type suite struct {
	root, current *group
	all           []*spec
	uses          []string // services, besides the one that is tested
	closed        bool     // the file has been run
}

// A group is a describe, or all of the file.
type group struct {
	above         *group // nil: the file
	name          string
	before, after []lua.LValue
}

// A spec is an it.
type spec struct {
	name  string // with those of its groups: "rooms/tells others"
	group *group
	fn    lua.LValue
}

func newSuite() *suite {
	root := &group{}
	return &suite{root: root, current: root}
}

func (g *group) path(name string) string {
	if g.above == nil {
		return name
	}
	return g.above.path(g.name + "/" + name)
}

// befores are what is to be called before a test of g, the outermost first.
func (g *group) befores() []lua.LValue {
	if g == nil {
		return nil
	}
	return append(g.above.befores(), g.before...)
}

// afters are what is to be called behind it, the innermost first.
func (g *group) afters() []lua.LValue {
	if g == nil {
		return nil
	}
	return append(append([]lua.LValue(nil), g.after...), g.above.afters()...)
}

func (s *suite) globals(L *lua.LState) {
	for name, fn := range map[string]lua.LGFunction{
		"describe":    s.describe,
		"it":          s.it,
		"before_each": s.beforeEach,
		"after_each":  s.afterEach,
		"uses":        s.use,
	} {
		L.SetGlobal(name, L.NewFunction(func(L *lua.LState) int {
			if s.closed {
				L.RaiseError("%s is for the file, not for a test: it is too late", name)
			}
			return fn(L)
		}))
	}
}

func (s *suite) describe(L *lua.LState) int {
	name, fn := L.CheckString(1), L.CheckFunction(2)
	was := s.current
	s.current = &group{above: was, name: name}
	defer func() { s.current = was }()
	L.Push(fn)
	L.Call(0, 0)
	return 0
}

func (s *suite) it(L *lua.LState) int {
	name := strings.ReplaceAll(L.CheckString(1), "\n", " ")
	s.all = append(s.all, &spec{name: s.current.path(name), group: s.current, fn: L.CheckFunction(2)})
	return 0
}

func (s *suite) beforeEach(L *lua.LState) int {
	s.current.before = append(s.current.before, L.CheckFunction(1))
	return 0
}

func (s *suite) afterEach(L *lua.LState) int {
	s.current.after = append(s.current.after, L.CheckFunction(1))
	return 0
}

func (s *suite) use(L *lua.LState) int {
	for i := 1; i <= L.GetTop(); i++ {
		s.uses = append(s.uses, L.CheckString(i))
	}
	return 0
}
