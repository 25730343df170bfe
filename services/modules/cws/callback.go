package cws

import (
	"errors"
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/wire"
	"lapps/services/vm"
)

const (
	// patience is how long eventLoop waits for something where it is not told.
	patience = time.Millisecond

	// maxEvents is how many callbacks a call of eventLoop calls, and maxInRow how many for
	// one connection while there are others.
	maxEvents = 1024
	maxInRow  = 64
)

// callbacks are the names of those that there are.
var callbacks = []string{"onopen", "onmessage", "onerror", "onclose"}

// create is cws:new.
func (cl *client) create(L *lua.LState) int {
	url, table, o := L.CheckString(2), L.CheckTable(3), checkOptions(L, 4)
	for _, name := range callbacks {
		if v := table.RawGetString(name); v != lua.LNil && v.Type() != lua.LTFunction {
			L.ArgError(3, name+" must be a function")
		}
	}
	if most := cl.group.most; len(cl.entries) >= most {
		return no(L, lua.LNil, fmt.Sprintf("too many connections: an instance has at most %d, with those whose onclose cws:eventLoop has not called yet", most))
	}
	cl.last++
	c, value, err := cl.start(url, o, cl.last, cl.object)
	if err != nil {
		return no(L, lua.LNil, err.Error())
	}
	cl.entries[c.handle] = &entry{conn: c, callbacks: table}
	L.Push(value)
	return 1
}

// find is the connection of the n-th argument, a handle; nil: there is none.
func (cl *client) find(L *lua.LState, n int) *conn {
	h := L.CheckNumber(n)
	if !(h >= 0 && h <= 1<<53) {
		return nil
	}
	if e := cl.entries[uint64(h)]; e != nil && lua.LNumber(uint64(h)) == h {
		return e.conn
	}
	return nil
}

const noSuch = "no such connection"

// sendTo is cws:send.
func (cl *client) sendTo(L *lua.LState) int {
	c := cl.find(L, 2)
	f, why := checkMessage(L, 3, 4)
	switch {
	case c == nil:
		return no(L, lua.LFalse, noSuch)
	case why != "":
		return no(L, lua.LFalse, why)
	}
	l, err := c.send(f)
	if err != nil {
		return no(L, lua.LFalse, err.Error())
	}
	cl.touch(l)
	return yes(L)
}

// closeHandle is cws:close.
func (cl *client) closeHandle(L *lua.LState) int {
	c := cl.find(L, 2)
	code, reason := checkClose(L, 3, wire.NormalClosure)
	if c == nil {
		return no(L, lua.LFalse, noSuch)
	}
	delete(cl.entries, c.handle)
	return cl.end(L, c, code, reason)
}

// closeObject is obj:close.
func (cl *client) closeObject(L *lua.LState) int {
	u, _ := L.Get(1).(*lua.LUserData)
	var h *handle
	if u != nil {
		h, _ = u.Value.(*handle)
	}
	if h == nil || h.conn.handle == 0 {
		L.ArgError(1, "what cws:new returned expected, got "+L.Get(1).Type().String())
	}
	code, reason := checkClose(L, 2, wire.GoingAway)
	delete(cl.entries, h.conn.handle)
	return cl.end(L, h.conn, code, reason)
}

// eventLoop is cws:eventLoop.
func (cl *client) eventLoop(L *lua.LState) int {
	timeout := patience
	if L.Get(2) != lua.LNil {
		timeout = vm.CheckSeconds(L, 2)
	}
	select { // it may have been rung for what has been dispatched since
	case <-cl.group.bell:
	default:
	}
	n := cl.dispatch()
	if n == 0 && timeout > 0 {
		w := cl.begin(timeout)
		if w.on(L, cl.group.bell) == "" {
			n = cl.dispatch()
		}
	}
	if n > 0 {
		cl.in.Breathe()
	}
	L.Push(lua.LNumber(n))
	return 1
}

// dispatch calls callbacks for what has come, and returns how many events that were.
func (cl *client) dispatch() (n int) {
	for n < maxEvents {
		ready := cl.group.takeReady()
		if len(ready) == 0 {
			return n
		}
		for i, c := range ready {
			done, fatal := cl.serve(c, min(maxInRow, maxEvents-n))
			if n += done; fatal || n == maxEvents {
				for _, left := range ready[i+1:] {
					cl.group.notify(left)
				}
				return n
			}
		}
	}
	return n
}

// serve calls the callbacks of one connection, for at most so many events. Where one of them
// runs, and waits, it does nothing: who called it goes on. fatal: nothing may run any more.
func (cl *client) serve(c *conn, most int) (n int, fatal bool) {
	e := cl.entries[c.handle]
	if e == nil || e.busy {
		return 0, false
	}
	e.busy = true
	for n < most && !fatal && cl.entries[c.handle] == e {
		ev, l := c.next(e.opened)
		cl.touch(l)
		if ev.kind == nothing {
			break
		}
		n++
		fatal = cl.tell(c, e, ev)
	}
	e.busy = false
	if cl.entries[c.handle] == e && c.waits(e.opened) {
		cl.group.notify(c)
	}
	return n, fatal
}

// tell tells the callbacks of an event.
func (cl *client) tell(c *conn, e *entry, ev event) (fatal bool) {
	h := lua.LNumber(c.handle)
	switch ev.kind {
	case onOpen:
		e.opened = true
		return cl.call(e, "onopen", h)
	case onMessage:
		return cl.call(e, "onmessage", h, lua.LString(ev.message.payload), lua.LNumber(ev.message.op))
	case onEnd:
		delete(cl.entries, c.handle)
		if ev.ending.failure != "" && cl.call(e, "onerror", h, lua.LString(ev.ending.failure)) {
			return true
		}
		return cl.call(e, "onclose", h, lua.LNumber(ev.ending.code), lua.LString(ev.ending.why()))
	case forgotten:
		delete(cl.entries, c.handle)
	}
	return false
}

// call calls a callback, if there is one. Its error is told to the instance.
func (cl *client) call(e *entry, name string, args ...lua.LValue) (fatal bool) {
	fn := e.callbacks.RawGetString(name)
	if fn == lua.LNil {
		return false
	}
	_, err := cl.in.Call(fn, args...)
	if err != nil {
		cl.in.Failed("cws "+name, err)
	}
	return errors.Unwrap(err) != nil
}
