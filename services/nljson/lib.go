package nljson

import (
	_ "embed"
	"fmt"
	"io/fs"

	"lapps/protocol/rpc"

	lua "github.com/yuin/gopher-lua"
)

// Types describes the module, see vm.Module.Types.
//
//go:embed types.lua
var Types string

// A Lib is nljson for one instance. Its methods are called with the instance's
// baton held.
type Lib struct {
	files    fs.FS
	state    *lua.LState // the main thread: makes tables
	meta     *lua.LTable // of all userdata
	emptyMap *lua.LTable // of Lua tables that were empty maps
	module   *lua.LTable
	known    known
	maxItems int // of a value that stays in the instance; tests lower it

	// Tools that are used again and again; none is in use while Lua runs.
	source source
	tree   treeBuilder
	json   jsonWriter
	cbor   rpc.Encoder
}

// registered is the key of the Lib in the registry of a Lua state, which Lua cannot
// reach.
const registered = "nljson"

// Of returns what New has made for the instance that L, any of its threads, belongs
// to. Where that was not called it is called, without files.
func Of(L *lua.LState) *Lib {
	if ud, ok := L.G.Registry.RawGetString(registered).(*lua.LUserData); ok {
		if l, ok := ud.Value.(*Lib); ok {
			return l
		}
	}
	return New(L, nil)
}

// New makes nljson for the instance that L, any of its threads, belongs to: once,
// before anybody asks for it by Of. files is what decode_file reads. It decides
// which paths there are, and may be nil; to open what is no regular file it must not block.
func New(L *lua.LState, files fs.FS) *Lib {
	l := &Lib{files: files, state: L.G.MainThread, maxItems: maxItems}
	L.G.Registry.RawSetString(registered, &lua.LUserData{Value: l, Metatable: lua.LNil})
	l.emptyMap = L.CreateTable(0, 1)
	l.emptyMap.RawSetString("__jsontype", lua.LString("object"))
	l.meta = L.CreateTable(0, len(metamethods)+1)
	for _, f := range metamethods {
		l.meta.RawSetString(f.name, f.bind(l, L))
	}
	l.meta.RawSetString("__metatable", lua.LString("nljson"))
	l.module = L.CreateTable(0, len(functions)+1)
	for _, f := range functions {
		l.module.RawSetString(f.name, f.bind(l, L))
	}
	l.module.RawSetString("null", l.wrap(nil))
	return l
}

// Table returns the module.
func (l *Lib) Table() *lua.LTable { return l.module }

// FromCBOR returns the userdata of what p holds, a scalar's, too. p has passed
// rpc.Check.
func (l *Lib) FromCBOR(p string) lua.LValue {
	rpc.Walk(p, &l.tree)
	return l.wrap(l.tree.take())
}

// TableFromCBOR returns what p holds as Lua tables, strings, numbers and
// booleans; null is nil. p has passed rpc.Check. A table made of an empty map,
// or of one with nulls only, has a metatable that makes it an object again.
func (l *Lib) TableFromCBOR(p string) lua.LValue {
	b := tableBuilder{lib: l}
	rpc.Walk(p, &b)
	return b.root
}

// Walk tells b what v holds: a Lua value with userdata of nljson at any depth,
// but of no other library (these are null, as functions are). The error says
// what cannot be told, or that v goes beyond rpc.MaxDepth, rpc.MaxItems or 64
// MiB of text; b has heard a part then. Walk calls no metamethods.
func (l *Lib) Walk(v lua.LValue, b rpc.Builder) error { return l.tell(v, b, rpc.MaxItems) }

// envelope is more items than a message has around what WalkAll tells.
const envelope = 16

// WalkAll is Walk for the values of a message, one after the other, depth arrays
// and maps deep in it: the limits are for all of the message, so that it passes
// rpc.Check.
func (l *Lib) WalkAll(values []lua.LValue, b rpc.Builder, depth int) error {
	s := l.begin(b, rpc.MaxItems-envelope)
	s.depth = depth
	defer s.reset()
	for _, v := range values {
		if err := s.lua(v); err != nil {
			return err
		}
	}
	return nil
}

// build makes a tree of v. What v has of trees becomes part of it.
func (l *Lib) build(v lua.LValue) (value, error) {
	err := l.tell(v, &l.tree, l.maxItems)
	return l.tree.take(), err
}

// text returns v as JSON.
func (l *Lib) text(v lua.LValue, indent int) (string, error) {
	w := &l.json
	w.reset(indent)
	defer w.reset(0)
	err := l.tell(v, w, l.maxItems)
	if err == nil {
		err = w.err
	}
	if err != nil {
		return "", err
	}
	return string(w.buf), nil
}

// A function is one that Lua can call.
type function struct {
	name     string
	min, max int // arguments; max < 0: any number
	call     func(l *Lib, L *lua.LState) int
}

// bind makes a Lua function of f.
func (f function) bind(l *Lib, L *lua.LState) *lua.LFunction {
	return L.NewFunction(func(L *lua.LState) int {
		n := L.GetTop()
		if n < f.min {
			L.ArgError(n+1, "value expected")
		}
		if f.max >= 0 && n > f.max {
			L.ArgError(f.max+1, fmt.Sprintf("no value expected: %s takes at most %d", f.name, f.max))
		}
		return f.call(l, L)
	})
}

// got describes v for an error message.
func got(v lua.LValue) string {
	if x, ok := unwrap(v); ok {
		return "nljson " + typeName(x)
	}
	return v.Type().String()
}

// wrongType raises the error that argument n is not what is wanted.
func wrongType(L *lua.LState, n int, want string) {
	L.ArgError(n, fmt.Sprintf("%s expected, got %s", want, got(L.Get(n))))
}

// stringArg returns argument n, a string and not a number.
func stringArg(L *lua.LState, n int) string {
	s, ok := L.Get(n).(lua.LString)
	if !ok {
		wrongType(L, n, "string")
	}
	return string(s)
}

// valueArg returns argument n, any value of nljson.
func valueArg(L *lua.LState, n int) value {
	v, ok := unwrap(L.Get(n))
	if !ok {
		wrongType(L, n, "nljson value")
	}
	return v
}

// containerArg returns argument n, an object or an array of nljson.
func containerArg(L *lua.LState, n int) value {
	v, _ := unwrap(L.Get(n))
	if _, ok := size(v); !ok {
		wrongType(L, n, "nljson object or array")
	}
	return v
}
