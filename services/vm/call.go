package vm

import (
	"fmt"
	"runtime/debug"

	lua "github.com/yuin/gopher-lua"
)

const (
	maxFreeThreads = 64

	// maxDepth bounds calls, pcalls and coroutines within each other: each
	// has a Lua stack of its own, but all share the executor's Go stack,
	// whose overflow would end the process. Lua's own LUAI_MAXCCALLS is 200.
	maxDepth = 160
)

// Of returns the instance that L, which may be any of its threads and
// coroutines, belongs to.
func Of(L *lua.LState) *Instance { return L.Context().(*hook).in }

// Call calls fn and returns its first result, LNil where there is none. An
// error that Lua did not catch, or a Go panic in a binding, is an *Error. The
// baton must be held.
func (in *Instance) Call(fn lua.LValue, args ...lua.LValue) (lua.LValue, error) {
	th, err := in.call(fn, args, 1)
	if err != nil {
		return lua.LNil, err
	}
	ret := noNil(th.Get(-1))
	th.SetTop(0)
	in.recycle(th)
	return ret, nil
}

// CallAll is Call, and appends all results to dst.
func (in *Instance) CallAll(dst []lua.LValue, fn lua.LValue, args ...lua.LValue) ([]lua.LValue, error) {
	th, err := in.call(fn, args, lua.MultRet)
	if err != nil {
		return dst, err
	}
	for i := range th.GetTop() {
		dst = append(dst, noNil(th.Get(i+1)))
	}
	th.SetTop(0)
	in.recycle(th)
	return dst, nil
}

// noNil is v, or LNil for a variable that an aborted function left behind.
func noNil(v lua.LValue) lua.LValue {
	if v == nil {
		return lua.LNil
	}
	return v
}

// call calls fn on a thread of its own, on which nret results are then.
func (in *Instance) call(fn lua.LValue, args []lua.LValue, nret int) (*lua.LState, error) {
	if in.hook.interrupted.Load() {
		in.errors.Add(1)
		return nil, &Error{Service: in.config.Service, Message: ErrStopped.Error(), Value: lua.LNil, cause: ErrStopped}
	}
	th := in.thread()
	th.Push(fn)
	for _, a := range args {
		th.Push(a)
	}
	g := in.main.G
	was := g.CurrentThread
	g.CurrentThread = th
	err := in.protect(th, len(args), nret, true)
	g.CurrentThread = was
	if err != nil {
		return nil, in.failed(err)
	}
	return th, nil
}

// Index returns v[key] as Lua sees it, with metamethods. The baton must be
// held.
func (in *Instance) Index(v lua.LValue, key string) (lua.LValue, error) {
	if t, ok := v.(*lua.LTable); ok {
		field := t.RawGetString(key)
		if _, isFunction := field.(*lua.LFunction); isFunction || field != lua.LNil || t.Metatable == lua.LNil {
			return field, nil
		}
	}
	return in.Call(in.main.NewFunction(func(L *lua.LState) int {
		L.Push(L.GetField(L.Get(1), key))
		return 1
	}), v)
}

// protect calls what has been pushed onto th, as PCall does. After an error th is not
// used any more: functions may still share its variables. An error has a traceback if
// it is to be traced, or was a bug.
func (in *Instance) protect(th *lua.LState, nargs, nret int, traced bool) (err error) {
	e := in.running
	depth := e.depth
	if depth >= maxDepth {
		return &lua.ApiError{Type: lua.ApiErrorRun, Object: lua.LString("stack overflow (protected calls and coroutines within each other)")}
	}
	e.depth = depth + 1
	e.threads = append(e.threads, th)
	defer func() {
		e.depth = depth
		n := len(e.threads) - 1
		e.threads[n], e.threads = nil, e.threads[:n]
		if r := recover(); r != nil {
			err = recovered(th, r, traced)
		}
	}()
	th.Call(nargs, nret)
	return nil
}

// recovered makes an error of what a call on th has panicked with: Lua's own, or a
// bug of a binding.
func recovered(th *lua.LState, r any, traced bool) *lua.ApiError {
	err, ok := r.(*lua.ApiError)
	if ok && !traced {
		return err
	}
	if !ok {
		err = &lua.ApiError{Type: lua.ApiErrorPanic, Object: lua.LString(fmt.Sprint(r)), StackTrace: string(debug.Stack()) + "\n"}
	}
	trace, failed := traceback(th)
	if failed != nil {
		return &lua.ApiError{
			Type:       lua.ApiErrorRun,
			Object:     lua.LString(fmt.Sprint("an error that Lua cannot place, most likely registry overflow: ", failed)),
			StackTrace: string(debug.Stack()),
		}
	}
	err.StackTrace += trace
	return err
}

// panicBare is how threads panic; the traceback is added where it is recovered.
func panicBare(l *lua.LState) {
	panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: inWords(l, l.Get(-1))})
}

// failed makes an *Error of what PCall returned, and counts it.
func (in *Instance) failed(err error) *Error {
	in.errors.Add(1)
	e := newError(in.config.Service, err)
	e.cause = in.hook.verdict()
	return e
}

// thread returns a clean thread.
func (in *Instance) thread() *lua.LState {
	if n := len(in.threads); n > 0 {
		th := in.threads[n-1]
		in.threads[n-1] = nil
		in.threads = in.threads[:n-1]
		return th
	}
	// With a context NewThread would derive one from it.
	in.main.RemoveContext()
	th, _ := in.main.NewThread()
	th.Panic = panicBare
	in.main.SetContext(in.hook)
	th.SetContext(in.hook)
	return th
}

// recycle takes back a clean thread.
func (in *Instance) recycle(th *lua.LState) {
	if len(in.threads) < maxFreeThreads {
		in.threads = append(in.threads, th)
	}
}
