package services

import (
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/rpc"
	"lapps/protocol/wire"
)

// ws makes the table ws of an instance:
//
//	ws:send(handler, opcode, string)      a message; opcode is 1 (text) or 2 (binary)
//	ws:send(handler, message)             a LAppS message: nljson, or a table
//	ws:close(handler, code [, reason])    closes the connection
//	ws:buffered(handler)                  how many bytes wait for its peer to read
//	ws:data(handler)                      a table of the connection's own (data.go)
//	ws:info(handler)                      what is known of it (info.go)
//
// They return true, or that number, or false and why not; the last two the table, or nil and
// why not. They never raise an error and never block. All but data are for the connections
// of any instance and service, and work wherever Lua runs: in callbacks, tasks, timers and
// standalone services.
func (in *instance) ws(l *lua.LState) *lua.LTable {
	return l.SetFuncs(l.CreateTable(0, 8), map[string]lua.LGFunction{
		"send":     in.wsSend,
		"close":    in.wsClose,
		"buffered": in.wsBuffered,
		"data":     in.wsData,
		"info":     in.wsInfo,
	})
}

const (
	usageSend     = "usage: ws:send(handler, opcode, string)"
	usageLAppS    = "usage: ws:send(handler, message)"
	usageClose    = "usage: ws:close(handler, code [, reason])"
	usageBuffered = "usage: ws:buffered(handler)"
	usageData     = "usage: ws:data(handler)"
	usageInfo     = "usage: ws:info(handler)"

	maxReason = 123 // bytes: a Close frame holds 125 (RFC 6455, section 5.5), two of them the code
)

func (in *instance) wsSend(l *lua.LState) int {
	var frame wire.Frame
	var kind rpc.Kind // of a LAppS message
	var why string
	switch l.GetTop() {
	case 3:
		frame, kind, why = in.message(l.Get(3), usageLAppS)
	case 4:
		frame, why = rawMessage(l.Get(3), l.Get(4), usageSend)
	default:
		why = usageSend + " or ws:send(handler, message): wrong number of arguments"
	}
	if why != "" {
		return no(l, why)
	}
	seat, why := in.seatOf(l.Get(2), usageSend)
	if seat == nil {
		return no(l, why)
	}
	if err := in.send(seat, frame); err != nil {
		return no(l, err.Error())
	}
	if kind.Answers() && seat == in.handling() {
		seat.answered = true
	}
	return yes(l)
}

// send sends f to the peer of s at the end of the turn.
func (in *instance) send(s *Seat, f wire.Frame) error {
	in.publish()
	_, err := s.peer.Send(s.in.service.shape(f))
	if err != ErrGone {
		in.sent.add(1, len(f.Payload), len(f.Payload))
	}
	in.touch(s.peer.Waker())
	return err
}

// rawMessage makes a frame of an opcode and a string; "" or why not.
func rawMessage(opcode, message lua.LValue, usage string) (f wire.Frame, why string) {
	payload, ok := asString(message)
	if !ok {
		return f, usage + ": the message must be a string, not a " + message.Type().String()
	}
	switch n, _ := opcode.(lua.LNumber); n {
	case lua.LNumber(wire.Text):
		if !utf8.ValidString(payload) {
			return f, "the text message is not valid UTF-8"
		}
		return wire.Frame{Op: wire.Text, Payload: payload}, ""
	case lua.LNumber(wire.Binary):
		return wire.Frame{Op: wire.Binary, Payload: payload}, ""
	}
	return f, usage + ": opcode must be 1 (text) or 2 (binary)"
}

// message makes a frame of a LAppS message that an application has put
// together; "" or why not.
func (in *instance) message(v lua.LValue, usage string) (f wire.Frame, kind rpc.Kind, why string) {
	if t := v.Type(); t != lua.LTUserData && t != lua.LTTable {
		return f, 0, usage + ": the message must be nljson or a table, not a " + t.String()
	}
	payload, err := in.encode(func(b rpc.Builder) error { return in.json.Walk(v, b) })
	if err == nil {
		kind, err = rpc.ParseReply(payload)
	}
	if err != nil {
		return f, 0, "not a message of the LAppS protocol: " + err.Error()
	}
	return wire.Frame{Op: wire.Binary, Reply: kind.Answers(), Payload: payload}, kind, ""
}

// encode returns the CBOR of what tell tells. It calls no Lua.
func (in *instance) encode(tell func(rpc.Builder) error) (string, error) {
	defer in.encoder.Reset()
	if err := tell(&in.encoder); err != nil {
		return "", err
	}
	return string(in.encoder.Encoded()), nil
}

func (in *instance) wsClose(l *lua.LState) int {
	if n := l.GetTop(); n != 3 && n != 4 {
		return no(l, usageClose+": wrong number of arguments")
	}
	number, ok := l.Get(3).(lua.LNumber)
	code := wire.Code(number)
	if !ok || lua.LNumber(code) != number || !code.Sendable() {
		return no(l, usageClose+": code must be one of 1000-1003, 1007-1014 and 3000-4999")
	}
	var reason string
	if l.GetTop() == 4 && l.Get(4) != lua.LNil {
		if reason, ok = asString(l.Get(4)); !ok || !utf8.ValidString(reason) {
			return no(l, usageClose+": reason must be a string of UTF-8")
		}
		if len(reason) > maxReason {
			return no(l, usageClose+": reason must not be longer than 123 bytes")
		}
	}
	seat, why := in.seatOf(l.Get(2), usageClose)
	if seat == nil || seat.closed.Load() {
		return no(l, why)
	}
	in.close(seat, code, reason)
	return yes(l)
}

func (in *instance) wsBuffered(l *lua.LState) int {
	if l.GetTop() != 2 {
		return no(l, usageBuffered+": wrong number of arguments")
	}
	seat, why := in.seatOf(l.Get(2), usageBuffered)
	if seat == nil {
		return no(l, why)
	}
	in.publish()
	n, err := seat.peer.Buffered()
	if err != nil {
		return no(l, err.Error())
	}
	l.Push(lua.LNumber(n))
	return 1
}

// seatOf finds a handler's seat; nil: why not.
func (in *instance) seatOf(v lua.LValue, usage string) (s *Seat, why string) {
	if v.Type() != lua.LTNumber {
		return nil, usage + ": handler must be a number, not a " + v.Type().String()
	}
	n, ok := whole(v)
	if !ok {
		return nil, ErrGone.Error()
	}
	return in.find(n), ErrGone.Error()
}

// asString is a string, or a number as Lua would write it.
func asString(v lua.LValue) (string, bool) {
	switch v := v.(type) {
	case lua.LString:
		return string(v), true
	case lua.LNumber:
		return v.String(), true
	}
	return "", false
}

// yes returns true to Lua.
func yes(l *lua.LState) int {
	l.Push(lua.LTrue)
	return 1
}

// no returns false and why to Lua.
func no(l *lua.LState, why string) int {
	l.Push(lua.LFalse)
	l.Push(lua.LString(why))
	return 2
}

// none returns nil and why to Lua.
func none(l *lua.LState, why string) int {
	l.Push(lua.LNil)
	l.Push(lua.LString(why))
	return 2
}
