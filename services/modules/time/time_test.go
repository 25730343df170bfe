package time

import (
	"context"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"
	"go.uber.org/goleak"

	"lapps/services/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := vm.Load(fstest.MapFS{"main.lua": {Data: []byte("return require('time').now()")}}, "main.lua")
		if err != nil {
			t.Fatal(err)
		}
		in, err := vm.New(vm.Config{Program: p, Modules: []vm.Module{Module()}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Microsecond)
		if err := in.Do(context.Background(), func(in *vm.Instance) error {
			v, err := in.Main()
			if want := lua.LNumber(time.Now().UnixMilli()); v != want {
				t.Errorf("%v, want %v: whole milliseconds", v, want)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		if err := in.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
