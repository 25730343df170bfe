package vm

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// endOfFile is how messages about texts end that stop in the midst of something.
const endOfFile = " near the end of the file"

// Compile makes a function of Lua text, called name in messages. An error is an
// *Error. The baton must be held.
func (in *Instance) Compile(name, text string) (lua.LValue, error) {
	proto, err := compile(name, text)
	if err != nil {
		return lua.LNil, err
	}
	return in.main.NewFunctionFromProto(proto), nil
}

// Unfinished reports whether err is about a text that stops in the midst of
// something.
func Unfinished(err error) bool {
	var e *Error
	return errors.As(err, &e) && (strings.HasSuffix(e.Message, endOfFile) || strings.Contains(e.Message, "unterminated multiline string"))
}

const (
	// maxSource is the size of the longest Lua source, in bytes.
	maxSource = 1 << 20

	// maxNesting is how deep statements and expressions may lie within each
	// other, in nodes of the syntax tree; a + b + c lies two deep. The parser
	// does not recurse, but the compiler does, up to 1.7 kB of Go stack a
	// level: a megabyte of "#" would end the process, and a megabyte of "- "
	// occupy it for minutes.
	maxNesting = 1000
)

// compile compiles Lua text, which may begin with UTF-8's mark.
func compile(name, source string) (proto *lua.FunctionProto, e *Error) {
	source = strings.TrimPrefix(source, "\ufeff")
	switch {
	case len(source) > maxSource:
		return nil, syntaxError(name, 0, fmt.Sprintf("longer than %d bytes", maxSource))
	case strings.HasPrefix(source, "\x1b"):
		return nil, syntaxError(name, 0, "is bytecode: only text is loaded")
	}
	// The parser turns its own panics into errors, the compiler only those
	// that are meant to be.
	defer func() {
		if r := recover(); r != nil {
			proto, e = nil, syntaxError(name, 0, fmt.Sprint("cannot be compiled: ", r))
			e.Panic = true
		}
	}()
	source, line, err := plainEscapes(source)
	if err != nil {
		return nil, syntaxError(name, line, err.Error())
	}
	chunk, err := parse.Parse(strings.NewReader(source), name)
	if err == nil {
		if line := tooDeep(chunk); line > 0 {
			return nil, syntaxError(name, line, fmt.Sprintf("nested more than %d levels deep", maxNesting))
		}
		proto, err = lua.Compile(chunk, name)
	}
	if err != nil {
		return nil, sourceError(name, source, err)
	}
	proto.LineDefined = 0 // as Lua has it: it tells a main chunk from a function
	return proto, nil
}

// sourceError makes an Error of what gopher-lua's parser or compiler says.
func sourceError(name, source string, err error) *Error {
	var parsing *parse.Error
	var compiling *lua.CompileError
	var bug runtime.Error
	switch {
	case errors.As(err, &parsing) && parsing.Pos.Line == parse.EOF:
		return syntaxError(name, 1+strings.Count(strings.TrimSuffix(source, "\n"), "\n"), parsing.Message+endOfFile)
	case errors.As(err, &parsing):
		return syntaxError(name, parsing.Pos.Line, fmt.Sprintf("%s near '%s'", parsing.Message, parsing.Token))
	case errors.As(err, &compiling):
		return syntaxError(name, max(compiling.Line, 1), compiling.Message)
	case errors.As(err, &bug):
		e := syntaxError(name, 0, "cannot be parsed: "+err.Error())
		e.Panic = true
		return e
	}
	return syntaxError(name, 0, err.Error())
}

// syntaxError returns an error in line of a file; 0: the whole of it.
func syntaxError(name string, line int, message string) *Error {
	text := name + ": " + message
	if line > 0 {
		text = fmt.Sprintf("%s:%d: %s", name, line, message)
	}
	text = oneLine(text)
	return &Error{Message: text, Value: lua.LString(text)}
}

// tooDeep returns the line of the first statement that is nested too deeply; 0
// means that there is none.
func tooDeep(chunk []ast.Stmt) (line int) {
	for _, s := range chunk {
		if deeper(reflect.ValueOf(s), maxNesting) {
			return max(s.Line(), 1)
		}
	}
	return 0
}

// deeper reports whether v has more than n levels of nodes. Nodes are structs.
func deeper(v reflect.Value, n int) bool {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return !v.IsNil() && deeper(v.Elem(), n)
	case reflect.Slice:
		for i := range v.Len() {
			if deeper(v.Index(i), n) {
				return true
			}
		}
	case reflect.Struct:
		if n == 0 {
			return true
		}
		for i := range v.NumField() {
			if deeper(v.Field(i), n-1) {
				return true
			}
		}
	}
	return false
}
