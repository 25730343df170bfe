package epoll

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"

	"lapps/server"

	"golang.org/x/sys/unix"
)

// Stop tells every Receiver, once, and runs what they post.
func TestStop(t *testing.T) {
	c := start(t, 2)
	addr, peers := serve(t, c, nil)
	const n = 20
	posted := make(chan struct{}, n)
	flushed := make(chan struct{}, n)
	var all []*peer
	for i := range n {
		conn := dial(t, addr)
		p := receive(t, peers)
		all = append(all, p)
		on(t, p.Loop(), func() {
			switch i % 4 {
			case 1:
				p.Pause(true)
			case 2:
				p.Write([][]byte{make([]byte, big)})
			case 3: // and the peer's FIN is there: without gnet
				p.Write([][]byte{make([]byte, big)})
				p.Close(limit)
				conn.CloseWrite()
			}
		})
	}
	eventually(t, "the half-closed ones are still with gnet", func() bool {
		n := 0
		for _, l := range c.loops {
			on(t, l, func() {
				for _, s := range l.waiting {
					if s.conn == nil {
						n++
					}
				}
			})
		}
		return n == 5
	})
	told := make(chan error, n)
	for _, p := range all {
		go func() {
			err := <-p.lost
			told <- err
		}()
	}
	last := all[0]
	on(t, last.Loop(), func() {
		last.Loop().Post(func() { posted <- struct{}{} })
		last.Loop().Dirty(flusher(func() { flushed <- struct{}{} }))
	})
	stop(t, c)
	stop(t, c)
	for range n {
		if err := receive(t, told); err != ErrStopped {
			t.Errorf("Lost: %v, want ErrStopped", err)
		}
	}
	receive(t, posted)
	receive(t, flushed)
	if s := c.Stats(); s.Open != 0 || s.Paused != 0 {
		t.Errorf("after Stop: %+v", s)
	}
	last.Loop().Post(func() { t.Error("ran after Stop") })
	last.Loop().Dirty(flusher(func() { t.Error("ran after Stop") }))
	last.Loop().Wake()
}

// What a Receiver does when it is told runs, on a loop that polls no more.
func TestStopRunsWhatLostPosts(t *testing.T) {
	c := start(t, 1)
	ran := 0
	addr := listen(t, c, func(s server.Socket) (server.Receiver, error) {
		return &onLost{func() {
			s.Loop().Post(func() { s.Loop().Post(func() { ran++ }) })
			s.Loop().Dirty(flusher(func() { ran++ }))
			s.Loop().Wake()
			s.Pause(true)
			s.Close(0)
			if _, err := s.Write([][]byte{{1}}); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Write after Lost: %v", err)
			}
		}}, nil
	})
	dial(t, addr)
	eventually(t, "nobody came", func() bool { return c.Stats().Open == 1 })
	stop(t, c)
	if ran != 2 {
		t.Errorf("%d of 2 ran", ran)
	}
}

// onLost is a Receiver.
type onLost struct{ f func() }

func (o *onLost) Receive([]byte) error { return nil }
func (o *onLost) Writable()            {}
func (o *onLost) Lost(error)           { o.f() }

func TestStopAccepting(t *testing.T) {
	c := start(t, 1)
	addr := listen(t, c, newEcho)
	conn := dial(t, addr)
	conn.Write([]byte("x"))
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	c.StopAccepting()
	if late, err := net.Dial("tcp", addr); err == nil {
		late.Close()
		t.Error("still accepting")
	}
	conn.Write([]byte("x"))
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	ln, _ := net.Listen("tcp", "127.0.0.1:0")
	c.Listen(ln, nil, newEcho)
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a late listener: %v", err)
	}
}

func TestStopTimeout(t *testing.T) {
	c := start(t, 1)
	block := make(chan struct{})
	c.Loops()[0].Post(func() { <-block })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(block)
}

type flusher func()

func (f flusher) Flush() { f() }

// 2,000 connections, reset, closed and lingering, leave nothing behind; and
// neither does the carrier.
func TestNothingIsLeft(t *testing.T) {
	first := descriptors(t)
	c := start(t, 2)
	addr, peers := serve(t, c, nil)
	before := descriptors(t)
	const n = 2000
	for i := range n {
		conn := dial(t, addr)
		p := receive(t, peers)
		switch i % 4 {
		case 0:
			reset(conn)
		case 1:
			conn.Close()
		case 2:
			p.Loop().Post(func() { p.Pause(true); p.Close(0) })
		case 3: // detached
			size := 1000
			if i%100 == 3 {
				size = big
			}
			p.Loop().Post(func() { p.Write([][]byte{make([]byte, size)}); p.Close(limit) })
			if size == big {
				conn.CloseWrite()
				receive(t, p.Loop().(*loop).idle(p, true))
			}
			reset(conn)
		}
		receive(t, p.lost)
		conn.Close()
	}
	for _, l := range c.loops {
		on(t, l, func() {
			if len(l.waiting) != 0 || l.wheel.armed != 0 {
				t.Errorf("a loop has %d waiting, %d timers", len(l.waiting), l.wheel.armed)
			}
		})
	}
	if s := c.Stats(); s.Accepted != n || s.Open != 0 || s.Paused != 0 {
		t.Errorf("%+v", s)
	}
	eventually(t, "descriptors are left", func() bool { return descriptors(t) <= before })
	stop(t, c)
	if left := descriptors(t); left > first {
		t.Errorf("%d descriptors, %d before", left, first)
	}
}

// Whatever descriptor there is none for, New says so and leaves nothing.
func TestNewWithoutDescriptors(t *testing.T) {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &files)
	before := descriptors(t)
	failed := 0
	for extra := range 40 {
		few := files
		few.Cur = uint64(before + extra)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
			t.Fatal(err)
		}
		c, err := New(Config{Loops: 2, Log: slog.New(slog.DiscardHandler)})
		unix.Setrlimit(unix.RLIMIT_NOFILE, &files)
		if err == nil {
			stop(t, c)
		} else if failed++; !errors.Is(err, unix.EMFILE) {
			t.Errorf("with %d descriptors: %v", extra, err)
		}
		if n := descriptors(t); n != before {
			t.Fatalf("with %d descriptors: %d are open, %d were before (%v)", extra, n, before, err)
		}
	}
	if failed == 0 || failed == 40 {
		t.Errorf("%d of 40 failed", failed)
	}
}
