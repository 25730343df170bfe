package luatest

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/rpc"
	"lapps/protocol/wire"
	"lapps/services"
	"lapps/services/vm"
)

// patience is how long a connection's test waits for a message where it does not
// say, as its clock has it.
const patience = time.Minute

// methods are those of connections.
var methods = map[string]func(t *test, L *lua.LState, c *conn) int{
	"send":           (*test).send,
	"send_binary":    (*test).sendBinary,
	"receive":        (*test).receive,
	"expect":         (*test).expectText,
	"expect_binary":  (*test).expectBinary,
	"expect_nothing": (*test).expectNothing,
	"expect_close":   (*test).expectClose,
	"request":        (*test).request,
	"request_error":  (*test).requestError,
	"notify":         (*test).notify,
	"close":          (*test).closeConn,
}

// connMeta is the metatable of connections: their methods, and status, reason,
// subprotocol and handler.
func (t *test) connMeta(L *lua.LState) *lua.LTable {
	meta, index := L.NewTable(), L.NewTable()
	for name, method := range methods {
		index.RawSetString(name, L.NewFunction(func(L *lua.LState) int { return method(t, L, checkConn(L)) }))
	}
	meta.RawSetString("__metatable", lua.LFalse)
	meta.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		c := checkConn(L)
		switch key := L.CheckString(2); key {
		case "status":
			L.Push(lua.LNumber(c.status()))
		case "reason":
			L.Push(lua.LString(""))
			if c.refusal != nil {
				L.Push(lua.LString(c.refusal.Reason))
			}
		case "handler":
			L.Push(lua.LNumber(c.id))
		default:
			L.Push(index.RawGetString(key))
		}
		return 1
	}))
	return meta
}

func checkConn(L *lua.LState) *conn {
	if u, ok := L.Get(1).(*lua.LUserData); ok {
		if c, ok := u.Value.(*conn); ok {
			return c
		}
	}
	L.ArgError(1, "connection expected, got "+L.Get(1).Type().String()+": call methods with a colon")
	return nil
}

// connect is the global connect(target [, options]).
func (t *test) connect(L *lua.LState) int {
	if !t.running {
		L.RaiseError("connect is for tests, before_each and after_each")
	}
	r := t.handshake(L)
	t.lastID++
	c := &conn{
		id: t.lastID, loop: &t.loop, service: t.registry.Lookup(r.Path),
		info: services.PeerInfo{RemoteAddr: r.RemoteAddr},
	}
	t.conns = append(t.conns, c)
	if err := admit(c.service, &r); err != nil {
		c.refused(err)
	} else {
		c.service.Join(c, r, c.joined)
	}
	o := t.await(L, patience, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.answered
	})
	if o != happened {
		t.fail(L, "the connection was not answered%s", why(o, patience))
	}
	t.settle(L)
	L.Push(&lua.LUserData{Value: c, Metatable: t.connections})
	return 1
}

// admit is what the server asks before Join.
func admit(s *services.Service, r *services.Request) error {
	switch origins := r.Header["Origin"]; {
	case s == nil:
		return &wire.Refusal{Status: http.StatusNotFound, Reason: "there is no service here"}
	case !s.Admits(r.RemoteAddr.Addr()):
		return &wire.Refusal{Status: http.StatusForbidden, Reason: "the address is not allowed"}
	case len(origins) == 1 && !s.AdmitsOrigin(origins[0]):
		return &wire.Refusal{Status: http.StatusForbidden, Reason: "the origin is not allowed"}
	}
	r.Subprotocol = s.Subprotocol(r.Subprotocols)
	return nil
}

// handshake is the opening handshake that connect's arguments describe.
func (t *test) handshake(L *lua.LState) services.Request {
	target := L.CheckString(1)
	options := L.OptTable(2, L.NewTable())
	path, query, _ := strings.Cut(target, "?")
	r := services.Request{
		Request:    &wire.Request{Target: target, Path: path, Query: query, Host: "localhost", Header: http.Header{}},
		RemoteAddr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), uint16(10000+t.lastID%50000)),
	}
	options.ForEach(func(key, v lua.LValue) {
		if err := option(&r, key.String(), v); err != nil {
			L.ArgError(2, err.Error())
		}
	})
	return r
}

// option sets one of connect's options.
func option(r *services.Request, key string, v lua.LValue) error {
	table, isTable := v.(*lua.LTable)
	switch {
	case key == "headers" && isTable:
		table.ForEach(func(name, value lua.LValue) {
			if http.CanonicalHeaderKey(name.String()) == "Host" {
				r.Host = value.String()
				return
			}
			r.Header.Set(name.String(), value.String())
		})
	case key == "subprotocols" && isTable:
		for i := 1; i <= table.Len(); i++ {
			r.Subprotocols = append(r.Subprotocols, table.RawGetInt(i).String())
		}
	case key == "headers" || key == "subprotocols":
		return fmt.Errorf("%s must be a table, not a %s", key, v.Type())
	case key == "remote_addr":
		addr, err := netip.ParseAddrPort(v.String())
		if err != nil {
			return fmt.Errorf("remote_addr must be an address and port, as 192.0.2.7:1234: %w", err)
		}
		r.RemoteAddr = addr
	default:
		return fmt.Errorf("there is no option %s; there are headers, remote_addr, subprotocols", key)
	}
	return nil
}

// await waits for a connection's sake, with the baton given away.
func (t *test) await(L *lua.LState, d time.Duration, ended func() bool) (o outcome) {
	return t.block(L, func() outcome { return t.clock.await(d, ended) })
}

// pass lets time pass.
func (t *test) pass(L *lua.LState, d time.Duration) {
	t.block(L, func() outcome { return t.clock.pass(d) })
}

// settle waits until nobody but the test is at work.
func (t *test) settle(L *lua.LState) { t.pass(L, 0) }

// block waits. The test does not go on where it has been ended.
func (t *test) block(L *lua.LState, wait func() outcome) (o outcome) {
	vm.Block(L, func(context.Context) { o = wait() })
	if o == givenUp {
		L.RaiseError("the test has been ended")
	}
	return o
}

// advance is the global advance(seconds).
func (t *test) advance(L *lua.LState) int {
	t.pass(L, vm.CheckSeconds(L, 1))
	return 0
}

// why is why what was waited for d did not come.
func why(o outcome, d time.Duration) string {
	switch o {
	case inVain:
		return ", and nothing is left that could send it"
	case timedOut:
		return fmt.Sprintf(" within %v s", d.Seconds())
	}
	return ""
}

// next takes what comes next of what is wanted. It is "the message" or another
// name.
func (t *test) next(L *lua.LState, c *conn, what string, d time.Duration, wanted func(arrival) bool) arrival {
	o := t.await(L, d, func() bool { return c.has(wanted) })
	a, ok := c.take(wanted)
	switch {
	case ok:
		return a
	case c.refusal != nil:
		t.fail(L, "expected %s, but the connection was refused: %d %s", what, c.refusal.Status, c.refusal.Reason)
	case o == happened:
		t.fail(L, "expected %s, but the connection is closed", what)
	default:
		t.fail(L, "expected %s, but nothing came%s", what, why(o, d))
	}
	return a
}

// optPatience is the n-th argument, or else patience.
func optPatience(L *lua.LState, n int) time.Duration {
	if d := vm.OptTimeout(L, n); d >= 0 {
		return d
	}
	return patience
}

// deliver sends a message, and waits until it has been dealt with as far as that
// goes without time.
func (t *test) deliver(L *lua.LState, c *conn, op wire.Op, data string) {
	if err := c.deliver(op, data); err != nil {
		t.fail(L, "%s", err.Error())
	}
	t.settle(L)
}

// send is c:send(text), or c:send(table).
func (t *test) send(L *lua.LState, c *conn) int {
	if v := L.Get(2); v.Type() == lua.LTTable || v.Type() == lua.LTUserData {
		t.deliver(L, c, wire.Binary, t.encode(L, func(b rpc.Builder) error { return t.json.Walk(v, b) }))
		return 0
	}
	text := L.CheckString(2)
	if !utf8.ValidString(text) {
		L.RaiseError("a text message must be valid UTF-8: use send_binary")
	}
	t.deliver(L, c, wire.Text, text)
	return 0
}

func (t *test) sendBinary(L *lua.LState, c *conn) int {
	t.deliver(L, c, wire.Binary, L.CheckString(2))
	return 0
}

// encode is CBOR.
func (t *test) encode(L *lua.LState, tell func(b rpc.Builder) error) string {
	var e rpc.Encoder
	if err := tell(&e); err != nil {
		L.RaiseError("the message has no form in CBOR: %s", err.Error())
	}
	return string(e.Encoded())
}

// value is a message as a test sees it: a table in the LAppS protocol.
func (t *test) value(c *conn, a arrival) lua.LValue {
	if a.op == wire.Binary && c.service.Dialect == services.LAppS && rpc.Check(a.payload) == nil {
		return t.json.TableFromCBOR(a.payload)
	}
	return lua.LString(a.payload)
}

// receive is c:receive([seconds]): the next message, and whether it is text.
func (t *test) receive(L *lua.LState, c *conn) int {
	a := t.next(L, c, "a message", optPatience(L, 2), anything)
	if a.op == wire.Close {
		t.fail(L, "expected a message, but %s", a)
	}
	L.Push(t.value(c, a))
	L.Push(lua.LString(a.op.String()))
	return 2
}

// expectText is c:expect(text [, seconds]), or c:expect(table [, seconds]).
func (t *test) expectText(L *lua.LState, c *conn) int {
	want := L.CheckAny(2)
	if want.Type() == lua.LTTable {
		t.expectMessage(L, c, wire.Binary, "the message "+Show(want), want)
	} else {
		t.expectMessage(L, c, wire.Text, "the text "+Show(want), want)
	}
	return 0
}

func (t *test) expectBinary(L *lua.LState, c *conn) int {
	want := L.CheckString(2)
	t.expectMessage(L, c, wire.Binary, "the binary "+bytesOf(want), lua.LString(want))
	return 0
}

func (t *test) expectMessage(L *lua.LState, c *conn, op wire.Op, what string, want lua.LValue) {
	a := t.next(L, c, what, optPatience(L, 3), anything)
	if a.op != op {
		t.fail(L, "expected %s, got %s", what, a)
	}
	got := t.value(c, a)
	if all := differences(got, want); len(all) > 0 {
		text := fmt.Sprintf("expected %s, got %s", what, Show(got))
		if got.Type() == lua.LTTable {
			text += "\n" + strings.Join(all, "\n")
		}
		t.fail(L, "%s%s", text, apart(got, want))
	}
}

// expectNothing is c:expect_nothing([seconds]).
func (t *test) expectNothing(L *lua.LState, c *conn) int {
	t.pass(L, max(vm.OptTimeout(L, 2), 0))
	if a, ok := c.take(anything); ok {
		t.fail(L, "expected nothing, got %s", a)
	}
	return 0
}

// expectClose is c:expect_close([code [, reason]]): it returns both.
func (t *test) expectClose(L *lua.LState, c *conn) int {
	a := t.next(L, c, "the end of the connection", patience, anything)
	if a.op != wire.Close {
		t.fail(L, "expected the end of the connection, got %s", a)
	}
	if want := wire.Code(L.OptInt(2, int(a.code))); want != a.code {
		t.fail(L, "expected the connection to be closed with %d, got %d %s", want, a.code, a.reason)
	}
	if want := L.OptString(3, a.reason); want != a.reason {
		t.fail(L, "expected the connection to be closed with the reason %s, got %s", quote(want), quote(a.reason))
	}
	L.Push(lua.LNumber(a.code))
	L.Push(lua.LString(a.reason))
	return 2
}

// closeConn is c:close(): the client goes.
func (t *test) closeConn(L *lua.LState, c *conn) int {
	c.hangUp()
	t.settle(L)
	return 0
}

// call sends a request, and returns the response.
func (t *test) call(L *lua.LState, c *conn) *lua.LTable {
	method := L.CheckString(2)
	t.deliver(L, c, wire.Binary, t.message(L, method, -1, 3))
	a := t.next(L, c, "a response to "+method, patience, response)
	if a.op == wire.Close {
		t.fail(L, "expected a response to %s, but %s", method, a)
	}
	return t.json.TableFromCBOR(a.payload).(*lua.LTable)
}

// message is a request, or with a cid a notification; its parameters begin with
// the n-th argument.
func (t *test) message(L *lua.LState, method string, cid int64, n int) string {
	var params []lua.LValue
	for i := n; i <= L.GetTop(); i++ {
		params = append(params, L.Get(i))
	}
	return t.encode(L, func(b rpc.Builder) (err error) {
		b.Map(-1)
		b.Key("lapps")
		b.Int(1)
		b.Key("method")
		b.Text(method)
		if cid >= 0 {
			b.Key("cid")
			b.Int(cid)
		}
		if len(params) > 0 {
			b.Key("params")
			b.Array(len(params))
			err = t.json.WalkAll(params, b, 2)
			b.End()
		}
		b.End()
		return err
	})
}

// request is c:request(method, ...): what the response's result holds. An error is
// a failure.
func (t *test) request(L *lua.LState, c *conn) int {
	r := t.call(L, c)
	if e, ok := r.RawGetString("error").(*lua.LTable); ok {
		t.fail(L, "%s was answered with the error %s: %s", L.CheckString(2), e.RawGetString("code"), e.RawGetString("message"))
	}
	results, _ := r.RawGetString("result").(*lua.LTable)
	if results == nil {
		return 0
	}
	n := results.MaxN()
	for i := 1; i <= n; i++ {
		L.Push(results.RawGetInt(i))
	}
	return n
}

// requestError is c:request_error(method, ...): the response's error, a table.
func (t *test) requestError(L *lua.LState, c *conn) int {
	r := t.call(L, c)
	e, ok := r.RawGetString("error").(*lua.LTable)
	if !ok {
		t.fail(L, "expected %s to be answered with an error, got %s", L.CheckString(2), Show(r.RawGetString("result")))
	}
	L.Push(e)
	return 1
}

// notify is c:notify(cid, method, ...).
func (t *test) notify(L *lua.LState, c *conn) int {
	cid := L.CheckInt64(2)
	if cid < 0 {
		L.ArgError(2, "must not be negative")
	}
	t.deliver(L, c, wire.Binary, t.message(L, L.CheckString(3), cid, 4))
	return 0
}
