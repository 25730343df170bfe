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
	const n = 20 // of 100 bytes, of which the outbox takes 13 behind the filler
	for _, tt := range []struct {
		policy  services.SlowConsumer
		slow    string
		dropped uint64
	}{
		{services.CloseSlow, "filler close 1013", 14},
		{services.DropNewest, "filler 1 2 3 4 5 6 7 8 9 10 11 12 13", 7},
		{services.DropOldest, "filler 8 9 10 11 12 13 14 15 16 17 18 19 20", 7},
		{services.Latest, "filler 20", 2*4 + 2*19},
	} {
		open(t, func(w *world, c *services.Config) {
			slowly(tt.policy, four)(w, c)
			c.Compression = &wire.Compression{}
		}, func(t *testing.T, w *world) {
			slow, other := w.stuck(t)
			plain := w.join(t, "")
			zipped := w.joinZipped(t, deflateOffer, noTakeover)
			send := func(n int, readers ...func(op byte, want string)) {
				other.eval(fmt.Sprintf(`for i = 1, %d do bcast:send(1, 1 + i %% 2, pad(tostring(i), 100)) end`, n))
				for i := 1; i <= n; i++ {
					if tt.policy == services.Latest && i < n {
						continue // it was out of date before it was written
					}
					for _, expect := range readers {
						expect(byte(1+i%2), fmt.Sprint(i)+strings.Repeat(".", 100-len(fmt.Sprint(i))))
					}
				}
			}
			whole := func(op byte, want string) { plain.expect(0x80|op, want) }
			other.eval(`bcast:subscribe(1, 3) bcast:subscribe(1, 4)`)
			send(5, whole, func(op byte, want string) {
				if gotOp, got, _ := zipped.message(); gotOp != op || got != want {
					t.Fatalf("compressed: %d %.20q, want %d %.20q", gotOp, got, op, want)
				}
			})
			other.eval(`bcast:subscribe(1, 1) bcast:unsubscribe(1, 4)`)
			send(n, whole)
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

// TestBundleDropped: what an outbox holds as one frame counts as so many messages
// when it is dropped.
func TestBundleDropped(t *testing.T) {
	for policy, want := range map[services.SlowConsumer]string{
		services.CloseSlow:  "close 1013",
		services.DropOldest: "large",
	} {
		open(t, slowly(policy, four), func(t *testing.T, w *world) {
			slow, other := w.join(t, ""), w.join(t, "")
			other.eval(`bcast:subscribe(1, 1) bcast:subscribe(1, 2)`)
			other.eval(`ws:send(1, 1, pad("filler", 300))`)
			other.eval(`for i = 1, 5 do bcast:send(1, 1, "x") end ws:send(1, 1, pad("large", 3000))`)
			got := slow.received()
			if last := got[len(got)-1]; last != want {
				t.Errorf("policy %d: received %q, want %s at the end", policy, got, want)
			}
			if n := w.Services.Lookup("/test").Dropped(); n < 5 {
				t.Errorf("policy %d: %d messages were counted as dropped, want the bundle's 5 at least", policy, n)
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
