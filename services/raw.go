package services

import (
	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/wire"
)

// Opcodes as Lua sees them, boxed once.
var (
	opText   lua.LValue = lua.LNumber(wire.Text)
	opBinary lua.LValue = lua.LNumber(wire.Binary)
)

// rawMessage handles a message of the raw dialect: onMessage(handler, opcode,
// message). An error closes the connection with 1011, or with what its peer is told
// because the service leaves; the result false with 1008; true, or nothing, keeps it.
func (s *Seat) rawMessage(op wire.Op, data string) {
	opcode := opText
	if op == wire.Binary {
		opcode = opBinary
	}
	result, err := s.in.call("onMessage", s.handler, opcode, lua.LString(data))
	if err != nil {
		s.in.report("onMessage", s, err)
		end := farewell{wire.InternalError, "the service failed"}
		if f := s.in.service.farewell.Load(); f != nil { // it is told so in any case
			end = *f
		}
		s.in.close(s, end.code, end.reason)
		return
	}
	s.heed(result)
}

// heed does what the result of onMessage, in either dialect, says.
func (s *Seat) heed(result lua.LValue) {
	switch kept, ok := result.(lua.LBool); {
	case result == lua.LNil:
	case !ok:
		s.odd(result)
	case !bool(kept):
		s.in.close(s, wire.PolicyViolation, "refused by the service")
	}
}

// odd says, once per service, that onMessage should return a boolean, or nothing.
func (s *Seat) odd(result lua.LValue) {
	if s.in.service.warned.Load() || s.in.service.warned.Swap(true) {
		return
	}
	s.in.log.Warn("onMessage should return true or nothing, or false to close the connection; taken for true, said once",
		"returned", result.Type().String())
}
