package server_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/services"
	"lapps/services/vm"
)

// walkLua counts what becomes of its connections, and naps at every turn.
const walkLua = `
local walk = require("walk")
return {
  onConnect = function(h, r)
    walk.nap()
    if r.query == "no" then return false end
    walk.connected(h)
  end,
  onMessage = function(h, op, m)
    if m == "close" then return ws:close(h, 4001) end
    if m == "error" then error("asked for") end
    if m == "false" then return false end
    if m:sub(-1) == "b" then pcall(walk.nap) end
    return ws:send(h, op, m)
  end,
  onDisconnect = function(h) walk.nap() walk.disconnected(h) end}`

// A census counts the calls of onConnect and onDisconnect by handler.
type census struct {
	mu                      sync.Mutex
	connected, disconnected map[lua.LNumber]int
}

func (c *census) module() vm.Module {
	count := func(m map[lua.LNumber]int) lua.LGFunction {
		return func(l *lua.LState) int {
			c.mu.Lock()
			defer c.mu.Unlock()
			m[l.CheckNumber(1)]++
			return 0
		}
	}
	nap := func(l *lua.LState) int {
		d := time.Duration(rand.IntN(300)) * time.Microsecond
		vm.Block(l, func(context.Context) { time.Sleep(d) })
		return 0
	}
	return vm.Module{Name: "walk", Open: func(_ *vm.Instance, l *lua.LState) lua.LValue {
		return l.SetFuncs(l.NewTable(), map[string]lua.LGFunction{
			"connected": count(c.connected), "disconnected": count(c.disconnected), "nap": nap,
		})
	}}
}

// The ways in which a connection of the walk ends: what is written last, and
// the code of the Close frame that follows all answers.
var endings = []struct {
	last string
	code uint16 // 0: the peer goes, anywhere in what it writes
}{
	{frame(0x88, "\x03\xe8"), 1000},
	{"\xf1\x80\x00\x00\x00\x00", 1002},
	{frame(0x81, "close"), 4001},
	{frame(0x81, "error"), 1011},
	{frame(0x81, "false"), 1008},
	{"close", 0},
	{"half-close", 0},
	{"reset", 0},
}

// TestWalk has 40 clients at a time live random lives, over mailboxes so small
// that every connection is held back again and again: every answer comes, in
// order, before the Close frame with the right code, and every connection that
// was admitted is disconnected once.
func TestWalk(t *testing.T) {
	c := &census{connected: map[lua.LNumber]int{}, disconnected: map[lua.LNumber]int{}}
	open(t, func(w *world, cfg *services.Config) {
		cfg.Instances = 3
		cfg.Mailbox = vm.Limits{Events: 12, Bytes: 8000, GateEvents: 3, GateBytes: 2000}
		cfg.OutboxBytes = 20000
		cfg.Files = fstest.MapFS{"test.lua": {Data: []byte(walkLua)}}
		w.modules = []vm.Module{c.module()}
		w.carrier.Buffer, w.carrier.Chunk = 4000, 1000
		w.Timeouts.Close = time.Hour // so that nothing is cut short
	}, func(t *testing.T, w *world) {
		var clients sync.WaitGroup
		for range 40 {
			clients.Go(func() {
				for range 10 {
					if err := w.life(t); err != nil {
						t.Error(err)
					}
				}
			})
		}
		clients.Wait()
		if err := w.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := w.Services.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if len(c.connected) == 0 || fmt.Sprint(c.connected) != fmt.Sprint(c.disconnected) {
			t.Errorf("%d connected, %d disconnected", len(c.connected), len(c.disconnected))
		}
	})
}

// life is that of one connection.
func (w *world) life(t *testing.T) error {
	p := w.dial(t)
	defer p.Close()
	n, end := rand.IntN(60), endings[rand.IntN(len(endings))]
	all := strings.Replace(handshake, "%s", []string{"", "", "", "?no"}[rand.IntN(4)], 1)
	for i := range n {
		m := fmt.Sprintf("%d%s%c", i, strings.Repeat("z", rand.IntN(3)*900), "ab"[rand.IntN(2)])
		cut := rand.IntN(len(m))
		all += frame(0x01, m[:cut]) + frame(0x8A, "") + frame(0x80, m[cut:])
	}
	if end.code == 0 {
		all = all[:rand.IntN(len(all))]
	} else {
		all += end.last
	}
	go func() {
		io.WriteString(p, all)
		switch end.last {
		case "close":
			p.Close()
		case "half-close":
			p.Conn.(interface{ CloseWrite() error }).CloseWrite()
		case "reset":
			p.Conn.(interface{ Reset() }).Reset()
		}
	}()
	status, err := p.r.ReadString('\n')
	for line := status; err == nil && line != "\r\n"; {
		line, err = p.r.ReadString('\n')
	}
	if end.code == 0 || err == nil && strings.HasPrefix(status, "HTTP/1.1 403 ") {
		io.Copy(io.Discard, p.r)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%q: %w", status, err)
	}
	return p.answers(n, end.code)
}

// answers reads n answers, in order, and the Close frame behind them.
func (p *peer) answers(n int, code uint16) error {
	for i := 0; ; i++ {
		op, payload := p.next()
		if op == 0x88 {
			if got := binary.BigEndian.Uint16([]byte(payload)); i != n || got != code {
				return fmt.Errorf("closed with %d after %d answers, want %d after %d", got, i, code, n)
			}
			if _, err := p.r.ReadByte(); !errors.Is(err, io.EOF) {
				return fmt.Errorf("behind the Close frame: %v", err)
			}
			return nil
		}
		if want := fmt.Sprint(i); strings.TrimRight(payload, "zab") != want {
			return fmt.Errorf("answer %.10q, want %s", payload, want)
		}
	}
}
