package cws

import (
	"context"
	"runtime"
	"time"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/wire"
	"lapps/services/vm"
)

const (
	// shortRest is how long a wait lasts at most once the instance has to stop: a program
	// that does not ask must_stop() shall not occupy a core until it is interrupted.
	shortRest = 10 * time.Millisecond

	maxReason = 123 // bytes: a Close frame holds 125, two of them the code (RFC 6455, section 5.5)
	maxPing   = 125
)

// A client is the module in an instance. Owned by the baton's holder.
type client struct {
	in     *vm.Instance
	group  *group
	trust  *trust
	direct *lua.LTable // metatable of connections
	object *lua.LTable // of what new returns

	loops    []Loop // to be woken at the end of the turn
	wakeThem func() // wake
	entries  map[uint64]*entry
	last     uint64 // handle
}

// An entry is a connection with callbacks.
type entry struct {
	conn      *conn
	callbacks *lua.LTable
	opened    bool // onopen has had its turn
	busy      bool // one of the callbacks runs
}

// A handle is what a userdata holds: where it is garbage, the connection is closed.
type handle struct{ conn *conn }

func (c Config) open(in *vm.Instance, L *lua.LState, t *trust) lua.LValue {
	cl := &client{in: in, group: newGroup(c), trust: t, entries: make(map[uint64]*entry)}
	cl.wakeThem = cl.wake
	cl.direct = metatable(L, map[string]lua.LGFunction{
		"recv": cl.recv, "send": cl.send, "ping": cl.ping, "close": cl.close,
		"status": status, "subprotocol": subprotocol, "messages": cl.messages,
	})
	cl.object = metatable(L, map[string]lua.LGFunction{"close": cl.closeObject})
	in.AtHalt(cl.group.halt)
	context.AfterFunc(in.Context(), cl.group.end)
	return L.SetFuncs(L.CreateTable(0, 8), map[string]lua.LGFunction{
		"connect": cl.connect,
		"new":     cl.create, "send": cl.sendTo, "close": cl.closeHandle, "eventLoop": cl.eventLoop,
	})
}

func metatable(L *lua.LState, methods map[string]lua.LGFunction) *lua.LTable {
	meta := L.CreateTable(0, 8)
	meta.RawSetString("__index", L.SetFuncs(L.CreateTable(0, 8), methods))
	meta.RawSetString("__tostring", L.NewFunction(describe))
	meta.RawSetString("__metatable", lua.LFalse)
	return meta
}

// start begins to connect. The value is the userdata with that metatable.
func (cl *client) start(url string, o *options, handle uint64, meta *lua.LTable) (*conn, *lua.LUserData, error) {
	t, err := parseURL(url)
	if err != nil {
		return nil, nil, err
	}
	c := newConn(cl.group, t, o, cl.trust, handle)
	if err := cl.group.start(c); err != nil {
		return nil, nil, err
	}
	return c, &lua.LUserData{Value: newHandle(c), Metatable: meta}, nil
}

func newHandle(c *conn) *handle {
	h := &handle{c}
	runtime.AddCleanup(h, (*conn).abandon, c)
	return h
}

// touch has a loop woken at the end of the turn; nil: none.
func (cl *client) touch(l Loop) {
	if l == nil {
		return
	}
	for _, known := range cl.loops {
		if known == l {
			return
		}
	}
	if len(cl.loops) == 0 {
		cl.in.AtTurnEnd(cl.wakeThem)
	}
	cl.loops = append(cl.loops, l)
}

func (cl *client) wake() {
	for i, l := range cl.loops {
		l.Wake()
		cl.loops[i] = nil
	}
	cl.loops = cl.loops[:0]
}

// A wait is one that may take several.
type wait struct {
	cl    *client
	most  time.Duration // < 0: no limit
	began time.Time
}

func (cl *client) begin(most time.Duration) wait {
	w := wait{cl: cl, most: most}
	if most > 0 {
		w.began = cl.in.Now()
	}
	return w
}

// on waits for the bell; why not is "timeout", or "stopping" where the instance has to
// stop. Whatever else ends the wait is raised.
func (w *wait) on(L *lua.LState, bell <-chan struct{}) (why string) {
	left := w.most
	if left > 0 {
		left = max(left-w.cl.in.Now().Sub(w.began), 0)
	}
	why = vm.ErrTimeout.Error()
	if w.cl.group.halted.Load() && (left < 0 || left > shortRest) {
		left, why = shortRest, "stopping"
	}
	switch err := vm.Await(L, bell, left); err {
	case nil:
		return ""
	case vm.ErrTimeout:
		return why
	default:
		vm.PushOutcome(L, err) // raises it
		return why
	}
}

// checkConn is the first argument, a connection of the direct form.
func checkConn(L *lua.LState) *conn {
	if u, ok := L.Get(1).(*lua.LUserData); ok {
		if h, ok := u.Value.(*handle); ok && h.conn.handle == 0 {
			return h.conn
		}
	}
	L.ArgError(1, "connection expected, got "+L.Get(1).Type().String())
	return nil
}

// checkMessage makes a frame of two arguments, a string and an opcode; or says why not.
func checkMessage(L *lua.LState, data, opcode int) (f wire.Frame, why string) {
	f.Payload = L.CheckString(data)
	switch n := L.OptNumber(opcode, lua.LNumber(wire.Text)); n {
	case lua.LNumber(wire.Text), lua.LNumber(wire.Binary):
		f.Op = wire.Op(n)
	default:
		return f, "the opcode must be 1 (text) or 2 (binary)"
	}
	if f.Op == wire.Text && !utf8.ValidString(f.Payload) {
		return f, "the text message is not valid UTF-8"
	}
	return f, ""
}

// checkClose are two arguments, a code and a reason, which may be missing.
func checkClose(L *lua.LState, n int, missing wire.Code) (code wire.Code, reason string) {
	number := L.OptNumber(n, lua.LNumber(missing))
	if !(number >= 0 && number <= 65535) || lua.LNumber(wire.Code(number)) != number || !wire.Code(number).Sendable() {
		L.ArgError(n, "the code must be one of 1000-1003, 1007-1014 and 3000-4999")
	}
	reason = L.OptString(n+1, "")
	if len(reason) > maxReason || !utf8.ValidString(reason) {
		L.ArgError(n+1, "the reason must be UTF-8, of 123 bytes at most")
	}
	return wire.Code(number), reason
}

// describe is tostring of a connection.
func describe(L *lua.LState) int {
	text := "cws connection"
	if u, ok := L.Get(1).(*lua.LUserData); ok {
		if h, ok := u.Value.(*handle); ok {
			text += " (" + h.conn.status() + ")"
		}
	}
	L.Push(lua.LString(text))
	return 1
}

// no pushes v and why.
func no(L *lua.LState, v lua.LValue, why string) int {
	L.Push(v)
	L.Push(lua.LString(why))
	return 2
}

func yes(L *lua.LState) int {
	L.Push(lua.LTrue)
	return 1
}
