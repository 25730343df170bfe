package services

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/wire"
	"lapps/services/vm"
)

// An instance is one of the Lua states of a service.
type instance struct {
	// Immutable after start.
	service   *Service
	vm        *vm.Instance
	log       *slog.Logger
	callbacks *lua.LTable // the service's table: what its module returned
	onConnect bool        // the table has an onConnect

	joining atomic.Int32 // peers that wait for onConnect
	leaving atomic.Int32 // peers whose onDisconnect waits

	// Owned by whoever holds the baton.
	current *Seat   // whose event is being handled, if that may be told: see find
	wake    []Waker // what to wake at the end of the turn
}

// startInstance loads p into a state of its own and calls onStart.
func startInstance(ctx context.Context, s *Service, p *vm.Program, name string) (*instance, error) {
	in := &instance{service: s, log: s.log.With("instance", name)}
	machine, err := vm.New(vm.Config{
		Service:  s.Name,
		Instance: name,
		Program:  p,
		Globals:  in.globals,
		Modules:  s.reg.modules,
		Limits:   s.Mailbox,
		TurnEnd:  in.turnEnd,
		Log:      s.reg.log,
	})
	if err != nil {
		return nil, err
	}
	in.vm = machine
	if err := machine.Do(ctx, in.load); err != nil {
		return nil, errors.Join(err, machine.Stop(ctx))
	}
	return in, nil
}

func (in *instance) globals(_ *vm.Instance, l *lua.LState) {
	l.SetGlobal("ws", in.ws(l))
	l.SetGlobal("instance_id", lua.LString(in.service.Name+"/"+in.vm.Name()))
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
	in.callbacks = table
	if err := in.checkCallbacks(); err != nil {
		return err
	}
	if _, err := in.call("onStart"); err != nil {
		return err
	}
	onConnect, err := in.vm.Index(table, "onConnect") // which onStart may have set
	in.onConnect = onConnect != lua.LNil
	return err
}

// checkCallbacks reports every callback that is missing or no function.
func (in *instance) checkCallbacks() error {
	var wrong []string
	for _, name := range []string{"onStart", "onConnect", "onMessage", "onDisconnect", "onShutdown"} {
		fn, err := in.vm.Index(in.callbacks, name)
		switch {
		case err != nil:
			return err
		case fn == lua.LNil && name == "onMessage":
			wrong = append(wrong, "the function onMessage is missing")
		case fn != lua.LNil && fn.Type() != lua.LTFunction:
			wrong = append(wrong, fmt.Sprintf("%s must be a function, not a %s", name, fn.Type()))
		}
	}
	if wrong != nil {
		return fmt.Errorf("%s.lua: %s", in.service.Name, strings.Join(wrong, "; "))
	}
	return nil
}

// call calls a callback, if there is one, and returns its first result. It is
// looked up for each call, as Lua would, so that a service may replace its
// callbacks. The baton is held.
func (in *instance) call(name string, args ...lua.LValue) (lua.LValue, error) {
	fn, err := in.vm.Index(in.callbacks, name)
	if err != nil || fn == lua.LNil {
		return lua.LNil, err
	}
	return in.vm.Call(fn, args...)
}

// stop handles what was accepted, calls onShutdown and ends the state. It
// returns ctx's error if that ended first.
func (in *instance) stop(ctx context.Context) error {
	err := in.vm.Do(ctx, func(*vm.Instance) error {
		if _, err := in.call("onShutdown"); err != nil {
			logLua(in.log, "lua error", err, "function", "onShutdown")
		}
		return nil
	})
	return errors.Join(err, in.vm.Stop(ctx))
}

// find returns the seat of a handler, or nil.
func (in *instance) find(handler uint64) *Seat {
	if s := in.current; s != nil && s.id == handler {
		return s
	}
	return in.service.reg.handlers.find(handler)
}

// close has s's peer closed by the service: what it sent and has not been
// handled yet is dropped.
func (in *instance) close(s *Seat, code wire.Code, reason string) {
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
	for i, w := range in.wake {
		w.Wake()
		in.wake[i] = nil
	}
	in.wake = in.wake[:0]
}
