package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"lapps/server"
	"lapps/server/servertest"
	"lapps/services"
)

// A driver drives one connection by hand: it is its loop and its socket, and
// the benchmark's goroutine runs what is posted. So a benchmark measures the
// server, the service and Lua, and no carrier.
type driver struct {
	server   *server.Server
	receiver server.Receiver
	posted   chan func()
	dirty    chan server.Flusher
	wake     chan bool
	written  int
}

func (d *driver) Dirty(f server.Flusher)           { d.dirty <- f }
func (d *driver) Post(f func())                    { d.posted <- f }
func (d *driver) Later(f func())                   { d.posted <- f }
func (d *driver) Now() time.Duration               { return time.Second }
func (d *driver) Arm(*server.Timer, time.Duration) {}
func (d *driver) Stop(*server.Timer)               {}
func (d *driver) Pause(bool)                       {}
func (d *driver) Close(time.Duration)              {}
func (d *driver) RemoteAddr() netip.AddrPort       { return netip.AddrPort{} }
func (d *driver) Loop() server.Loop                { return d }
func (d *driver) Wake() {
	select {
	case d.wake <- true:
	default:
	}
}

func (d *driver) Write(p [][]byte) (int, error) {
	for _, b := range p {
		d.written += len(b)
	}
	return 0, nil
}

// turn does what a loop does until n bytes have been written.
func (d *driver) turn(n int) {
	for d.written < n {
		select {
		case f := <-d.posted:
			f()
		case <-d.wake:
		drain:
			for {
				select {
				case f := <-d.dirty:
					f.Flush()
				default:
					break drain
				}
			}
		}
	}
	d.written = 0
}

// BenchmarkOpen is the life of a connection that says nothing: opening handshake, seat,
// end. What it logs nobody wants to know.
func BenchmarkOpen(b *testing.B) {
	d := newDriver(b)
	in := []byte(strings.Replace(handshake, "%s", "", 1))
	b.ReportAllocs()
	for b.Loop() {
		r, err := d.server.Accept(d)
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Receive(in); err != nil {
			b.Fatal(err)
		}
		d.turn(1)
		r.Lost(nil)
	}
}

const echoLua = `
local echo = {}
function echo.onMessage(handler, opcode, message) return ws:send(handler, opcode, message) end
return echo`

// The echo in the LAppS protocol: as a method, and as LAppS has it.
const (
	methodsLua = `
return {methods = {echo = function(handler, params) return unpack(params) end}}`

	onMessageLua = `
local answer = nljson.decode('{"cid": 0, "status": 1, "result": []}')
local echo = {}
function echo.onMessage(handler, type, message)
	answer.result = message.params
	return ws:send(handler, answer)
end
return echo`
)

// newDriver opens a connection to a raw echo service.
func newDriver(tb testing.TB) *driver { return drive(tb, echoLua, services.Raw) }

// drive opens a connection to a service.
func drive(tb testing.TB, lua string, dialect services.Dialect) *driver {
	tb.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	registry, err := services.New([]services.Config{{
		Name:          "echo",
		Files:         fstest.MapFS{"echo.lua": {Data: []byte(lua)}},
		Dialect:       dialect,
		RequestTarget: "/test",
		AutoStart:     true,
		Instances:     1,
		MaxMessage:    1 << 20,
		OutboxBytes:   1 << 20,
	}}, nil, log)
	if err != nil {
		tb.Fatal(err)
	}
	if err := registry.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	s := &server.Server{Services: registry, Timeouts: limits, Log: log}
	d := &driver{server: s, posted: make(chan func(), 100), dirty: make(chan server.Flusher, 100), wake: make(chan bool, 1)}
	if d.receiver, err = s.Accept(d); err != nil {
		tb.Fatal(err)
	}
	d.receiver.Receive([]byte(strings.Replace(handshake, "%s", "", 1)))
	d.turn(1)
	tb.Cleanup(func() {
		d.receiver.Lost(nil)
		registry.Stop(tb.Context())
	})
	return d
}

// BenchmarkEcho is a whole echo of 64 bytes but for the system calls: decode,
// hand over, Lua, outbox, encode.
func BenchmarkEcho(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int // messages in flight
	}{{"1", 1}, {"16", 16}} {
		b.Run(c.name, func(b *testing.B) {
			d := newDriver(b)
			all := []byte(strings.Repeat(frame(0x81, strings.Repeat("x", 64)), c.n))
			in := make([]byte, len(all))
			b.ReportAllocs()
			for i := 0; i < b.N; i += c.n {
				copy(in, all)
				if err := d.receiver.Receive(in); err != nil {
					b.Fatal(err)
				}
				d.turn(c.n * 66)
			}
		})
	}
}

// dialServertest connects a client over a carrier with a loop of its own, and
// shakes hands.
func dialServertest(b *testing.B, s *server.Server) net.Conn {
	b.Helper()
	carrier := servertest.NewCarrier(s.Accept)
	b.Cleanup(carrier.Stop)
	c, err := carrier.Dial()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	io.WriteString(c, strings.Replace(handshake, "%s", "", 1))
	one := make([]byte, 1)
	for tail := ""; !strings.HasSuffix(tail, "\r\n\r\n"); tail += string(one) {
		if _, err := c.Read(one); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

// BenchmarkEchoOverServertest is the same with a client and a loop of its own.
func BenchmarkEchoOverServertest(b *testing.B) {
	c := dialServertest(b, newDriver(b).server)
	out := make([]byte, 66)
	one := []byte(frame(0x81, strings.Repeat("x", 64)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(one); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, out); err != nil {
			b.Fatal(err)
		}
	}
}

// lappsEcho is a request to echo 64 bytes, and the response.
func lappsEcho() (request, response string) {
	text := "\x78\x40" + strings.Repeat("x", 64)
	return frame(0x82, "\xa3\x65lapps\x01\x66method\x64echo\x66params\x81"+text),
		"\xa3\x63cid\x00\x66result\x81" + text + "\x66status\x01"
}

// BenchmarkEchoLAppS is BenchmarkEcho in the LAppS protocol, in both forms of a
// service, beside the raw one in the same run.
func BenchmarkEchoLAppS(b *testing.B) {
	request, response := lappsEcho()
	raw := frame(0x81, strings.Repeat("x", 64))
	for _, c := range []struct {
		name, lua string
		dialect   services.Dialect
		request   string
		size      int // of a response's frame
	}{
		{"raw", echoLua, services.Raw, raw, 66},
		{"methods", methodsLua, services.LAppS, request, 2 + len(response)},
		{"onMessage", onMessageLua, services.LAppS, request, 2 + len(response)},
	} {
		for _, n := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				d := drive(b, c.lua, c.dialect)
				all := []byte(strings.Repeat(c.request, n))
				in := make([]byte, len(all))
				b.ReportAllocs()
				for i := 0; i < b.N; i += n {
					copy(in, all)
					if err := d.receiver.Receive(in); err != nil {
						b.Fatal(err)
					}
					d.turn(n * c.size)
				}
			})
		}
	}
}

// BenchmarkEchoLAppSOverServertest is the same with a client and a loop.
func BenchmarkEchoLAppSOverServertest(b *testing.B) {
	request, response := lappsEcho()
	for name, lua := range map[string]string{"methods": methodsLua, "onMessage": onMessageLua} {
		b.Run(name, func(b *testing.B) {
			c := dialServertest(b, drive(b, lua, services.LAppS).server)
			out := make([]byte, 2+len(response))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := io.WriteString(c, request); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(c, out); err != nil {
					b.Fatal(err)
				}
			}
			if string(out[2:]) != response {
				b.Fatalf("%x, want %x", out[2:], response)
			}
		})
	}
}

// TestEchoAllocates keeps what an echo allocates. A raw one: the message's bytes, and
// the Lua value that refers to them.
func TestEchoAllocates(t *testing.T) {
	raw := frame(0x81, strings.Repeat("x", 64))
	request, response := lappsEcho()
	for _, c := range []struct {
		name, lua string
		dialect   services.Dialect
		request   string
		size      int // of a response's frame
		inFlight  int
		most      float64 // allocations for each message
	}{
		{"raw", echoLua, services.Raw, raw, 66, 1, 2},
		{"raw, 16 in flight", echoLua, services.Raw, raw, 66, 16, 2},
		{"a method", methodsLua, services.LAppS, request, 2 + len(response), 1, 7},
		{"onMessage of the LAppS protocol", onMessageLua, services.LAppS, request, 2 + len(response), 1, 12},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := drive(t, c.lua, c.dialect)
			all := []byte(strings.Repeat(c.request, c.inFlight))
			in := make([]byte, len(all))
			n := testing.AllocsPerRun(1000, func() {
				copy(in, all)
				d.receiver.Receive(in)
				d.turn(c.inFlight * c.size)
			})
			if each := n / float64(c.inFlight); each > c.most {
				t.Errorf("%v allocations for each message, want at most %v", each, c.most)
			}
		})
	}
}

func BenchmarkRoute(b *testing.B) {
	var all []services.Config
	for i := range 100 {
		name := "service" + strings.Repeat("x", i)
		all = append(all, services.Config{Name: name, Files: fstest.MapFS{}, RequestTarget: "/" + name, Instances: 1})
	}
	registry, err := services.New(all, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if registry.Lookup("/servicexxxxxxxxxxxx") == nil {
			b.Fatal("not found")
		}
	}
}
