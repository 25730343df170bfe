package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	coder "github.com/coder/websocket"
)

// countingLua echoes, and says of each connection how many messages it has handled.
const countingLua = `
local counting, handled = {}, {}
-- VERSION
function counting.onMessage(handler, opcode, message)
  handled[handler] = (handled[handler] or 0) + 1
  return ws:send(handler, opcode, message)
end
function counting.onDisconnect(handler)
  print("handled " .. (handled[handler] or 0))
  handled[handler] = nil
end
return counting`

// TestRedeployUnderLoad redeploys a service a hundred times while 200 connections
// speak to it, several messages at a time. Each message that an instance has handled is
// answered; those of another service notice nothing; and afterwards nothing is left.
func TestRedeployUnderLoad(t *testing.T) {
	conns, redeployments := 200, 100
	if raceEnabled || testing.Short() {
		conns, redeployments = 40, 20
		t.Logf("%d connections and %d redeployments: the race detector is on, or it is to be short", conns, redeployments)
	}
	for _, how := range []string{"close", "drain"} {
		t.Run(how, func(t *testing.T) {
			d := startOperated(t, fmt.Sprintf(`{"services": {"counting": {"on_redeploy": %q}, "calm": {}}, "timeouts": {"idle_ms": 0, "ping_ms": 0}}`, how),
				map[string]string{"counting/counting.lua": countingLua, "calm/calm.lua": echoLua})
			mustEcho(t, d.url("/counting"))
			mustEcho(t, d.url("/calm"))
			eventually(t, "nobody is there", func() bool { return d.server.Open() == 0 })
			files, goroutines, heap := openFiles(t), runtime.NumGoroutine(), atRest()
			before := handledIn(d.logged.String())

			var answered, closings atomic.Int64
			var wg sync.WaitGroup
			quit := make(chan struct{})
			for range conns {
				wg.Go(func() { speak(t, d.url("/counting"), quit, &answered, &closings) })
			}
			for range 20 {
				wg.Go(func() { speakCalmly(t, d.url("/calm"), quit) })
			}
			path := filepath.Join(t.TempDir(), "counting.zip")
			for i := range redeployments {
				mustWrite(t, path, zipOf(t, map[string]string{"counting/counting.lua": strings.Replace(countingLua, "VERSION", strconv.Itoa(i), 1)}))
				archive, err := os.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				_, err = d.operations.deployer.deploy(t.Context(), archive, "counting.zip")
				if err = errors.Join(err, archive.Close()); err != nil {
					t.Fatal(err)
				}
			}
			close(quit)
			wg.Wait()
			if t.Failed() {
				return
			}
			eventually(t, "all connections have gone", func() bool { return d.server.Open() == 0 && len(d.registry.Leaving()) == 0 })
			handled := handledIn(d.logged.String()) - before
			if got := answered.Load(); got != handled || got == 0 {
				t.Errorf("%d messages were handled, %d answered", handled, got)
			}
			if n := closings.Load(); how == "close" && n == 0 {
				t.Error("nobody was told to come again")
			}
			t.Logf("%d messages answered, %d connections told to come again", answered.Load(), closings.Load())
			if n := d.registry.Service("calm").Seats(); n != 0 {
				t.Errorf("%d peers are left", n)
			}
			eventually(t, "descriptors are back", func() bool { return openFiles(t) <= files })
			eventually(t, "goroutines are back", func() bool { return withoutPool(runtime.NumGoroutine()) <= goroutines })
			if now := atRest(); now > heap+heap/2+8<<20 {
				t.Errorf("%d kB of heap, and %d kB before", now>>10, heap>>10)
			}
		})
	}
}

// handledIn is how many messages countingLua has handled, as a log has it.
func handledIn(log string) (sum int64) {
	for _, m := range regexp.MustCompile(`"msg":"handled (\d+)"`).FindAllStringSubmatch(log, -1) {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		sum += n
	}
	return sum
}

// speak speaks to a service, five messages at a time, and connects again whenever it is
// told to, until quit. It counts the answers: each must be the next that is due.
func speak(t *testing.T, url string, quit <-chan struct{}, answered, closings *atomic.Int64) {
	for turn := 0; ; turn++ {
		select {
		case <-quit:
			return
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // before it would hang
		c, _, err := coder.Dial(ctx, url, nil)
		if err != nil {
			cancel()
			t.Errorf("connect: %v", err)
			return
		}
		told := converse(ctx, t, c, quit, answered)
		if told {
			closings.Add(1)
		}
		c.CloseNow()
		cancel()
		if t.Failed() {
			return
		}
	}
}

// converse speaks on one connection. It returns whether it was told to come again.
func converse(ctx context.Context, t *testing.T, c *coder.Conn, quit <-chan struct{}, answered *atomic.Int64) (told bool) {
	const ahead = 5
	next, due := 0, 0
	for round := 0; round < 50; round++ {
		select {
		case <-quit:
			round = 50
		default:
		}
		for range ahead {
			if err := c.Write(ctx, coder.MessageText, []byte(strconv.Itoa(next))); err != nil {
				break // the Close frame is to be read
			}
			next++
		}
		for due < next {
			_, message, err := c.Read(ctx)
			var e coder.CloseError
			switch {
			case errors.As(err, &e) && e.Code == coder.StatusServiceRestart:
				return true
			case err != nil:
				t.Errorf("message %d: %v", due, err)
				return false
			case string(message) != strconv.Itoa(due):
				t.Errorf("got %q, want %d", message, due)
				return false
			}
			due++
			answered.Add(1)
		}
	}
	if err := c.Close(coder.StatusNormalClosure, ""); err != nil && coder.CloseStatus(err) != coder.StatusServiceRestart && !errors.Is(err, io.EOF) {
		t.Errorf("close: %v", err)
	}
	return false
}

// speakCalmly is on one connection all the time.
func speakCalmly(t *testing.T, url string, quit <-chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // before it would hang
	defer cancel()
	c, _, err := coder.Dial(ctx, url, nil)
	if err != nil {
		t.Errorf("connect: %v", err)
		return
	}
	defer c.CloseNow()
	for i := 0; ; i++ {
		select {
		case <-quit:
			return
		default:
		}
		if err := c.Write(ctx, coder.MessageText, []byte(strconv.Itoa(i))); err != nil {
			t.Errorf("the calm service: %v", err)
			return
		}
		if _, message, err := c.Read(ctx); err != nil || string(message) != strconv.Itoa(i) {
			t.Errorf("the calm service: %q, %v, want %d", message, err, i)
			return
		}
	}
}
