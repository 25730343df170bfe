package services

import (
	"slices"

	lua "github.com/yuin/gopher-lua"
)

func (in *instance) wsInfo(l *lua.LState) int {
	if l.GetTop() != 2 {
		return none(l, usageInfo+": wrong number of arguments")
	}
	s, why := in.seatOf(l.Get(2), usageInfo)
	if s == nil {
		return none(l, why)
	}
	l.Push(s.info(l))
	return 1
}

// info is what is known of a connection, as far as that is kept: its request is not, but
// for what a Peer knows in any case.
func (s *Seat) info(l *lua.LState) *lua.LTable {
	service, peer := s.in.service, s.peer.Info()
	t := l.CreateTable(0, 8)
	t.RawSetString("service", lua.LString(service.Name))
	t.RawSetString("instance", lua.LString(s.in.id()))
	t.RawSetString("path", lua.LString(service.RequestTarget))
	t.RawSetString("remote_addr", lua.LString(peer.RemoteAddr.String()))
	t.RawSetString("tls", lua.LBool(peer.TLS))
	t.RawSetString("connected_at", lua.LNumber(s.since))
	if service.Version != "" {
		t.RawSetString("version", lua.LString(service.Version))
	}
	if i := int(s.subprotocol); i > 0 {
		t.RawSetString("subprotocol", lua.LString(service.Subprotocols[i-1]))
	}
	if peer.Certificate != nil {
		t.RawSetString("certificate", certificateTable(l, peer.Certificate))
	}
	return t
}

// noteSubprotocol keeps what was agreed on: a number, from 1 on, of those of the service.
func (s *Seat) noteSubprotocol(agreed string) {
	s.subprotocol = uint16(1 + slices.Index(s.in.service.Subprotocols, agreed))
}
