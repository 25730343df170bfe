package services_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"

	"go.uber.org/goleak"

	"lapps/protocol/wire"
	"lapps/services"
	"lapps/services/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A peer keeps what a service does to it, in order.
type peer struct {
	id uint64

	mu     sync.Mutex
	events []string
	bundle []int // how many frames came at once
	full   bool
	drops  bool
	gone   bool
	info   services.PeerInfo
}

var _ services.Peer = (*peer)(nil)

func (p *peer) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, fmt.Sprintf(format, args...))
}

func (p *peer) ID() uint64            { return p.id }
func (p *peer) Waker() services.Waker { return p }
func (p *peer) Resume()               { p.note("resume") }
func (p *peer) Full() bool            { return false }
func (p *peer) Wake()                 { p.note("wake") }
func (p *peer) Later(f func())        { f() }

func (p *peer) Info() services.PeerInfo { return p.info }

func (p *peer) Send(f wire.Frame) (int, error) {
	if p.gone {
		return 0, services.ErrGone
	}
	if p.full {
		return 0, services.ErrBackpressure
	}
	if p.drops {
		return 0, services.ErrDropped
	}
	p.note("%v %s", f.Op, f.Payload)
	return f.Size(), nil
}

func (p *peer) SendAll(frames []wire.Frame, bundle wire.Frame) error {
	if bundle.Messages() != len(frames) {
		p.note("a bundle of %d for %d frames", bundle.Messages(), len(frames))
	}
	p.mu.Lock()
	p.bundle = append(p.bundle, len(frames))
	p.mu.Unlock()
	if p.gone {
		return services.ErrGone
	}
	for _, f := range frames {
		p.Send(f)
	}
	return nil
}

func (p *peer) Buffered() (int, error) {
	if p.gone {
		return 0, services.ErrGone
	}
	return 4711, nil
}

func (p *peer) Depart(code wire.Code, reason string) { p.note("depart %d %s", code, reason) }

func (p *peer) Close(code wire.Code, reason string) { p.note("close %d %s", code, reason) }

// happened returns what happened so far, and forgets it.
func (p *peer) happened() []string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.events = nil }()
	return p.events
}

// serve runs a service in a bubble and hands its registry to test.
func serve(t *testing.T, c services.Config, lua string, test func(t *testing.T, r *services.Registry, log *bytes.Buffer)) {
	t.Helper()
	serveWith(t, c, nil, lua, test)
}

// serveWith is serve, with modules.
func serveWith(t *testing.T, c services.Config, modules []vm.Module, lua string, test func(t *testing.T, r *services.Registry, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c.Name, c.RequestTarget, c.AutoStart = "test", "/test", true
		c.Files = fstest.MapFS{"test.lua": {Data: []byte(lua)}, "lib/helper.lua": {Data: []byte("return {name = 'helper'}")}}
		c.Instances = max(c.Instances, 1)
		r, err := services.New([]services.Config{c}, modules, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		test(t, r, &log)
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// join seats a peer.
func join(t *testing.T, r *services.Registry, p *peer, header http.Header) (*services.Seat, error) {
	t.Helper()
	type answer struct {
		seat *services.Seat
		err  error
	}
	answered := make(chan answer, 2)
	r.Lookup("/test").Join(p, services.Request{
		Request:    &wire.Request{Target: "/test?a=b", Path: "/test", Query: "a=b", Host: "example.com", Header: header, Subprotocols: []string{"x", "y"}},
		RemoteAddr: netip.MustParseAddrPort("192.0.2.7:1234"),
	}, func(s *services.Seat, err error) { answered <- answer{s, err} })
	a := <-answered
	return a.seat, a.err
}

func mustJoin(t *testing.T, r *services.Registry, id uint64) (*peer, *services.Seat) {
	t.Helper()
	p := &peer{id: id}
	s, err := join(t, r, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, s
}

func deliver(t *testing.T, s *services.Seat, text string) {
	t.Helper()
	if _, err := s.Deliver([]services.Message{{Kind: uint8(wire.Text), Data: text}}); err != nil {
		t.Fatal(err)
	}
}

// evalLua runs the message as Lua and sends what it returns, as text.
const evalLua = `
local test = {}
function test.onMessage(handler, opcode, message)
  h = handler
  local r = {assert(loadstring(message))()}
  for i = 1, select("#", unpack(r)) do r[i] = tostring(r[i]) end
  ws:send(handler, 1, table.concat(r, ", "))
  return true
end
return test`

func TestWS(t *testing.T) {
	serve(t, services.Config{}, evalLua, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		other, _ := mustJoin(t, r, 1<<53)
		for _, c := range []struct{ code, want string }{
			{`return ws:send(h, 1, "x")`, "true"},
			{`return ws:send(h, 2, "\0\255")`, "true"},
			{`return ws:send(h, 1, 42)`, "true"},
			{`return ws:send(h, 1, "\255")`, "false, the text message is not valid UTF-8"},
			{`return ws:send(h, 3, "x")`, "false, usage: ws:send(handler, opcode, string): opcode must be 1 (text) or 2 (binary)"},
			{`return ws:send(h, "1", "x")`, "false, usage: ws:send(handler, opcode, string): opcode must be 1 (text) or 2 (binary)"},
			{`return ws:send(h, 1, {})`, "false, usage: ws:send(handler, opcode, string): the message must be a string, not a table"},
			{`return ws:send(h, 1)`, "false, usage: ws:send(handler, message): the message must be nljson or a table, not a number"},
			{`return ws:send(h, 1, "x", "y")`, "false, usage: ws:send(handler, opcode, string) or ws:send(handler, message): wrong number of arguments"},
			{`return ws:send("1", 1, "x")`, "false, usage: ws:send(handler, opcode, string): handler must be a number, not a string"},
			{`return ws:send(7, 1, "x")`, "false, no such connection"},
			{`return ws:send(1.5, 1, "x")`, "false, no such connection"},
			{`return ws:send(-1, 1, "x")`, "false, no such connection"},
			{`return ws:send(0/0, 1, "x")`, "false, no such connection"},
			{`return ws:send(1/0, 1, "x")`, "false, no such connection"},
			{`return ws:send(2^53, 1, "for another")`, "true"},
			{`return ws:close(h)`, "false, usage: ws:close(handler, code [, reason]): wrong number of arguments"},
			{`return ws:close(h, 1005)`, "false, usage: ws:close(handler, code [, reason]): code must be one of 1000-1003, 1007-1014 and 3000-4999"},
			{`return ws:close(h, 66536)`, "false, usage: ws:close(handler, code [, reason]): code must be one of 1000-1003, 1007-1014 and 3000-4999"},
			{`return ws:close(h, 1000, ("x"):rep(124))`, "false, usage: ws:close(handler, code [, reason]): reason must not be longer than 123 bytes"},
			{`return ws:close(h, 1000, "\255")`, "false, usage: ws:close(handler, code [, reason]): reason must be a string of UTF-8"},
			{`return ws:close(7, 1000)`, "false, no such connection"},
			{`return ws:close(2^53, 4000, "bye"), ws:close(2^53, 4000)`, "true, false, no such connection"},
			{`return ws:buffered(h)`, "4711"},
			{`return ws:buffered(7)`, "false, no such connection"},
			{`return ws:buffered("7")`, "false, usage: ws:buffered(handler): handler must be a number, not a string"},
			{`return ws:buffered()`, "false, usage: ws:buffered(handler): wrong number of arguments"},
			{`return instance_id, require("lib.helper").name`, "test/1, helper"},
		} {
			deliver(t, s, c.code)
			got := p.happened()
			if i := slices.Index(got, "text "+c.want); i < 0 {
				t.Errorf("%s: %q, want %q", c.code, got, c.want)
			}
		}
		got := other.happened()
		want := []string{"text for another", "wake", "close 4000 bye", "wake"}
		if !slices.Equal(got, want) {
			t.Errorf("the other peer: %q, want %q", got, want)
		}
	})
}

func TestSendErrors(t *testing.T) {
	serve(t, services.Config{}, `return {onMessage = function(h, op, m)
		local ok, why = ws:send(h, op, m); print("sent", ok, why); return true end}`,
		func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
			p, s := mustJoin(t, r, 1)
			p.full = true
			deliver(t, s, "x")
			p.happened()
			p.full, p.drops = false, true
			deliver(t, s, "x")
			p.happened()
			p.gone = true
			deliver(t, s, "x")
			p.happened()
			for _, want := range []string{`sent\tfalse\tbackpressure`, `sent\tfalse\tdropped`, `sent\tfalse\tno such connection`} {
				if !strings.Contains(log.String(), want) {
					t.Errorf("%q is not in %s", want, log)
				}
			}
		})
}

// TestOneWakeForATurn has many messages wait for the instance: the peer is
// woken once for all of their answers.
func TestOneWakeForATurn(t *testing.T) {
	serve(t, services.Config{}, `return {
		onConnect = function() return true end,
		onMessage = function(h, op, m) return ws:send(h, op, m) end}`,
		func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
			p, s := mustJoin(t, r, 1)
			want := []string{}
			for i := range 100 {
				deliver(t, s, fmt.Sprint(i))
				want = append(want, fmt.Sprintf("text %d", i))
			}
			got := p.happened()
			wakes := 0
			for _, e := range got {
				if e == "wake" {
					wakes++
				}
			}
			got = slices.DeleteFunc(got, func(e string) bool { return e == "wake" })
			if !slices.Equal(got, want) {
				t.Errorf("answers: %q", got)
			}
			if wakes > 50 {
				t.Errorf("%d wake-ups for 100 answers", wakes)
			}
		})
}

func TestOnConnect(t *testing.T) {
	const lua = `return {
		onConnect = function(h, r)
			local f = r.headers["x-do"]
			if f then return assert(loadstring(f))(h, r) end
		end,
		onMessage = function() return true end,
		onDisconnect = function() print("gone") end}`
	serve(t, services.Config{}, lua, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		for _, c := range []struct {
			do     string
			status int // 0: admitted
			reason string
		}{
			{"return", 0, ""},
			{"return true", 0, ""},
			{"return false", 403, "refused by the service"},
			{"return {status = 429, reason = 'later'}", 429, "later"},
			{"return {status = 404}", 404, "refused by the service"},
			{"return {status = 200}", 500, "the service failed"},
			{"return {status = 403.5}", 500, "the service failed"},
			{"return {status = 403, reason = {}}", 500, "the service failed"},
			{"return {}", 500, "the service failed"},
			{"return 403", 500, "the service failed"},
			{"return nothing.at.all", 500, "the service failed"},
			{`local h, r = ... return {status = 400, reason = table.concat({r.target, r.path, r.query, r.headers.host,
				r.remote_addr, r.subprotocols[1], r.subprotocols[2], type(h)}, " ")}`,
				400, "/test?a=b /test a=b example.com 192.0.2.7:1234 x y number"},
		} {
			p := &peer{id: 1}
			s, err := join(t, r, p, http.Header{"X-Do": {c.do}})
			var refusal *wire.Refusal
			switch {
			case c.status == 0:
				if err != nil {
					t.Errorf("%s: %v", c.do, err)
					continue
				}
				s.Leave(nil)
			case !errors.As(err, &refusal) || refusal.Status != c.status || refusal.Reason != c.reason:
				t.Errorf("%s: %v, want %d %s", c.do, err, c.status, c.reason)
			}
		}
		synctest.Wait()
		if n := strings.Count(log.String(), "gone"); n != 2 {
			t.Errorf("onDisconnect was called %d times, want 2: of those that were admitted", n)
		}
		if n := r.Lookup("/test").Seats(); n != 0 {
			t.Errorf("%d seats are taken", n)
		}
	})
}

// TestLeave has a peer leave behind what it said.
func TestLeave(t *testing.T) {
	serve(t, services.Config{}, `return {
		onMessage = function(h, op, m) return ws:send(h, op, m) end,
		onDisconnect = function(h) ws:send(h, 1, "gone") end}`,
		func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
			p, s := mustJoin(t, r, 1)
			for i := range 3 {
				deliver(t, s, fmt.Sprint(i))
			}
			s.Leave(func() { p.note("then") })
			got := slices.DeleteFunc(p.happened(), func(e string) bool { return e == "wake" })
			if want := []string{"text 0", "text 1", "text 2", "text gone", "then"}; !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
}

func TestRoundRobin(t *testing.T) {
	serve(t, services.Config{Instances: 3}, `return {onMessage = function(h) return ws:send(h, 1, instance_id) end}`,
		func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
			seats := map[string]int{}
			for id := range uint64(9) {
				p, s := mustJoin(t, r, id+1)
				deliver(t, s, "who?")
				deliver(t, s, "who?")
				got := slices.DeleteFunc(p.happened(), func(e string) bool { return e == "wake" })
				if len(got) != 2 || got[0] != got[1] {
					t.Fatalf("answered by %q", got)
				}
				seats[got[0]]++
			}
			if len(seats) != 3 || seats["text test/1"] != 3 || seats["text test/2"] != 3 {
				t.Errorf("seats: %v", seats)
			}
		})
}

// TestLAppSStyle runs a service written to the letter of LAppS: a global table
// named like the service, all four callbacks, nothing returned by the module.
func TestLAppSStyle(t *testing.T) {
	serve(t, services.Config{}, `
		test = {}
		test.__index = test
		test["onStart"] = function() print("started") end
		test["onShutdown"] = function() print("shut down") end
		test["onDisconnect"] = function(handler) end
		test["onMessage"] = function(handler, opcode, message)
			local result, errmsg = ws:send(handler, opcode, message)
			if not result then print(errmsg) end
			return result
		end
		return test`,
		func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
			p, s := mustJoin(t, r, 1)
			deliver(t, s, "hello")
			if got := p.happened(); !slices.Equal(got, []string{"text hello", "wake"}) {
				t.Errorf("%q", got)
			}
			if err := r.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			for _, want := range []string{"started", "shut down"} {
				if !strings.Contains(log.String(), want) {
					t.Errorf("%q is not in %s", want, log)
				}
			}
			if _, err := join(t, r, &peer{id: 2}, nil); err == nil || !strings.Contains(err.Error(), "503") {
				t.Errorf("after Stop: %v", err)
			}
		})
}

// TestDoesNotStart has every way in which a service fails to start reported.
func TestDoesNotStart(t *testing.T) {
	for _, c := range []struct{ name, lua, want string }{
		{"syntax", "return {", "test.lua"},
		{"error", "error('no')", "no"},
		{"nothing", "local x = 1", "test.lua must return the table of its callbacks, not a nil"},
		{"number", "return 1", "test.lua must return the table of its callbacks, not a number"},
		{"no onMessage", "return {}", "test.lua: the function onMessage is missing"},
		{"wrong types", "return {onStart = 1, onMessage = 'x'}", "test.lua: onStart must be a function, not a number; onMessage must be a function, not a string"},
		{"onDrain", "return {onMessage = print, onDrain = true}", "test.lua: onDrain must be a function, not a boolean"},
		{"hostile metatable", "return setmetatable({}, {__index = function() error('no index') end})", "no index"},
		{"onStart", "return {onMessage = print, onStart = function() error('bad start') end}", "bad start"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			r, err := services.New([]services.Config{
				{Name: "test", RequestTarget: "/test", Instances: 3, AutoStart: true, Files: fstest.MapFS{"test.lua": {Data: []byte(c.lua)}}},
				{Name: "well", RequestTarget: "/well", Instances: 1, AutoStart: true, Files: fstest.MapFS{"well.lua": {Data: []byte("return {onMessage = print}")}}},
			}, []vm.Module{}, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			err = r.Start(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(log.String(), "service not started") {
				t.Errorf("%v, want %q; logged %s", err, c.want, &log)
			}
			if r.Lookup("/test").Running() || !r.Lookup("/well").Running() {
				t.Error("the wrong service runs")
			}
			if err := r.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	files := fstest.MapFS{}
	good := services.Config{Name: "a", RequestTarget: "/a", Instances: 1, Files: files}
	for want, all := range map[string][]services.Config{
		`services: a service cannot be called ws: that is a global of Lua's or ours`:     {{Name: "ws"}},
		`services: a service cannot be called string: that is a global of Lua's or ours`: {{Name: "string"}},
		`services: a service has no name`:                                                {{}},
		`services: a: no directory is given`:                                             {{Name: "a"}},
		`services: a: request target "a" does not begin with /`:                          {{Name: "a", Files: files, RequestTarget: "a"}},
		`services: a: 0 instances: at least 1 is needed`:                                 {{Name: "a", Files: files, RequestTarget: "/a"}},
		`services: a: there are two services of this name`:                               {good, good},
		`services: b: request target "/a" is that of a`:                                  {good, {Name: "b", RequestTarget: "/a", Instances: 1, Files: files}},
	} {
		if _, err := services.New(all, nil, slog.New(slog.DiscardHandler)); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
