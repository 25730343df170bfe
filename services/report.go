package services

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/vm"
)

// maxReports is how many Lua errors of a service are logged in a second.
const maxReports = 20

// reports are a service's Lua errors: they are counted, and logged for as long as
// they are not too many. For any goroutine.
type reports struct {
	errors, panics atomic.Uint64

	mu    sync.Mutex // guards the fields below
	since time.Time  // the second that is counted
	n     int        // errors in it
	mute  int        // errors that were not logged since one was
}

// take counts an error. It returns whether it is to be logged, and how many were
// not, since the last one that was.
func (r *reports) take(isPanic bool, now time.Time) (logged bool, missed int) {
	r.errors.Add(1)
	if isPanic {
		r.panics.Add(1)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.since) >= time.Second {
		r.since, r.n = now, 0
	}
	if r.n++; r.n > maxReports {
		r.mute++
		return false, 0
	}
	missed, r.mute = r.mute, 0
	return true, missed
}

// Errors is how often Lua has ended with an error that it did not catch, and how
// many of these were panics of Go: mistakes of the server.
func (s *Service) Errors() (all, panics uint64) {
	return s.reports.errors.Load(), s.reports.panics.Load()
}

// report counts and logs an error of a callback, a method, a task or a timer, and
// tells the service's onError, if there is one. s is whose event it was; nil:
// nobody's. The baton is held.
func (in *instance) report(function string, s *Seat, err error) {
	in.record(function, s, err)
	var e *vm.Error
	if !errors.As(err, &e) || errors.Is(err, vm.ErrStopped) {
		return
	}
	var handler lua.LValue = lua.LNil
	if s != nil {
		handler = s.handler
	}
	in.vm.Renew() // or nothing could be done about a time that is over
	if _, err := in.call("onError", handler, in.errorTable(function, e)); err != nil {
		in.record("onError", s, err)
	}
}

// record counts and logs an error.
func (in *instance) record(function string, s *Seat, err error) {
	var e *vm.Error
	isPanic := errors.As(err, &e) && e.Panic
	in.countError(isPanic)
	logged, missed := in.service.reports.take(isPanic, time.Now())
	if !logged {
		return
	}
	args := []any{"function", function}
	if s != nil {
		args = append(args, "handler", s.id())
	}
	if missed > 0 {
		args = append(args, "not_logged", missed)
	}
	logLua(in.log, "lua error", err, args...)
}

// errorTable is an error as onError sees it.
func (in *instance) errorTable(function string, e *vm.Error) *lua.LTable {
	t := in.vm.State().CreateTable(0, 4)
	t.RawSetString("message", lua.LString(e.Message))
	t.RawSetString("traceback", lua.LString(e.Traceback))
	t.RawSetString("callback", lua.LString(function))
	t.RawSetString("value", e.Value)
	return t
}
