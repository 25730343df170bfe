package nljson

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"lapps/protocol/rpc"
	"lapps/services/vm"

	lua "github.com/yuin/gopher-lua"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A box is an instance with nljson.
type box struct {
	*vm.Instance
	lib *Lib
}

// newBox starts an instance; it is stopped after the test.
func newBox(t testing.TB, files fs.FS) *box {
	t.Helper()
	main := fstest.MapFS{"main.lua": {Data: []byte(`function eval(s, ...) return assert(loadstring(s, "test"))(...) end`)}}
	p, err := vm.Load(main, "main.lua")
	if err != nil {
		t.Fatal(err)
	}
	b := new(box)
	b.Instance, err = vm.New(vm.Config{Program: p, Globals: func(_ *vm.Instance, L *lua.LState) {
		b.lib = New(L, files)
		L.SetGlobal("nljson", b.lib.Table())
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	b.do(t, func() error { _, err := b.Main(); return err })
	return b
}

// do has f called with the baton held. It runs on a goroutine of its own, which t.Fatal
// may end: the executor goes on, and so the test ends, too.
func (b *box) do(t testing.TB, f func() error) {
	t.Helper()
	err := b.Do(context.Background(), func(*vm.Instance) error {
		result := make(chan error, 1)
		go func() {
			defer close(result)
			result <- f()
		}()
		err, returned := <-result
		if !returned {
			return errors.New("the test has ended")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// eval runs source with arguments, and calls see with the result while the
// baton is held.
func (b *box) eval(t testing.TB, source string, see func(v lua.LValue, err error), args ...lua.LValue) {
	t.Helper()
	b.do(t, func() error {
		see(b.Call(b.State().GetGlobal("eval"), append([]lua.LValue{lua.LString(source)}, args...)...))
		return nil
	})
}

// want runs source and compares the first result, as a string.
func (b *box) want(t testing.TB, source, result string) {
	t.Helper()
	b.eval(t, "return tostring((function() "+source+" end)())", func(v lua.LValue, err error) {
		if err != nil {
			t.Errorf("%s: %v", source, err)
		} else if v.String() != result {
			t.Errorf("%s\n\tgot  %s\n\twant %s", source, v, result)
		}
	})
}

// refuses runs source and compares the error's message.
func (b *box) refuses(t testing.TB, source, message string) {
	t.Helper()
	b.eval(t, source, func(v lua.LValue, err error) {
		var e *vm.Error
		if !errors.As(err, &e) || e.Message != message || e.Panic {
			t.Errorf("%s\n\tgot  %v %v\n\twant %s", source, v, err, message)
		}
	})
}

// cborOf returns the CBOR of a tree.
func cborOf(t testing.TB, l *Lib, v value) string {
	t.Helper()
	var e rpc.Encoder
	if err := l.Walk(l.wrap(v), &e); err != nil {
		t.Fatal(err)
	}
	return string(e.Encoded())
}
