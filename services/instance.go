package services

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/rpc"
	"lapps/protocol/wire"
	"lapps/services/grants"
	"lapps/services/nljson"
	"lapps/services/vm"
)

// An instance is one of the Lua states of a service.
type instance struct {
	// Immutable after start.
	service   *Service
	start     int // 1: the first in its place, 2: the one after that
	vm        *vm.Instance
	loop      Loop // that it runs on; nil: it has goroutines
	log       *slog.Logger
	callbacks *lua.LTable // the service's table, as table found it last
	onConnect bool        // the table has an onConnect
	onDrain   bool        // and an onDrain
	json      *nljson.Lib
	ended     chan struct{} // closed when run is over; nil where there is none
	stage     atomic.Int32  // how far that is: stageRunning, …

	joining atomic.Int32  // peers that wait for onConnect
	leaving atomic.Int32  // peers whose onDisconnect waits
	seats   atomic.Int32  // peers that have one, or are joining
	retired atomic.Bool   // another one is in its place
	empty   chan struct{} // closed once it is retired and has no seats
	emptied sync.Once

	connected atomic.Uint64 // peers that were given a seat, ever
	errors    atomic.Uint64 // of Lua, that it did not catch
	panics    atomic.Uint64 // of these: of Go

	// Owned by the watchdog.
	watch watch
	hung  atomic.Bool // it was replaced because it does not return

	// Owned by whoever holds the baton.
	wake    []Waker      // what to wake at the end of the turn
	encoder rpc.Encoder  // for one message at a time
	results []lua.LValue // of a method

	publication publication
	data        data
	sent        sent // but for what anybody may read
}

// startInstance loads p into a state of its own, the i-th of the service, and calls
// onStart. Beside an error there is an instance where that one cannot be ended.
func startInstance(ctx context.Context, s *Service, p *vm.Program, i int) (*instance, error) {
	name := strconv.Itoa(i + 1)
	in := &instance{service: s, start: s.account.begin(i), loop: s.loopOf(i), log: s.log.With("instance", name), empty: make(chan struct{})}
	config := vm.Config{
		Service:  s.Name,
		Instance: name,
		Program:  p,
		Globals:  in.globals,
		Modules:  in.modules(),
		Limits:   s.Mailbox,
		CallTime: s.CallTime,
		LoopTime: s.LoopTime,
		Memory:   s.Memory,
		Strict:   s.StrictGlobals,
		Clock:    s.Clock,
		OnError:  func(what string, err error) { in.report(what, nil, err) },
		TurnEnd:  in.turnEnd,
		Log:      s.reg.log,

		Standalone: s.Standalone,
	}
	if in.loop != nil {
		config.Loop = in.loop
	}
	machine, err := vm.New(config)
	if err != nil {
		return nil, err
	}
	in.vm = machine
	if err := machine.Do(ctx, in.load); err != nil {
		if bad := machine.Stop(ctx); bad != nil {
			return in, errors.Join(err, bad)
		}
		return nil, err
	}
	s.account.open(in)
	return in, nil
}

// globals installs what a service finds besides the sandbox.
func (in *instance) globals(machine *vm.Instance, l *lua.LState) {
	in.json = nljson.New(l, grants.Reader{Dir: in.service.Files, Grants: in.service.Grants})
	machine.Provide(l, "nljson", in.json.Table())
	machine.Provide(l, "ws", in.ws(l))
	machine.Provide(l, "bcast", in.bcast(l))
	l.SetGlobal("must_stop", l.NewFunction(mustStop))
	l.SetGlobal("instance_id", lua.LString(in.id()))
	for _, m := range in.service.Libraries {
		machine.Preload(l, m.Name)
	}
	for _, name := range in.service.Preload {
		if !slices.Contains(ours, name) {
			machine.Preload(l, name)
		}
	}
}

// id tells the instance apart from all others that the service has, or has had: chat/1 is
// followed by chat/1/2.
func (in *instance) id() string {
	id := in.service.Name + "/" + in.vm.Name()
	if in.start > 1 {
		id += "/" + strconv.Itoa(in.start)
	}
	return id
}

// modules are what an instance can require besides its own files.
func (in *instance) modules() []vm.Module {
	all := []vm.Module{{Name: "nljson", Types: nljson.Types, Open: func(*vm.Instance, *lua.LState) lua.LValue {
		return in.json.Table()
	}}}
	all = append(all, in.service.Libraries...)
	for _, m := range in.service.reg.modules {
		all = append(all, in.service.granted(in.service.own(m)))
	}
	return all
}

// own is what the service has in place of m, or m.
func (s *Service) own(m vm.Module) vm.Module {
	if i := slices.IndexFunc(s.Modules, func(o vm.Module) bool { return o.Name == m.Name }); i >= 0 {
		return s.Modules[i]
	}
	return m
}

// granted is m, or what raises an error where the service may not have it.
func (s *Service) granted(m vm.Module) vm.Module {
	if !m.Privileged || slices.Contains(s.Preload, m.Name) {
		return m
	}
	if err := s.Grants.Module(m.Name); err != nil {
		m.Open = func(_ *vm.Instance, l *lua.LState) lua.LValue {
			l.RaiseError("%s", err.Error())
			return lua.LNil
		}
	}
	return m
}

// load runs the module and finds the service's table: what the module
// returned, or else the global named like the service, as LAppS's services
// have it. Either way it is that global afterwards.
func (in *instance) load(machine *vm.Instance) error {
	l := machine.State()
	name := in.service.Name
	ret, err := machine.Main()
	if err != nil {
		return err
	}
	if ret == lua.LNil {
		ret = l.G.Global.RawGetString(name)
	}
	table, ok := ret.(*lua.LTable)
	if !ok {
		return fmt.Errorf("%s.lua must return the table of its callbacks, not a %s", name, ret.Type())
	}
	l.G.Global.RawSetString(name, table)
	machine.Loaded(table) // LAppS requires it, so that helpers may as well
	in.callbacks = table
	if err := in.checkCallbacks(); err != nil {
		return err
	}
	if in.service.Standalone {
		_, err := in.call("init")
		return err
	}
	if _, err := in.call("onStart"); err != nil {
		return err
	}
	if in.onConnect, err = in.has("onConnect"); err != nil { // which onStart may have set
		return err
	}
	in.onDrain, err = in.has("onDrain")
	return err
}

// table returns the service's table: the global of its name, which Lua may replace, as in
// LAppS. While that is none with callbacks it is the last one. The baton is held.
func (in *instance) table() *lua.LTable {
	t, ok := in.vm.State().G.Global.RawGetString(in.service.Name).(*lua.LTable)
	if ok && t != in.callbacks && hasCallbacks(t) {
		in.callbacks = t
	}
	return in.callbacks
}

// hasCallbacks reports whether t looks like a service's table, and not like data in a
// global of its name.
func hasCallbacks(t *lua.LTable) bool {
	for _, name := range []string{"onMessage", "methods", "run"} {
		if t.RawGetString(name) != lua.LNil {
			return true
		}
	}
	return t.Metatable != lua.LNil
}

// has reports whether there is a callback.
func (in *instance) has(name string) (bool, error) {
	fn, err := in.vm.Index(in.table(), name)
	return fn != lua.LNil, err
}

// call calls a callback, if there is one, and returns its first result. It is
// looked up for each call, as Lua would, so that a service may replace its
// callbacks. The baton is held.
func (in *instance) call(name string, args ...lua.LValue) (lua.LValue, error) {
	fn, err := in.vm.Index(in.table(), name)
	if err != nil || fn == lua.LNil {
		return lua.LNil, err
	}
	return in.vm.Call(fn, args...)
}

// stop handles what was accepted, calls onShutdown and ends the state. It
// returns ctx's error if that ended first.
func (in *instance) stop(ctx context.Context) error {
	defer in.service.account.settle()
	in.vm.Halt()
	if in.service.Standalone {
		return in.stopRun(ctx)
	}
	err := in.vm.Do(ctx, func(*vm.Instance) error {
		if _, err := in.call("onShutdown"); err != nil {
			in.report("onShutdown", nil, err)
		}
		return nil
	})
	return errors.Join(err, in.vm.Stop(ctx))
}

// count counts n seats more.
func (in *instance) count(n int32) {
	if in.seats.Add(n) == 0 && in.retired.Load() {
		in.emptied.Do(func() { close(in.empty) })
	}
}

// find returns the seat of a handler, or nil.
func (in *instance) find(handler uint64) *Seat {
	if s := in.handling(); s != nil && s.id() == handler {
		return s
	}
	return in.service.reg.handlers.find(handler)
}

// handling is the seat whose event is being handled, or nil.
func (in *instance) handling() *Seat {
	s, _ := in.vm.Handling().(*Seat)
	return s
}

// close has s's peer closed by the service: what it sent and has not been
// handled yet is dropped.
func (in *instance) close(s *Seat, code wire.Code, reason string) {
	in.publish()
	s.closed.Store(true)
	s.peer.Close(code, reason)
	in.touch(s.peer.Waker())
}

// touch has w woken at the end of the turn.
func (in *instance) touch(w Waker) {
	for _, known := range in.wake {
		if known == w {
			return
		}
	}
	in.wake = append(in.wake, w)
}

// turnEnd sends what the turn has written.
func (in *instance) turnEnd() {
	in.publish()
	in.sent.tell() // before the peers can tell
	for i, w := range in.wake {
		w.Wake()
		in.wake[i] = nil
	}
	in.wake = in.wake[:0]
}
