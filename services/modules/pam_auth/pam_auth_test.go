package pamauth

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lapps/services/modules/task"
	"lapps/services/vm"
	"lapps/services/vm/vmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestScripts(t *testing.T) {
	refuse := func(question) error { return errRefused }
	vmtest.Scripts(t, vm.Config{Modules: []vm.Module{module(refuse, 1)}})
}

// start runs source in an instance, and returns what it results in.
func start(t *testing.T, m vm.Module, source string) (in *vm.Instance, result string) {
	t.Helper()
	p, err := vm.Load(fstest.MapFS{"main.lua": {Data: []byte(`pam_auth, task = require "pam_auth", require "task"
function show(...) local t = {...} for i = 1, select("#", ...) do t[i] = tostring(t[i]) end return table.concat(t, " ") end
` + source)}}, "main.lua")
	if err != nil {
		t.Fatal(err)
	}
	if in, err = vm.New(vm.Config{Program: p, Modules: []vm.Module{m, task.Module()}}); err != nil {
		t.Fatal(err)
	}
	if err := in.Do(context.Background(), func(in *vm.Instance) error {
		v, err := in.Main()
		if result = v.String(); err != nil {
			result = err.Error()
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	return in, result
}

func eval(t *testing.T, m vm.Module, source string) string {
	t.Helper()
	in, result := start(t, m, source)
	if err := in.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	return result
}

func TestLogin(t *testing.T) {
	answers := func(err error) authenticator { return func(question) error { return err } }
	for _, c := range []struct {
		name, want string
		ask        authenticator
	}{
		{"not supported", "false not supported: this lapps was built without PAM", nil},
		{"right", "true", answers(nil)},
		{"refused", "false", answers(errRefused)},
		{"something else", "false the account has expired", answers(errors.New("the account has expired"))},
		{"what is asked", "false login ann se cret", func(q question) error {
			return errors.New(q.service + " " + q.user + " " + q.password)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := eval(t, module(c.ask, 1), `return show(pam_auth:login("login", "ann", "se cret"))`); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestPrivileged(t *testing.T) {
	if !Module().Privileged {
		t.Error("it may be required without a grant")
	}
}

// TestTogether has seven ask at once, of which three are answered at a time, while the
// instance goes on.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(q question) error {
			time.Sleep(time.Second)
			if q.user == "user3" {
				return errRefused
			}
			return nil
		}
		began := time.Now()
		got := eval(t, module(slow, 3), `
			local tasks, ticks, over = {}, 0, false
			for i = 1, 7 do tasks[i] = task.spawn(function() return tostring(pam_auth:login("login", "user" .. i, "x")) end) end
			task.spawn(function() while not over do sleep(0.1) ticks = ticks + 1 end end)
			local _, all = task.all(tasks)
			over = true
			return table.concat(all, " ") .. ", " .. tostring(ticks > 25)`)
		took := time.Since(began).Round(200 * time.Millisecond)
		if want := "true true false true true true true, true"; got != want || took != 3*time.Second {
			t.Errorf("%s in %v, want %s in 3s", got, took, want)
		}
	})
}

// TestCancelled has a wait ended with an error, be it for PAM or for its turn. The question
// stays with PAM.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		slow := func(question) error { asked.Add(1); time.Sleep(time.Minute); return nil }
		began := time.Now()
		got := eval(t, module(slow, 1), `
			local function login() return pam_auth:login("login", "ann", "x") end
			local a, b = task.spawn(login), task.spawn(login)
			sleep(1)
			a:cancel() b:cancel()
			return show(select(2, a:wait()), select(2, b:wait()))`)
		if want := "cancelled while waiting cancelled while waiting"; got != want || time.Since(began) != time.Second {
			t.Errorf("%s in %v, want %s in 1s", got, time.Since(began), want)
		}
		time.Sleep(2 * time.Minute)
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
	})
}

// TestStop has an instance stop while PAM is asked.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(question) error { time.Sleep(time.Hour); return nil }
		in, _ := start(t, module(slow, 1), `task.spawn(function() pam_auth:login("login", "ann", "x") end) sleep(1)`)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := in.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stop: %v", err)
		}
		if s := in.Stats(); s.Executors != 0 {
			t.Errorf("%+v", s)
		}
		time.Sleep(2 * time.Hour)
	})
}
