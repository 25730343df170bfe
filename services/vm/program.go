package vm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// A Program is a service's Lua, compiled: the main file, and the helper
// modules in its directory as they are required, each once. Instances share
// it. Its methods may be called from any goroutine.
type Program struct {
	// Immutable.
	own   Place
	path  []Place            // where else modules are
	proto *lua.FunctionProto // of the main file

	mu       sync.Mutex // guards the field below, and is held while a file is compiled
	compiled map[string]*lua.FunctionProto
}

// A Place is where files of Lua are. It must be readable from several goroutines.
type Place struct {
	Files fs.FS

	// Template is the file of a module whose name stands for each ? in it, with / for
	// its dots: "?.lua".
	Template string

	// Where is the directory's name, for messages; "" is the service's own.
	Where string
}

// name is a file's in messages, and among those that are compiled.
func (p *Place) name(file string) string {
	if p.Where == "" {
		return file
	}
	return path.Join(p.Where, file)
}

// Load compiles the file main of the directory files. Modules are looked for there,
// and then in places. The directory stays the caller's: it must be readable, also from several goroutines, until the
// program's instances have stopped, since modules are read when they are
// required. It decides what its symbolic links may reach: os.Root.FS keeps
// them within the directory, os.DirFS does not. A syntax error is an *Error.
func Load(files fs.FS, main string, places ...Place) (*Program, error) {
	p := &Program{own: Place{Files: files}, path: places, compiled: make(map[string]*lua.FunctionProto)}
	proto, err := p.file(&p.own, main)
	if err != nil {
		return nil, err
	}
	p.proto = proto
	return p, nil
}

// testSuffix is what the names of files end with that hold a service's tests.
const testSuffix = "_test.lua"

// IsTest reports whether the file of that name, a path within an applications
// directory, holds tests. The main file of a service named so does not.
func IsTest(name string) bool {
	dir, file := path.Split(name)
	return strings.HasSuffix(file, testSuffix) && file != path.Base(dir)+".lua"
}

// A candidate is a file that a module may be in.
type candidate struct {
	place *Place
	file  string
}

// ownCandidates are the service's own files that may hold a module, whose name has / for
// its dots.
func (p *Program) ownCandidates(stem string) []candidate {
	return []candidate{{&p.own, stem + ".lua"}, {&p.own, stem + "/init.lua"}}
}

// pathCandidates are those of the search path.
func (p *Program) pathCandidates(stem string) []candidate {
	var all []candidate
	for i := range p.path {
		all = append(all, candidate{&p.path[i], strings.ReplaceAll(p.path[i].Template, "?", stem)})
	}
	return all
}

// Check compiles every .lua file of the directory and those below it, but for
// tests, and returns all that is wrong.
func (p *Program) Check() error {
	var wrong []error
	err := fs.WalkDir(p.own.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && (d.IsDir() || path.Ext(name) != ".lua" || IsTest(name)) {
			return nil
		}
		if err == nil {
			_, err = p.file(&p.own, name)
		}
		if err != nil {
			wrong = append(wrong, err)
		}
		return nil
	})
	return errors.Join(append(wrong, err)...)
}

// file returns the compiled file of that name in a place. The error wraps
// fs.ErrNotExist where there is none.
func (p *Program) file(in *Place, file string) (*lua.FunctionProto, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := in.name(file)
	if proto := p.compiled[name]; proto != nil {
		return proto, nil
	}
	source, err := in.read(file)
	if err != nil {
		return nil, fmt.Errorf("vm: %w", err)
	}
	if strings.HasPrefix(source, "#") { // "#!/usr/bin/lua"
		_, rest, _ := strings.Cut(source, "\n")
		source = "\n" + rest
	}
	proto, e := compile(name, source)
	if e != nil {
		return nil, e
	}
	p.compiled[name] = proto
	return proto, nil
}

// errDirectory is what a directory is instead.
var errDirectory = errors.New("not a regular file")

func (p *Place) read(name string) (string, error) {
	info, err := fs.Stat(p.Files, name)
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return "", fmt.Errorf("open %s: %w", name, errDirectory)
	}
	if !info.Mode().IsRegular() { // a pipe would block
		return "", fmt.Errorf("open %s: not a regular file", name)
	}
	f, err := p.Files.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var b strings.Builder
	_, err = io.Copy(&b, io.LimitReader(f, maxSource+1))
	return b.String(), err
}
