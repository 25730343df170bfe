package services

import (
	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/rpc"
	"lapps/protocol/wire"
)

// bcast makes the table bcast of an instance:
//
//	bcast:create(channel)                              has a channel stay, made if need be
//	bcast:remove(channel)                              ends it, and all subscriptions
//	bcast:subscribe(channel, handler)                  a connection, once however often
//	bcast:unsubscribe(channel, handler)
//	bcast:send(channel, message)                       a LAppS notification: nljson, or a table
//	bcast:send(channel, opcode, string)                a raw message
//	bcast:send_except(channel, handler, message)       the same, to all but that connection
//	bcast:send_except(channel, handler, opcode, string)
//	bcast:count(channel)                               how many are subscribed
//	bcast:channels(handler)                            what a connection is subscribed to
//
// A channel is a number, which has to be created, or a text, which is there as long as
// anybody is subscribed; the same for all services of the process. All return true, or
// that number or array, or false (nil in place of an array) and why not; they never raise
// an error and never block.
func (in *instance) bcast(l *lua.LState) *lua.LTable {
	return l.SetFuncs(l.CreateTable(0, 8), map[string]lua.LGFunction{
		"create":      in.bcastCreate,
		"remove":      in.bcastRemove,
		"subscribe":   in.bcastSubscribe,
		"unsubscribe": in.bcastUnsubscribe,
		"send":        in.bcastSend,
		"send_except": in.bcastSendExcept,
		"count":       in.bcastCount,
		"channels":    in.bcastChannels,
	})
}

const (
	usageCreate      = "usage: bcast:create(channel)"
	usageRemove      = "usage: bcast:remove(channel)"
	usageSubscribe   = "usage: bcast:subscribe(channel, handler)"
	usageUnsubscribe = "usage: bcast:unsubscribe(channel, handler)"
	usageCount       = "usage: bcast:count(channel)"
	usageChannels    = "usage: bcast:channels(handler)"
)

// Usages of what broadcasts: with a message, with a string, and either way.
var (
	usageNotify = usages{
		"usage: bcast:send(channel, message)",
		"usage: bcast:send(channel, opcode, string)",
		"usage: bcast:send(channel, message) or bcast:send(channel, opcode, string)",
	}
	usageExcept = usages{
		"usage: bcast:send_except(channel, handler, message)",
		"usage: bcast:send_except(channel, handler, opcode, string)",
		"usage: bcast:send_except(channel, handler, message) or bcast:send_except(channel, handler, opcode, string)",
	}
)

type usages struct{ message, raw, both string }

func (in *instance) bcastCreate(l *lua.LState) int {
	t, why := soleTopic(l, usageCreate)
	if why != "" {
		return no(l, why)
	}
	if err := in.channels().create(t); err != nil {
		return no(l, err.Error())
	}
	return yes(l)
}

func (in *instance) bcastRemove(l *lua.LState) int {
	t, why := soleTopic(l, usageRemove)
	if why != "" {
		return no(l, why)
	}
	in.publish() // who goes has been there
	in.channels().remove(t)
	return yes(l)
}

func (in *instance) bcastSubscribe(l *lua.LState) int {
	t, s, why := in.subscription(l, usageSubscribe)
	if why != "" {
		return no(l, why)
	}
	if err := in.channels().subscribe(s, t); err != nil {
		return no(l, err.Error())
	}
	return yes(l)
}

func (in *instance) bcastUnsubscribe(l *lua.LState) int {
	t, s, why := in.subscription(l, usageUnsubscribe)
	if why != "" {
		return no(l, why)
	}
	if c := in.channels().find(t); c != nil {
		s.unsubscribe(c)
	}
	return yes(l)
}

// subscription reads the arguments of subscribe and unsubscribe. A number must be a
// channel's.
func (in *instance) subscription(l *lua.LState, usage string) (t topic, s *Seat, why string) {
	if l.GetTop() != 3 {
		return t, nil, usage + ": wrong number of arguments"
	}
	if t, _, why = in.channelOf(l.Get(2), usage); why != "" {
		return t, nil, why
	}
	if s, why = in.seatOf(l.Get(3), usage); s == nil {
		return t, nil, why
	}
	in.publish() // who comes now has not been there, and who goes has
	return t, s, ""
}

func (in *instance) bcastSend(l *lua.LState) int {
	return in.bcastFrom(l, 2, nil, usageNotify)
}

func (in *instance) bcastSendExcept(l *lua.LState) int {
	var but *Seat
	if n := l.GetTop(); n == 4 || n == 5 {
		if t := l.Get(3).Type(); t != lua.LTNumber {
			return no(l, usageExcept.both+": handler must be a number, not a "+t.String())
		}
		but, _ = in.seatOf(l.Get(3), "") // nil: one that has gone gets nothing in any case
	}
	return in.bcastFrom(l, 3, but, usageExcept)
}

// bcastFrom broadcasts what stands behind argument n to all but one.
func (in *instance) bcastFrom(l *lua.LState, n int, but *Seat, usage usages) int {
	var frame wire.Frame
	var why string
	switch l.GetTop() - n {
	case 1:
		var kind rpc.Kind
		if frame, kind, why = in.message(l.Get(n+1), usage.message); why == "" && kind != rpc.Notification {
			why = "not a notification: cid must not be 0, and there is no error"
		}
	case 2:
		frame, why = rawMessage(l.Get(n+1), l.Get(n+2), usage.raw)
	default:
		why = usage.both + ": wrong number of arguments"
	}
	if why != "" {
		return no(l, why)
	}
	_, c, why := in.channelOf(l.Get(2), usage.both)
	if why != "" {
		return no(l, why)
	}
	if c != nil { // or nobody is subscribed
		in.broadcast(c, frame, but)
	}
	return yes(l)
}

func (in *instance) bcastCount(l *lua.LState) int {
	if l.GetTop() != 2 {
		return no(l, usageCount+": wrong number of arguments")
	}
	_, c, why := in.channelOf(l.Get(2), usageCount)
	if why != "" {
		return no(l, why)
	}
	n := 0
	if c != nil {
		n = c.count()
	}
	l.Push(lua.LNumber(n))
	return 1
}

func (in *instance) bcastChannels(l *lua.LState) int {
	if l.GetTop() != 2 {
		return none(l, usageChannels+": wrong number of arguments")
	}
	s, why := in.seatOf(l.Get(2), usageChannels)
	if s == nil {
		return none(l, why)
	}
	topics := s.topics()
	table := l.CreateTable(len(topics), 0)
	for i, t := range topics {
		table.RawSetInt(i+1, t.value())
	}
	l.Push(table)
	return 1
}

// channels are the process's.
func (in *instance) channels() *channels { return &in.service.reg.channels }

// channelOf reads a topic and finds its channel; "" or why not. There is a channel of
// every number then; of a text there is none, nil, where nobody is subscribed.
func (in *instance) channelOf(v lua.LValue, usage string) (t topic, c *channel, why string) {
	if t, why = topicOf(v, usage); why != "" {
		return t, nil, why
	}
	if c = in.channels().find(t); c == nil && t.text == "" {
		return t, nil, errNoChannel.Error()
	}
	return t, c, ""
}

// soleTopic reads the argument of a function that has no other; "" or why not.
func soleTopic(l *lua.LState, usage string) (t topic, why string) {
	if l.GetTop() != 2 {
		return t, usage + ": wrong number of arguments"
	}
	return topicOf(l.Get(2), usage)
}

// topicOf is what a channel is called; "" or why not.
func topicOf(v lua.LValue, usage string) (t topic, why string) {
	if s, ok := v.(lua.LString); ok && len(s) > 0 && len(s) <= maxTopic {
		return topic{text: string(s)}, ""
	}
	if n, ok := whole(v); ok {
		return topic{number: n}, ""
	}
	return t, usage + ": channel must be an integer from 0 to 2^53, or a string of 1 to 255 bytes"
}

// value is t for Lua.
func (t topic) value() lua.LValue {
	if t.text != "" {
		return lua.LString(t.text)
	}
	return lua.LNumber(t.number)
}

// whole is the integer that v is, from 0 to 2^53.
func whole(v lua.LValue) (n uint64, ok bool) {
	f, ok := v.(lua.LNumber)
	if !ok || !(f >= 0 && f <= 1<<53) || f != lua.LNumber(uint64(f)) {
		return 0, false
	}
	return uint64(f), true
}
