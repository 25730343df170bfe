package services_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"lapps/services"
	"lapps/services/modules/task"
	"lapps/services/vm"
)

// A turner is an event loop: a goroutine that runs what is posted.
type turner struct {
	posted chan func()
}

func (l *turner) Wake()          {}
func (l *turner) Later(f func()) { l.Post(f) }
func (l *turner) Post(f func())  { l.posted <- f }

func (l *turner) run() {
	for f := range l.posted {
		f()
	}
}

// A seated peer of a turner. Its Full is what the test says.
type turnedPeer struct {
	*peer
	loop   *turner
	isFull bool
}

func (p *turnedPeer) Waker() services.Waker { return p.loop }
func (p *turnedPeer) Full() bool            { p.mu.Lock(); defer p.mu.Unlock(); return p.isFull }

// inline runs an inline service on two loops in a bubble.
func inline(t *testing.T, lua string, test func(t *testing.T, r *services.Registry, loops []*turner, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := services.Config{
			Name: "test", RequestTarget: "/test", AutoStart: true, Instances: 1, Inline: true, LoopTime: 50 * time.Millisecond,
			Files: fstest.MapFS{"test.lua": {Data: []byte(lua)}},
		}
		r, err := services.New([]services.Config{c}, []vm.Module{task.Module()}, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		loops := []*turner{{posted: make(chan func(), 1000)}, {posted: make(chan func(), 1000)}}
		for _, l := range loops {
			r.Loops = append(r.Loops, l)
			go l.run()
		}
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		test(t, r, loops, &log)
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		for _, l := range loops {
			close(l.posted)
		}
	})
}

// TestInlineInstances has each loop have an instance of its own, and its peers be at
// that.
func TestInlineInstances(t *testing.T) {
	const lua = `
local test = {}
function test.onMessage(h, op, m) return ws:send(h, op, instance_id) end
return test`
	inline(t, lua, func(t *testing.T, r *services.Registry, loops []*turner, log *bytes.Buffer) {
		for i := range 8 {
			p := &turnedPeer{peer: &peer{id: uint64(i + 1)}, loop: loops[i%2]}
			s := joinAs(t, r, p)
			deliver(t, s, "x")
			if got, want := p.happened(), []string{fmt.Sprintf("text test/%d", i%2+1)}; !slices.Equal(got, want) {
				t.Errorf("peer %d: %q, want %q", i, got, want)
			}
			s.Leave(nil)
		}
		synctest.Wait()
		if !strings.Contains(log.String(), "instances=2 inline=true") {
			t.Error(log)
		}
	})
}

// TestInlineWaits has a handler that waits end with an error, and a task of its wait.
func TestInlineWaits(t *testing.T) {
	const lua = `
local task = require "task"
local test = {}
function test.onMessage(h, op, m)
  if m == "sleep" then
    sleep(1)
  elseif m == "try" then
    local ok, err = pcall(sleep, 1)
    ws:send(h, op, tostring(ok) .. " " .. err)
  else
    task.spawn(function() sleep(1) ws:send(h, op, m) end)
  end
  return true
end
return test`
	inline(t, lua, func(t *testing.T, r *services.Registry, loops []*turner, log *bytes.Buffer) {
		p := &turnedPeer{peer: &peer{id: 1}, loop: loops[0]}
		s := joinAs(t, r, p)
		deliver(t, s, "try")
		deliver(t, s, "spawn")
		time.Sleep(2 * time.Second)
		got := p.happened()
		if len(got) != 2 || !strings.Contains(got[0], "text false ") || !strings.Contains(got[0], "runs inline must not wait") || got[1] != "text spawn" {
			t.Errorf("got %q", got)
		}
		deliver(t, s, "sleep")
		if got := p.happened(); len(got) != 1 || got[0] != "close 1011 the service failed" {
			t.Errorf("got %q", got)
		}
		s.Leave(nil)
		synctest.Wait()
		if !strings.Contains(log.String(), "runs inline must not wait") {
			t.Error(log)
		}
	})
}

// TestInlineFull has the messages of a peer that does not read wait, and nobody's
// else, until it has read.
func TestInlineFull(t *testing.T) {
	const lua = `
local test = {}
function test.onMessage(h, op, m) return ws:send(h, op, m) end
return test`
	inline(t, lua, func(t *testing.T, r *services.Registry, loops []*turner, log *bytes.Buffer) {
		p := &turnedPeer{peer: &peer{id: 1}, loop: loops[0], isFull: true}
		other := &turnedPeer{peer: &peer{id: 2}, loop: loops[0]}
		s, o := joinAs(t, r, p), joinAs(t, r, other)
		for i := range 3 {
			deliver(t, s, fmt.Sprint(i))
			deliver(t, o, fmt.Sprint(i))
		}
		if got := p.happened(); len(got) != 0 {
			t.Errorf("full: %q", got)
		}
		if got := other.happened(); !slices.Equal(got, []string{"text 0", "text 1", "text 2"}) {
			t.Errorf("the other: %q", got)
		}
		p.mu.Lock()
		p.isFull = false
		p.mu.Unlock()
		s.Drained()
		if got := p.happened(); !slices.Equal(got, []string{"text 0", "text 1", "text 2"}) {
			t.Errorf("drained: %q", got)
		}
		s.Leave(nil)
		o.Leave(nil)
		synctest.Wait()
	})
}

// TestInlineRefused has what cannot run inline say so.
func TestInlineRefused(t *testing.T) {
	_, err := services.New([]services.Config{{Name: "a", Files: fstest.MapFS{}, Standalone: true, Inline: true, Instances: 1}}, nil, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "a standalone service cannot run inline") {
		t.Errorf("got %v", err)
	}
	r, err := services.New([]services.Config{{
		Name: "a", Files: fstest.MapFS{"a.lua": {Data: []byte("return {}")}}, RequestTarget: "/a", AutoStart: true, Inline: true, Instances: 1,
	}}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "there are no event loops") {
		t.Errorf("got %v", err)
	}
	if err := r.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
