package services

import (
	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/rpc"
	"lapps/protocol/wire"
)

// bcast makes the table bcast of an instance:
//
//	bcast:create(channel)                  makes a channel; it may exist already
//	bcast:subscribe(channel, handler)      a connection, once however often
//	bcast:unsubscribe(channel, handler)
//	bcast:send(channel, message)           a LAppS notification: nljson, or a table
//	bcast:send(channel, opcode, string)    a raw message
//
// A channel is a number, the same for all services of the process. All return
// true, or false and why not; they never raise an error and never block.
func (in *instance) bcast(l *lua.LState) *lua.LTable {
	return l.SetFuncs(l.NewTable(), map[string]lua.LGFunction{
		"create":      in.bcastCreate,
		"subscribe":   in.bcastSubscribe,
		"unsubscribe": in.bcastUnsubscribe,
		"send":        in.bcastSend,
	})
}

const (
	usageCreate      = "usage: bcast:create(channel)"
	usageSubscribe   = "usage: bcast:subscribe(channel, handler)"
	usageUnsubscribe = "usage: bcast:unsubscribe(channel, handler)"
	usageNotify      = "usage: bcast:send(channel, message)"
	usageRaw         = "usage: bcast:send(channel, opcode, string)"
	usageBroadcast   = "usage: bcast:send(channel, message) or bcast:send(channel, opcode, string)"
)

func (in *instance) bcastCreate(l *lua.LState) int {
	if l.GetTop() != 2 {
		return no(l, usageCreate+": wrong number of arguments")
	}
	id, ok := whole(l.Get(2))
	if !ok {
		return no(l, usageCreate+": channel must be an integer from 0 to 2^53")
	}
	if err := in.service.reg.channels.create(id); err != nil {
		return no(l, err.Error())
	}
	return yes(l)
}

func (in *instance) bcastSubscribe(l *lua.LState) int {
	c, s, why := in.subscription(l, usageSubscribe)
	if why != "" {
		return no(l, why)
	}
	if err := s.subscribe(c); err != nil {
		return no(l, err.Error())
	}
	return yes(l)
}

func (in *instance) bcastUnsubscribe(l *lua.LState) int {
	c, s, why := in.subscription(l, usageUnsubscribe)
	if why != "" {
		return no(l, why)
	}
	s.unsubscribe(c)
	return yes(l)
}

// subscription reads the arguments of subscribe and unsubscribe.
func (in *instance) subscription(l *lua.LState, usage string) (c *channel, s *Seat, why string) {
	if l.GetTop() != 3 {
		return nil, nil, usage + ": wrong number of arguments"
	}
	if c, why = in.channelOf(l.Get(2), usage); why != "" {
		return nil, nil, why
	}
	if s, why = in.seatOf(l.Get(3), usage); s == nil {
		return nil, nil, why
	}
	in.publish() // who comes now has not been there, and who goes has
	return c, s, ""
}

// channelOf finds the channel of that number; "" or why not.
func (in *instance) channelOf(v lua.LValue, usage string) (c *channel, why string) {
	id, ok := whole(v)
	if !ok {
		return nil, usage + ": channel must be an integer from 0 to 2^53"
	}
	if c = in.service.reg.channels.find(id); c == nil {
		return nil, errNoChannel.Error()
	}
	return c, ""
}

func (in *instance) bcastSend(l *lua.LState) int {
	var frame wire.Frame
	var why string
	switch l.GetTop() {
	case 3:
		var kind rpc.Kind
		if frame, kind, why = in.message(l.Get(3), usageNotify); why == "" && kind != rpc.Notification {
			why = "not a notification: cid must not be 0, and there is no error"
		}
	case 4:
		frame, why = rawMessage(l.Get(3), l.Get(4), usageRaw)
	default:
		why = usageBroadcast + ": wrong number of arguments"
	}
	if why != "" {
		return no(l, why)
	}
	c, why := in.channelOf(l.Get(2), usageBroadcast)
	if why != "" {
		return no(l, why)
	}
	in.broadcast(c, frame)
	return yes(l)
}

// whole is the integer that v is, from 0 to 2^53.
func whole(v lua.LValue) (n uint64, ok bool) {
	f, ok := v.(lua.LNumber)
	if !ok || !(f >= 0 && f <= 1<<53) || f != lua.LNumber(uint64(f)) {
		return 0, false
	}
	return uint64(f), true
}
