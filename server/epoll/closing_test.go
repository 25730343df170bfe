package epoll

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const big = 8 << 20 // more than the kernel keeps on loopback

func TestPause(t *testing.T) {
	c := start(t, 1)
	const total = 16 << 20
	var got, sum uint64 // of the stream, as a reader without pauses would have them
	paused, resume := 0, make(chan struct{}, 1)
	all := make(chan struct{})
	conn, p := connect(t, c, func(p *peer) {
		p.receive = func(b []byte) error {
			for _, x := range b {
				if x != byte(got*got>>7) {
					t.Errorf("byte %d is another one", got)
					return io.ErrUnexpectedEOF
				}
				got++
				sum += uint64(x)
			}
			if paused < 200 && got > uint64(paused)*total/256 {
				paused++
				p.Pause(true)
				resume <- struct{}{}
			}
			if got == total {
				close(all)
			}
			return nil
		}
	})
	go func() {
		buf := make([]byte, 1<<20)
		for i := uint64(0); i < total; {
			for j := range buf {
				buf[j] = byte(i * i >> 7)
				i++
			}
			if _, err := conn.Write(buf); err != nil {
				t.Errorf("write: %v", err)
				return
			}
		}
	}()
	for range 200 {
		receive(t, resume)
		if n := c.Stats().Paused; n != 1 {
			t.Errorf("%d paused, want 1", n)
		}
		on(t, p.Loop(), func() { p.Pause(false) })
	}
	receive(t, all)
	if n := c.Stats().BytesRead; n != total {
		t.Errorf("BytesRead: %d, want %d", n, total)
	}
}

// A peer that is not read stalls, and after that nothing is read.
func TestPauseStallsTheSender(t *testing.T) {
	c := start(t, 1)
	conn, p := connect(t, c, func(p *peer) {
		p.Pause(true)
		p.receive = func([]byte) error { t.Error("a paused socket was read"); return nil }
	})
	sent, buf := 0, make([]byte, chunk)
	for sent < 64<<20 {
		conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := conn.Write(buf)
		sent += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if sent > 16<<20 {
		t.Errorf("the peer could send %d bytes", sent)
	}
	on(t, p.Loop(), func() {})
}

// A paused socket hears of a reset, but a FIN waits.
func TestPausedPeerGoes(t *testing.T) {
	c := start(t, 1)
	conn, p := connect(t, c, func(p *peer) { p.Pause(true) })
	reset(conn)
	if err := receive(t, p.lost); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after a reset: %v", err)
	}
	conn, p = connect(t, c, func(p *peer) { p.Pause(true) })
	conn.Close()
	on(t, p.Loop(), func() { p.Pause(false) })
	if err := receive(t, p.lost); err != io.EOF {
		t.Errorf("after a FIN: %v", err)
	}
	if n := c.Stats().Paused; n != 0 {
		t.Errorf("%d paused", n)
	}
}

func TestPeerGoes(t *testing.T) {
	bad := errors.New("bad")
	fill := func(p *peer) { p.Write([][]byte{make([]byte, big)}) }
	for _, tt := range []struct {
		name string
		do   func(p *peer) // on the loop
		peer func(*net.TCPConn)
		want error
	}{
		{"FIN", nil, func(c *net.TCPConn) { c.Close() }, io.EOF},
		{"half-close", nil, func(c *net.TCPConn) { c.CloseWrite() }, io.EOF},
		{"RST", nil, reset, syscall.ECONNRESET},
		{"half-close with backlog", fill, func(c *net.TCPConn) { c.CloseWrite() }, io.EOF},
		{"RST with backlog", fill, reset, syscall.ECONNRESET},
		{"Receive's error", func(p *peer) { p.receive = func([]byte) error { return bad } },
			func(c *net.TCPConn) { c.Write([]byte("x")) }, bad},
		{"Close and an error from Receive",
			func(p *peer) { p.receive = func([]byte) error { p.Close(limit); return bad } },
			func(c *net.TCPConn) { c.Write([]byte("x")) }, bad},
		{"Close from Receive", func(p *peer) { p.receive = func([]byte) error { p.Close(0); return nil } },
			func(c *net.TCPConn) { c.Write([]byte("x")) }, nil},
		{"Close at once", func(p *peer) { p.Close(0) }, nil, nil},
		{"Close at once, twice", func(p *peer) { p.Close(0); p.Close(0); p.Close(limit) }, nil, nil},
		{"Close at once when paused", func(p *peer) { p.Pause(true); p.Close(0) }, nil, nil},
		{"linger made shorter", func(p *peer) { fill(p); p.Close(limit); p.Close(time.Hour); p.Close(0) }, nil, nil},
		{"lingering, FIN", func(p *peer) { p.Close(limit) }, func(c *net.TCPConn) { c.Close() }, nil},
		{"lingering, RST", func(p *peer) { p.Close(limit) }, reset, syscall.ECONNRESET},
		{"lingering with backlog, RST", func(p *peer) { fill(p); p.Close(limit) }, reset, syscall.ECONNRESET},
		{"lingering with backlog, half-close, RST", func(p *peer) { fill(p); p.Close(limit) },
			func(c *net.TCPConn) { c.CloseWrite(); reset(c) }, syscall.EPIPE},
		{"linger over", func(p *peer) { p.Close(time.Millisecond) }, nil, os.ErrDeadlineExceeded},
		{"linger over, with backlog", func(p *peer) { fill(p); p.Close(time.Millisecond) }, nil, os.ErrDeadlineExceeded},
		{"linger over, with backlog and half-close", func(p *peer) { fill(p); p.Close(50 * time.Millisecond) },
			func(c *net.TCPConn) { c.CloseWrite() }, os.ErrDeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := start(t, 1)
			conn, p := connect(t, c, nil)
			if tt.do != nil {
				on(t, p.Loop(), func() { tt.do(p) })
			}
			if tt.peer != nil {
				tt.peer(conn)
			}
			if err := receive(t, p.lost); !errors.Is(err, tt.want) {
				t.Errorf("Lost: %v, want %v", err, tt.want)
			}
			on(t, p.Loop(), func() { // nothing may be done, or happen, any more
				if _, err := p.Write([][]byte{{1}}); err == nil {
					t.Error("Write after Lost")
				}
				p.Pause(true)
				p.Close(0)
				p.Close(limit)
			})
			stop(t, c)
			if s := c.Stats(); len(p.lost) != 0 || s.Open != 0 || s.Paused != 0 {
				t.Errorf("Lost again: %t; %+v", len(p.lost) > 0, s)
			}
		})
	}
}

// A peer that is gone before the loop hears of it is accepted and lost.
func TestPeerGoesBeforeOnOpen(t *testing.T) {
	c := start(t, 1)
	addr, peers := serve(t, c, func(p *peer) { p.Write([][]byte{[]byte("hello")}) })
	release := hold(t, c.loops[0])
	const n = 20
	for range n {
		reset(dial(t, addr))
	}
	release()
	for range n {
		p := receive(t, peers)
		if err := receive(t, p.lost); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("Lost: %v", err)
		}
	}
}

// A failed Write tells its error at once, and Lost the same, later.
func TestWriteFails(t *testing.T) {
	c := start(t, 1)
	conn, p := connect(t, c, func(p *peer) { p.Pause(true) })
	var failed error
	on(t, p.Loop(), func() {
		reset(conn)
		for failed == nil { // the reset takes its time
			_, failed = p.Write([][]byte{make([]byte, 100)})
			if len(p.lost) > 0 {
				t.Error("Lost was called inside Write")
			}
		}
		if _, again := p.Write([][]byte{{1}}); again != failed {
			t.Errorf("after %v, Write returns %v", failed, again)
		}
	})
	if err := receive(t, p.lost); err != failed || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("Lost: %v, Write: %v", err, failed)
	}
}

// All that was written arrives, then EOF, no matter that the client goes on
// sending, was paused, or half-closes first.
func TestLinger(t *testing.T) {
	for _, tt := range []struct {
		name       string
		backlog    bool
		sends      bool
		paused     bool
		halfCloses bool
	}{
		{name: "nothing waits"},
		{name: "backlog", backlog: true},
		{name: "the client sends", sends: true},
		{name: "backlog, and the client sends", backlog: true, sends: true},
		{name: "paused, and the client sends", sends: true, paused: true},
		{name: "half-closed", halfCloses: true},
		{name: "half-closed, backlog", backlog: true, halfCloses: true},
		{name: "half-closed, backlog, paused", backlog: true, halfCloses: true, paused: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := start(t, 1)
			received := 0
			conn, p := connect(t, c, func(p *peer) {
				p.receive = func(b []byte) error { received++; return nil }
				p.writable = func() { t.Error("Writable after Close") }
			})
			want := 1000
			if tt.backlog {
				want = big
			}
			on(t, p.Loop(), func() {
				p.Pause(tt.paused)
				p.Write([][]byte{make([]byte, want)})
				p.Close(limit)
				received = 0
				if _, err := p.Write([][]byte{{1}}); err != net.ErrClosed {
					t.Errorf("Write after Close: %v", err)
				}
			})
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				for range 100 {
					if !tt.sends {
						break
					}
					if _, err := conn.Write(make([]byte, chunk)); err != nil {
						t.Errorf("the client cannot send: %v", err)
					}
				}
				if tt.halfCloses {
					conn.CloseWrite()
					<-p.Loop().(*loop).idle(p, tt.backlog)
				}
			}()
			receive(t, sent)
			if n, err := discard(conn); n != int64(want) || err != nil {
				t.Errorf("got %d bytes and %v, want %d and EOF", n, err, want)
			}
			conn.Close()
			if err := receive(t, p.lost); err != nil {
				t.Errorf("Lost: %v", err)
			}
			if received != 0 {
				t.Error("Receive after Close")
			}
		})
	}
}

// idle is closed when gnet has let go of the socket, if it is to be detached.
func (l *loop) idle(p *peer, detached bool) <-chan struct{} {
	done := make(chan struct{})
	var look func()
	look = func() {
		if s := p.Socket.(*socket); !detached || s.conn == nil {
			close(done)
			return
		}
		l.Post(look)
	}
	l.Post(look)
	return done
}

// Close(0) resets, whatever waits.
func TestAbort(t *testing.T) {
	for _, backlog := range []int{0, 1000, big} {
		t.Run(fmt.Sprint("backlog ", backlog), func(t *testing.T) {
			c := start(t, 1)
			conn, p := connect(t, c, nil)
			on(t, p.Loop(), func() {
				p.Write([][]byte{make([]byte, backlog)})
				p.Close(0)
			})
			if err := receive(t, p.lost); err != nil {
				t.Errorf("Lost: %v", err)
			}
			if _, err := discard(conn); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the client sees %v", err)
			}
		})
	}
}

// Urgent data, which is among the events gnet asks for, does not have the loop
// spin, wherever in the stream it is.
func TestUrgentData(t *testing.T) {
	c := start(t, 1)
	var got []byte
	conn, p := connect(t, c, nil)
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	on(t, p.Loop(), func() { p.receive = func(b []byte) error { got = append(got, b...); return nil } })
	before := cpuTime(t)
	for i := range 10 {
		raw.Write(func(fd uintptr) bool { err = unix.Send(int(fd), []byte("ab!"), unix.MSG_OOB); return true })
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			conn.Write([]byte("c"))
		}
		time.Sleep(20 * time.Millisecond)
	}
	if spent := cpuTime(t) - before; spent > 100*time.Millisecond {
		t.Errorf("200 ms of urgent data cost %v of CPU", spent)
	}
	conn.Close()
	receive(t, p.lost)
	if want := strings.Repeat("abcab", 5); string(got) != want { // the urgent bytes are not in the stream
		t.Errorf("got %q, want %q", got, want)
	}
}
