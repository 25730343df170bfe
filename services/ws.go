package services

import (
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/wire"
)

// ws makes the table ws of an instance:
//
//	ws:send(handler, opcode, string)      a message; opcode is 1 (text) or 2 (binary)
//	ws:close(handler, code [, reason])    closes the connection
//
// Both return true, or false and why not. They never raise an error and never
// block.
func (in *instance) ws(l *lua.LState) *lua.LTable {
	return l.SetFuncs(l.NewTable(), map[string]lua.LGFunction{
		"send":  in.wsSend,
		"close": in.wsClose,
	})
}

const (
	usageSend  = "usage: ws:send(handler, opcode, string)"
	usageClose = "usage: ws:close(handler, code [, reason])"

	maxReason = 123 // bytes: a Close frame holds 125 (RFC 6455, section 5.5), two of them the code
)

func (in *instance) wsSend(l *lua.LState) int {
	if l.GetTop() != 4 {
		return no(l, usageSend+": wrong number of arguments")
	}
	payload, ok := asString(l.Get(4))
	if !ok {
		return no(l, usageSend+": the message must be a string, not a "+l.Get(4).Type().String())
	}
	var op wire.Op
	switch l.Get(3) {
	case opText:
		if !utf8.ValidString(payload) {
			return no(l, "the text message is not valid UTF-8")
		}
		op = wire.Text
	case opBinary:
		op = wire.Binary
	default:
		return no(l, usageSend+": opcode must be 1 (text) or 2 (binary)")
	}
	seat, why := in.seatOf(l.Get(2), usageSend)
	if seat == nil {
		return no(l, why)
	}
	_, err := seat.peer.Send(wire.Frame{Op: op, Payload: payload})
	in.touch(seat.peer.Waker())
	if err != nil {
		return no(l, err.Error())
	}
	l.Push(lua.LTrue)
	return 1
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
	l.Push(lua.LTrue)
	return 1
}

// seatOf finds a handler's seat; nil: why not.
func (in *instance) seatOf(v lua.LValue, usage string) (s *Seat, why string) {
	n, ok := v.(lua.LNumber)
	if !ok {
		return nil, usage + ": handler must be a number, not a " + v.Type().String()
	}
	if n < 0 || n > 1<<53 || n != lua.LNumber(uint64(n)) {
		return nil, ErrGone.Error()
	}
	return in.find(uint64(n)), ErrGone.Error()
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

// no returns false and why to Lua.
func no(l *lua.LState, why string) int {
	l.Push(lua.LFalse)
	l.Push(lua.LString(why))
	return 2
}
