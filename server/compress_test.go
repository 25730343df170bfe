package server_test

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"

	"lapps/protocol/wire"
	"lapps/server"
	"lapps/services"
)

// A zipper is a client's side of permessage-deflate, made with the standard
// library.
type zipper struct {
	*peer
	takeover bool // of both sides
	packed   bytes.Buffer
	w        *flate.Writer
	past     []byte // what the server sent compressed
	raw      string // the last message as the server sent it
}

// joinZipped connects a client that offers compression and wants the answer.
func (w *world) joinZipped(t *testing.T, offer, answer string) *zipper {
	t.Helper()
	p := w.dial(t)
	p.write(strings.Replace(strings.Replace(handshake, "%s", "", 1), "\r\n\r\n", "\r\nSec-WebSocket-Extensions: "+offer+"\r\n\r\n", 1))
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := p.r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		head.WriteString(line)
	}
	want := ""
	if answer != "" {
		want = "\r\nSec-WebSocket-Extensions: " + answer + "\r\n"
	}
	if !strings.HasPrefix(head.String(), "HTTP/1.1 101 ") || !strings.Contains(head.String(), want) || want == "" && strings.Contains(head.String(), "Extensions") {
		t.Fatalf("%q is answered %q, want %q", offer, head.String(), answer)
	}
	z := &zipper{peer: p, takeover: !strings.Contains(answer, "no_context_takeover")}
	z.w, _ = flate.NewWriter(&z.packed, 6)
	return z
}

// writeAside writes while the test reads: more than the carrier holds.
func (p *peer) writeAside(s string) {
	go func() {
		if _, err := io.WriteString(p, s); err != nil {
			p.t.Error(err)
		}
	}()
}

// zip compresses a message.
func (z *zipper) zip(message string) string {
	z.packed.Reset()
	if !z.takeover {
		z.w.Reset(&z.packed)
	}
	io.WriteString(z.w, message)
	z.w.Flush()
	return strings.TrimSuffix(z.packed.String(), "\x00\x00\xff\xff")
}

// message reads a message and inflates it, if it is compressed.
func (z *zipper) message() (op byte, text string, zipped bool) {
	z.t.Helper()
	first, payload := z.next()
	all := payload
	for fin := first & 0x80; fin == 0; {
		var b byte
		if b, payload = z.next(); b&0x7F != 0 {
			z.t.Fatalf("first byte %#x within a message", b)
		}
		all += payload
		fin = b & 0x80
	}
	z.raw = all
	if op = first & 0x0F; first&0x40 == 0 {
		return op, all, false
	}
	if !z.takeover {
		z.past = nil
	}
	out, err := io.ReadAll(flate.NewReaderDict(strings.NewReader(all+"\x00\x00\xff\xff\x01\x00\x00\xff\xff"), z.past))
	if err != nil {
		z.t.Fatal(err)
	}
	z.past = append(z.past, out...)
	z.past = z.past[max(0, len(z.past)-1<<15):]
	return op, string(out), true
}

func compressed(c wire.Compression) func(*world, *services.Config) {
	return func(_ *world, cfg *services.Config) { cfg.Compression = &c }
}

const (
	deflateOffer = "permessage-deflate; client_max_window_bits"
	noTakeover   = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
)

func TestCompressedEcho(t *testing.T) {
	for _, takeover := range []bool{false, true} {
		for _, chunk := range []int{1, 1000, 0} {
			answer := map[bool]string{false: noTakeover, true: "permessage-deflate"}[takeover]
			open(t, func(w *world, c *services.Config) {
				w.carrier.Chunk = chunk
				compressed(wire.Compression{MinSize: 100, ContextTakeover: takeover})(w, c)
			}, func(t *testing.T, w *world) {
				z := w.joinZipped(t, deflateOffer, answer)
				for i, size := range []int{0, 1, 99, 100, 1000, 1000, 65536, 70000, 300000, 1000} {
					text := strings.Repeat(fmt.Sprintf("%d é ", i), size)[:size]
					text = strings.ToValidUTF8(text, "?")
					z.write(frame(0xC1, z.zip(text)))
					op, got, zipped := z.message()
					if op != 1 || got != text || zipped != (size >= 100) {
						t.Fatalf("%d bytes: got opcode %d, %d bytes, compressed %v", size, op, len(got), zipped)
					}
				}
				z.write(frame(0x82, "as it is"))
				z.expect(0x82, "as it is")
				checkHeld(t, w, takeover)
				z.write(frame(0x88, "\x03\xe8"))
				z.closed(1000, "")
				z.Close()
				synctest.Wait()
				checkHeld(t, w, false)
			})
		}
	}
}

// checkHeld wants the windows of one connection to be counted, or nothing.
func checkHeld(t *testing.T, w *world, takeover bool) {
	t.Helper()
	want := int64(0)
	if takeover {
		want = 32<<10 + 4<<10
	}
	if got := w.ContextBytes(); got != want {
		t.Errorf("%d bytes are held for context takeover, want %d", got, want)
	}
}

// Who offers nothing, or what is declined, and who asks a service that does
// not compress, gets a connection without it.
func TestNotCompressed(t *testing.T) {
	long := strings.Repeat("a", 1000)
	open(t, compressed(wire.Compression{}), func(t *testing.T, w *world) {
		for _, offer := range []string{"permessage-deflate; server_max_window_bits=7", "x-other"} {
			z := w.joinZipped(t, offer, "")
			z.send(long)
			z.expect(0x81, long)
		}
		p := w.join(t, "")
		p.send(long)
		p.expect(0x81, long)
		p.write(frame(0xC1, "\xf2\x48\xcd\xc9\xc9\x07\x00"))
		p.closed(1002, "reserved bits are set, but no extension was negotiated")
		p = w.dial(t)
		p.write(strings.Replace(strings.Replace(handshake, "%s", "", 1), "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate;\r\n\r\n", 1))
		if got := p.head(); got != "HTTP/1.1 400 Bad Request" {
			t.Errorf("a malformed offer: %s", got)
		}
	})
	open(t, nil, func(t *testing.T, w *world) { w.joinZipped(t, deflateOffer, "") })
}

// What is wrong with compressed data closes the connection, behind what was
// accepted before it.
func TestCompressedBreaches(t *testing.T) {
	bomb := func(n int) string {
		z := &zipper{}
		z.w, _ = flate.NewWriter(&z.packed, 6)
		return z.zip(strings.Repeat("\x00", n))
	}
	hello := "\xf2\x48\xcd\xc9\xc9\x07\x00"
	for _, tt := range []struct {
		name, in string
		code     uint16
		reason   string
	}{
		{"not DEFLATE", frame(0xC1, "hello, world"), 1007, "the message is not valid DEFLATE data"},
		{"not UTF-8", frame(0xC1, "\x00\x01\x00\xfe\xff\xff\x00"), 1007, "text is not UTF-8"},
		{"a bomb", frame(0xC2, bomb(1<<20+1)), 1009, "message inflates to more than 1048576 bytes, the limit"},
		{"a bomb in fragments", frame(0x42, bomb(8 << 20)[:6000]) + frame(0x80, bomb(8 << 20)[6000:]), 1009, "message inflates to more than 1048576 bytes, the limit"},
		{"RSV1 on a continuation", frame(0x41, hello) + frame(0xC0, ""), 1002, "RSV1 is set on a frame that does not begin a message"},
		{"RSV1 on a ping", frame(0xC9, ""), 1002, "RSV1 is set on a frame that does not begin a message"},
		{"RSV2", frame(0xE1, hello), 1002, "RSV2 or RSV3 is set, but no extension that uses it was negotiated"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			open(t, compressed(wire.Compression{}), func(t *testing.T, w *world) {
				z := w.joinZipped(t, deflateOffer, noTakeover)
				z.write(frame(0xC1, hello) + tt.in)
				if _, got, _ := z.message(); got != "Hello" {
					t.Errorf("got %q before the breach", got)
				}
				z.closed(tt.code, tt.reason)
			})
		})
	}
}

// The account of an outbox is even again when a slow reader has read, however
// much compression has saved.
func TestCompressedOutboxAccount(t *testing.T) {
	noise := make([]byte, 200_000)
	rand.NewChaCha8([32]byte{3}).Read(noise)
	open(t, func(w *world, c *services.Config) {
		w.carrier.Buffer = 4096
		c.OutboxBytes = 600_000
		c.MaxMessage = 1 << 20
		c.Compression = &wire.Compression{}
	}, func(t *testing.T, w *world) {
		z := w.joinZipped(t, deflateOffer, noTakeover)
		// Each comes back; together, were they counted for ever, they would be
		// more than the outbox takes.
		for i := range 12 {
			text := strings.Repeat(fmt.Sprintf("%d, ", i), 60_000)
			if i%3 == 0 { // shrinks at first, and then does not
				text = strings.Repeat("a", 70_000) + string(noise)
			}
			if i%4 == 1 { // does not shrink
				text = string(noise)
			}
			z.writeAside(frame(0xC2, z.zip(text)))
			if op, got, _ := z.message(); op != 2 || got != text {
				t.Fatalf("%d: got opcode %d, %d bytes, want %d", i, op, len(got), len(text))
			}
			synctest.Wait()
			if n := w.Queued(); n != 0 {
				t.Fatalf("%d: %d bytes are still counted", i, n)
			}
		}
	})
}

// A broadcast is the same bytes for all who have agreed on the same, whatever
// they were sent before: it is compressed once (see wire's TestSharedOnce).
func TestCompressedBroadcast(t *testing.T) {
	const lua = `
local test = {}
function test.onStart() bcast:create(1) end
function test.onConnect(handler) return bcast:subscribe(1, handler) end
function test.onMessage(handler, opcode, message)
  if message == "me" then return ws:send(handler, opcode, string.rep("to all but you: ", 100)) end
  return bcast:send(1, opcode, message)
end
return test`
	for _, takeover := range []bool{false, true} {
		open(t, func(w *world, c *services.Config) {
			c.Files = fstest.MapFS{"test.lua": {Data: []byte(lua)}}
			compressed(wire.Compression{ContextTakeover: takeover})(w, c)
		}, func(t *testing.T, w *world) {
			answer := map[bool]string{false: noTakeover, true: "permessage-deflate"}[takeover]
			var all []*zipper
			for range 5 {
				all = append(all, w.joinZipped(t, deflateOffer, answer))
			}
			all = append(all, w.joinZipped(t, "permessage-deflate; server_max_window_bits=9", answer+"; server_max_window_bits=9"))
			plain := w.join(t, "")
			all[1].send("me")
			all[1].message()
			for i := range 3 {
				text := strings.Repeat(fmt.Sprintf("to all: %d ", i), 20_000)
				all[0].writeAside(frame(0xC1, all[0].zip(text)))
				for j, z := range all {
					if op, got, zipped := z.message(); op != 1 || got != text || !zipped {
						t.Fatalf("%d: got opcode %d, %d bytes, compressed %v", j, op, len(got), zipped)
					}
					if same := z.raw == all[0].raw; same != (j < 5) {
						t.Errorf("%d: the same bytes as for the first: %v", j, same)
					}
				}
				plain.expect(0x81, text)
			}
			for _, z := range all {
				z.send("{}") // small and from each: what is shared leaves the contexts right
				for _, y := range all {
					if _, got, _ := y.message(); got != "{}" {
						t.Fatalf("got %.40q", got)
					}
				}
				plain.expect(0x81, "{}")
			}
		})
	}
}

// While a large message is compressed, a slice at a time, the loop does other
// things in between.
func TestCompressingGivesTurns(t *testing.T) {
	var writes []int // how many turns others had before each
	unstacked(t, func(w *world, c *services.Config) {
		compressed(wire.Compression{})(w, c)
		w.carrier.Accept = func(s server.Socket) (server.Receiver, error) {
			return w.Accept(&countingSocket{Socket: s, writes: &writes})
		}
	}, func(t *testing.T, w *world) {
		z := w.joinZipped(t, deflateOffer, noTakeover)
		text := strings.Repeat("some words, ", 60_000)
		z.write(frame(0xC1, z.zip(text)))
		if _, got, _ := z.message(); got != text {
			t.Fatalf("got %d bytes", len(got))
		}
	})
	// The answer to the handshake, a slice of 64 KiB after the other, and the
	// Close frame of the shutdown.
	want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	if !slices.Equal(writes, want) {
		t.Errorf("turns of others before each write: %v, want %v", writes, want)
	}
}

// A countingSocket has a task posted with each Write, and notes how many of
// them have run before.
type countingSocket struct {
	server.Socket
	writes *[]int
	turns  int
}

func (s *countingSocket) Write(p [][]byte) (int, error) {
	*s.writes = append(*s.writes, s.turns)
	s.Loop().Post(func() { s.turns++ })
	return s.Socket.Write(p)
}

// A large message is inflated step by step: what is behind it waits, and a peer
// that goes meanwhile leaves nothing behind.
func TestInflatingInSteps(t *testing.T) {
	var text strings.Builder
	r := rand.New(rand.NewPCG(1, 2))
	for text.Len() < 1_000_000 {
		fmt.Fprintf(&text, "%d, ", r.IntN(1_000_000))
	}
	open(t, compressed(wire.Compression{ContextTakeover: true}), func(t *testing.T, w *world) {
		z := w.joinZipped(t, deflateOffer, "permessage-deflate")
		z.writeAside(frame(0x81, "before") + frame(0xC1, z.zip(text.String())) + frame(0xC1, z.zip("after")) + frame(0x88, "\x03\xe8"))
		for _, want := range []string{"before", text.String(), "after"} {
			if _, got, _ := z.message(); got != want {
				t.Fatalf("got %d bytes, want %d", len(got), len(want))
			}
		}
		z.closed(1000, "")
		z.Close()

		bomb := &zipper{}
		bomb.w, _ = flate.NewWriter(&bomb.packed, 6)
		z = w.joinZipped(t, deflateOffer, "permessage-deflate")
		z.writeAside(frame(0xC1, z.zip(text.String())) + frame(0xC2, bomb.zip(text.String()+text.String())))
		z.message()
		z.closed(1009, "message inflates to more than 1048576 bytes, the limit")
		z.Close()

		var last *zipper
		w.carrier.Accept = w.stacked(func(s server.Socket) (server.Receiver, error) {
			return w.Accept(&pausedSocket{s, func() { last.Close() }})
		})
		last = w.joinZipped(t, deflateOffer, "permessage-deflate")
		last.write(frame(0xC1, last.zip(text.String())))
		synctest.Wait()
		if w.Open() != 0 || w.ContextBytes() != 0 {
			t.Errorf("%d connections are open, %d bytes are held", w.Open(), w.ContextBytes())
		}
	})
}

// A server that stops while a message is inflated answers it first.
func TestShutdownWhileInflating(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	text := fmt.Sprint(r.Perm(100_000))
	open(t, compressed(wire.Compression{}), func(t *testing.T, w *world) {
		stopped := make(chan error)
		first := true
		w.carrier.Accept = w.stacked(func(s server.Socket) (server.Receiver, error) {
			return w.Accept(&pausedSocket{s, func() {
				if first {
					first = false
					go func() { stopped <- w.Shutdown(context.Background()) }()
				}
			}})
		})
		z := w.joinZipped(t, deflateOffer, noTakeover)
		z.writeAside(frame(0xC1, z.zip(text)))
		if _, got, _ := z.message(); got != text {
			t.Errorf("got %d bytes, want %d", len(got), len(text))
		}
		z.closed(1001, "the server is shutting down")
		z.Close()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

// A pausedSocket calls hook when it is not to be read any more.
type pausedSocket struct {
	server.Socket
	hook func()
}

func (s *pausedSocket) Pause(on bool) {
	if s.Socket.Pause(on); on {
		s.hook()
	}
}

// Many small messages are inflated some at a time.
func TestInflatingManyGivesTurns(t *testing.T) {
	noise := make([]byte, 4000)
	rand.NewChaCha8([32]byte{5}).Read(noise)
	const n = 100 // of 4 kB: neither mailbox nor outbox are filled
	pauses := 0
	unstacked(t, compressed(wire.Compression{}), func(t *testing.T, w *world) {
		w.carrier.Buffer = 1 << 20
		w.carrier.Chunk = 1 << 20
		w.carrier.Accept = func(s server.Socket) (server.Receiver, error) {
			return w.Accept(&pausedSocket{s, func() { pauses++ }})
		}
		z := w.joinZipped(t, deflateOffer, noTakeover)
		z.write(strings.Repeat(frame(0xC2, z.zip(string(noise))), n))
		for range n {
			if _, got, _ := z.message(); got != string(noise) {
				t.Fatalf("got %.20q", got)
			}
		}
	})
	// Once it is paused it stays so until all is inflated; then at the shutdown.
	if pauses != 2 {
		t.Errorf("the socket was paused %d times, want 2", pauses)
	}
}

// Many small messages are compressed some at a time, at the highest level very
// few.
func TestCompressingManyGivesTurns(t *testing.T) {
	for level, want := range map[int]int{1: 10, 9: 125} {
		var writes []int
		unstacked(t, func(w *world, c *services.Config) {
			compressed(wire.Compression{Level: level})(w, c)
			w.carrier.Accept = func(s server.Socket) (server.Receiver, error) {
				return w.Accept(&countingSocket{Socket: s, writes: &writes})
			}
		}, func(t *testing.T, w *world) {
			z := w.joinZipped(t, deflateOffer, noTakeover)
			z.send("flood")
			for range 1001 {
				z.message()
			}
		})
		if len(writes) < want || len(writes) > 3*want+5 {
			t.Errorf("level %d: %d writes, want %d or a few more", level, len(writes), want)
		}
	}
}
