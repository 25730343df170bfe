package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lapps/server"
)

// TestShedder follows memory up and down: each change is told once, and what lies
// between two marks changes nothing.
func TestShedder(t *testing.T) {
	l := new(logged)
	s := &shedder{server: new(server.Server), log: slog.New(slog.NewJSONHandler(l, nil)), limit: 1000}
	for i, step := range []struct {
		kept     int64
		refusing bool
		told     int // lines so far
	}{
		{890, false, 0}, {900, true, 1}, {949, true, 1}, {990, true, 1}, // nobody is there who could be closed
		{899, true, 1}, {851, true, 1}, {850, false, 2}, {899, false, 2}, {950, true, 3}, {100, false, 4},
	} {
		s.look(memory{kept: step.kept, cycles: uint64(i + 1)})
		if told := strings.Count(l.String(), "\n"); s.refusing != step.refusing || told != step.told {
			t.Errorf("step %d, %d bytes: refusing %v, %d lines, want %v, %d", i, step.kept, s.refusing, told, step.refusing, step.told)
		}
	}
	before := l.String()
	if s.look(memory{kept: 990, cycles: s.cycles}); s.refusing || l.String() != before {
		t.Error("it has looked twice after the same collection")
	}
}

// TestShedderCollects: without a collection it has one only where much is used, or
// where it waits for memory to be given back.
func TestShedderCollects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards m and gcs
		m, gcs := memory{used: 899, kept: 899, cycles: 1}, 0
		s := &shedder{
			server: new(server.Server), log: slog.New(slog.DiscardHandler), limit: 1000,
			memory: func() memory { mu.Lock(); defer mu.Unlock(); return m },
			gc:     func() { mu.Lock(); defer mu.Unlock(); gcs++; m.cycles++ },
			quit:   make(chan struct{}), done: make(chan struct{}),
		}
		go s.run()
		defer s.stop()
		second := func(want int) {
			t.Helper()
			time.Sleep(shedTime)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if gcs != want {
				t.Errorf("%d collections, want %d", gcs, want)
			}
		}
		is := func(used, kept int64) {
			mu.Lock()
			defer mu.Unlock()
			m.used, m.kept = used, kept
		}
		second(0)
		second(0)
		is(900, 500) // mostly garbage
		second(1)
		is(900, 900)
		second(2)
		is(870, 870)
		second(3) // refusing
		is(870, 100)
		second(4)
		second(4)
	})
}

// hoarderLua sends to those that joined as readers what nobody reads, and keeps what
// it is told to.
const hoarderLua = `
local h, readers, kept = {}, {}, {}
local n = 0
function h.onMessage(handler, opcode, message)
  if message == "read" then readers[#readers + 1] = handler end
  if message == "flood" then
    for _, r in ipairs(readers) do
      n = n + 1
      ws:send(r, 2, tostring(n) .. string.rep("x", 131072))
    end
  end
  if message == "keep" then kept[#kept + 1] = tostring(#kept) .. string.rep("x", 1048576) end
  if message == "drop" then kept = {} end
  return ws:send(handler, opcode, message)
end
return h`

// TestShedding has lapps, with 96 MiB, hold 400 MiB for readers that are dead, and
// then keep too much in Lua: it stays near its limit and answers all the while.
func TestShedding(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "96MiB")
	p := startProcess(t, 1, `{
		"limits": {"instance_mb": 0, "handler_ms": 0}, "timeouts": {"busy_ms": 0, "close_ms": 200},
		"services": {"hoarder": {"instances": 1, "outbox_bytes": 1073741824}, "echo": {}}}`,
		map[string]string{"hoarder/hoarder.lua": hoarderLua, "echo/echo.lua": echoLua})
	echo := dialCoder(t, "ws://"+p.addr+"/echo", nil)
	hoarder := dialCoder(t, "ws://"+p.addr+"/hoarder", nil)
	say := func(c client, what string) {
		t.Helper()
		c.send(t, false, []byte(what))
		mustReceive(t, c, false, []byte(what))
	}
	for range 8 {
		say(dialCoder(t, "ws://"+p.addr+"/hoarder", nil), "read")
	}
	for range 400 {
		say(hoarder, "flood")
		say(echo, "hello")
	}
	if text := p.log.String(); !strings.Contains(text, "those who hold most are closed") {
		t.Errorf("nobody was closed:\n%s", text)
	}
	if peak := peakRSS(t, p.cmd.Process.Pid); peak > 192<<20 && !raceEnabled {
		t.Errorf("%d MiB were resident", peak>>20)
	}
	accepts := func() bool { return accepts(t, p.addr) }
	eventually(t, "new connections are accepted after it has shed", accepts)

	for i := 0; accepts(); i++ {
		if i == 120 {
			t.Fatalf("nothing is refused\n%s", p.log)
		}
		say(hoarder, "keep")
	}
	say(echo, "while others are refused")
	say(hoarder, "drop")
	eventually(t, "new connections are accepted again", accepts)
	mustEcho(t, "ws://"+p.addr+"/echo")
	t.Logf("%d MiB were resident at most", peakRSS(t, p.cmd.Process.Pid)>>20)
}

// accepts reports whether a new connection is accepted, and not refused with 503.
func accepts(t *testing.T, addr string) bool {
	t.Helper()
	c := raw(t, addr)
	defer c.Close()
	io.WriteString(c, upgrade("/echo"))
	line, err := bufio.NewReader(c).ReadString('\n')
	switch {
	case strings.HasPrefix(line, "HTTP/1.1 101 "):
		return true
	case !strings.HasPrefix(line, "HTTP/1.1 503 "):
		t.Fatalf("%q, %v", line, err)
	}
	return false
}

// peakRSS is the most memory that a process has had resident, in bytes.
func peakRSS(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	number, _, _ := strings.Cut(rest, " kB")
	kB, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kB << 10
}
