package vm

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	lua "github.com/yuin/gopher-lua"
)

// maxName is how long the name of a module may be.
const maxName = 1024

// require returns a module: what a file of the service's directory returns, one of
// Config.Modules, or what a file of the search path returns, in this order. "a.b" is
// a/b.lua or a/b/init.lua. It is loaded once per instance and kept in package.loaded.
// A file that requires its own name gets the module of Config.Modules whose place it takes.
func require(L *lua.LState) int {
	in, name := Of(L), L.CheckString(1)
	if len(name) > maxName {
		L.ArgError(1, "name too long")
	}
	if v := in.loaded.RawGetString(name); lua.LVAsBool(v) {
		L.Push(v)
		return 1
	}
	e := in.running
	if i := slices.Index(e.requiring, name); i >= 0 {
		if m := in.module(name); m != nil && i == len(e.requiring)-1 { // its file adds to it
			L.Push(m.Open(in, L))
			return 1
		}
		chain := strings.Join(append(slices.Clone(e.requiring[i:]), name), " -> ")
		L.RaiseError("modules require each other: %s", chain)
	}
	n := len(e.requiring)
	e.requiring = append(e.requiring, name)
	defer func() { e.requiring = e.requiring[:n] }()
	v := in.open(L, name)

	// The module may have put itself there; so may a handler that required
	// it while this one was blocked. All get the same.
	if kept := in.loaded.RawGetString(name); lua.LVAsBool(kept) {
		v = kept
	} else if v == lua.LNil {
		v = lua.LTrue
	}
	in.loaded.RawSetString(name, v)
	L.Push(v)
	return 1
}

// Preload makes the module of Config.Modules of that name a global, as Provide does. It
// must be called from Config.Globals.
func (in *Instance) Preload(L *lua.LState, name string) {
	m := in.module(name)
	if m == nil {
		L.RaiseError("no module '%s' in the server", name)
	}
	v := in.loaded.RawGetString(name)
	if v == lua.LNil {
		v = m.Open(in, L)
	}
	in.Provide(L, name, v)
}

// Provide makes v a global, which require then gives, too, whatever files there are. It
// must be called from Config.Globals.
func (in *Instance) Provide(L *lua.LState, name string, v lua.LValue) {
	in.loaded.RawSetString(name, v)
	L.SetGlobal(name, v)
}

// module returns the one of Config.Modules of that name, or nil.
func (in *Instance) module(name string) *Module {
	i := slices.IndexFunc(in.config.Modules, func(m Module) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return &in.config.Modules[i]
}

// open makes the value of a module.
func (in *Instance) open(L *lua.LState, name string) lua.LValue {
	stem := strings.ReplaceAll(name, ".", "/")
	p := in.config.Program
	proto, tried := in.find(L, name, p.ownCandidates(stem))
	if m := in.module(name); m != nil && (proto == nil || name == in.config.Service) {
		return m.Open(in, L) // the file of the service's name is not a module of its own
	}
	if proto == nil {
		var more []string
		proto, more = in.find(L, name, p.pathCandidates(stem))
		tried = append(tried, more...)
	}
	if proto == nil {
		L.RaiseError("module '%s' not found:\n\tno module '%s' in the server\n\t%s", name, name, strings.Join(tried, "\n\t"))
	}
	L.Push(L.NewFunctionFromProto(proto))
	L.Push(lua.LString(name))
	L.Call(1, 1)
	v := L.Get(-1)
	L.Pop(1)
	return v
}

// find compiles the first file there is among candidates, or says of each why it
// is not there.
func (in *Instance) find(L *lua.LState, name string, candidates []candidate) (proto *lua.FunctionProto, tried []string) {
	for _, c := range candidates {
		proto, why := in.try(L, name, c.place, c.file)
		if proto != nil {
			return proto, nil
		}
		tried = append(tried, why)
	}
	return nil, tried
}

// try compiles the file of a module, or says why there is none. One that is no good
// is an error.
func (in *Instance) try(L *lua.LState, name string, place *Place, file string) (proto *lua.FunctionProto, why string) {
	if !fs.ValidPath(file) || strings.ContainsAny(file, "\\\x00") {
		return nil, "'" + file + "' is no path within the service's directory"
	}
	proto, err := in.config.Program.file(place, file)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, errDirectory):
		return nil, "no file '" + place.name(file) + "'"
	case err != nil:
		L.RaiseError("error loading module '%s': %s", name, err.Error())
	}
	return proto, ""
}

// loadString is Lua 5.1's: text only.
func loadString(L *lua.LState) int {
	return loadText(L, L.CheckString(1), L.OptString(2, "<string>"))
}

// load takes a function that returns pieces of text, as Lua 5.1's does, or
// text, and an environment, as Lua 5.2's and LuaJIT's do:
// load(chunk [, name [, mode [, env]]]).
func load(L *lua.LState) int {
	name := L.OptString(2, "<load>")
	if mode := L.OptString(3, "bt"); !strings.Contains(mode, "t") {
		L.ArgError(3, "only text can be loaded")
	}
	env := L.OptTable(4, nil)
	var text string
	if s, ok := L.Get(1).(lua.LString); ok {
		text = string(s)
	} else if s, why := readAll(L, L.CheckFunction(1)); why == "" {
		text = s
	} else {
		L.Push(lua.LNil)
		L.Push(lua.LString(why))
		return 2
	}
	n := loadText(L, text, name)
	if fn, ok := L.Get(-n).(*lua.LFunction); ok && env != nil {
		fn.Env = env
	}
	return n
}

// readAll puts together what reader returns until it returns nil, nothing or
// an empty string.
func readAll(L *lua.LState, reader *lua.LFunction) (text, why string) {
	var b strings.Builder
	for b.Len() <= maxSource {
		L.Push(reader)
		L.Call(0, 1)
		v := L.Get(-1)
		L.Pop(1)
		if v == lua.LNil || v == lua.LString("") {
			break
		}
		if !lua.LVCanConvToString(v) {
			return "", "reader function must return a string"
		}
		b.WriteString(v.String())
	}
	return b.String(), ""
}

func loadText(L *lua.LState, text, name string) int {
	fail(L, Of(L).spend(4*len(text)))
	proto, err := compile(chunkName(name), text)
	if err != nil {
		L.Push(lua.LNil)
		L.Push(lua.LString(err.Message))
		return 2
	}
	L.Push(L.NewFunctionFromProto(proto))
	return 1
}

// chunkName is what messages call a chunk. Its name may be its text.
func chunkName(name string) string {
	name, rest, _ := strings.Cut(strings.TrimLeft(name, "=@"), "\n")
	if len(name) > maxWord {
		return name[:maxWord] + "..."
	} else if rest != "" {
		return name + "..."
	}
	return name
}
