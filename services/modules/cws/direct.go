package cws

import (
	"runtime"

	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/wire"
	"lapps/services/vm"
)

// connect is cws.connect.
func (cl *client) connect(L *lua.LState) int {
	url, o := L.CheckString(1), checkOptions(L, 2)
	c, value, err := cl.start(url, o, 0, cl.direct)
	if err != nil {
		return no(L, lua.LNil, err.Error())
	}
	whole := false
	defer func() {
		if !whole { // the wait was ended, or there cannot be one
			c.abandon()
		}
	}()
	w := cl.begin(o.timeout)
	for why := ""; ; why = w.on(L, c.opened) {
		e, ended := c.failed()
		switch {
		case c.wasOpen(): // and may be over again: recv will tell
			whole = true
			L.Push(value)
			return 1
		case ended:
			whole = true
			return no(L, lua.LNil, e.why())
		case why != "":
			return no(L, lua.LNil, why)
		}
	}
}

// recv is c:recv.
func (cl *client) recv(L *lua.LState) int {
	c, w := checkConn(L), cl.begin(vm.OptTimeout(L, 2))
	m, e, why := cl.receive(L, c, w)
	switch why {
	case "":
		return pushMessage(L, m)
	case "closed":
		L.Push(lua.LNil)
		L.Push(lua.LString(why))
		L.Push(lua.LNumber(e.code))
		L.Push(lua.LString(e.why()))
		return 4
	}
	return no(L, lua.LNil, why)
}

// receive waits for a message; or says why there is none: closed, timeout or stopping.
func (cl *client) receive(L *lua.LState, c *conn, w wait) (m message, e ending, why string) {
	for {
		m, ok, l := c.take()
		cl.touch(l)
		if ok {
			return m, e, ""
		}
		if e, ended := c.failed(); ended && c.empty() {
			ring(c.bell) // somebody else may wait
			return m, e, "closed"
		}
		if why := w.on(L, c.bell); why != "" {
			return m, e, why
		}
	}
}

func pushMessage(L *lua.LState, m message) int {
	L.Push(lua.LString(m.payload))
	L.Push(lua.LNumber(m.op))
	return 2
}

// messages is c:messages.
func (cl *client) messages(L *lua.LState) int {
	c, value := checkConn(L), L.Get(1)
	L.Push(L.NewFunction(func(L *lua.LState) int {
		m, _, why := cl.receive(L, c, cl.begin(-1))
		runtime.KeepAlive(value) // which is not garbage while there is a loop over it
		if why != "" {
			L.Push(lua.LNil)
			return 1
		}
		return pushMessage(L, m)
	}))
	return 1
}

// send is c:send.
func (cl *client) send(L *lua.LState) int {
	c := checkConn(L)
	f, why := checkMessage(L, 2, 3)
	if why != "" {
		return no(L, lua.LFalse, why)
	}
	return cl.deliver(L, c, f)
}

// ping is c:ping.
func (cl *client) ping(L *lua.LState) int {
	c := checkConn(L)
	data := L.OptString(2, "")
	if len(data) > maxPing {
		L.ArgError(2, "must not be longer than 125 bytes")
	}
	return cl.deliver(L, c, wire.Frame{Op: wire.Ping, Payload: data})
}

// deliver sends f, and waits for room.
func (cl *client) deliver(L *lua.LState, c *conn, f wire.Frame) int {
	var w wait
	for waited := false; ; waited = true {
		l, err := c.send(f)
		switch {
		case err == nil:
			if cl.touch(l); waited {
				ring(c.room) // there may be more, and somebody else who waits
			}
			return yes(L)
		case err != errBackpressure || c.options.sendTimeout == 0:
			return no(L, lua.LFalse, err.Error())
		}
		if !waited {
			w = cl.begin(c.options.sendTimeout)
		}
		if why := w.on(L, c.room); why != "" {
			return no(L, lua.LFalse, why)
		}
	}
}

// close is c:close.
func (cl *client) close(L *lua.LState) int {
	c := checkConn(L)
	code, reason := checkClose(L, 2, wire.NormalClosure)
	return cl.end(L, c, code, reason)
}

// end closes a connection.
func (cl *client) end(L *lua.LState, c *conn, code wire.Code, reason string) int {
	l, first := c.close(code, reason, c.handle == 0)
	cl.touch(l)
	if !first {
		return no(L, lua.LFalse, errClosed.Error())
	}
	return yes(L)
}

// status is c:status.
func status(L *lua.LState) int {
	L.Push(lua.LString(checkConn(L).status()))
	return 1
}

// subprotocol is c:subprotocol.
func subprotocol(L *lua.LState) int {
	L.Push(lua.LString(checkConn(L).chosen()))
	return 1
}
