package nap

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

// eval runs source in an instance of its own.
func eval(t *testing.T, source string, during func(*vm.Instance)) (result string, took time.Duration) {
	t.Helper()
	p, err := vm.Load(fstest.MapFS{"main.lua": {Data: []byte("nap = require('nap') " + source)}}, "main.lua")
	if err != nil {
		t.Fatal(err)
	}
	in, err := vm.New(vm.Config{Program: p, Modules: []vm.Module{Module()}})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if during != nil {
		go during(in)
	}
	err = in.Do(context.Background(), func(in *vm.Instance) error {
		v, err := in.Main()
		if err != nil {
			result = err.Error()
		} else if v != lua.LNil {
			result = v.String()
		}
		return nil
	})
	took = time.Since(began)
	if err != nil {
		t.Error(err)
	}
	if err := in.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	return result, took
}

func TestSleep(t *testing.T) {
	for _, c := range []struct {
		source, want string
		took         time.Duration
	}{
		{`return nap:sleep(1.5)`, "true", 1500 * time.Millisecond},
		{`return nap:sleep(5)`, "true", 5 * time.Second}, // LAppS slept 0.7 s
		{`return nap:usleep(1500000)`, "true", 1500 * time.Millisecond},
		{`return nap:nsleep(2e9)`, "true", 2 * time.Second},
		{`local n = nap:new() return n:sleep(1) and n:usleep(1)`, "true", time.Second + time.Microsecond},
		{`return nap:sleep(0)`, "true", 0},
		{`return nap:sleep(-1)`, "main.lua:1: bad argument #2 to sleep (must not be negative)", 0},
		{`return nap:sleep(0/0)`, "main.lua:1: bad argument #2 to sleep (must not be negative)", 0},
		{`return nap:sleep("x")`, "main.lua:1: bad argument #2 to sleep (number expected, got string)", 0},
		{`return nap:sleep({})`, "main.lua:1: bad argument #2 to sleep (number expected, got table)", 0},
		{`return nap:sleep("1")`, "true", time.Second},
		{`return nap:sleep()`, "main.lua:1: usage: nap:sleep(n)", 0},
		{`return nap.sleep(1)`, "main.lua:1: usage: nap:sleep(n)", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			if got, took := eval(t, c.source, nil); got != c.want || took != c.took {
				t.Errorf("%s: %s in %v, want %s in %v", c.source, got, took, c.want, c.took)
			}
		})
	}
}

// TestHaltWakes has a sleeper woken, and one that goes on sleeping rest.
func TestHaltWakes(t *testing.T) {
	halt := func(in *vm.Instance) {
		time.Sleep(time.Second)
		in.Halt()
	}
	for source, want := range map[string]time.Duration{
		`return nap:sleep(1e300)`:                                      time.Second,
		`nap:sleep(60) return nap:sleep(60)`:                           time.Second + 10*time.Millisecond,
		`nap:sleep(60) nap:sleep(60) return nap:usleep(1)`:             time.Second + 10*time.Millisecond + time.Microsecond,
		`nap:sleep(60) for i = 1, 10 do nap:sleep(1) end return false`: time.Second + 10*10*time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			if got, took := eval(t, source, halt); got != "false" || took != want {
				t.Errorf("%s: %s in %v, want false in %v", source, got, took, want)
			}
		})
	}
}
