package services

import (
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/rpc"
	"lapps/protocol/wire"
	"lapps/services/vm"
)

// Types of a message of a peer's as onMessage sees them, boxed once.
var (
	typeNotification       lua.LValue = lua.LNumber(1)
	typeNotificationParams lua.LValue = lua.LNumber(2)
	typeRequest            lua.LValue = lua.LNumber(3)
	typeRequestParams      lua.LValue = lua.LNumber(4)
)

// typeOf is the type of a message.
func typeOf(r *rpc.Request) lua.LValue {
	switch {
	case r.Notification && r.Params == "":
		return typeNotification
	case r.Notification:
		return typeNotificationParams
	case r.Params == "":
		return typeRequest
	}
	return typeRequestParams
}

// lappsMessage handles a message of the LAppS dialect: the method of its name
// in the table methods is called, or else onMessage(handler, type, message).
// What is wrong with the message, or goes wrong with it, concerns this message
// only; a text closes the connection with 1003.
func (s *Seat) lappsMessage(op wire.Op, data string) {
	if op == wire.Text {
		s.in.close(s, wire.UnsupportedData, "this service takes binary messages: CBOR")
		return
	}
	s.answered = false
	r, refused := rpc.ParseRequest(data)
	if refused != nil {
		s.fail(refused.Code, refused.Message, nil)
		return
	}
	fn, err := s.in.method(r.Method)
	switch {
	case err != nil:
		s.failed(&r, r.Method, err)
	case fn != lua.LNil:
		s.callMethod(fn, &r, data)
	default:
		s.callOnMessage(&r, data)
	}
}

// method looks a method up, as Lua would; LNil: there is none.
func (in *instance) method(name string) (lua.LValue, error) {
	methods, err := in.vm.Index(in.table(), "methods")
	if err != nil {
		return lua.LNil, err
	}
	table, ok := methods.(*lua.LTable)
	if !ok {
		return lua.LNil, nil
	}
	fn, err := in.vm.Index(table, name)
	if err == nil && fn.Type() != lua.LTFunction {
		fn = lua.LNil
	}
	return fn, err
}

// callMethod calls fn(handler, params, request). What it returns is the result,
// unless it has answered by itself.
func (s *Seat) callMethod(fn lua.LValue, r *rpc.Request, data string) {
	in := s.in
	params, request := s.arguments(fn, r, data)
	results, err := in.vm.CallAll(in.results[:0], fn, s.handler, params, request)
	if err != nil {
		s.failed(r, r.Method, err)
		return
	}
	if s.wantsAnswer(r) {
		s.respond(r, results)
	}
	if clear(results); cap(results) <= keepResults {
		in.results = results[:0]
	}
}

// keepResults is how many results an instance keeps room for.
const keepResults = 64

// wantsAnswer reports whether r is still to be answered.
func (s *Seat) wantsAnswer(r *rpc.Request) bool {
	return !r.Notification && !s.answered && !s.closed.Load()
}

// arguments are the parameters of a request, and all of it where fn has a
// parameter for that.
func (s *Seat) arguments(fn lua.LValue, r *rpc.Request, data string) (params, request lua.LValue) {
	l, json := s.in.vm.State(), s.in.json
	if !wantsRequest(fn.(*lua.LFunction)) {
		if r.Params == "" {
			return l.CreateTable(0, 0), lua.LNil
		}
		return json.TableFromCBOR(r.Params), lua.LNil
	}
	whole := json.TableFromCBOR(data).(*lua.LTable)
	if r.Params == "" {
		return l.CreateTable(0, 0), whole
	}
	return whole.RawGetString("params"), whole
}

// wantsRequest reports whether fn looks at its third argument.
func wantsRequest(fn *lua.LFunction) bool {
	return fn.IsG || fn.Proto.NumParameters >= 3 || fn.Proto.IsVarArg != 0
}

// respond answers a request with the results of its method.
func (s *Seat) respond(r *rpc.Request, results []lua.LValue) {
	payload, err := s.in.encode(func(b rpc.Builder) error {
		rpc.BeginResult(b, len(results))
		if err := s.in.json.WalkAll(results, b, 2); err != nil {
			return err
		}
		rpc.EndResult(b)
		return nil
	})
	if err != nil {
		s.in.log.Error("the results have no form in the protocol", "method", r.Method, "handler", s.id(), "err", err)
		s.fail(rpc.InternalError, internal, nil)
		return
	}
	s.in.send(s, wire.Frame{Op: wire.Binary, Reply: true, Payload: payload})
}

// callOnMessage calls onMessage(handler, type, message).
func (s *Seat) callOnMessage(r *rpc.Request, data string) {
	fn, err := s.in.vm.Index(s.in.table(), "onMessage")
	if err == nil && fn == lua.LNil {
		if !r.Notification {
			s.fail(rpc.MethodNotFound, fmt.Sprintf("there is no method %.40q", r.Method), nil)
		}
		return
	}
	var result lua.LValue
	if err == nil {
		result, err = s.in.vm.Call(fn, s.handler, typeOf(r), s.in.json.FromCBOR(data))
	}
	if err != nil {
		s.failed(r, "onMessage", err)
		return
	}
	s.heed(result)
}

// internal is all that a peer learns of an error that was not meant for it.
const internal = "internal error"

// failed answers a request that ended with an error in Lua. One that was raised
// as error({code = …, message = …, data = …}) is the peer's; any other is
// logged. A notification is not answered.
func (s *Seat) failed(r *rpc.Request, function string, err error) {
	code, message, data := rpc.InternalError, internal, lua.LValue(nil)
	if e, ok := thrown(err); ok {
		code, message, data = e.code, e.message, e.data
	} else {
		s.in.report(function, s, err)
	}
	if s.wantsAnswer(r) {
		s.fail(code, message, data)
	}
}

// fail answers with an error.
func (s *Seat) fail(code rpc.Code, message string, data lua.LValue) {
	payload, err := s.in.encodeError(code, message, data)
	if err != nil {
		s.in.log.Error("the data of an error has no form in the protocol", "handler", s.id(), "err", err)
		payload, _ = s.in.encodeError(code, message, nil)
	}
	s.in.send(s, wire.Frame{Op: wire.Binary, Reply: true, Payload: payload})
}

func (in *instance) encodeError(code rpc.Code, message string, data lua.LValue) (string, error) {
	return in.encode(func(b rpc.Builder) (err error) {
		var tell func()
		if data != nil {
			tell = func() { err = in.json.WalkAll([]lua.LValue{data}, b, 2) }
		}
		rpc.PutError(b, code, message, tell)
		return err
	})
}

// An answer is an error that an application has raised for the peer.
type answer struct {
	code    rpc.Code
	message string
	data    lua.LValue // nil: none
}

// thrown is the answer that err carries: a table with an integer code.
func thrown(err error) (a answer, ok bool) {
	var e *vm.Error
	if !errors.As(err, &e) {
		return a, false
	}
	table, ok := e.Value.(*lua.LTable)
	if !ok {
		return a, false
	}
	code, ok := table.RawGetString("code").(lua.LNumber)
	if !ok || code != lua.LNumber(int64(code)) || code > 1<<53 || code < -1<<53 {
		return a, false
	}
	a = answer{code: rpc.Code(code), message: "error"}
	if text, ok := asString(table.RawGetString("message")); ok {
		a.message = strings.ToValidUTF8(text, "\ufffd")
	}
	if data := table.RawGetString("data"); data != lua.LNil {
		a.data = data
	}
	return a, true
}
