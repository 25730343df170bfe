package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"sync/atomic"
	"testing"
	"time"
)

// slowLua echoes after some work.
const slowLua = `
local slow = {}
function slow.onMessage(handler, opcode, message)
  local x = 0
  for i = 1, 2000 do x = x + i end
  return ws:send(handler, opcode, message)
end
return slow`

// TestBackPressure pipelines 64 MB at a slow handler. TCP's back-pressure
// must be felt, what the server holds must be bounded, and everything must
// be answered in order.
func TestBackPressure(t *testing.T) {
	d := startDaemon(t, `{"services": {"slow": {"instances": 1}, "echo": {}}}`,
		map[string]string{"slow/slow.lua": slowLua, "echo/echo.lua": echoLua})
	const size, count = 8 << 10, 8 << 10 // 64 MiB
	before := atRest()
	c := rawOpen(t, d.addr(), "/slow")
	c.SetWriteBuffer(64 << 10)
	var sent atomic.Int64
	go func() {
		p := bytes.Repeat([]byte("x"), size)
		for i := range uint64(count) {
			binary.BigEndian.PutUint64(p, i)
			if _, err := c.Write(maskedFrame(0x82, p)); err != nil {
				return // the reader below says what is missing
			}
			sent.Add(1)
		}
	}()
	r := bufio.NewReader(c)
	c.SetReadDeadline(time.Now().Add(2 * time.Minute))
	var ahead int64
	for i := range uint64(count) {
		op, p := readFrame(t, r)
		if op != 2 || len(p) != size || binary.BigEndian.Uint64(p) != i {
			t.Fatalf("answer %d: op %d, %x", i, op, p)
		}
		ahead = max(ahead, sent.Load()-int64(i))
		if i%2048 == 1024 {
			held := atRest()
			for range 4 { // what is made between a collection and the look is no matter
				held = min(held, atRest())
			}
			if grown := int64(held) - int64(before); grown > 16<<20 {
				t.Errorf("after %d answers the heap has grown by %d MiB", i, grown>>20)
			}
			mustEcho(t, d.url("/echo"))
		}
	}
	// The sender can be ahead by what the kernel buffers and the server's
	// share of one connection hold: far less than the whole.
	if limit := int64(20 << 20 / size); ahead > limit {
		t.Errorf("the sender was %d messages ahead, want at most %d: it was not held back", ahead, limit)
	}
	t.Logf("the sender was at most %d of %d messages ahead", ahead, count)
}

// TestLargeAnswers has a client that reads at once ask for much with little,
// many requests in flight: its answers wait for each other, and none is lost.
func TestLargeAnswers(t *testing.T) {
	d := startDaemon(t, `{"services": {"amp": {}}}`, map[string]string{"amp/amp.lua": `
		local answer = ("x"):rep(8192)
		return {onMessage = function(handler) return ws:send(handler, 2, answer) end}`})
	for _, n := range []int{127, 128, 500, 2000} {
		c := rawOpen(t, d.addr(), "/amp")
		go c.Write(bytes.Repeat(maskedFrame(0x81, []byte("get")), n))
		r := bufio.NewReader(c)
		for i := range n {
			if op, p := readFrame(t, r); op != 2 || len(p) != 8192 {
				t.Fatalf("answer %d of %d: op %d, %.40q", i, n, op, p)
			}
		}
	}
}

// TestStoppedReader has a peer that sends and never reads: it costs a bounded
// amount of memory and is closed, while others echo.
func TestStoppedReader(t *testing.T) {
	d := startDaemon(t, `{"timeouts": {"busy_ms": 500, "close_ms": 300}, "services": {"echo": {}}}`, echoApp)
	before := atRest()
	c := rawOpen(t, d.addr(), "/echo")
	frame := maskedFrame(0x82, bytes.Repeat([]byte("x"), 32<<10))
	for i := 1; ; i++ {
		if _, err := c.Write(frame); err != nil {
			break
		}
		if i%100 == 0 {
			if grown := int64(atRest()) - int64(before); grown > 16<<20 {
				t.Fatalf("the heap has grown by %d MiB", grown>>20)
			}
		}
	}
	eventually(t, "the connection has gone", func() bool { return d.server.Open() == 0 })
	mustEcho(t, d.url("/echo"))
}

// TestSilentSubscriber keeps a connection that neither reads nor sends: pings
// find it out.
func TestSilentSubscriber(t *testing.T) {
	d := startDaemon(t, `{"timeouts": {"ping_ms": 50, "pong_ms": 50, "close_ms": 100}, "services": {"echo": {}}}`, echoApp)
	rawOpen(t, d.addr(), "/echo")
	eventually(t, "the connection has gone", func() bool { return d.server.Open() == 0 })
	alive := rawOpen(t, d.addr(), "/echo")
	r := bufio.NewReader(alive)
	for range 5 { // pings, each of which is answered
		if op, p := readFrame(t, r); op != 9 {
			t.Fatalf("op %d, %q, want a ping", op, p)
		}
		alive.Write(maskedFrame(0x8A, nil))
	}
	mustEcho(t, d.url("/echo"))
}
