package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"lapps/acl"
	"lapps/server"
	"lapps/server/secure"
	"lapps/server/servertest"
	"lapps/services"
	"lapps/services/vm"
)

// The tests run over the carrier in memory, in synctest bubbles: time passes
// only when everybody waits, so that timeouts are exact and cost nothing.

// A world is a server with services, over the carrier in memory.
type world struct {
	*server.Server
	carrier *servertest.Carrier
	stack   stack
	layer   *secure.Layer // of an encrypted stack
	modules []vm.Module
	log     bytes.Buffer
}

// testLua does what its messages ask for.
const testLua = `
local test = {}
function test.onConnect(handler, request)
  if request.query == "refuse" then return {status = 401, reason = "who are you?"} end
  if request.query == "false" then return false end
  if request.query == "fail" then error("oops") end
  if request.query == "greet" then ws:send(handler, 1, "hello " .. request.headers["host"]) end
  if request.query == "close" then ws:close(handler, 4000, "not now") end
  return true
end
function test.onMessage(handler, opcode, message)
  if message == "close" then return ws:close(handler, 4001, "as asked") end
  if message == "error" then error("oops") end
  if message == "dropped" then print("handled after the close") end
  if message == "big" then return ws:send(handler, 2, string.rep("x", 300000)) end
  if message == "flood" then for i = 1, 1000 do ws:send(handler, 1, string.rep("x", 100)) end return true end
  if message == "wait" then require("gate").wait() end
  return ws:send(handler, opcode, message)
end
function test.onDisconnect(handler) print("gone") end
return test`

// open has a function called with a world inside a bubble, once for each stack,
// and checks at its end that nothing is left.
func open(t *testing.T, change func(*world, *services.Config), test func(t *testing.T, w *world)) {
	t.Helper()
	openEach(t, stacks, change, test)
}

// An opener is open, or leaves stacks out.
type opener func(t *testing.T, change func(*world, *services.Config), test func(t *testing.T, w *world))

// unstacked is open over the carrier alone, for tests of what reaches the socket,
// or in which sockets are said to be what a stack would make of them.
func unstacked(t *testing.T, change func(*world, *services.Config), test func(t *testing.T, w *world)) {
	t.Helper()
	openEach(t, stacks[:1], change, test)
}

// unencrypted is open without TLS, for tests that count bytes on the wire, and
// of refusals before any request, which are alerts in TLS.
func unencrypted(t *testing.T, change func(*world, *services.Config), test func(t *testing.T, w *world)) {
	t.Helper()
	openEach(t, slices.DeleteFunc(slices.Clone(stacks), func(s stack) bool { return s.encrypted }), change, test)
}

func openEach(t *testing.T, each []stack, change func(*world, *services.Config), test func(t *testing.T, w *world)) {
	t.Helper()
	makePair(t)
	for _, s := range each {
		t.Run(s.name, func(t *testing.T) { openOver(t, s, change, test) })
	}
}

func openOver(t *testing.T, s stack, change func(*world, *services.Config), test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		gate = make(chan bool, 100)
		w := &world{stack: s}
		log := slog.New(slog.NewTextHandler(&w.log, nil))
		cfg := services.Config{
			Name:          "test",
			Files:         fstest.MapFS{"test.lua": {Data: []byte(testLua)}},
			RequestTarget: "/test",
			AutoStart:     true,
			Instances:     2,
			MaxMessage:    1 << 20,
		}
		w.Server = &server.Server{Timeouts: limits, Log: log}
		w.carrier = servertest.NewCarrier(w.Accept)
		if change != nil {
			change(w, &cfg)
		}
		w.raise(t)
		registry, err := services.New([]services.Config{cfg}, append(w.modules, gateModule), log)
		if err != nil {
			t.Fatal(err)
		}
		w.Services = registry
		if err := registry.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		test(t, w)
		if err := w.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := registry.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		w.carrier.Stop()
		w.raze(t)
	})
}

// A peer is a client that speaks frames.
type peer struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

const handshake = "GET /test%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// dial connects a peer without a handshake.
func (w *world) dial(t *testing.T) *peer {
	t.Helper()
	c, err := w.connect(netip.MustParseAddr("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &peer{t, c, bufio.NewReader(c)}
}

// join connects a peer and makes the opening handshake.
func (w *world) join(t *testing.T, query string) *peer {
	t.Helper()
	p := w.dial(t)
	p.write(strings.Replace(handshake, "%s", query, 1))
	if status := p.head(); !strings.HasPrefix(status, "HTTP/1.1 101 ") {
		t.Fatalf("not upgraded: %s", status)
	}
	return p
}

func (p *peer) write(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p, s); err != nil {
		p.t.Fatal(err)
	}
}

// head reads a response's head and returns its first line.
func (p *peer) head() (first string) {
	p.t.Helper()
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			p.t.Fatalf("%v after %q", err, first)
		}
		if first == "" {
			first = strings.TrimSpace(line)
		}
		if line == "\r\n" {
			return first
		}
	}
}

// frame is a masked frame; text goes out as it is, the key being 0.
func frame(first byte, payload string) string {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return string(b) + "\x00\x00\x00\x00" + payload
}

func (p *peer) send(text string) { p.t.Helper(); p.write(frame(0x81, text)) }

// next reads a frame.
func (p *peer) next() (op byte, payload string) {
	p.t.Helper()
	b := make([]byte, 2)
	p.full(b)
	n := uint64(b[1])
	op = b[0]
	switch n {
	case 126:
		b = make([]byte, 2)
		p.full(b)
		n = uint64(binary.BigEndian.Uint16(b))
	case 127:
		b = make([]byte, 8)
		p.full(b)
		n = binary.BigEndian.Uint64(b)
	}
	b = make([]byte, n)
	p.full(b)
	return op, string(b)
}

func (p *peer) full(b []byte) {
	p.t.Helper()
	if _, err := io.ReadFull(p.r, b); err != nil {
		p.t.Fatal(err)
	}
}

// expect reads the frames, each written as its first byte and its payload.
func (p *peer) expect(first byte, payload string) {
	p.t.Helper()
	if op, got := p.next(); op != first || got != payload {
		p.t.Fatalf("received %#x %.60q, want %#x %.60q", op, got, first, payload)
	}
}

// closed expects a Close frame, then the end of the stream.
func (p *peer) closed(code uint16, reason string) {
	p.t.Helper()
	p.expect(0x88, string(binary.BigEndian.AppendUint16(nil, code))+reason)
	p.end()
}

func (p *peer) end() {
	p.t.Helper()
	if rest, err := io.ReadAll(p.r); err != nil || len(rest) > 0 {
		p.t.Fatalf("at the end: %q, %v", rest, err)
	}
}

func TestEcho(t *testing.T) {
	for _, chunk := range []int{1, 3, 1000, 0} {
		open(t, func(w *world, _ *services.Config) { w.carrier.Chunk = chunk }, func(t *testing.T, w *world) {
			p := w.join(t, "")
			for _, size := range []int{0, 1, 125, 126, 1000, 65536, 70000} {
				payload := strings.Repeat("é", size/2)
				p.send(payload)
				p.expect(0x81, payload)
			}
			p.write(frame(0x01, "frag") + frame(0x89, "ping") + frame(0x80, "ment"))
			p.expect(0x8A, "ping")
			p.expect(0x81, "fragment")
			p.write(frame(0x88, "\x03\xe8bye") + "discarded")
			p.closed(1000, "")
		})
	}
}

// TestPipelinedHandshake sends frames right behind the request, in one piece.
func TestPipelinedHandshake(t *testing.T) {
	open(t, nil, func(t *testing.T, w *world) {
		p := w.dial(t)
		all := strings.Replace(handshake, "%s", "?greet", 1)
		for range 100 {
			all += frame(0x81, "x")
		}
		p.write(all + frame(0x88, ""))
		p.head()
		p.expect(0x81, "hello localhost")
		for range 100 {
			p.expect(0x81, "x")
		}
		p.expect(0x88, "")
		p.end()
	})
}

func TestRefusals(t *testing.T) {
	unencrypted(t, func(w *world, c *services.Config) {
		list, err := acl.Parse("allow", []string{"198.51.100.0/24"})
		if err != nil {
			t.Fatal(err)
		}
		c.Access = list
		w.MaxConns = 3
	}, func(t *testing.T, w *world) {
		for query, want := range map[string]string{
			"?refuse": "HTTP/1.1 401 Unauthorized",
			"?false":  "HTTP/1.1 403 Forbidden",
			"?fail":   "HTTP/1.1 500 Internal Server Error",
			"er":      "HTTP/1.1 404 Not Found",
		} {
			p := w.dial(t)
			p.write(strings.Replace(handshake, "%s", query, 1))
			if got := p.head(); got != want {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
			p.Close()
			synctest.Wait()
		}
		c, err := w.connect(netip.MustParseAddr("198.51.100.7"))
		if err != nil {
			t.Fatal(err)
		}
		p := &peer{t, c, bufio.NewReader(c)}
		p.write(strings.Replace(handshake, "%s", "", 1))
		if got := p.head(); got != "HTTP/1.1 403 Forbidden" {
			t.Errorf("an address that is not allowed: %s", got)
		}
		p.Close()
		synctest.Wait()
		for range 3 {
			w.join(t, "")
		}
		p = w.dial(t)
		p.write(strings.Replace(handshake, "%s", "", 1))
		if got := p.head(); got != "HTTP/1.1 503 Service Unavailable" {
			t.Errorf("one too many: %s", got)
		}
		if n := strings.Count(w.log.String(), "gone"); n != 0 {
			t.Errorf("onDisconnect was called %d times for peers that were refused", n)
		}
	})
}

func TestClosedByService(t *testing.T) {
	open(t, nil, func(t *testing.T, w *world) {
		for _, c := range []struct {
			query, message string
			code           uint16
			reason         string
		}{
			{"?close", "", 4000, "not now"},
			{"", "close", 4001, "as asked"},
			{"", "error", 1011, "the service failed"},
		} {
			p := w.join(t, c.query)
			if c.message != "" {
				p.write(frame(0x81, "first") + frame(0x81, c.message) + frame(0x81, "dropped"))
				p.expect(0x81, "first")
			}
			p.closed(c.code, c.reason)
			p.Close()
		}
		synctest.Wait()
		if n := strings.Count(w.log.String(), "gone"); n != 3 || w.Open() != 0 {
			t.Errorf("onDisconnect was called %d times, want 3; %d connections are open", n, w.Open())
		}
		if strings.Contains(w.log.String(), "handled after the close") {
			t.Error("a message was handled after its service had closed the connection")
		}
	})
}

// limits are a server's timeouts unless a test changes them.
var limits = server.Timeouts{
	Handshake: 10 * time.Second,
	Idle:      100 * time.Second,
	Ping:      20 * time.Second,
	Pong:      5 * time.Second,
	Message:   7 * time.Second,
	Busy:      30 * time.Second,
	Close:     3 * time.Second,
}

// TestTimeouts is exact to the tick of the wheel.
func TestTimeouts(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*server.Timeouts)
		test   func(t *testing.T, w *world)
		want   time.Duration
	}{
		{"handshake", nil, func(t *testing.T, w *world) {
			p := w.dial(t)
			p.write("GET /test HTTP/1.1\r\n")
			if got := p.head(); got != "HTTP/1.1 408 Request Timeout" {
				t.Error(got)
			}
		}, limits.Handshake},
		{"silent handshake", nil, func(t *testing.T, w *world) { w.dial(t).end() }, limits.Handshake},
		{"message", nil, func(t *testing.T, w *world) {
			p := w.join(t, "")
			p.write(frame(0x01, "begun"))
			p.closed(1008, "a message was not complete within 7s")
		}, limits.Message},
		{"dribbled message", nil, func(t *testing.T, w *world) {
			p := w.join(t, "")
			p.write(frame(0x01, "begun"))
			for range 6 {
				time.Sleep(time.Second)
				p.write(frame(0x00, "x"))
			}
			p.closed(1008, "a message was not complete within 7s")
		}, limits.Message},
		{"ping", nil, func(t *testing.T, w *world) {
			w.join(t, "").expect(0x89, "")
		}, limits.Ping},
		{"pong", nil, func(t *testing.T, w *world) {
			p := w.join(t, "")
			p.expect(0x89, "")
			p.closed(1008, "no pong within 5s")
		}, limits.Ping + limits.Pong},
		{"answered pings", nil, func(t *testing.T, w *world) {
			p := w.join(t, "")
			for range 10 {
				p.expect(0x89, "")
				p.write(frame(0x8A, ""))
			}
		}, 10 * limits.Ping},
		{"idle", func(l *server.Timeouts) { l.Ping = 0 }, func(t *testing.T, w *world) {
			w.join(t, "").closed(1008, "nothing received or read for 1m40s")
		}, limits.Idle},
		{"the peer does not hang up", nil, func(t *testing.T, w *world) {
			p := w.join(t, "")
			p.write(frame(0x88, "\x03\xe8"))
			p.closed(1000, "")
			for w.Open() > 0 {
				time.Sleep(10 * time.Millisecond)
			}
		}, limits.Close},
		{"a service that does not answer", nil, func(t *testing.T, w *world) {
			p := w.join(t, "")
			p.write(frame(0x81, "wait") + frame(0x88, "\x03\xe8"))
			p.closed(1000, "")
			p.Close()
			openGate()
		}, limits.Close},
	} {
		t.Run(c.name, func(t *testing.T) {
			open(t, func(w *world, _ *services.Config) {
				if c.change != nil {
					c.change(&w.Timeouts)
				}
			}, func(t *testing.T, w *world) {
				begin := time.Now()
				c.test(t, w)
				if took := time.Since(begin); took < c.want || took > c.want+50*time.Millisecond {
					t.Errorf("took %v, want %v", took, c.want)
				}
			})
		})
	}
}

// TestSlowReader floods a peer that does not read: it is closed with 1013, and
// what was over the limit is dropped.
func TestSlowReader(t *testing.T) {
	open(t, func(w *world, c *services.Config) {
		c.OutboxBytes = 20000
		w.carrier.Buffer = 4096
	}, func(t *testing.T, w *world) {
		p := w.join(t, "")
		p.send("flood")
		synctest.Wait()
		for {
			op, payload := p.next()
			if op == 0x88 {
				if payload != "\x03\xf5reading too slowly" {
					t.Errorf("closed with %q", payload)
				}
				break
			}
			if op != 0x81 || payload != strings.Repeat("x", 100) {
				t.Fatalf("received %#x %q", op, payload)
			}
		}
		p.end()
	})
}

// TestOutboxAccount sends far more than an outbox holds to a peer that reads:
// what was written does not count, with and without a backlog.
func TestOutboxAccount(t *testing.T) {
	for _, buffer := range []int{100, 100000} {
		open(t, func(w *world, c *services.Config) {
			c.OutboxBytes = 2000
			w.carrier.Buffer = buffer
		}, func(t *testing.T, w *world) {
			p := w.join(t, "")
			for range 50 {
				p.send(strings.Repeat("x", 900))
				p.expect(0x81, strings.Repeat("x", 900))
			}
		})
	}
}

// TestLargeMessages has a peer read slowly, but not too slowly: messages far
// larger than the carrier's buffer and the slices they are written in arrive
// whole, and pings are answered in between.
func TestLargeMessages(t *testing.T) {
	open(t, func(w *world, _ *services.Config) { w.carrier.Buffer = 1000 }, func(t *testing.T, w *world) {
		p := w.join(t, "")
		p.write(frame(0x81, "big") + frame(0x81, "big"))
		synctest.Wait() // the first stands in the carrier's backlog
		p.write(frame(0x89, "one") + frame(0x89, "two"))
		synctest.Wait()
		for range 2 {
			p.expect(0x82, strings.Repeat("x", 300000))
		}
		p.expect(0x8A, "two") // only the last ping is answered
		p.send("after")
		p.expect(0x81, "after")
	})
}

// TestBackPressure has the service stop taking messages: the peer is not read
// any more, nothing is lost, and its timers stand still.
func TestBackPressure(t *testing.T) {
	open(t, func(w *world, c *services.Config) {
		c.Mailbox = vm.Limits{GateEvents: 10}
		w.Timeouts = server.Timeouts{Idle: 20 * time.Second, Message: 20 * time.Second, Busy: time.Minute}
		w.carrier.Buffer = 100
	}, func(t *testing.T, w *world) {
		p, other := w.join(t, ""), w.join(t, "")
		sent := make(chan bool)
		go func() {
			defer close(sent)
			p.send("wait")
			for i := range 1000 {
				p.send(string(rune('a' + i%26)))
			}
		}()
		time.Sleep(50 * time.Second)
		select {
		case <-sent:
			t.Error("the sender was not held back")
		default:
		}
		_ = other
		openGate()
		p.expect(0x81, "wait")
		for i := range 1000 {
			p.expect(0x81, string(rune('a'+i%26)))
		}
		<-sent
	})
}

// TestBusyTimeout closes a peer whose service does not take its messages.
func TestBusyTimeout(t *testing.T) {
	open(t, func(w *world, c *services.Config) {
		c.Mailbox = vm.Limits{GateEvents: 10}
		w.Timeouts.Busy = 30 * time.Second
	}, func(t *testing.T, w *world) {
		p := w.join(t, "")
		p.write(frame(0x81, "wait") + strings.Repeat(frame(0x81, "x"), 50))
		begin := time.Now()
		p.closed(1013, "the service does not keep up")
		if took := time.Since(begin); took < 33*time.Second || took > 34*time.Second {
			t.Errorf("took %v, want the busy and the close timeout", took)
		}
		openGate()
	})
}

// TestLostInEveryState loses connections in every state.
func TestLostInEveryState(t *testing.T) {
	states := map[string]func(w *world) *peer{
		"new":     func(w *world) *peer { return w.dial(t) },
		"head":    func(w *world) *peer { p := w.dial(t); p.write("GET /"); return p },
		"open":    func(w *world) *peer { return w.join(t, "") },
		"message": func(w *world) *peer { p := w.join(t, ""); p.write(frame(0x01, "x")); return p },
		"blocked": func(w *world) *peer { p := w.join(t, ""); p.send("big"); return p },
		"waiting": func(w *world) *peer { p := w.join(t, ""); p.send("wait"); return p },
		"leaving": func(w *world) *peer { p := w.join(t, ""); p.write(frame(0x81, "wait") + frame(0x88, "")); return p },
		"closing": func(w *world) *peer { p := w.join(t, ""); p.write(frame(0x81, "big") + frame(0x81, "close")); return p },
		"lingers": func(w *world) *peer { p := w.join(t, ""); p.send("close"); return p },
	}
	endings := map[string]func(*peer){
		"close":      func(p *peer) { p.Close() },
		"half-close": func(p *peer) { p.Conn.(interface{ CloseWrite() error }).CloseWrite() },
		"reset":      func(p *peer) { p.Conn.(interface{ Reset() }).Reset() },
	}
	for state, begin := range states {
		for ending, end := range endings {
			t.Run(state+" "+ending, func(t *testing.T) {
				open(t, func(w *world, _ *services.Config) { w.carrier.Buffer = 1000 }, func(t *testing.T, w *world) {
					p := begin(w)
					synctest.Wait()
					end(p)
					synctest.Wait()
					openGate()
					time.Sleep(time.Minute)
					synctest.Wait()
					if n := w.Open(); n != 0 {
						t.Errorf("%d connections are open", n)
					}
					joined := state != "new" && state != "head"
					if n := strings.Count(w.log.String(), "gone"); (n == 1) != joined || n > 1 {
						t.Errorf("onDisconnect was called %d times", n)
					}
				})
			})
		}
	}
}

// A brokenSocket fails to write, as a socket does whose peer has reset since
// it was read.
type brokenSocket struct{ server.Socket }

func (brokenSocket) Write([][]byte) (int, error) { return 0, syscall.ECONNRESET }

// TestResetBeforeAnswer has a peer reset between its request and the answer,
// be it the 101 or a refusal.
func TestResetBeforeAnswer(t *testing.T) {
	for _, request := range []string{strings.Replace(handshake, "%s", "", 1), strings.Replace(handshake, "%s", "?refuse", 1), "GET / HTTP/1.0\r\n\r\n"} {
		open(t, func(w *world, _ *services.Config) {
			w.carrier.Accept = func(s server.Socket) (server.Receiver, error) { return w.Accept(brokenSocket{s}) }
		}, func(t *testing.T, w *world) {
			p := w.dial(t)
			p.write(request)
			synctest.Wait()
			p.Conn.(interface{ Reset() }).Reset()
			synctest.Wait()
			if n := w.Open(); n != 0 {
				t.Errorf("%d connections are open", n)
			}
		})
	}
}

// An interruptedSocket calls hook once, after the Write that contains text: as
// if another goroutine had been there at that moment.
type interruptedSocket struct {
	server.Socket
	text string
	hook func()
}

func (s *interruptedSocket) Write(p [][]byte) (int, error) {
	n, err := s.Socket.Write(p)
	if hook := s.hook; hook != nil && strings.Contains(string(bytes.Join(p, nil)), s.text) {
		s.hook = nil
		hook()
	}
	return n, err
}

// TestCloseDuringFlush has the service close while the loop is writing: the
// end follows the Close frame at once.
func TestCloseDuringFlush(t *testing.T) {
	open(t, func(w *world, _ *services.Config) {
		w.carrier.Accept = func(s server.Socket) (server.Receiver, error) {
			is := &interruptedSocket{Socket: s, text: "answer"}
			r, err := w.Accept(is)
			is.hook = func() { r.(services.Peer).Close(4000, "bye") }
			return r, err
		}
	}, func(t *testing.T, w *world) {
		p := w.join(t, "")
		begin := time.Now()
		p.send("answer")
		p.expect(0x81, "answer")
		p.closed(4000, "bye")
		if took := time.Since(begin); took > time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// TestSlowButSteady has a peer read a large message slowly, for longer than
// it may be silent: it is alive.
func TestSlowButSteady(t *testing.T) {
	open(t, func(w *world, _ *services.Config) { w.carrier.Buffer = 32 << 10 }, func(t *testing.T, w *world) {
		p := w.join(t, "")
		p.send("big")
		for got := 0; got < 300000; {
			time.Sleep(time.Second)
			n, err := p.r.Read(make([]byte, 4<<10))
			if err != nil {
				t.Fatalf("after %d bytes: %v", got, err)
			}
			got += n
		}
	})
}

// TestNeverReads has a peer that sends now and then and never reads: it is
// closed for want of progress.
func TestNeverReads(t *testing.T) {
	open(t, func(w *world, _ *services.Config) { w.carrier.Buffer = 1000 }, func(t *testing.T, w *world) {
		p := w.join(t, "")
		p.send("big")
		for begin := time.Now(); w.Open() > 0; time.Sleep(time.Second) {
			io.WriteString(p, frame(0x8A, ""))
			if time.Since(begin) > time.Minute {
				t.Fatal("it is still open")
			}
		}
	})
}

// TestAnswersWait has a peer send and not read: its own messages wait for it,
// beyond what its outbox could hold, and nothing is lost when it reads.
func TestAnswersWait(t *testing.T) {
	open(t, func(w *world, c *services.Config) {
		c.OutboxBytes = 100000
		w.carrier.Buffer = 1000
	}, func(t *testing.T, w *world) {
		p := w.join(t, "")
		message := strings.Repeat("x", 10000)
		go func() {
			for range 100 {
				io.WriteString(p, frame(0x81, message))
			}
		}()
		time.Sleep(20 * time.Second)
		for range 100 {
			p.expect(0x81, message)
		}
	})
}

// TestNonReadersHarmNobody has more peers send and not read than the mailbox of
// their instance could hold the messages of: another peer's echo goes on.
func TestNonReadersHarmNobody(t *testing.T) {
	open(t, func(w *world, c *services.Config) {
		c.Instances = 1
		c.OutboxBytes = 10000
		c.Mailbox = vm.Limits{Events: 60, GateEvents: 10}
		w.carrier.Buffer = 1000
	}, func(t *testing.T, w *world) {
		for range 20 {
			p := w.join(t, "")
			go func() {
				for range 100 {
					io.WriteString(p, frame(0x81, strings.Repeat("x", 900)))
				}
			}()
		}
		time.Sleep(time.Second)
		p := w.join(t, "")
		begin := time.Now()
		for range 100 {
			p.send("hello")
			p.expect(0x81, "hello")
		}
		if took := time.Since(begin); took > time.Millisecond {
			t.Errorf("100 echoes took %v", took)
		}
	})
}

// TestHeldAtShutdown has the server shut down while messages it has received
// wait for their service: they are answered.
func TestHeldAtShutdown(t *testing.T) {
	open(t, func(w *world, c *services.Config) { c.Mailbox = vm.Limits{GateEvents: 2} }, func(t *testing.T, w *world) {
		p := w.join(t, "")
		p.write(frame(0x81, "wait") + frame(0x81, "1") + frame(0x81, "2") + frame(0x81, "3"))
		synctest.Wait()
		done := make(chan error, 2)
		go func() { done <- w.Shutdown(context.Background()) }()
		go func() { done <- w.Shutdown(context.Background()) }()
		synctest.Wait()
		openGate()
		for _, want := range []string{"wait", "1", "2", "3"} {
			p.expect(0x81, want)
		}
		p.closed(1001, "the server is shutting down")
		p.Close()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestLostWhileJoining loses peers while their onConnect runs, and stops: each
// that is admitted is disconnected, before onShutdown.
func TestLostWhileJoining(t *testing.T) {
	open(t, func(w *world, c *services.Config) {
		c.Instances = 1
		c.Files = fstest.MapFS{"test.lua": {Data: []byte(`return {
			onConnect = function() require("gate").wait() print("admitted") end,
			onMessage = print,
			onDisconnect = function() print("gone") end,
			onShutdown = function() print("shut down") end}`)}}
	}, func(t *testing.T, w *world) {
		for range 20 {
			p := w.dial(t)
			p.write(strings.Replace(handshake, "%s", "", 1))
			synctest.Wait()
			p.Close()
		}
		go func() {
			time.Sleep(time.Second)
			for range 20 {
				openGate()
			}
		}()
		if err := w.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := w.Services.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		log := w.log.String()
		if a, g := strings.Count(log, "admitted"), strings.Count(log, "gone"); a != 20 || g != 20 {
			t.Errorf("%d admitted, %d disconnected", a, g)
		}
		if strings.LastIndex(log, "gone") > strings.Index(log, "shut down") {
			t.Error("onDisconnect was called after onShutdown")
		}
	})
}

// TestShutdown says 1001 after what was sent has been answered.
func TestShutdown(t *testing.T) {
	open(t, nil, func(t *testing.T, w *world) {
		p, fresh := w.join(t, ""), w.dial(t)
		p.write(frame(0x81, "wait") + frame(0x81, "second"))
		synctest.Wait()
		done := make(chan error)
		go func() { done <- w.Shutdown(context.Background()) }()
		if got := fresh.head(); got != "HTTP/1.1 503 Service Unavailable" {
			t.Error(got)
		}
		fresh.Close()
		openGate()
		p.expect(0x81, "wait")
		p.expect(0x81, "second")
		p.closed(1001, "the server is shutting down")
		p.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, err := w.carrier.Dial(); err == nil {
			t.Error("a connection was accepted during the shutdown")
		}
	})
}

// TestShutdownDeadline aborts who does not go.
func TestShutdownDeadline(t *testing.T) {
	open(t, func(w *world, _ *services.Config) { w.Timeouts.Close = time.Hour }, func(t *testing.T, w *world) {
		p := w.join(t, "")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := w.Shutdown(ctx); err != context.DeadlineExceeded {
			t.Error(err)
		}
		if _, err := io.ReadAll(p.r); err == nil {
			t.Error("the connection was not aborted")
		}
	})
}
