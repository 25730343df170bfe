package epoll

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"

	"lapps/server"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/logging"
)

// BenchmarkEcho is a round trip of 64 bytes over loopback, beside gnet with
// nothing around it, and a dirty list's way, where another goroutine answers.
func BenchmarkEcho(b *testing.B) {
	for _, tt := range []struct {
		name  string
		serve func(b *testing.B) string
	}{
		{"bare gnet", serveBare},
		{"carrier", func(b *testing.B) string { return listen(b, start(b, 1), newBenchEcho) }},
		{"carrier, end of turn", func(b *testing.B) string { return listen(b, start(b, 1), newTurnEcho) }},
		{"carrier, other goroutine", func(b *testing.B) string { return listen(b, start(b, 1), newFarEcho(b)) }},
	} {
		for _, conns := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/%d conns", tt.name, conns), func(b *testing.B) {
				pingPong(b, tt.serve(b), conns)
			})
		}
	}
}

// pingPong has b.N messages echoed, on conns connections at once, by one
// goroutine: all write, then all read.
func pingPong(b *testing.B, addr string, conns int) {
	var clients []*net.TCPConn
	for range conns {
		clients = append(clients, dial(b, addr))
	}
	msg := make([]byte, 64)
	before := cpuTime(b)
	b.ResetTimer()
	for i := 0; i < b.N; i += conns {
		for _, c := range clients {
			if _, err := c.Write(msg); err != nil {
				b.Fatal(err)
			}
		}
		for _, c := range clients {
			if _, err := io.ReadFull(c, msg); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// benchEcho answers from inside Receive.
type benchEcho struct {
	server.Socket
	one [1][]byte
}

func newBenchEcho(s server.Socket) (server.Receiver, error) { return &benchEcho{Socket: s}, nil }

func (e *benchEcho) Receive(p []byte) error {
	e.one[0] = p
	_, err := e.Write(e.one[:])
	return err
}
func (e *benchEcho) Writable()  {}
func (e *benchEcho) Lost(error) {}

// turnEcho answers at the end of the turn.
type turnEcho struct {
	benchEcho
	out []byte
}

func newTurnEcho(s server.Socket) (server.Receiver, error) {
	return &turnEcho{benchEcho: benchEcho{Socket: s}}, nil
}

func (e *turnEcho) Receive(p []byte) error {
	e.out = append(e.out[:0], p...)
	e.Loop().Dirty(e)
	e.Loop().Wake()
	return nil
}

func (e *turnEcho) Flush() { e.benchEcho.Receive(e.out) }

// farEcho has another goroutine answer.
type farEcho struct {
	turnEcho
	in chan<- *farEcho
}

func newFarEcho(b *testing.B) server.Acceptor {
	in := make(chan *farEcho, 64)
	done := make(chan struct{})
	b.Cleanup(func() { close(in); <-done })
	go func() {
		defer close(done)
		for e := range in {
			e.Loop().Dirty(e)
			if len(in) == 0 {
				e.Loop().Wake()
			}
		}
	}()
	return func(s server.Socket) (server.Receiver, error) {
		return &farEcho{turnEcho: turnEcho{benchEcho: benchEcho{Socket: s}}, in: in}, nil
	}
}

func (e *farEcho) Receive(p []byte) error {
	e.out = append(e.out[:0], p...)
	e.in <- e
	return nil
}

// bare is gnet's own way.
type bare struct {
	gnet.BuiltinEventEngine
	booted chan gnet.Engine
}

func (h *bare) OnBoot(eng gnet.Engine) gnet.Action { h.booted <- eng; return gnet.None }

func (h *bare) OnTraffic(c gnet.Conn) gnet.Action {
	p, _ := c.Next(-1)
	c.Write(p)
	return gnet.None
}

func serveBare(b *testing.B) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	h := &bare{booted: make(chan gnet.Engine, 1)}
	done := make(chan error, 1)
	go func() {
		done <- gnet.Run(h, "tcp://"+addr, gnet.WithNumEventLoop(1), gnet.WithLogger(silent{}))
	}()
	eng := receive(b, h.booted)
	b.Cleanup(func() {
		eng.Stop(context.Background())
		<-done
	})
	eventually(b, "bare gnet does not listen", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return addr
}

type silent struct{ logging.Logger }

func (silent) Debugf(string, ...any) {}
func (silent) Infof(string, ...any)  {}
func (silent) Warnf(string, ...any)  {}
func (silent) Errorf(string, ...any) {}

// BenchmarkAccept is a connection, from dial to the acceptor and back.
func BenchmarkAccept(b *testing.B) {
	c := start(b, 1)
	addr := listen(b, c, func(s server.Socket) (server.Receiver, error) { return &onLost{func() {}}, nil })
	const window = 64
	conns := make([]*net.TCPConn, 0, window)
	before := cpuTime(b)
	for i := 0; i < b.N; i += window {
		for range window {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				b.Fatal(err)
			}
			conns = append(conns, conn.(*net.TCPConn))
		}
		for _, conn := range conns {
			reset(conn)
		}
		conns = conns[:0]
	}
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "conns/s")
}
