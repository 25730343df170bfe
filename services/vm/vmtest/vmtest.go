// Package vmtest runs Lua scripts that test what Lua finds in an instance: most of all
// modules.
//
// A script is a file testdata/NAME.lua. It is run from its beginning to its end in an
// instance of its own, where it must not fail. Besides what the instance has it finds
//
//	same(got, want)     fails the test where they are not the same: NaN is the same as NaN
//
// An error that is to be is named on the line that raises it, without the place, which
// is that line. The code of such a line is a function's, so that it is whole statements,
// and its locals are its own.
//
//	bit.band() --> "bad argument #1 to band (number expected, got nil)"
package vmtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

// Scripts runs the scripts in testdata, each as a test of its own. Of c it sets Program,
// and adds to Globals.
func Scripts(t *testing.T, c vm.Config) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.lua")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no scripts in testdata: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			script(t, filepath.Base(path), string(text), c)
		})
	}
}

// Names of what scripts find; failing is for what expect makes of them.
const (
	same    = "same"
	failing = "__failing"
)

// A reporter is told what is wrong: a testing.T.
type reporter interface {
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// script runs a script.
func script(t reporter, name, text string, c vm.Config) {
	text, err := expect(text)
	if err != nil {
		t.Fatal(name + ":" + err.Error())
	}
	if c.Program, err = vm.Load(fstest.MapFS{name: {Data: []byte(text)}}, name); err != nil {
		t.Fatal(err)
	}
	if c.Service == "" { // which is no module of its own, though it has the name of one
		c.Service = strings.TrimSuffix(name, ".lua")
	}
	globals := c.Globals
	c.Globals = func(in *vm.Instance, L *lua.LState) {
		if globals != nil {
			globals(in, L)
		}
		L.SetGlobal(same, L.NewFunction(compare))
		L.SetGlobal(failing, L.NewFunction(func(L *lua.LState) int {
			checkFailure(t, L, name)
			return 0
		}))
	}
	in, err := vm.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Do(context.Background(), func(in *vm.Instance) error { _, err := in.Main(); return err }); err != nil {
		var e *vm.Error
		if errors.As(err, &e) {
			err = fmt.Errorf("%w\n%s", err, e.Traceback)
		}
		t.Errorf("%v", err)
	}
	if err := in.Stop(context.Background()); err != nil {
		t.Errorf("%v", err)
	}
}

// expected is a line that is to fail, and its message.
var expected = regexp.MustCompile(`^(.*?\S)\s*--> ("(?:[^"\\]|\\.)*")\s*$`)

// expect has the lines that are to fail be seen to, and leaves each where it is. The
// error begins with a line.
func expect(text string) (string, error) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if !strings.Contains(line, "--> ") {
			continue
		}
		parts := expected.FindStringSubmatch(line)
		if parts == nil {
			return "", fmt.Errorf(`%d: want CODE --> "message"`, i+1)
		}
		message, err := strconv.Unquote(parts[2])
		if err != nil {
			return "", fmt.Errorf("%d: %s: %w", i+1, parts[2], err)
		}
		lines[i] = fmt.Sprintf("%s(%d, function() %s end, %s)", failing, i+1, parts[1], luaString(message))
	}
	return strings.Join(lines, "\n"), nil
}

// luaString is s as Lua has it in its source.
func luaString(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, `\%03d`, s[i])
	}
	return `"` + b.String() + `"`
}

// checkFailure calls a line's function, and compares its error.
func checkFailure(t reporter, L *lua.LState, name string) {
	place := fmt.Sprintf("%s:%d: ", name, L.CheckInt(1))
	want := place + L.CheckString(3)
	_, err := vm.Of(L).Call(L.CheckFunction(2))
	var e *vm.Error
	switch {
	case err == nil:
		t.Errorf("%sno error, want %s", place, want)
	case !errors.As(err, &e) || e.Message != want || e.Panic:
		t.Errorf("%s\n got %v\nwant %s", place, err, want)
	}
}

// compare is same(got, want).
func compare(L *lua.LState) int {
	got, want := L.Get(1), L.Get(2)
	a, isNumber := got.(lua.LNumber)
	b, both := want.(lua.LNumber)
	if got == want || isNumber && both && a != a && b != b {
		return 0
	}
	L.RaiseError("got %s, want %s", show(got), show(want))
	return 0
}

// show is v for people.
func show(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return fmt.Sprintf("%q", string(v))
	case lua.LNumber:
		return strconv.FormatFloat(float64(v), 'g', -1, 64)
	}
	return v.String()
}
