package services_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"lapps/protocol/wire"
	"lapps/services"
)

// seat seats p at the service of that name.
func seat(t *testing.T, r *services.Registry, name string, p *peer) *services.Seat {
	t.Helper()
	answered := make(chan *services.Seat, 1)
	r.Lookup("/"+name).Join(p, services.Request{}, func(s *services.Seat, err error) {
		if err != nil {
			t.Error(err)
		}
		answered <- s
	})
	s := <-answered
	if s == nil {
		t.FailNow()
	}
	return s
}

func TestBcast(t *testing.T) {
	serve(t, services.Config{}, evalLua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		other, o := mustJoin(t, r, 2)
		for _, c := range []struct{ code, want string }{
			{`return bcast:subscribe(7, h)`, "false, no such channel: bcast:create makes it"},
			{`return bcast:send(7, {cid = 1, message = {}})`, "false, no such channel: bcast:create makes it"},
			{`return bcast:create(7), bcast:create(7)`, "true, true"},
			{`return bcast:create(0), bcast:create(2^53)`, "true, true"},
			{`return bcast:create()`, "false, usage: bcast:create(channel): wrong number of arguments"},
			{`return bcast:create(-1)`, "false, usage: bcast:create(channel): channel must be an integer from 0 to 2^53, or a string of 1 to 255 bytes"},
			{`return bcast:create(1.5)`, "false, usage: bcast:create(channel): channel must be an integer from 0 to 2^53, or a string of 1 to 255 bytes"},
			{`return bcast:create("")`, "false, usage: bcast:create(channel): channel must be an integer from 0 to 2^53, or a string of 1 to 255 bytes"},
			{`return bcast:create(("x"):rep(256))`, "false, usage: bcast:create(channel): channel must be an integer from 0 to 2^53, or a string of 1 to 255 bytes"},
			{`return bcast:create({})`, "false, usage: bcast:create(channel): channel must be an integer from 0 to 2^53, or a string of 1 to 255 bytes"},
			{`return bcast:create(("x"):rep(255)), bcast:create("\0\255")`, "true, true"},
			{`return bcast:create(0/0)`, "false, usage: bcast:create(channel): channel must be an integer from 0 to 2^53, or a string of 1 to 255 bytes"},
			{`return bcast:subscribe(7)`, "false, usage: bcast:subscribe(channel, handler): wrong number of arguments"},
			{`return bcast:subscribe(7, "h")`, "false, usage: bcast:subscribe(channel, handler): handler must be a number, not a string"},
			{`return bcast:subscribe(7, 99)`, "false, no such connection"},
			{`return bcast:unsubscribe(7, 99)`, "false, no such connection"},
			{`return bcast:unsubscribe(7, h)`, "true"},
			{`return bcast:send(7)`, "false, usage: bcast:send(channel, message) or bcast:send(channel, opcode, string): wrong number of arguments"},
			{`return bcast:send(7, {cid = 0, status = 1, result = {}})`, "false, not a notification: cid must not be 0, and there is no error"},
			{`return bcast:send(7, {cid = 1, status = 0, error = {code = 1, message = ""}})`, "false, not a notification: cid must not be 0, and there is no error"},
			{`return bcast:send(7, {message = {}})`, "false, not a message of the LAppS protocol: cid is missing"},
			{`return bcast:send(7, 3, "x")`, "false, usage: bcast:send(channel, opcode, string): opcode must be 1 (text) or 2 (binary)"},
			{`return bcast:send(7, 1, "\255")`, "false, the text message is not valid UTF-8"},
			{`return bcast:send(7, {cid = 1, message = {}})`, "true"}, // nobody listens
			{`return bcast:send("nowhere", 1, "x"), bcast:send("nowhere", {cid = 1, message = {}})`, "true, true"},
			{`return bcast:send("nowhere", 3, "x")`, "false, usage: bcast:send(channel, opcode, string): opcode must be 1 (text) or 2 (binary)"},
			{`return bcast:send_except(7, h, 1, "x"), bcast:send_except(7, h, {cid = 1, message = {}}), bcast:send_except("nowhere", h, 1, "x")`, "true, true, true"},
			{`return bcast:send_except(7, 99, 1, "x"), bcast:send_except(7, 1.5, 1, "x")`, "true, true"}, // who is not there gets nothing
			{`return bcast:send_except(8, h, 1, "x")`, "false, no such channel: bcast:create makes it"},
			{`return bcast:send_except(7, h)`, "false, usage: bcast:send_except(channel, handler, message) or bcast:send_except(channel, handler, opcode, string): wrong number of arguments"},
			{`return bcast:send_except(7, h, 1, "x", 1)`, "false, usage: bcast:send_except(channel, handler, message) or bcast:send_except(channel, handler, opcode, string): wrong number of arguments"},
			{`return bcast:send_except(7, "h", 1, "x")`, "false, usage: bcast:send_except(channel, handler, message) or bcast:send_except(channel, handler, opcode, string): handler must be a number, not a string"},
			{`return bcast:send_except({}, h, 1, "x")`, "false, usage: bcast:send_except(channel, handler, message) or bcast:send_except(channel, handler, opcode, string): channel must be an integer from 0 to 2^53, or a string of 1 to 255 bytes"},
			{`return bcast:send_except(7, h, 1, {})`, "false, usage: bcast:send_except(channel, handler, opcode, string): the message must be a string, not a table"},
			{`return bcast:send_except(7, h, 1)`, "false, usage: bcast:send_except(channel, handler, message): the message must be nljson or a table, not a number"},
			{`return bcast:count(7), bcast:count("nowhere"), bcast:count(8)`, "0, 0, false, no such channel: bcast:create makes it"},
			{`return bcast:count()`, "false, usage: bcast:count(channel): wrong number of arguments"},
			{`return bcast:count(-1)`, "false, usage: bcast:count(channel): channel must be an integer from 0 to 2^53, or a string of 1 to 255 bytes"},
			{`return #bcast:channels(h)`, "0"},
			{`local t, why = bcast:channels(99) return tostring(t), why`, "nil, no such connection"},
			{`local t, why = bcast:channels() return tostring(t), why`, "nil, usage: bcast:channels(handler): wrong number of arguments"},
			{`local t, why = bcast:channels("h") return tostring(t), why`, "nil, usage: bcast:channels(handler): handler must be a number, not a string"},
			{`return bcast:remove()`, "false, usage: bcast:remove(channel): wrong number of arguments"},
			{`return bcast:remove({})`, "false, usage: bcast:remove(channel): channel must be an integer from 0 to 2^53, or a string of 1 to 255 bytes"},
			{`return bcast:remove(99), bcast:remove("nowhere")`, "true, true"}, // it is not there afterwards
			{`return bcast:create(9), bcast:remove(9), bcast:send(9, 1, "x")`, "true, true, false, no such channel: bcast:create makes it"},
			{`return bcast:unsubscribe("nowhere", h)`, "true"},
			{`return bcast:unsubscribe("nowhere", 99)`, "false, no such connection"},
			{`return bcast:subscribe("somewhere", 99), bcast:count("somewhere")`, "false, 0"},
		} {
			deliver(t, s, c.code)
			if got := p.said(t); !slices.Equal(got, []string{"text " + c.want}) {
				t.Errorf("%s: %q, want %q", c.code, got, c.want)
			}
		}
		deliver(t, s, `return bcast:subscribe(7, h), bcast:subscribe(7, h), bcast:subscribe(7, 2)`)
		p.said(t)
		deliver(t, o, `ws:send(h, 1, "first"); bcast:send(7, {cid = 5, message = {1}}); ws:send(h, 1, "third"); bcast:send(7, 1, "raw")`)
		if got, want := other.happened(), []string{"text first", "binary \xa2ccid\x05gmessage\x81\x01", "text third", "text raw", "text ", "wake"}; !slices.Equal(got, want) {
			t.Errorf("the sender: %q, want %q", got, want)
		}
		if got, want := p.said(t), []string{`{"cid": 5, "message": [1]}`, "text raw"}; !slices.Equal(got, want) {
			t.Errorf("the other, subscribed twice: %q, want %q", got, want)
		}
		deliver(t, s, `return bcast:unsubscribe(7, h), bcast:unsubscribe(7, h), bcast:send(7, 1, "for the other")`)
		if got, want := p.said(t), []string{"text true, true, true"}; !slices.Equal(got, want) {
			t.Errorf("unsubscribed: %q, want %q", got, want)
		}
		if got, want := other.said(t), []string{"text for the other"}; !slices.Equal(got, want) {
			t.Errorf("still subscribed: %q, want %q", got, want)
		}
	})
}

// TestTopics has channels that are called by texts be there as long as they are needed,
// or wanted.
func TestTopics(t *testing.T) {
	serve(t, services.Config{}, evalLua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		other, o := mustJoin(t, r, 2)
		for _, c := range []struct{ code, want, other string }{
			{`return bcast:subscribe("room", h), bcast:subscribe("room", h), bcast:subscribe("room", 2), bcast:count("room")`, "true, true, true, 2", ""},
			{`bcast:send("room", 1, "hello") return "said"`, "hello, said", "hello"},
			{`bcast:send_except("room", h, 1, "hello") return "said"`, "said", "hello"},
			{`bcast:send_except("room", 2, 1, "hello") return "said"`, "hello, said", ""},
			{`bcast:send_except("room", 99, 1, "hello") return "said"`, "hello, said", "hello"},
			{`bcast:send_except("room", h, {cid = 3, message = {}}) return "said"`, "said", `{"cid": 3, "message": []}`},
			{`bcast:create(5) bcast:subscribe(5, h) bcast:subscribe("5", 2) bcast:send(5, 1, "number") bcast:send("5", 1, "text") return "said"`, "number, said", "text"},
			{`local all = bcast:channels(h) table.sort(all, function(a, b) return tostring(a) < tostring(b) end)
				return #all, type(all[1]), all[1], type(all[2]), all[2]`, "2, number, 5, string, room", ""},
			{`bcast:unsubscribe("room", h) return bcast:count("room"), bcast:channels(h)[1], #bcast:channels(h)`, "1, 5, 1", ""},
			{`bcast:unsubscribe("room", 2) bcast:send("room", 1, "x") return bcast:count("room")`, "0", ""},
			{`bcast:create("room") bcast:subscribe("room", 2) bcast:send("room", 1, "a") bcast:remove("room") bcast:send("room", 1, "b")
				return bcast:count("room"), #bcast:channels(2)`, "0, 1", "a"},
			{`bcast:subscribe("room", 2) bcast:send("room", 1, "c") return bcast:remove(5), bcast:count("room"), #bcast:channels(h)`, "true, 1, 0", "c"},
			{`return bcast:subscribe(5, h)`, "false, no such channel: bcast:create makes it", ""},
		} {
			deliver(t, s, c.code)
			if got := strings.ReplaceAll(strings.Join(p.said(t), ", "), "text ", ""); got != c.want {
				t.Errorf("%s: %q, want %q", c.code, got, c.want)
			}
			if got := strings.ReplaceAll(strings.Join(other.said(t), ", "), "text ", ""); got != c.other {
				t.Errorf("%s: the other: %q, want %q", c.code, got, c.other)
			}
		}
		o.Leave(nil)
		synctest.Wait()
		deliver(t, s, `return bcast:count("room"), bcast:count("5")`)
		if got := p.said(t); !slices.Equal(got, []string{"text 0, 0"}) {
			t.Errorf("when the other has left: %q", got)
		}
	})
}

// TestLeavingUnsubscribes has a peer gone from its channels, and none join
// again once it has left.
func TestLeavingUnsubscribes(t *testing.T) {
	const lua = `
local test = {}
function test.onMessage(h, op, m) bcast:create(1) return bcast:subscribe(1, h) end
function test.onDisconnect(h)
	bcast:send(1, 1, "bye")
	if h % 2 == 0 then bcast:unsubscribe(1, h) bcast:subscribe(1, h) end
end
return test`
	serve(t, services.Config{}, lua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		var all []*peer
		var seats []*services.Seat
		for id := range uint64(50) {
			p, s := mustJoin(t, r, id+1)
			deliver(t, s, "x")
			all, seats = append(all, p), append(seats, s)
		}
		synctest.Wait()
		for i, s := range seats[:49] {
			s.Leave(nil)
			if got := all[i].said(t); !slices.Equal(got[i:], []string{"text bye"}) {
				t.Errorf("%d: %q", i, got)
			}
		}
		for i, p := range all[:49] {
			if got := p.said(t); got != nil {
				t.Errorf("%d has left, and yet received %q", i, got)
			}
		}
		if got := all[49].said(t); len(got) != 49 {
			t.Errorf("the last received %d farewells, want 49", len(got))
		}
	})
}

// TestBroadcastOrder has four instances send at once; each subscriber receives
// each sender's messages once and in order.
func TestBroadcastOrder(t *testing.T) {
	const lua = `
local test = {}
function test.onStart() bcast:create(1) end
function test.onMessage(h, op, m)
	if m == "listen" then return bcast:subscribe(1, h) end
	for i = 1, 100 do bcast:send(1, 1, instance_id .. " " .. i) end
	return true
end
return test`
	serve(t, services.Config{Instances: 4}, lua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		var all []*peer
		var seats []*services.Seat
		for id := range uint64(40) {
			p, s := mustJoin(t, r, id+1)
			deliver(t, s, "listen")
			all, seats = append(all, p), append(seats, s)
		}
		synctest.Wait()
		for _, s := range seats[:4] { // one of each instance
			deliver(t, s, "send")
		}
		for _, p := range all {
			got := map[string][]string{}
			for _, m := range p.said(t) {
				sender, n, _ := strings.Cut(strings.TrimPrefix(m, "text "), " ")
				got[sender] = append(got[sender], n)
			}
			var want []string
			for i := range 100 {
				want = append(want, fmt.Sprint(i+1))
			}
			if len(got) != 4 {
				t.Fatalf("%d senders", len(got))
			}
			for sender, numbers := range got {
				if !slices.Equal(numbers, want) {
					t.Fatalf("of %s: %q", sender, numbers)
				}
			}
		}
	})
}

// A loop is woken; a peer on one has it as its waker.
type loop struct {
	wakes atomic.Int32
	woken chan bool // told, if it is not nil
}

func (l *loop) Later(f func()) { f() }

func (l *loop) Wake() {
	l.wakes.Add(1)
	if l.woken != nil {
		l.woken <- true
	}
}

type peerOnLoop struct {
	*peer
	loop *loop
}

func (p *peerOnLoop) Waker() services.Waker { return p.loop }

// joinAs seats any kind of peer.
func joinAs(t *testing.T, r *services.Registry, p services.Peer) *services.Seat {
	t.Helper()
	answered := make(chan *services.Seat, 1)
	r.Lookup("/test").Join(p, services.Request{Request: &wire.Request{}}, func(s *services.Seat, err error) {
		if err != nil {
			t.Error(err)
		}
		answered <- s
	})
	return <-answered
}

// TestBroadcastWakesOnce has each loop woken once for a broadcast, and all
// peers share one payload.
func TestBroadcastWakesOnce(t *testing.T) {
	const lua = `
local test = {}
function test.onConnect(h) bcast:create(1) return bcast:subscribe(1, h) end
function test.onMessage(h, op, m) for i = 1, 3 do bcast:send(1, op, m) end return true end
return test`
	serve(t, services.Config{}, lua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		loops := []*loop{{}, {}, {}}
		var first *services.Seat
		var all []*peer
		for id := range uint64(300) {
			p := &peerOnLoop{&peer{id: id + 1}, loops[id%3]}
			if s := joinAs(t, r, p); first == nil {
				first = s
			}
			all = append(all, p.peer)
		}
		synctest.Wait()
		for _, l := range loops {
			l.wakes.Store(0)
		}
		deliver(t, first, "hello")
		for i, p := range all {
			if got, want := p.happened(), []string{"text hello", "text hello", "text hello"}; !slices.Equal(got, want) {
				t.Fatalf("peer %d: %q", i, got)
			}
		}
		for i, l := range loops {
			if n := l.wakes.Load(); n != 1 {
				t.Errorf("loop %d was woken %d times for 300 frames", i, n)
			}
		}
	})
}
