package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
)

// maxShared is how many goroutines more a server may have with thousands of
// connections than with none.
const maxShared = 8

// TestIdleOverTLS keeps 2,000 connections over TLS idle: none has a goroutine.
func TestIdleOverTLS(t *testing.T) {
	conns := 2000
	if testing.Short() || raceEnabled {
		conns = 200
		t.Logf("%d connections, a tenth", conns)
	}
	program := buildAttack(t)
	doc, trust := overTLS(t, `{"services": {"echo": {}}}`)
	p := startProcess(t, 1, doc, echoApp)
	s := siege{kind: "silent-readers"}
	people := newCrowd(t, 2, "wss://"+p.addr+"/echo", trust)
	before := s.rehearse(t, program, p, people)
	a := startAttack(t, program, s.args(conns, "0s", people.url)...)
	<-a.placed
	amid := p.pipe.footprint(t)
	if amid.Files < before.Files+conns {
		t.Errorf("%d descriptors, want %d more than %d", amid.Files, conns, before.Files)
	}
	if amid.Goroutines > before.Goroutines+maxShared {
		t.Errorf("%d goroutines with %d connections, %d with none", amid.Goroutines, conns, before.Goroutines)
	}
	each := func(amid, before int64) float64 { return float64(amid-before) / 1024 / float64(conns) }
	t.Logf("%d connections, each %.1f kB of heap and %.1f kB resident; before: %v; amid: %v", conns,
		each(amid.Heap, before.Heap), each(amid.RSS+amid.Tables, before.RSS+before.Tables), before, amid)
	a.stop()
	a.report(t).check(t, "stayed")
	atRestAgain(t, p, people, before)
}

// newsRawLua sends a hundred kilobytes to everybody who is connected, for each
// message.
const newsRawLua = `
local news = {}
function news.onStart() bcast:create(1) end
function news.onConnect(handler) bcast:subscribe(1, handler) return true end
function news.onMessage(handler, opcode, message)
  for i = 1, 12 do bcast:send(1, 2, message .. ":" .. i .. (" "):rep(8192)) end
  return true
end
return news`

// TestBroadcastBesideDeadReaders has a broadcaster, some who read all, and many
// who read nothing: those who read receive everything in order, whatever
// becomes of those who do not.
func TestBroadcastBesideDeadReaders(t *testing.T) {
	const rounds = 60 // more than a socket holds that is not read
	dead, fast := 200, 20
	if testing.Short() || raceEnabled {
		dead = 20
		t.Logf("%d dead readers, a tenth", dead)
	}
	program := buildAttack(t)
	for policy, want := range map[string]string{
		"close":       "cut off|close 1013", // once the time for closing is over
		"drop_newest": "stayed",
		"drop_oldest": "stayed",
		"latest":      "stayed",
	} {
		t.Run(policy, func(t *testing.T) {
			p := startProcess(t, 1, fmt.Sprintf(`{"timeouts": {"close_ms": 100}, "services": {"echo": {},
				"news": {"instances": 1, "outbox_bytes": 262144, "slow_consumer": %q}}}`, policy), map[string]string{"echo/echo.lua": echoLua, "news/news.lua": newsRawLua})
			people := newCrowd(t, fast, "ws://"+p.addr+"/news", nil)
			s := siege{kind: "silent-readers"}
			a := startAttack(t, program, s.args(20, "0s", people.url)...)
			<-a.placed
			for round := range 30 {
				broadcast(t, people, round, policy)
			}
			a.stop()
			a.report(t)
			before := settled(t, p, p.pipe.footprint(t).Files)

			a = startAttack(t, program, s.args(dead, "0s", people.url)...)
			<-a.placed
			for round := range rounds {
				broadcast(t, people, round, policy)
			}
			amid := p.pipe.footprint(t)
			if policy == "close" {
				settled(t, p, before.Files)
			}
			a.stop()
			r := a.report(t)
			r.check(t, want)
			t.Logf("%d × %d messages of 8 kB beside %d dead readers: %v", fast, perRound*rounds, dead, r.Outcomes)
			t.Logf("before: %v; amid: %v", before, amid)
			var after footprint
			eventually(t, "the dead readers have left nothing", func() bool {
				after = p.pipe.footprint(t)
				return after.within(before)
			})
			t.Logf("after:  %v", after)
		})
	}
}

// perRound is how many messages newsRawLua makes of one.
const perRound = 12

// broadcast has one of the crowd cause a broadcast, and all receive it. With
// latest they receive the last message, and of the others what was not replaced.
func broadcast(t *testing.T, people *crowd, round int, policy string) {
	t.Helper()
	ctx := patience(t)
	cause := fmt.Sprintf("round %d", round)
	if err := people.conns[0].Write(ctx, coder.MessageText, []byte(cause)); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, len(people.conns))
	for _, c := range people.conns {
		go func() { failed <- receiveRound(ctx, c, cause, policy != "latest") }()
	}
	for range people.conns {
		if err := <-failed; err != nil {
			t.Fatalf("one who reads: %v", err)
		}
	}
}

// receiveRound receives a broadcast, in order, without a gap if all is set.
func receiveRound(ctx context.Context, c *coder.Conn, cause string, all bool) error {
	for last := 0; last < perRound; {
		_, got, err := c.Read(ctx)
		if err != nil {
			return err
		}
		number, ok := strings.CutPrefix(strings.TrimRight(string(got), " "), cause+":")
		i, err := strconv.Atoi(number)
		if !ok || err != nil || i <= last || all && i != last+1 {
			return fmt.Errorf("received %.40q behind message %d of %s", got, last, cause)
		}
		last = i
	}
	return nil
}
