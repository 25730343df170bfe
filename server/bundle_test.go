package server_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"

	"lapps/protocol/wire"
	"lapps/services"
)

// TestBundles broadcasts messages of one turn to peers that read, that have them
// compressed, and that read too slowly: what is one frame in the outboxes of the
// first is so many to all of them.
func TestBundles(t *testing.T) {
	// 21 messages of 100 bytes in three turns: an outbox takes 13 behind the filler.
	for _, tt := range []struct {
		policy  services.SlowConsumer
		slow    string
		dropped uint64
	}{
		{services.CloseSlow, "filler close 1013", 14},
		{services.DropNewest, "filler 1 2 3 4 5 6 7 8 9 10 11 12 13", 8},
		{services.DropOldest, "filler 9 10 11 12 13 14 15 16 17 18 19 20 21", 8},
		{services.Latest, "filler 21", 2*4 + 3*6 + 20},
	} {
		open(t, func(w *world, c *services.Config) {
			slowly(tt.policy, four)(w, c)
			c.Compression = &wire.Compression{}
		}, func(t *testing.T, w *world) {
			slow, other := w.stuck(t)
			plain := w.join(t, "")
			zipped := w.joinZipped(t, deflateOffer, noTakeover)
			send := func(first, last int, readers ...func(op byte, want string)) {
				other.eval(fmt.Sprintf(`for i = %d, %d do bcast:send(1, 1 + i %% 2, pad(tostring(i), 100)) end`, first, last))
				for i := first; i <= last; i++ {
					if tt.policy == services.Latest && i < last {
						continue // it was out of date before it was written
					}
					for _, expect := range readers {
						expect(byte(1+i%2), fmt.Sprint(i)+strings.Repeat(".", 100-len(fmt.Sprint(i))))
					}
				}
			}
			whole := func(op byte, want string) { plain.expect(0x80|op, want) }
			other.eval(`bcast:subscribe(1, 3) bcast:subscribe(1, 4)`)
			send(1, 5, whole, func(op byte, want string) {
				if gotOp, got, _ := zipped.message(); gotOp != op || got != want {
					t.Fatalf("compressed: %d %.20q, want %d %.20q", gotOp, got, op, want)
				}
			})
			other.eval(`bcast:subscribe(1, 1) bcast:unsubscribe(1, 4)`)
			for i := range 3 {
				send(7*i+1, 7*i+7, whole)
			}
			var got []string
			for _, m := range slow.received() {
				got = append(got, strings.TrimRight(strings.TrimPrefix(m, "0x82 "), "."))
			}
			if got := strings.Join(got, " "); got != tt.slow {
				t.Errorf("policy %d: the slow one received %s, want %s", tt.policy, got, tt.slow)
			}
			if n := w.Services.Lookup("/test").Dropped(); n != tt.dropped {
				t.Errorf("policy %d: %d messages were counted as dropped, want %d", tt.policy, n, tt.dropped)
			}
			slow.Close()
			synctest.Wait()
			if n := w.Booked(); n != 0 {
				t.Errorf("policy %d: %d bytes are still booked", tt.policy, n)
			}
		})
	}
}

// TestBundleDropped: what an outbox holds as one frame counts as so many messages, while
// it waits and when it is dropped.
func TestBundleDropped(t *testing.T) {
	for policy, want := range map[services.SlowConsumer]string{
		services.CloseSlow:  "close 1013",
		services.DropOldest: "large",
	} {
		open(t, slowly(policy, four), func(t *testing.T, w *world) {
			slow, other := w.join(t, ""), w.join(t, "")
			other.eval(`bcast:subscribe(1, 1) bcast:subscribe(1, 2)`)
			const code = `
for i = 1, 5 do bcast:send(1, 1, "x") end
local n = ws:buffered(1)
ws:send(1, 1, pad("large", 3000))
return n`
			other.send(code)
			for range 5 {
				other.expect(0x81, "x")
			}
			if _, n := other.next(); n != fmt.Sprint(5*(48+3)) {
				t.Errorf("policy %d: %s bytes wait, want 5 messages of 48 and 3", policy, n)
			}
			got := slow.received()
			if len(got) != 1 || got[0] != want {
				t.Errorf("policy %d: received %q, want %s", policy, got, want)
			}
			if n := w.Services.Lookup("/test").Dropped(); n < 5 {
				t.Errorf("policy %d: %d messages were counted as dropped, want the bundle's 5 at least", policy, n)
			}
		})
	}
}

// TestBundlesOfManyTurns: where a turn sends more than an outbox holds, a peer that reads
// has the newest of it, as if there were no bundles.
func TestBundlesOfManyTurns(t *testing.T) {
	for _, n := range []int{20, 40, 257, 300, 600} {
		open(t, slowly(services.DropOldest, 4096), func(t *testing.T, w *world) {
			w.carrier.Buffer = 1 << 20
			reader, other := w.join(t, ""), w.join(t, "")
			w.join(t, "")
			other.eval(`bcast:subscribe(1, 1) bcast:subscribe(1, 3)`)
			other.eval(fmt.Sprintf(`for i = 1, %d do bcast:send(1, 1, pad(tostring(i), 32)) end`, n))
			got := reader.received()
			if want := min(n, 4096/(48+2+32)); len(got) != want || got[len(got)-1] != fmt.Sprint(n) {
				t.Errorf("of %d messages it received %d, from %s to %s; want the last %d", n, len(got), got[0], got[len(got)-1], want)
			}
		})
	}
}

// TestBundlesWhileJoining broadcasts to a peer that is subscribed and not open yet: it is
// then told that messages are compressed, and they are.
func TestBundlesWhileJoining(t *testing.T) {
	const lua = `
local test = {}
function test.onStart() bcast:create(1) end
function test.onConnect(h) bcast:subscribe(1, h) sleep(1) return true end
function test.onMessage()
  sleep(0.5)
  for i = 1, 5 do bcast:send(1, 1, string.rep("to all ", 100) .. i) end
  return true
end
return test`
	open(t, func(w *world, c *services.Config) {
		c.Files = fstest.MapFS{"test.lua": {Data: []byte(lua)}}
		c.Compression = &wire.Compression{}
	}, func(t *testing.T, w *world) {
		plain := w.join(t, "")
		plain.send("go")
		zipped := w.joinZipped(t, deflateOffer, noTakeover)
		for i := 1; i <= 5; i++ {
			want := strings.Repeat("to all ", 100) + fmt.Sprint(i)
			plain.expect(0x81, want)
			if op, got, packed := zipped.message(); op != 1 || got != want || !packed {
				t.Errorf("%d: opcode %d, %.20q, compressed %v", i, op, got, packed)
			}
		}
	})
}

// TestBundleCounted: a broadcast counts for each peer that is there, however it is given to
// them, and not for one that has been closed.
func TestBundleCounted(t *testing.T) {
	open(t, slowly(services.CloseSlow, 1<<20), func(t *testing.T, w *world) {
		closed, reader, sender := w.join(t, ""), w.join(t, ""), w.join(t, "")
		sender.eval(`bcast:subscribe(1, 1) bcast:subscribe(1, 2)`)
		synctest.Wait()
		before := w.Services.Sample()[0]
		sender.eval(`bcast:send(1, 1, "one") bcast:send(1, 1, "three") ws:close(1, 1000) for i = 1, 2 do bcast:send(1, 1, "more") end return "ok"`)
		synctest.Wait()
		after := w.Services.Sample()[0]
		// To two, to one, and the answer.
		if n, bytes := after.MessagesOut-before.MessagesOut, after.BytesOut-before.BytesOut; n != 2*2+2+1 || bytes != 2*8+8+2 {
			t.Errorf("%d messages of %d bytes", n, bytes)
		}
		if got := strings.Join(closed.received(), " "); got != "one three close 1000" {
			t.Errorf("the closed one received %s", got)
		}
		if got := strings.Join(reader.received(), " "); got != "one three more more" {
			t.Errorf("the other received %s", got)
		}
	})
}
