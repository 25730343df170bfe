package nljson

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"lapps/services/vm"

	lua "github.com/yuin/gopher-lua"
)

// A handler is called as those of connections are: its time is limited, unlike that of
// what Do runs.
type handler struct{ handle func(in *vm.Instance) }

func (h *handler) Handle(in *vm.Instance, _ vm.Event) { h.handle(in) }
func (h *handler) Gate() *vm.Gate                     { return nil }
func (h *handler) Room()                              {}

// TestDecodeEnds has decode end where the time of what called it is over: a long text
// takes seconds, and its instance would be replaced as one that does not return. What was
// built by then is forgotten, and the instance goes on.
func TestDecodeEnds(t *testing.T) {
	main := fstest.MapFS{"main.lua": {Data: []byte(`
function read(text) done = nil done = nljson.decode(text) end
function last() return tostring(done) end`)}}
	p, err := vm.Load(main, "main.lua")
	if err != nil {
		t.Fatal(err)
	}
	var lib *Lib
	in, err := vm.New(vm.Config{Program: p, CallTime: 20 * time.Millisecond, Globals: func(_ *vm.Instance, L *lua.LState) {
		lib = New(L, nil)
		L.SetGlobal("nljson", lib.Table())
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	call := func(name string, args ...lua.LValue) (v lua.LValue, err error) {
		t.Helper()
		done := make(chan struct{})
		if err := in.Post(vm.Event{Target: &handler{func(in *vm.Instance) {
			defer close(done)
			v, err = in.Call(in.State().GetGlobal(name), args...)
		}}}); err != nil {
			t.Fatal(err)
		}
		<-done
		return v, err
	}
	if err := in.Do(context.Background(), func(in *vm.Instance) error { _, err := in.Main(); return err }); err != nil {
		t.Fatal(err)
	}
	for _, long := range []string{
		"[" + strings.Repeat("1,", 2_000_000) + "1]",
		"[" + strings.Repeat("[],", 1_000_000) + "[]]",
		`{"a":[` + strings.Repeat(`{"k":""},`, 500_000) + "0]}",
	} {
		if _, err := call("read", lua.LString(long)); !errors.Is(err, vm.ErrTime) {
			t.Errorf("%.10s…: %v, want %v", long, err, vm.ErrTime)
		}
		if got, err := call("last"); err != nil || got != lua.LString("nil") {
			t.Errorf("%.10s…: it was decoded to its end, %.20v, %v", long, got, err)
		}
		if lib.tree.root != nil || len(lib.tree.open) > 0 {
			t.Errorf("%.10s…: what was built is kept", long)
		}
		if _, err := call("read", lua.LString("[1,2]")); err != nil {
			t.Error(err)
		}
		if got, err := call("last"); err != nil || got != lua.LString("[1,2]") {
			t.Errorf("afterwards: %v, %v", got, err)
		}
	}
}
