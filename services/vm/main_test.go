package vm

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// files writes a service's directory and returns it, open until the test ends.
func files(t testing.TB, content map[string]string) *os.Root {
	t.Helper()
	dir := t.TempDir()
	for name, text := range content {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// program loads main.lua of content.
func program(t testing.TB, content map[string]string) *Program {
	t.Helper()
	p, err := Load(files(t, content).FS(), "main.lua")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// start makes an instance that has run source; it is stopped after the test.
func start(t testing.TB, source string, c Config) *Instance {
	t.Helper()
	in := started(t, source, c)
	t.Cleanup(func() { stop(t, in) })
	return in
}

// started is start, but the test stops the instance.
func started(t testing.TB, source string, c Config) *Instance {
	t.Helper()
	if c.Program == nil {
		c.Program = program(t, map[string]string{"main.lua": source})
	}
	in, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Do(context.Background(), func(in *Instance) error { _, err := in.Main(); return err }); err != nil {
		t.Error(err)
		stop(t, in)
		t.FailNow()
	}
	return in
}

func stop(t testing.TB, in *Instance) {
	t.Helper()
	if err := in.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// do is Do for a test: f must not fail.
func do(t testing.TB, in *Instance, f func(in *Instance)) {
	t.Helper()
	if err := in.Do(context.Background(), func(in *Instance) error { f(in); return nil }); err != nil {
		t.Fatal(err)
	}
}

// eval runs source as a chunk and returns its first result.
func eval(t testing.TB, in *Instance, source string) (v lua.LValue, err error) {
	t.Helper()
	proto, bad := compile("test", source)
	if bad != nil {
		t.Fatal(bad)
	}
	do(t, in, func(in *Instance) { v, err = in.Call(in.main.NewFunctionFromProto(proto)) })
	return v, err
}

// want runs source and compares its first result.
func want(t testing.TB, in *Instance, source, result string) {
	t.Helper()
	v, err := eval(t, in, source)
	if err != nil {
		t.Errorf("%s: %v", source, err)
	} else if v.String() != result {
		t.Errorf("%s = %s, want %s", source, v, result)
	}
}

// A target handles events with a function.
type target struct {
	gate   *Gate
	handle func(in *Instance, e Event)
	rooms  int // owned by the executor that holds the baton, or by nobody else
}

func (a *target) Handle(in *Instance, e Event) { a.handle(in, e) }
func (a *target) Gate() *Gate                  { return a.gate }
func (a *target) Room()                        { a.rooms++ }

// A door is a module "door" with functions that wait:
//
//	door.wait(name)    until open(name) is called; returns what that was given
type door struct {
	waits chan wait
}

type wait struct {
	name string
	open chan string
}

func newDoor() *door { return &door{waits: make(chan wait)} }

func (d *door) module() Module {
	return Module{Name: "door", Open: func(_ *Instance, L *lua.LState) lua.LValue {
		return L.SetFuncs(L.NewTable(), map[string]lua.LGFunction{"wait": d.wait})
	}}
}

func (d *door) wait(L *lua.LState) int {
	w := wait{name: L.CheckString(1), open: make(chan string, 1)}
	var got string
	Block(L, func(ctx context.Context) {
		select {
		case d.waits <- w:
		case <-ctx.Done():
			got = "interrupted"
			return
		}
		select {
		case got = <-w.open:
		case <-ctx.Done():
			got = "interrupted"
		}
	})
	L.Push(lua.LString(got))
	return 1
}
