package vm

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

var (
	// ErrBusy is returned by Offer when the mailbox, or the gate's share of
	// it, is full.
	ErrBusy = errors.New("vm: the mailbox is full")

	// ErrStopped is returned by Offer, Post and Do once Stop has been
	// called. The Error of a call that Stop interrupted wraps it.
	ErrStopped = errors.New("vm: the instance has been stopped")

	// ErrInterrupted is wrapped by the Error of a call that Interrupt has ended.
	ErrInterrupted = errors.New("interrupted")

	// ErrTime is wrapped by the Error of a call that has run for longer than
	// Config.CallTime.
	ErrTime = errors.New("the call has run for longer than it may")

	// ErrMemory is wrapped by the Error of a call during which the instance's
	// values have come to take more than Config.Memory.
	ErrMemory = errors.New("not enough memory")
)

// An Error is what went wrong in Lua: an error that nobody caught, a syntax
// error, or a Go panic in a binding.
type Error struct {
	Service   string
	Message   string     // one line, beginning with file:line where that is known
	Traceback string     // as Lua writes it; before it, for a panic, Go's
	Value     lua.LValue // what was thrown; LNil where nothing was. Only for the holder of the baton
	Panic     bool       // a Go panic: a bug in a binding

	cause error
}

// Thrown is what Lua gets for err, which Call returned.
func Thrown(err error) lua.LValue {
	var e *Error
	if errors.As(err, &e) && e.Value != lua.LNil {
		return e.Value
	}
	return lua.LString(err.Error())
}

// Error returns Message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns ErrStopped when Stop interrupted the call, and ErrTime
// or ErrMemory when one of these was over.
func (e *Error) Unwrap() error { return e.cause }

// maxErrorText bounds a Message, in bytes: scripts throw what they like, and
// messages are logged.
const maxErrorText = 1024

// overflow is what gopher-lua panics with when Lua recurses too deeply.
const overflow = "lua callstack overflow"

var (
	place      = regexp.MustCompile(`^[^:\n]+:\d+:`)
	tracePlace = regexp.MustCompile(`\n\t([^:\n\[]+:\d+:) in `)
)

// newError makes an Error of what LState.PCall returned.
func newError(service string, err error) *Error {
	e := &Error{Service: service, Value: lua.LNil}
	text := err.Error()
	var api *lua.ApiError
	if errors.As(err, &api) {
		e.Value, e.Panic = thrown(api)
		e.Traceback = api.StackTrace
		text = errorText(e.Value)
	}
	if !place.MatchString(text) {
		if at := tracePlace.FindStringSubmatch(e.Traceback); at != nil {
			text = at[1] + " " + text
		}
	}
	e.Message = oneLine(text)
	return e
}

// thrown is the value that err carries, and whether it is a Go panic's.
func thrown(err *lua.ApiError) (v lua.LValue, isPanic bool) {
	switch {
	case err.Object == nil:
		return lua.LNil, false
	case err.Object == lua.LString(overflow):
		return lua.LString("stack overflow"), false
	}
	return err.Object, err.Type == lua.ApiErrorPanic
}

func errorText(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return v.String()
	case *lua.LTable: // as those of methods are
		if m, ok := v.RawGetString("message").(lua.LString); ok {
			return string(m)
		}
	}
	return fmt.Sprintf("(error object is a %s value)", v.Type())
}

func oneLine(s string) string {
	if len(s) > maxErrorText {
		s = strings.ToValidUTF8(s[:maxErrorText], "") + "..."
	}
	return strings.NewReplacer(":\n\t", ": ", "\n\t", "; ", "\n", "; ", "\r", "").Replace(strings.TrimSpace(s))
}
