package luatest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/services"
	"lapps/services/nljson"
	"lapps/services/vm"
)

// A test is one run of a file: the services that it is about, and the state that it
// runs in.
type test struct {
	// Immutable after start.
	file     *File
	modules  []vm.Module // of the services and the test's own
	clock    *clock
	log      *record
	registry *services.Registry
	machine  *vm.Instance
	suite    *suite
	ctx      context.Context // ends when all has been interrupted
	cancel   context.CancelFunc
	reason   atomic.Pointer[string] // why it was ended; nil: it was not
	loop     loop

	// Owned by the holder of the machine's baton.
	json         *nljson.Lib
	find         lua.LValue // string.find
	expectations *lua.LTable
	connections  *lua.LTable
	conns        []*conn
	lastID       uint64
	running      bool   // a test is, and not the file
	failed       string // what fail has raised last
}

// grace is how long what has been interrupted may go on, in real time.
const grace = time.Second

// begin makes the state that p is to run in. A test that has begun must be ended.
func begin(r *Runner, f *File, p *vm.Program) (*test, error) {
	t := &test{file: f, modules: r.Modules(), clock: newClock(), log: new(record), suite: newSuite()}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	log := slog.New(&logger{record: t.log})
	var err error
	t.machine, err = vm.New(vm.Config{
		Service: strings.TrimSuffix(f.Name, ".lua"),
		Program: p,
		Globals: func(machine *vm.Instance, L *lua.LState) {
			t.globals(machine, L)
			for _, m := range r.Libraries {
				machine.Preload(L, m.Name)
			}
		},
		Modules: slices.Concat([]vm.Module{{Name: "nljson", Open: func(*vm.Instance, *lua.LState) lua.LValue { return t.json.Table() }}}, r.Libraries, t.modules),
		OnError: t.onError,
		Clock:   t.clock,
		Log:     log,
	})
	if err != nil {
		t.cancel()
		t.clock.end()
		return nil, err
	}
	return t, nil
}

// onError notes an error of one of the test's own tasks or timers.
func (t *test) onError(what string, err error) {
	slog.New(&logger{record: t.log}).Error(fmt.Sprintf("the test's %s failed: %s", what, err))
}

// globals installs what tests find.
func (t *test) globals(machine *vm.Instance, L *lua.LState) {
	t.json = nljson.New(L, t.file.Files)
	t.find = L.GetField(L.GetGlobal("string"), "find")
	t.expectations, t.connections = t.expectationMeta(L), t.connMeta(L)
	machine.Provide(L, "nljson", t.json.Table())
	for name, fn := range map[string]lua.LGFunction{
		"advance":    t.advance,
		"connect":    t.connect,
		"expect":     t.expect,
		"expect_log": t.expectLog,
	} {
		L.SetGlobal(name, L.NewFunction(fn))
	}
	t.suite.globals(L)
}

// fail raises an error: what was expected is not so.
func (t *test) fail(L *lua.LState, format string, args ...any) {
	t.failed = L.Where(1) + " " + fmt.Sprintf(format, args...)
	L.Error(lua.LString(t.failed), 0)
}

// collect runs the file.
func (t *test) collect() error {
	return t.do(func() error {
		_, err := t.machine.Main()
		t.suite.closed = true
		return err
	})
}

// do has f called with the machine's baton.
func (t *test) do(f func() error) error {
	return t.machine.Do(t.ctx, func(*vm.Instance) error { return f() })
}

// open makes the services of the test.
func (t *test) open(r *Runner, uses []string) (err error) {
	wanted := map[string]bool{t.file.Service: true}
	for _, name := range uses {
		wanted[name] = true
	}
	var all []services.Config
	for _, c := range r.Services {
		c.Clock = t.clock
		if t.file.Service != "" || len(uses) > 0 {
			c.AutoStart = wanted[c.Name]
		}
		delete(wanted, c.Name)
		all = append(all, c)
	}
	for name := range wanted {
		if name != "" {
			return fmt.Errorf("there is no service %s", name)
		}
	}
	if t.registry, err = services.New(all, t.modules, slog.New(&logger{record: t.log})); err != nil {
		return err
	}
	t.registry.Loops = []services.Loop{&t.loop}
	return nil
}

// start starts the services.
func (t *test) start() error {
	err := t.registry.Start(t.ctx)
	if err != nil {
		t.log.takeErrors() // of which this is one
	}
	return err
}

// run runs the functions of a spec.
func (t *test) run(s *spec) error {
	return t.do(func() error {
		t.running = true
		var first error
		call := func(all []lua.LValue) {
			for _, fn := range all {
				if _, err := t.machine.Call(fn); err != nil {
					if first == nil {
						first = err
					}
					return
				}
			}
		}
		call(s.group.befores())
		if first == nil {
			call([]lua.LValue{s.fn})
		}
		call(s.group.afters())
		return first
	})
}

// watch ends the test when it has gone on for too long, in real time, or can never
// end. stop ends the watch.
func (t *test) watch(limit time.Duration) (stop func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		timer := time.NewTimer(limit)
		defer timer.Stop()
		select {
		case <-over:
		case <-timer.C:
			t.kill(fmt.Sprintf("still running after %v", limit))
		case <-t.clock.stuck:
			t.kill("all wait, and nothing is left that could end that")
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}

// kill interrupts the test and its services.
func (t *test) kill(why string) {
	t.reason.Store(&why)
	t.clock.abandon()
	_ = t.machine.Stop(gone)
	t.cancel()
	if t.registry != nil {
		_ = t.registry.Stop(gone)
	}
}

// gone is a context that has ended.
var gone = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// end ends the connections, the services and the state.
func (t *test) end() error {
	t.log.end()
	for _, c := range t.conns {
		c.hangUp()
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	var errs []error
	if t.registry != nil {
		errs = append(errs, t.registry.Stop(ctx))
	}
	errs = append(errs, t.machine.Stop(ctx))
	t.cancel()
	t.clock.end()
	if err := errors.Join(errs...); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil // who has to be interrupted is as in the server
}
