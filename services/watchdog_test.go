package services_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/protocol/wire"
	"lapps/services"
	"lapps/services/vm"
)

// A stuck is a module whose hang() does not return until it is released.
type stuck struct {
	once     sync.Once
	released chan struct{}
}

func (s *stuck) module() vm.Module {
	return vm.Module{Name: "stuck", Open: func(_ *vm.Instance, L *lua.LState) lua.LValue {
		s.init()
		return L.SetFuncs(L.NewTable(), map[string]lua.LGFunction{"hang": s.hang})
	}}
}

func (s *stuck) init() { s.once.Do(func() { s.released = make(chan struct{}) }) } // within the bubble

func (s *stuck) release() {
	s.init()
	close(s.released)
}

func (s *stuck) hang(*lua.LState) int {
	<-s.released
	return 0
}

const hangs = `local stuck = require "stuck"
print("started " .. instance_id)
return {
	onMessage = function(h, op, m)
		if m == "hang" then
			stuck.hang()
			print("never")
		end
		return ws:send(h, op, m)
	end,
	onDisconnect = function(h) print("bye " .. h) end,
}`

// echoes reports whether a seat is served.
func echoes(t *testing.T, p *peer, s *services.Seat) bool {
	t.Helper()
	deliver(t, s, "hello")
	return strings.Join(p.happened(), ", ") == "text hello, wake"
}

// TestHang has one of two instances hang in Go: it is replaced, its peers are
// told to come again, and those of the other do not notice.
func TestHang(t *testing.T) {
	var stuck stuck
	c := services.Config{Instances: 2, CallTime: time.Second}
	serveWith(t, c, []vm.Module{stuck.module()}, hangs, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		s := r.Lookup("/test")
		p1, s1 := mustJoin(t, r, 1)
		p2, s2 := mustJoin(t, r, 2)
		p3, s3 := mustJoin(t, r, 3) // the first one's instance
		deliver(t, s1, "hang")
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if s.Replaced() != 0 {
			t.Errorf("replaced after 4 s: %s", log)
		}
		if !echoes(t, p2, s2) {
			t.Error("the other instance does not answer")
		}
		deliver(t, s3, "waits")
		time.Sleep(4 * time.Second)
		synctest.Wait()
		for i, p := range []*peer{p1, p3} {
			if got := strings.Join(p.happened(), ", "); got != "close 1012 the service is restarted, wake" {
				t.Errorf("peer %d: %s", i, got)
			}
		}
		if got := p2.happened(); len(got) > 0 || !echoes(t, p2, s2) {
			t.Errorf("the other instance: %v", got)
		}
		for id := range uint64(4) { // two of them come to the new one
			if p, seat := mustJoin(t, r, 10+id); !echoes(t, p, seat) {
				t.Error("a new peer is not served")
			}
		}
		text := log.String()
		for _, want := range []string{"instance is replaced", "it does not return", "services_test.(*stuck).hang", "instance started in place of another"} {
			if !strings.Contains(text, want) {
				t.Errorf("the log lacks %q:\n%s", want, text)
			}
		}
		if !raceDetector && !strings.Contains(text, "in hang") {
			t.Errorf("the log lacks Lua's traceback:\n%s", text)
		}
		if n := strings.Count(text, "started test/"); n != 3 {
			t.Errorf("%d instances have been started, want 3", n)
		}
		if n := s.Seats(); n != 5 { // who hangs holds none
			t.Errorf("%d seats, want 5", n)
		}
		s1.Leave(nil)
		s3.Leave(nil)
		stuck.release()
		time.Sleep(time.Second)
		synctest.Wait()
		text = log.String()
		if strings.Contains(text, "never") || strings.Contains(text, "waits") || !strings.Contains(text, "instance that was replaced has ended") {
			t.Errorf("the one that was replaced has not ended, or goes on:\n%s", text)
		}
		if n := s.Seats(); n != 5 {
			t.Errorf("%d seats at last, want 5", n)
		}
	})
}

// TestSlow has handlers that are slow one after the other, in one turn, taken for
// what they are.
func TestSlow(t *testing.T) {
	slow := vm.Module{Name: "slow", Open: func(_ *vm.Instance, L *lua.LState) lua.LValue {
		return L.NewFunction(func(L *lua.LState) int {
			time.Sleep(vm.CheckSeconds(L, 1)) // with the baton held
			return 0
		})
	}}
	const lua = `local slow = require "slow"
		return { onMessage = function(h, op, m)
			if m == "slow" then for i = 1, 1000 do end slow(1.9) for i = 1, 1000 do end end
			return ws:send(h, op, m)
		end }`
	serveWith(t, services.Config{CallTime: 2 * time.Second}, []vm.Module{slow}, lua, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		p, s := mustJoin(t, r, 1)
		messages := []services.Message{{Kind: 1, Data: "fast"}}
		for range 60 {
			messages = append(messages, services.Message{Kind: 1, Data: "slow"})
		}
		if _, err := s.Deliver(messages); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		if n := strings.Count(strings.Join(p.happened(), ", "), "text slow"); n != 60 || r.Lookup("/test").Replaced() != 0 {
			t.Errorf("%d answers, %d replaced: %s", n, r.Lookup("/test").Replaced(), log)
		}
	})
}

// TestHangAgain has each instance hang that comes: there is an end to it, and when
// they return there are new ones.
func TestHangAgain(t *testing.T) {
	var stuck stuck
	c := services.Config{CallTime: time.Second}
	serveWith(t, c, []vm.Module{stuck.module()}, hangs, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		s := r.Lookup("/test")
		var id uint64
		for {
			id++
			p := &peer{id: id}
			seat, err := join(t, r, p, nil)
			if err != nil {
				if !strings.Contains(err.Error(), "the service is restarted") {
					t.Error(err)
				}
				break
			}
			deliver(t, seat, "hang")
			time.Sleep(10 * time.Second)
			if id > 10 {
				t.Fatalf("no end to it: %s", log)
			}
		}
		if s.Replaced() != 2 {
			t.Errorf("%d replaced, want 2", s.Replaced())
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := strings.Count(log.String(), "instance is not replaced"); n < 60 || n > 70 {
			t.Errorf("told %d times in an hour", n)
		}
		stuck.release()
		time.Sleep(2 * time.Second)
		if p, seat := mustJoin(t, r, 100); !echoes(t, p, seat) {
			t.Error("no new instance answers")
		}
	})
}

// TestHangInOnConnect has onConnect hang: who waits behind it is refused when the
// instance is replaced, and counts no more.
func TestHangInOnConnect(t *testing.T) {
	var stuck stuck
	const lua = `local stuck, n = require "stuck", 0
		return {
			onConnect = function(h) if h == 1 then stuck.hang() end end,
			onMessage = function(h, op, m) return ws:send(h, op, m) end,
		}`
	c := services.Config{CallTime: time.Second, MaxConns: 4}
	serveWith(t, c, []vm.Module{stuck.module()}, lua, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		s := r.Lookup("/test")
		answers := make(chan error, 8)
		for id := uint64(1); id <= 4; id++ {
			s.Join(&peer{id: id}, services.Request{Request: &wire.Request{Target: "/test", Path: "/test"}}, func(_ *services.Seat, err error) { answers <- err })
		}
		time.Sleep(10 * time.Second)
		for range 4 {
			select {
			case err := <-answers:
				if err == nil || !strings.Contains(err.Error(), "the service is restarted") {
					t.Errorf("answer: %v", err)
				}
			default:
				t.Fatal("somebody has no answer")
			}
		}
		if n := s.Seats(); n != 0 {
			t.Errorf("%d seats", n)
		}
		if p, seat := mustJoin(t, r, 10); !echoes(t, p, seat) {
			t.Error("a new peer is not served")
		}
		stuck.release()
		synctest.Wait()
		if len(answers) > 0 || s.Seats() != 1 {
			t.Errorf("%d more answers, %d seats", len(answers), s.Seats())
		}
	})
}

// TestHangAtStart has each instance hang that is started in place of one: there is an
// end to that, too.
func TestHangAtStart(t *testing.T) {
	var stuck stuck
	var started atomic.Int32
	module := vm.Module{Name: "starts", Open: func(_ *vm.Instance, L *lua.LState) lua.LValue {
		if started.Add(1) > 1 {
			stuck.hang(L)
		}
		return lua.LTrue
	}}
	c := services.Config{CallTime: time.Second}
	serveWith(t, c, []vm.Module{stuck.module(), module}, `require "starts" `+hangs, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		_, seat := mustJoin(t, r, 1)
		deliver(t, seat, "hang")
		time.Sleep(3 * time.Hour)
		if n := started.Load(); n != 2 {
			t.Errorf("%d instances were started, want the first and one in its place", n)
		}
		stuck.release()
		time.Sleep(3 * time.Minute)
		if p, seat := mustJoin(t, r, 2); !echoes(t, p, seat) {
			t.Error("no new instance answers")
		}
	})
}

// TestStartedAgain has a registry that was stopped watch again.
func TestStartedAgain(t *testing.T) {
	var stuck stuck
	serveWith(t, services.Config{CallTime: time.Second}, []vm.Module{stuck.module()}, hangs, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		for range 2 {
			if err := errors.Join(r.Stop(t.Context()), r.Start(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		_, seat := mustJoin(t, r, 1)
		deliver(t, seat, "hang")
		time.Sleep(10 * time.Second)
		if n := r.Lookup("/test").Replaced(); n != 1 {
			t.Errorf("%d replaced", n)
		}
		stuck.release()
	})
}

// TestFull has an instance keep more than it may: it is replaced, and its peers
// leave it in order.
func TestFull(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	c := services.Config{Instances: 2, CallTime: time.Minute, Memory: 8 << 20}
	const keeps = `local kept = {}
		return {
			onMessage = function(h, op, m)
				if m == "keep" then for i = 1, 1e9 do kept[i] = {i} end end
				if m == "take" then local t = {} for i = 1, 1e9 do t[i] = ("x"):rep(1e5) .. i end end
				return ws:send(h, op, m)
			end,
			onDisconnect = function(h) print("bye " .. h) end,
		}`
	serveWith(t, c, nil, keeps, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		s := r.Lookup("/test")
		p1, s1 := mustJoin(t, r, 1)
		p2, s2 := mustJoin(t, r, 2)
		deliver(t, s2, "take") // and drop it again
		time.Sleep(time.Minute)
		synctest.Wait()
		if s.Replaced() != 0 {
			t.Errorf("an instance that needed much for a moment was replaced:\n%s", log)
		}
		if got := strings.Join(p2.happened(), ", "); !strings.Contains(got, "close 1011") {
			t.Errorf("and was not: %s", got)
		}
		p3, s3 := mustJoin(t, r, 3)
		p4, s4 := mustJoin(t, r, 4)
		if !echoes(t, p3, s3) || !echoes(t, p4, s4) {
			t.Error("and does not answer")
		}
		deliver(t, s1, "keep")
		if got := strings.Join(p1.happened(), ", "); !strings.Contains(got, "close 1011") {
			t.Errorf("one that keeps too much: %s", got)
		}
		time.Sleep(13 * time.Second)
		synctest.Wait()
		if got := strings.Join(p3.happened(), ", "); got != "close 1012 the service is restarted, wake" {
			t.Errorf("a peer of the full instance: %s", got)
		}
		if !echoes(t, p4, s4) {
			t.Error("the other instance does not answer")
		}
		s1.Leave(nil)
		s3.Leave(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		text := log.String()
		for _, want := range []string{"it keeps too much memory", "bye 1", "bye 3", "instance that was replaced has ended", "instance started in place of another"} {
			if !strings.Contains(text, want) {
				t.Errorf("the log lacks %q:\n%s", want, text)
			}
		}
		for id := range uint64(4) {
			if p, seat := mustJoin(t, r, 10+id); !echoes(t, p, seat) {
				t.Error("a new peer is not served")
			}
		}
	})
}

// TestReplacementFails has onStart fail for a while.
func TestReplacementFails(t *testing.T) {
	var stuck stuck
	var started atomic.Int32
	module := vm.Module{Name: "starts", Open: func(_ *vm.Instance, L *lua.LState) lua.LValue {
		if n := started.Add(1); n > 1 && n < 5 {
			L.RaiseError("not yet: %d", n)
		}
		return lua.LTrue
	}}
	c := services.Config{CallTime: time.Second}
	serveWith(t, c, []vm.Module{stuck.module(), module}, `require "starts" `+hangs, func(t *testing.T, r *services.Registry, log *bytes.Buffer) {
		_, seat := mustJoin(t, r, 1)
		deliver(t, seat, "hang")
		time.Sleep(time.Minute)
		synctest.Wait()
		for i := 2; i < 5; i++ {
			if want := fmt.Sprint("not yet: ", i); !strings.Contains(log.String(), want) {
				t.Errorf("no %q in the log:\n%s", want, log)
			}
		}
		if p, seat := mustJoin(t, r, 2); !echoes(t, p, seat) {
			t.Error("the one that started at last does not answer")
		}
		stuck.release()
	})
}

// TestFullProgram has a program keep too much: its state is made anew.
func TestFullProgram(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	const program = `local kept = {}
		print("loaded")
		return { run = function() print("run") for i = 1, 1e9 do kept[i] = {i} end end }`
	world(t, []services.Config{service("program", program, services.Config{
		Standalone: true, AutoStart: true, CallTime: time.Minute, Memory: 8 << 20,
	})}, func(t *testing.T, r *services.Registry, log *logbook) {
		time.Sleep(30 * time.Second)
		synctest.Wait()
		text := log.String()
		for _, want := range []string{"run failed", "not enough memory", "it keeps too much memory", "instance that was replaced has ended"} {
			if !strings.Contains(text, want) {
				t.Errorf("the log lacks %q:\n%s", want, text)
			}
		}
		if n := strings.Count(text, "msg=loaded"); n < 2 {
			t.Errorf("loaded %d times:\n%s", n, text)
		}
	})
}
