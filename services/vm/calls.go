package vm

import (
	"cmp"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// A Call is a place where Lua calls a global function, or names it.
type Call struct {
	File string
	Line int
	Name string   // like require, or os.getenv
	Args []string // up to the first that is no literal string
}

// Calls finds the calls of global functions in all .lua files of the program's
// directory, in order of files and lines. Files that cannot be read or parsed are
// passed over: Check reports them. It sees what is written there: a function that goes by
// another name is found where it was named, without arguments; a local of the same name
// is taken for the global.
func (p *Program) Calls(names ...string) (all []Call) {
	_ = fs.WalkDir(p.own.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".lua" || IsTest(name) {
			return nil
		}
		source, err := p.own.read(name)
		if err != nil || len(source) > maxSource {
			return nil
		}
		if strings.HasPrefix(source, "#") {
			_, rest, _ := strings.Cut(source, "\n")
			source = "\n" + rest
		}
		chunk, err := parse.Parse(strings.NewReader(source), name)
		if err != nil {
			return nil
		}
		w := callWalk{file: name, names: names}
		for _, s := range chunk {
			w.walk(reflect.ValueOf(s), s.Line(), maxNesting)
		}
		all = append(all, w.found...)
		return nil
	})
	slices.SortStableFunc(all, func(a, b Call) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return all
}

// A callWalk walks the syntax tree of a file.
type callWalk struct {
	file  string
	names []string
	found []Call
}

// walk looks at a node, which stands in line, and the n levels below it.
func (w *callWalk) walk(v reflect.Value, line, n int) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() || w.take(v, &line) {
			return
		}
		w.walk(v.Elem(), line, n)
	case reflect.Slice:
		for i := range v.Len() {
			w.walk(v.Index(i), line, n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if n > 0 && v.Type().Field(i).IsExported() {
				w.walk(v.Field(i), line, n-1)
			}
		}
	}
}

// take notes a call or a name; whether there is nothing below that is to be looked at.
// line becomes that of the node, where it has one.
func (w *callWalk) take(v reflect.Value, line *int) bool {
	if !v.CanInterface() {
		return false
	}
	if node, ok := v.Interface().(ast.PositionHolder); ok && node.Line() > 0 {
		*line = node.Line()
	}
	switch x := v.Interface().(type) {
	case *ast.FuncCallExpr:
		if name := globalName(x.Func); slices.Contains(w.names, name) {
			w.found = append(w.found, Call{w.file, *line, name, literals(x.Args)})
			for _, arg := range x.Args {
				w.walk(reflect.ValueOf(arg), *line, maxNesting)
			}
			return true
		}
	case ast.Expr:
		if name := globalName(x); slices.Contains(w.names, name) {
			w.found = append(w.found, Call{w.file, *line, name, nil})
			return true
		}
	}
	return false
}

// globalName is what an expression names: a global, or a member of one; "" is anything else.
func globalName(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.IdentExpr:
		return x.Value
	case *ast.AttrGetExpr:
		object, _ := x.Object.(*ast.IdentExpr)
		key, _ := x.Key.(*ast.StringExpr)
		if object != nil && key != nil {
			return object.Value + "." + key.Value
		}
	}
	return ""
}

// literals are the strings at the beginning of args.
func literals(args []ast.Expr) (all []string) {
	for _, a := range args {
		s, ok := a.(*ast.StringExpr)
		if !ok {
			break
		}
		all = append(all, s.Value)
	}
	return all
}
