package mqr

import (
	_ "embed"
	"fmt"
	"math"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/nljson"
	"lapps/services/vm"
)

//go:embed types.lua
var types string

// Module is the module, for any number of instances, which have these queues in
// common.
func (qs *Queues) Module() vm.Module {
	return vm.Module{Name: "mqr", Types: types, Open: qs.open}
}

// An opened is the module of one instance.
type opened struct {
	queues *Queues
	lib    *nljson.Lib
	meta   *lua.LTable // of its queues
}

func (qs *Queues) open(_ *vm.Instance, L *lua.LState) lua.LValue {
	o := &opened{queues: qs, lib: nljson.Of(L), meta: L.CreateTable(0, 8)}
	L.SetFuncs(o.meta, map[string]lua.LGFunction{"__len": size, "__tostring": tostring, "__eq": eq})
	o.meta.RawSetString("__index", L.SetFuncs(L.CreateTable(0, 8), map[string]lua.LGFunction{
		"bytes": bytes, "name": name, "post": o.post, "recv": o.recv, "size": size, "try_recv": o.tryRecv,
	}))
	o.meta.RawSetString("__metatable", lua.LFalse)
	return L.SetFuncs(L.CreateTable(0, 8), map[string]lua.LGFunction{"create": o.create})
}

// usage is what create returns for arguments that are none of its.
const usage = `usage: mqr.create(name [, {messages = n, bytes = n, full = "wait" or "fail"}])`

// create is mqr.create. As in LAppS wrong arguments are no error.
func (o *opened) create(L *lua.LState) int {
	name, ok := L.Get(1).(lua.LString)
	options, isTable := L.Get(2).(*lua.LTable)
	if !ok || L.GetTop() > 2 || !isTable && L.Get(2) != lua.LNil {
		return refuse(L, lua.LNil, usage)
	}
	if len(name) < 1 || len(name) > maxName {
		return refuse(L, lua.LNil, fmt.Sprintf("the name of a queue has 1 to %d bytes, not %d", maxName, len(name)))
	}
	var s settings
	if isTable {
		var mistake string
		if s, mistake = o.queues.settings(options); mistake != "" {
			return refuse(L, lua.LNil, mistake)
		}
	}
	q, err := o.queues.queue(string(name), s)
	if err != nil {
		return refuse(L, lua.LNil, err.Error())
	}
	L.Push(&lua.LUserData{Value: q, Env: L.G.Global, Metatable: o.meta})
	return 1
}

// settings reads the table of options; or says what is wrong with it.
func (qs *Queues) settings(options *lua.LTable) (s settings, mistake string) {
	options.ForEach(func(key, v lua.LValue) {
		if mistake != "" {
			return
		}
		switch key {
		case lua.LString("messages"):
			var n float64
			n, mistake = whole("messages", v, float64(qs.most.Messages))
			s.Messages = int(n)
		case lua.LString("bytes"):
			var n float64
			n, mistake = whole("bytes", v, float64(qs.most.Bytes))
			s.Bytes = int64(n)
		case lua.LString("full"):
			if s.full = v.String(); v != lua.LString(waits) && v != lua.LString(fails) {
				mistake = fmt.Sprintf("full must be %q or %q", waits, fails)
			}
		default:
			mistake = fmt.Sprintf("there is no option %.40q: there are messages, bytes and full", key.String())
		}
	})
	return s, mistake
}

// whole is a number of Lua's from 1 to most; or a mistake.
func whole(key string, v lua.LValue, most float64) (n float64, mistake string) {
	x, ok := v.(lua.LNumber)
	if n = float64(x); !ok || !(n >= 1 && n <= most) || n != math.Trunc(n) {
		return 0, fmt.Sprintf("%s must be a whole number from 1 to %.0f", key, most)
	}
	return n, ""
}

// refuse pushes nil or false, and why.
func refuse(L *lua.LState, v lua.LValue, why string) int {
	L.Push(v)
	L.Push(lua.LString(why))
	return 2
}

// isQueue is the queue behind a value of Lua's.
func isQueue(v lua.LValue) (q *queue, ok bool) {
	u, ok := v.(*lua.LUserData)
	if !ok {
		return nil, false
	}
	q, ok = u.Value.(*queue)
	return q, ok
}

// check is the queue that a method is called of.
func check(L *lua.LState) *queue {
	q, ok := isQueue(L.Get(1))
	if !ok {
		L.ArgError(1, "queue expected, got "+L.Get(1).Type().String())
	}
	return q
}

// post is q:post.
func (o *opened) post(L *lua.LState) int {
	q, timeout := check(L), vm.OptTimeout(L, 3)
	p, err := o.lib.Export(L.Get(2))
	if err != nil {
		L.ArgError(2, err.Error())
	}
	w, err := q.post(p)
	switch {
	case err != nil:
		return refuse(L, lua.LFalse, err.Error())
	case w != nil:
		return vm.PushOutcome(L, q.awaitRoom(L, w, timeout))
	}
	L.Push(lua.LTrue)
	return 1
}

// awaitRoom waits until w is accepted.
func (q *queue) awaitRoom(L *lua.LState, w *waiter, timeout time.Duration) (err error) {
	defer func() {
		if q.withdraw(w) { // or it has been accepted, be it in the last moment
			err = nil
		}
	}()
	return vm.AwaitHalt(L, w.ready, timeout)
}

// recv is q:recv.
func (o *opened) recv(L *lua.LState) int {
	q, timeout := check(L), vm.OptTimeout(L, 2)
	m, w := q.receive()
	if w != nil {
		var err error
		if m, err = q.awaitMessage(L, w, timeout); err != nil {
			return vm.PushOutcome(L, err)
		}
	}
	L.Push(o.lib.Import(m.parcel))
	return 1
}

// awaitMessage waits until w has received a message.
func (q *queue) awaitMessage(L *lua.LState, w *waiter, timeout time.Duration) (message, error) {
	defer q.giveUp(w)
	err := vm.AwaitHalt(L, w.ready, timeout)
	if isOver(vm.Of(L)) {
		return message{}, vm.ErrCancelled
	}
	if m, ok := q.claim(w); ok {
		return m, nil // be it in the last moment
	}
	return message{}, err
}

// isOver reports whether waits of the event at hand are ended from outside.
func isOver(in *vm.Instance) bool {
	ctx := in.Context()
	if w, ok := in.Handling().(vm.Waiter); ok {
		ctx = w.Context()
	}
	return ctx.Err() != nil
}

// tryRecv is q:try_recv.
func (o *opened) tryRecv(L *lua.LState) int {
	if m, ok := check(L).take(); ok {
		L.Push(o.lib.Import(m.parcel))
	} else {
		L.Push(lua.LNil)
	}
	return 1
}

// size is q:size, and #q.
func size(L *lua.LState) int {
	messages, _ := check(L).size()
	L.Push(lua.LNumber(messages))
	return 1
}

// bytes is q:bytes.
func bytes(L *lua.LState) int {
	_, n := check(L).size()
	L.Push(lua.LNumber(n))
	return 1
}

// name is q:name.
func name(L *lua.LState) int {
	L.Push(lua.LString(check(L).name))
	return 1
}

func tostring(L *lua.LState) int {
	L.Push(lua.LString(fmt.Sprintf("mqr.queue %q", check(L).name)))
	return 1
}

// eq is ==: each create gives a userdata of its own.
func eq(L *lua.LState) int {
	a, okA := isQueue(L.Get(1))
	b, okB := isQueue(L.Get(2))
	L.Push(lua.LBool(okA && okB && a == b))
	return 1
}
