package server_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"lapps/protocol/wire"
	"lapps/server"
	"lapps/services"
)

// evalLua runs each message as Lua and answers with what it returns. Handlers
// are 1, 2 … in the order in which peers connect.
const evalLua = `
local test, drained = {}, {}
function test.onStart() for i = 1, 9 do bcast:create(i) end end
function test.onMessage(handler, opcode, message)
  h = handler
  local r = {assert(loadstring(message))()}
  for i = 1, #r do r[i] = tostring(r[i]) end
  ws:send(handler, 1, table.concat(r, ", "))
  return true
end
function test.onDrain(handler) print("drained", handler, ws:buffered(handler)) end
function test.onDisconnect() print("gone") end
function pad(s, n) return s .. string.rep(".", n - #s) end
return test`

// slowly runs evalLua with a policy and a limit, over carriers that hold 100
// bytes.
func slowly(policy services.SlowConsumer, limit int) func(*world, *services.Config) {
	return func(w *world, c *services.Config) {
		c.Files = fstest.MapFS{"test.lua": {Data: []byte(evalLua)}}
		c.Instances = 1
		c.SlowConsumer, c.OutboxBytes = policy, limit
		w.carrier.Buffer = 100
	}
}

// eval has Lua evaluated by the service.
func (p *peer) eval(code string) string {
	p.t.Helper()
	p.send(code)
	op, got := p.next()
	if op != 0x81 {
		p.t.Fatalf("%s: %#x %q", code, op, got)
	}
	return got
}

// stuck joins a peer that does not read, 1, and another one, 2. What is sent to
// the first waits in its outbox from now on, behind a message "filler".
func (w *world) stuck(t *testing.T) (reader, other *peer) {
	t.Helper()
	reader, other = w.join(t, ""), w.join(t, "")
	if got := other.eval(`return ws:send(1, 1, pad("filler", 300))`); got != "true" {
		t.Fatal(got)
	}
	synctest.Wait()
	return reader, other
}

// received reads messages, padding left out, to the end of the stream, or until
// none comes.
func (p *peer) received() (all []string) {
	p.t.Helper()
	p.SetReadDeadline(time.Now().Add(time.Second))
	for {
		if _, err := p.r.Peek(1); err != nil {
			return all
		}
		op, payload := p.next()
		switch op {
		case 0x81:
			all = append(all, strings.TrimRight(payload, "."))
		case 0x88:
			all = append(all, fmt.Sprintf("close %d", int(payload[0])<<8|int(payload[1])))
		default:
			all = append(all, fmt.Sprintf("%#x %s", op, payload))
		}
	}
}

// four is a limit that takes the filler and four messages of 400 bytes, or four
// responses that are little longer.
const four = 2200

func TestSlowPolicies(t *testing.T) {
	sends := func(send string) (all []string) {
		for _, m := range "abcdef" {
			all = append(all, fmt.Sprintf(send, string(m)))
		}
		return all
	}
	direct, one := `ws:send(1, 1, pad("%s", 400))`, `bcast:send(1, 1, pad("%s", 400))`
	for _, tt := range []struct {
		name     string
		policy   services.SlowConsumer
		sends    []string
		results  string // of all, in a row
		received string
		dropped  uint64
		exceeded uint64
	}{
		{"close", services.CloseSlow, sends(direct),
			"true true true true false, backpressure false, no such connection", "filler close 1013", 5, 1},
		{"close, broadcast", services.CloseSlow, sends(one),
			"true true true true true true", "filler close 1013", 5, 1},
		{"drop_newest", services.DropNewest, sends(direct),
			"true true true true false, dropped false, dropped", "filler a b c d", 2, 2},
		{"drop_newest, a smaller one fits", services.DropNewest, append(sends(direct), `ws:send(1, 1, "small")`),
			"true true true true false, dropped false, dropped true", "filler a b c d small", 2, 2},
		{"drop_newest, broadcast", services.DropNewest, sends(one),
			"true true true true true true", "filler a b c d", 2, 2},
		{"drop_oldest", services.DropOldest, sends(direct),
			"true true true true true true", "filler c d e f", 2, 2},
		{"drop_oldest, one that is too large", services.DropOldest, append(sends(direct), `ws:send(1, 1, pad("large", 5000))`, `ws:send(1, 1, "small")`),
			"true true true true true true true true", "filler small", 7, 4},
		{"latest, direct", services.Latest, sends(direct),
			"true true true true false, backpressure false, no such connection", "filler close 1013", 5, 1},
		{"latest", services.Latest, []string{
			`ws:send(1, 1, "x")`, `bcast:send(1, 1, "1a")`, `bcast:send(2, 1, "2a")`, `ws:send(1, 1, "y")`, `bcast:send(1, 1, "1b")`, `ws:send(1, 1, "z")`, `bcast:send(1, 1, "1c")`},
			"true true true true true true true", "filler x 1c 2a y z", 2, 0},
		{"latest, below and above the limit", services.Latest, append(sends(one), `bcast:send(1, 1, pad("g", 1500))`, `bcast:send(2, 1, pad("h", 400))`),
			"true true true true true true true true", "filler close 1013", 8, 1},
		{"latest, more channels than there is room for", services.Latest, []string{
			`bcast:send(1, 1, pad("a", 700))`, `bcast:send(2, 1, pad("b", 700))`, `bcast:send(3, 1, pad("c", 700))`},
			"true true true", "filler close 1013", 3, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			open(t, slowly(tt.policy, four), func(t *testing.T, w *world) {
				reader, other := w.stuck(t)
				other.eval(`for i = 1, 9 do bcast:subscribe(i, 1) end`)
				var results []string
				for _, code := range tt.sends {
					results = append(results, other.eval("return "+code))
				}
				if got := strings.Join(results, " "); got != tt.results {
					t.Errorf("the sender was told %s, want %s", got, tt.results)
				}
				if got := strings.Join(reader.received(), " "); got != tt.received {
					t.Errorf("received %s, want %s", got, tt.received)
				}
				if got := w.Services.Lookup("/test").Dropped(); got != tt.dropped {
					t.Errorf("%d messages were counted as dropped, want %d", got, tt.dropped)
				}
				if got := w.Exceeded(server.LimitOutbox); got != tt.exceeded {
					t.Errorf("the limit was exceeded %d times, want %d", got, tt.exceeded)
				}
				reader.Close()
				synctest.Wait()
				if n := w.Queued(); n != 0 {
					t.Errorf("%d bytes are still counted", n)
				}
				if n := w.Booked(); n != 0 {
					t.Errorf("%d bytes are still booked", n)
				}
			})
		})
	}
}

// A limit that is only counted drops nothing and closes nobody.
func TestSlowDryRun(t *testing.T) {
	for _, policy := range []services.SlowConsumer{services.CloseSlow, services.DropNewest, services.DropOldest, services.Latest} {
		open(t, func(w *world, c *services.Config) {
			slowly(policy, four)(w, c)
			w.Limits.DryRun = []server.Limit{server.LimitOutbox}
		}, func(t *testing.T, w *world) {
			reader, other := w.stuck(t)
			for _, m := range "abcdef" {
				if got := other.eval(fmt.Sprintf(`return ws:send(1, 1, pad("%c", 400))`, m)); got != "true" {
					t.Error(got)
				}
			}
			if got := strings.Join(reader.received(), " "); got != "filler a b c d e f" {
				t.Errorf("policy %d: received %s", policy, got)
			}
			if n := w.Exceeded(server.LimitOutbox); n != 2 {
				t.Errorf("policy %d: exceeded %d times, want 2", policy, n)
			}
			if n := w.Services.Lookup("/test").Dropped(); n != 0 {
				t.Errorf("policy %d: %d were dropped", policy, n)
			}
		})
	}
}

// Responses of the LAppS protocol are never dropped by themselves.
func TestSlowReplies(t *testing.T) {
	const reply = `ws:send(1, {cid = 0, status = 1, result = {pad("%s", 400)}})`
	const text = `ws:send(1, 1, pad("%s", 400))`
	for _, tt := range []struct {
		policy   services.SlowConsumer
		sends    []string // each "r…", a response, or "t…", a text
		results  string
		received string
	}{
		{services.DropOldest, strings.Split("r1 t1 t2 r2 t3 t4", " "), "true true true true true true", "filler r1 r2 t3 t4"},
		{services.DropOldest, strings.Split("r1 r2 r3 t1 t2 r4", " "), "true true true true true true", "filler r1 r2 r3 r4"},
		{services.DropOldest, strings.Split("r1 r2 r3 r4 t1", " "), "true true true true false, dropped", "filler r1 r2 r3 r4"},
		{services.DropOldest, strings.Split("t1 r1 r2 r3 r4 r5", " "), "true true true true true false, backpressure", "filler close 1013"},
		{services.DropNewest, strings.Split("r1 r2 r3 t4 t5 r5", " "), "true true true true false, dropped false, backpressure", "filler close 1013"},
	} {
		open(t, slowly(tt.policy, four), func(t *testing.T, w *world) {
			reader, other := w.stuck(t)
			var results []string
			for _, m := range tt.sends {
				send := text
				if m[0] == 'r' {
					send = reply
				}
				results = append(results, other.eval("return "+fmt.Sprintf(send, m)))
			}
			if got := strings.Join(results, " "); got != tt.results {
				t.Errorf("%q: the sender was told %s, want %s", tt.sends, got, tt.results)
			}
			var got []string
			for _, m := range reader.received() {
				if i := strings.IndexByte(m, '.'); strings.HasPrefix(m, "0x82 ") { // CBOR: the padding follows the name
					m = m[i-2 : i]
				}
				got = append(got, m)
			}
			if got := strings.Join(got, " "); got != tt.received {
				t.Errorf("%q: received %s, want %s", tt.sends, got, tt.received)
			}
		})
	}
}

// TestDeadReaders has 200 peers that are sent to and never read, and others that
// echo meanwhile: what waits is bounded, and no echo takes any time.
func TestDeadReaders(t *testing.T) {
	const dead, limit, size = 200, 20_000, 1000
	for policy, closes := range map[services.SlowConsumer]bool{
		services.CloseSlow: true, services.DropNewest: false, services.DropOldest: false, services.Latest: false,
	} {
		open(t, func(w *world, c *services.Config) {
			slowly(policy, limit)(w, c)
			w.Timeouts.Idle, w.Timeouts.Ping = 0, 0
		}, func(t *testing.T, w *world) {
			for i := range dead {
				p := w.join(t, "")
				p.send(fmt.Sprintf("bcast:subscribe(%d, h)", i%9+1))
			}
			var echoes []*peer
			for range 20 {
				echoes = append(echoes, w.join(t, ""))
			}
			sender := w.join(t, "")
			begin, most := time.Now(), 0
			for round := range 100 {
				if got := sender.eval(fmt.Sprintf(`for i = 1, 9 do bcast:send(i, 1, pad("%d", %d)) end return "sent"`, round, size)); got != "sent" {
					t.Fatal(got)
				}
				for _, p := range echoes {
					if got := p.eval("return 'hello'"); got != "hello" {
						t.Fatal(got)
					}
				}
				most = max(most, w.Queued())
			}
			if took := time.Since(begin); took > time.Millisecond {
				t.Errorf("policy %d: 100 rounds of echoes took %v", policy, took)
			}
			// What waits, and what is being written.
			if bound := dead * (limit + 2*size); most > bound {
				t.Errorf("policy %d: %d bytes waited, want at most %d", policy, most, bound)
			}
			if w.Exceeded(server.LimitOutbox) == 0 && policy != services.Latest {
				t.Errorf("policy %d: the limit was never reached", policy)
			}
			synctest.Wait()
			want := 21 + dead
			if closes {
				want = 21
			}
			if n := w.Services.Lookup("/test").Seats(); n != want {
				t.Errorf("policy %d: %d peers have seats, want %d", policy, n, want)
			}
			time.Sleep(2 * limits.Busy) // who does not read for so long is closed in any case
			synctest.Wait()
			if n := w.Open(); n != 21 {
				t.Errorf("policy %d: %d connections are open, want 21", policy, n)
			}
			if n := w.Queued() + int(w.Booked()); n != 0 {
				t.Errorf("policy %d: %d bytes are still counted", policy, n)
			}
		})
	}
}

// A message that has begun to be written is finished, whatever is dropped behind
// it; and nothing follows the Close frame.
func TestSlowInTheMidst(t *testing.T) {
	for policy, want := range map[services.SlowConsumer]string{
		services.CloseSlow:  "close 1013",
		services.DropNewest: "a",
		services.DropOldest: "c",
		services.Latest:     "close 1013",
	} {
		open(t, slowly(policy, 300_000), func(t *testing.T, w *world) {
			reader, other := w.join(t, ""), w.join(t, "")
			other.eval(`return ws:send(1, 2, string.rep("x", 240000))`)
			synctest.Wait() // a slice of it is with the carrier
			for _, m := range "abc" {
				other.eval(fmt.Sprintf(`return ws:send(1, 1, pad("%c", 50000))`, m))
			}
			reader.expect(0x82, strings.Repeat("x", 240000))
			if got := strings.Join(reader.received(), " "); got != want {
				t.Errorf("policy %d: received %s, want %s", policy, got, want)
			}
		})
	}
}

// TestSlowBehindALargeOne has a message that is larger than the limit written in
// slices, behind which there is room for what would fit into an outbox without
// it: what is being written cannot be dropped, and neither can a pong.
func TestSlowBehindALargeOne(t *testing.T) {
	const limit = 2000
	for _, tt := range []struct{ sends, results, written string }{ // p: a ping comes; r: a reply; t: a text; T: one that is larger than the limit
		{"t1 t2 t3", "true true true", "t3"},
		{"p1 t1 t2 t3", "true true true", "p1 t3"},
		{"p1 T1 t2 T3", "true true true", "p1 T3"},
		{"r1 t1 t2", "true true true", "r1 t2"},
		{"p1 r1 t1 r2 t2", "true true true true", "p1 r1 r2 t2"},
		{"p1 r1 r2 r3 r4 t1", "true true true true dropped", "p1 r1 r2 r3 r4"},
		{"p1 t1 r1 r2 r3 r4 r5 t2", "true true true true true backpressure no such connection", "p1 close"},
	} {
		b := newBench(t, services.DropOldest, limit)
		w := b.join(t, services.DropOldest, limit)
		w.send(wire.Frame{Op: wire.Binary, Payload: strings.Repeat("x", 200_000)})
		b.turn()
		var results []string
		for _, m := range strings.Fields(tt.sends) {
			f := wire.Frame{Op: wire.Text, Reply: m[0] == 'r', Payload: pad(m, 400)}
			switch m[0] {
			case 'p':
				w.ping(m)
				w.grant(w.backlog) // the pong follows the slice, and has the next one before it
				continue
			case 'T':
				f.Payload = pad(m, limit)
			}
			if err := w.send(f); err != nil {
				results = append(results, err.Error())
			} else {
				results = append(results, "true")
			}
			w.check()
		}
		if got := strings.Join(results, " "); got != tt.results {
			t.Errorf("%s: the sender was told %s, want %s", tt.sends, got, tt.results)
		}
		var written []string
		for _, f := range w.waiting { // as they will be written, or the twin fails
			if f.Op == wire.Close {
				f.Payload = "close"
			}
			written = append(written, strings.TrimRight(f.Payload, "."))
		}
		if got := strings.Join(written, " "); got != tt.written {
			t.Errorf("%s: %s is written, want %s", tt.sends, got, tt.written)
		}
		b.end(t, []*twin{w})
	}
}

// pad is s with a padding, n bytes.
func pad(s string, n int) string { return s + strings.Repeat(".", n-len(s)) }

// luaFiles is a service's directory.
func luaFiles(lua string) fstest.MapFS { return fstest.MapFS{"test.lua": {Data: []byte(lua)}} }
