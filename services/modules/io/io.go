// Package io is Lua's library io, as far as files go, and what the library os has of
// files and the environment. All of it needs grants (package services/grants); what is not granted is
// an error that names the grant.
//
//	io.open(path [, mode])      a file; or nil, why not, and the system's number of the error
//	io.lines(path)              an iterator over lines; it closes the file at its end
//	io.type(v)                  "file", "closed file" or nil
//	io.close(f)                 is f:close()
//	f:read(…)                   "*l", "*a", "*n", or a number of bytes
//	f:lines()  f:write(…)  f:seek([whence [, offset]])  f:flush()  f:close()
//	os.remove(path)  os.rename(from, to)  os.getenv(name)
//
// A handler that reads or writes gives the baton away: a slow disk stops nobody else. Two that use
// one file take turns, and four of an instance are with the system at a time. What is written is handed to the system at once. An instance
// has at most 256 files open; those it leaves open are closed when they are garbage,
// and when it ends.
package io

import (
	"context"
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"regexp"
	"runtime"
	"sync"
	"syscall"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/grants"
	"lapps/services/vm"
)

const (
	// maxOpen is how many files of an instance are open at a time.
	maxOpen = 256

	// maxAtOnce is how much one call reads or writes, in bytes.
	maxAtOnce = 64 << 20

	// maxBusy is how many calls of an instance are with the system, or have brought from
	// there what Lua has not got yet. Each takes a thread, and there are no more of
	// those than some thousands; and what they bring nobody has counted.
	maxBusy = 4
)

//go:embed types.lua
var types string

// Module is the library, for any number of instances of a service with these grants;
// nil are none.
func Module(g *grants.Grants) vm.Module {
	return vm.Module{Name: "io", Types: types, Open: func(in *vm.Instance, L *lua.LState) lua.LValue { return open(g, in, L) }}
}

// A library is that of an instance.
type library struct {
	// Immutable.
	grants *grants.Grants
	meta   *lua.LTable // of files
	busy   chan struct{}

	mu    sync.Mutex // guards the fields below
	count int        // files that are open, or about to be
	files map[*os.File]struct{}
	ended bool
}

func open(g *grants.Grants, in *vm.Instance, L *lua.LState) lua.LValue {
	lib := &library{grants: g, busy: make(chan struct{}, maxBusy), files: make(map[*os.File]struct{}), meta: L.CreateTable(0, 3)}
	lib.meta.RawSetString("__index", L.SetFuncs(L.CreateTable(0, 6), map[string]lua.LGFunction{
		"read": read, "lines": lines, "write": write, "seek": seek, "flush": flush, "close": closeFile,
	}))
	lib.meta.RawSetString("__tostring", L.NewFunction(describe))
	lib.meta.RawSetString("__metatable", lua.LFalse)
	if table, ok := L.GetGlobal("os").(*lua.LTable); ok {
		L.SetFuncs(table, map[string]lua.LGFunction{"remove": lib.remove, "rename": lib.rename, "getenv": lib.getenv})
	}
	context.AfterFunc(in.Context(), lib.end)
	return L.SetFuncs(L.CreateTable(0, 4), map[string]lua.LGFunction{
		"open": lib.open, "lines": lib.lines, "type": typeOf, "close": closeFile,
	})
}

// block has do called, while others of the instance go on. The error is that of do,
// or vm.ErrCancelled.
func (lib *library) block(L *lua.LState, do func() error) (err error) {
	got := false
	defer func() {
		if got {
			<-lib.busy
		}
	}()
	vm.Block(L, func(ctx context.Context) {
		select {
		case lib.busy <- struct{}{}:
			got = true
			err = do()
		case <-ctx.Done():
			err = vm.ErrCancelled
		}
	})
	return err
}

// end closes all files: the instance is over, or what runs of it is interrupted.
func (lib *library) end() {
	lib.mu.Lock()
	defer lib.mu.Unlock()
	lib.ended = true
	for f := range lib.files {
		_ = f.Close() // whoever writes has been told of errors by write
	}
	clear(lib.files)
}

var (
	errTooMany = errors.New("too many open files: an instance has at most 256; close those that are not needed")

	modes = regexp.MustCompile(`^[rwa]\+?b?$`)
)

// openFile opens a file. It may block.
func (lib *library) openFile(name string, flag int) (*file, error) {
	lib.mu.Lock()
	full := lib.count >= maxOpen
	if !full {
		lib.count++
	}
	lib.mu.Unlock()
	if full {
		return nil, errTooMany
	}
	f, err := lib.grants.Open(name, flag)
	lib.mu.Lock()
	defer lib.mu.Unlock()
	switch {
	case err != nil:
		lib.count--
		return nil, err
	case lib.ended:
		return nil, errors.Join(vm.ErrCancelled, f.Close())
	}
	lib.files[f] = struct{}{}
	opened := newFile(lib, name, f)
	runtime.AddCleanup(opened, lib.forget, f)
	return opened, nil
}

// forget closes a file that is garbage, unless it has been closed.
func (lib *library) forget(f *os.File) { _ = lib.close(f) }

func (lib *library) close(f *os.File) error {
	lib.mu.Lock()
	_, isOpen := lib.files[f]
	if isOpen {
		delete(lib.files, f)
		lib.count--
	}
	lib.mu.Unlock()
	if !isOpen {
		return fs.ErrClosed
	}
	return f.Close()
}

// flags are what a mode of Lua's means.
func flags(mode string) int {
	flag := map[byte]int{'r': 0, 'w': os.O_CREATE | os.O_TRUNC, 'a': os.O_CREATE | os.O_APPEND}[mode[0]]
	switch {
	case len(mode) > 1 && mode[1] == '+':
		return flag | os.O_RDWR
	case mode[0] == 'r':
		return flag | os.O_RDONLY
	}
	return flag | os.O_WRONLY
}

// open is io.open.
func (lib *library) open(L *lua.LState) int {
	name, mode := L.CheckString(1), L.OptString(2, "r")
	if !modes.MatchString(mode) {
		L.ArgError(2, "mode must be r, w, a, r+, w+ or a+, and a b may follow")
	}
	var f *file
	err := lib.block(L, func() (err error) { f, err = lib.openFile(name, flags(mode)); return err })
	if err != nil {
		return fail(L, err)
	}
	L.Push(&lua.LUserData{Value: f, Metatable: lib.meta})
	return 1
}

// lines is io.lines.
func (lib *library) lines(L *lua.LState) int {
	name := L.CheckString(1)
	var f *file
	err := lib.block(L, func() (err error) { f, err = lib.openFile(name, os.O_RDONLY); return err })
	if err != nil {
		L.RaiseError("%s", text(err))
	}
	L.Push(L.NewFunction(f.nextLine(true)))
	return 1
}

// remove is os.remove.
func (lib *library) remove(L *lua.LState) int {
	name := L.CheckString(1)
	return outcome(L, lib.block(L, func() error { return lib.grants.Remove(name) }))
}

// rename is os.rename.
func (lib *library) rename(L *lua.LState) int {
	from, to := L.CheckString(1), L.CheckString(2)
	return outcome(L, lib.block(L, func() error { return lib.grants.Rename(from, to) }))
}

// getenv is os.getenv.
func (lib *library) getenv(L *lua.LState) int {
	value, ok, err := lib.grants.Env(L.CheckString(1))
	switch {
	case err != nil:
		L.RaiseError("%s", err.Error())
	case ok:
		L.Push(lua.LString(value))
	default:
		L.Push(lua.LNil)
	}
	return 1
}

// outcome pushes true, or what fail does.
func outcome(L *lua.LState, err error) int {
	if err != nil {
		return fail(L, err)
	}
	L.Push(lua.LTrue)
	return 1
}

// fail pushes nil, what is wrong, and the system's number where it has one. What is not granted, too
// many files and the end of the instance are raised.
func fail(L *lua.LState, err error) int {
	var no *grants.Denied
	var errno syscall.Errno
	if errors.As(err, &no) || errors.Is(err, errTooMany) || errors.Is(err, errTooMuch) || errors.Is(err, vm.ErrCancelled) {
		L.RaiseError("%s", err.Error())
	}
	L.Push(lua.LNil)
	L.Push(lua.LString(text(err)))
	if !errors.As(err, &errno) {
		return 2
	}
	L.Push(lua.LNumber(errno))
	return 3
}

// text is an error as Lua has it: the name and what is wrong.
func text(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Path + ": " + path.Err.Error()
	}
	return err.Error()
}
