package server_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"lapps/protocol/wire"
	"lapps/services"
)

// drains are the calls of onDrain so far: each a handler and what waited for it.
func (w *world) drains() []string {
	synctest.Wait()
	var all []string
	for _, line := range strings.Split(w.log.String(), "\n") {
		if _, call, ok := strings.Cut(line, `drained\t`); ok {
			all = append(all, strings.ReplaceAll(strings.TrimRight(call[:strings.IndexByte(call, '"')], `"`), `\t`, " "))
		}
	}
	return all
}

// TestOnDrain: it is called once each time the outbox, having been over half
// full, is below half again.
func TestOnDrain(t *testing.T) {
	unencrypted(t, slowly(services.CloseSlow, four), func(t *testing.T, w *world) {
		reader, other := w.stuck(t)
		if got := other.eval("return ws:buffered(1), ws:buffered(2)"); got != "204, 0" {
			t.Errorf("%s bytes wait, want 204: what the carrier does not hold of the filler; and for the second none", got)
		}
		other.eval(`return ws:send(1, 1, pad("a", 400))`) // 656: not half
		reader.expect(0x81, "filler"+strings.Repeat(".", 294))
		reader.expect(0x81, "a"+strings.Repeat(".", 399))
		if got := w.drains(); got != nil {
			t.Errorf("drained %q, and was never over half", got)
		}
		for round := 1; round <= 2; round++ {
			other.eval(`for i = 1, 4 do ws:send(1, 1, pad("b", 400)) end`)
			synctest.Wait()
			for range 4 {
				reader.expect(0x81, "b"+strings.Repeat(".", 399))
			}
			if got := w.drains(); len(got) != round || !strings.HasPrefix(got[0], "1 ") {
				t.Errorf("drained %q, want %d times", got, round)
			}
		}
	})
}

// TestOnDrainAtHalf: a little less than half is what it takes, and no less.
func TestOnDrainAtHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, services.CloseSlow, 400_000)
		w := b.join(t, services.CloseSlow, 400_000)
		for range 7 {
			w.send(wire.Frame{Op: wire.Text, Payload: strings.Repeat("x", 50_000)})
		}
		for w.queued() > 0 {
			b.turn()
			synctest.Wait()
			if got, want := strings.Count(b.log.String(), "drained"), w.queued() < 200_000; (got == 1) != want || got > 1 {
				t.Fatalf("drained %d times when %d bytes wait", got, w.queued())
			}
			w.grant(10_000)
		}
		w.receiver.Lost(nil)
		synctest.Wait()
	})
}

// Who was told that a message was dropped is told when there is room, even where
// less than half waited.
func TestOnDrainAfterADrop(t *testing.T) {
	open(t, slowly(services.DropNewest, four), func(t *testing.T, w *world) {
		reader, other := w.stuck(t)
		if got := other.eval(`return ws:send(1, 1, pad("a", 3000))`); got != "false, dropped" {
			t.Fatal(got)
		}
		if got := w.drains(); got != nil {
			t.Errorf("drained %q before anything was read", got)
		}
		reader.expect(0x81, "filler"+strings.Repeat(".", 294))
		if got := w.drains(); len(got) != 1 || got[0] != "1 0" {
			t.Errorf("drained %q, want once", got)
		}
	})
}

// A service goes on sending as long as there is room: all arrives, in order, and
// little waits.
func TestDrainDriven(t *testing.T) {
	const lua = `
local test, at = {}, 0
local function pump(h)
  while at < 1000 and ws:buffered(h) < 1000 do
    at = at + 1
    if not ws:send(h, 1, tostring(at) .. string.rep(".", 300)) then error("no room") end
  end
end
function test.onMessage(h) pump(h) return true end
test.onDrain = pump
return test`
	open(t, func(w *world, c *services.Config) {
		slowly(services.DropNewest, 2000)(w, c)
		c.Files = luaFiles(lua)
	}, func(t *testing.T, w *world) {
		p := w.join(t, "")
		p.send("go")
		for i := 1; i <= 1000; i++ {
			p.expect(0x81, fmt.Sprint(i, strings.Repeat(".", 300)))
		}
		if n := w.Services.Lookup("/test").Dropped(); n != 0 {
			t.Errorf("%d were dropped", n)
		}
	})
}

// At most one onDrain waits for a connection whose handler takes its time, and
// none comes behind onDisconnect, or once the service has closed the connection.
func TestOnDrainOnce(t *testing.T) {
	for how, tt := range map[string]struct {
		end  func(p, other *peer)
		want string
	}{
		"stays":              {func(_, _ *peer) {}, "drained"},
		"goes":               {func(p, _ *peer) { p.Close() }, "drained gone"},
		"the service closes": {func(_, other *peer) { other.eval("return ws:close(1, 4000)") }, "gone"},
	} {
		t.Run(how, func(t *testing.T) {
			open(t, slowly(services.CloseSlow, 1000), func(t *testing.T, w *world) {
				p, other := w.join(t, ""), w.join(t, "")
				p.send(`require("gate").wait()`)
				for range 3 {
					other.eval(`return ws:send(1, 1, pad("x", 900))`)
					p.expect(0x81, "x"+strings.Repeat(".", 899))
				}
				if got := w.drains(); got != nil {
					t.Errorf("drained %q in the midst of onMessage", got)
				}
				tt.end(p, other)
				synctest.Wait()
				openGate()
				synctest.Wait()
				var got []string
				for _, line := range strings.Split(w.log.String(), "\n") {
					for _, what := range []string{"drained", "gone"} {
						if strings.Contains(line, what) {
							got = append(got, what)
						}
					}
				}
				if got := strings.Join(got, " "); got != tt.want {
					t.Errorf("called: %s, want %s", got, tt.want)
				}
			})
		})
	}
}
