package epoll

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"path/filepath"
	"syscall"
	"testing"

	"lapps/server"
)

func TestEcho(t *testing.T) {
	c := start(t, 2)
	addr := listen(t, c, newEcho)
	for _, tt := range []struct {
		name string
		size int
		slow bool // nothing is read before all is written, as far as that goes
	}{
		{"1 byte", 1, false},
		{"a slice", chunk, false},
		{"a slice and a byte", chunk + 1, false},
		{"1 MB", 1 << 20, false},
		{"16 MB", 16 << 20, false},
		{"64 MB, slow reader", 64 << 20, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := dial(t, addr)
			sent := make([]byte, tt.size)
			rand.NewChaCha8([32]byte{}).Read(sent)
			go func() {
				for rest := sent; len(rest) > 0; {
					n := min(len(rest), 1<<20)
					conn.Write(rest[:n])
					rest = rest[n:]
				}
			}()
			if tt.slow {
				before := c.Stats().Paused
				eventually(t, "the echo does not pause", func() bool { return c.Stats().Paused > before })
			}
			got := make([]byte, tt.size)
			if _, err := io.ReadFull(conn, got); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, sent) {
				t.Fatal("what came back is not what was sent")
			}
		})
	}
}

// Many slices, empty ones among them, more than one system call takes.
func TestWriteManySlices(t *testing.T) {
	c := start(t, 1)
	conn, p := connect(t, c, nil)
	var slices [][]byte
	for i := range 1000 {
		slices = append(slices, bytes.Repeat([]byte{byte(i)}, i%5*20), nil, []byte{})
	}
	want := bytes.Join(slices, nil)
	on(t, p.Loop(), func() {
		if backlog, err := p.Write(slices); backlog != 0 || err != nil {
			t.Errorf("got %d, %v", backlog, err)
		}
		if backlog, err := p.Write(nil); backlog != 0 || err != nil {
			t.Errorf("nothing: got %d, %v", backlog, err)
		}
		if backlog, err := p.Write([][]byte{nil}); backlog != 0 || err != nil {
			t.Errorf("an empty slice: got %d, %v", backlog, err)
		}
	})
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("something else came: %v", err)
	}
}

// What Write cannot send it copies, also when it cuts a slice in two, and a
// second Write goes behind it.
func TestBacklog(t *testing.T) {
	c := start(t, 1)
	writable := make(chan struct{}, 1)
	conn, p := connect(t, c, func(p *peer) { p.writable = func() { writable <- struct{}{} } })
	data := make([]byte, 12<<20)
	rand.NewChaCha8([32]byte{1}).Read(data)
	want := bytes.Clone(data)
	on(t, p.Loop(), func() {
		var slices [][]byte
		for rest := data[:len(data)-5]; len(rest) > 0; {
			n := min(len(rest), 99_991)
			slices = append(slices, rest[:n])
			rest = rest[n:]
		}
		backlog, err := p.Write(slices)
		if backlog == 0 || err != nil {
			t.Fatalf("got %d, %v", backlog, err)
		}
		if got, err := p.Write([][]byte{data[len(data)-5:]}); got != backlog+5 || err != nil {
			t.Errorf("got %d, %v, want %d", got, err, backlog+5)
		}
		clear(data)
	})
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("something else came: %v", err)
	}
	receive(t, writable)
	if n := c.Stats().BytesWritten; n != uint64(len(want)) {
		t.Errorf("BytesWritten: %d, want %d", n, len(want))
	}
}

func TestRemoteAddr(t *testing.T) {
	for _, tt := range []struct{ name, listen, dial string }{
		{"IPv4", "127.0.0.1:0", "127.0.0.1"},
		{"IPv6", "[::1]:0", "::1"},
		{"IPv4 on IPv6", "[::]:0", "127.0.0.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := start(t, 1)
			ln, err := net.Listen("tcp", tt.listen)
			if err != nil {
				t.Skip(err)
			}
			admitted := make(chan netip.AddrPort, 1)
			accepted := make(chan netip.AddrPort, 1)
			c.Listen(ln, func(a netip.AddrPort) bool { admitted <- a; return true },
				func(s server.Socket) (server.Receiver, error) {
					accepted <- s.RemoteAddr()
					return newEcho(s)
				})
			_, port, _ := net.SplitHostPort(ln.Addr().String())
			conn := dial(t, net.JoinHostPort(tt.dial, port))
			want := netip.MustParseAddrPort(conn.LocalAddr().String())
			if got := receive(t, admitted); got != want {
				t.Errorf("admit was asked about %v, want %v", got, want)
			}
			if got := receive(t, accepted); got != want {
				t.Errorf("RemoteAddr: %v, want %v", got, want)
			}
		})
	}
}

func TestUnixListener(t *testing.T) {
	c := start(t, 1)
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Listen(ln, func(a netip.AddrPort) bool { return a == netip.AddrPort{} }, newEcho)
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write([]byte("hello"))
	got := make([]byte, 5)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAdmit(t *testing.T) {
	c := start(t, 1)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	c.Listen(ln, func(netip.AddrPort) bool { n++; return n%2 == 0 }, newEcho)
	for i := range 10 {
		conn := dial(t, ln.Addr().String())
		conn.Write([]byte("x"))
		_, err := io.ReadFull(conn, make([]byte, 1))
		if letIn := err == nil; letIn != (i%2 == 1) {
			t.Errorf("connection %d: %v", i, err)
		}
	}
	if s := c.Stats(); s.Refused != 5 || s.Accepted != 5 {
		t.Errorf("got %d refused and %d accepted, want 5 and 5", s.Refused, s.Accepted)
	}
}

func TestAcceptorError(t *testing.T) {
	c := start(t, 1)
	lost := make(chan error, 1)
	addr := listen(t, c, func(s server.Socket) (server.Receiver, error) {
		s.Write([][]byte{[]byte("x")})
		return &peer{Socket: s, lost: lost}, errors.New("no")
	})
	conn, err := net.Dial("tcp", addr) // the reset may be here before Dial has returned
	if err == nil {
		defer conn.Close()
		_, err = io.Copy(io.Discard, conn)
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset", err)
	}
	eventually(t, "still open", func() bool { s := c.Stats(); return s.Accepted == 1 && s.Open == 0 })
	stop(t, c)
	if len(lost) > 0 {
		t.Error("Lost was called")
	}
}

// Everything that a Receiver may do, done while it is being accepted.
func TestAcceptorUsesSocket(t *testing.T) {
	c := start(t, 1)
	lost := make(chan error, 1)
	addr := listen(t, c, func(s server.Socket) (server.Receiver, error) {
		s.Pause(true)
		s.Pause(false)
		s.Write([][]byte{[]byte("hello")})
		s.Close(limit)
		return &peer{Socket: s, lost: lost}, nil
	})
	conn := dial(t, addr)
	got, err := io.ReadAll(conn)
	if string(got) != "hello" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	conn.Close()
	if err := receive(t, lost); err != nil {
		t.Errorf("Lost: %v", err)
	}
}

func TestConfig(t *testing.T) {
	_, err := New(Config{Loops: -1})
	if err == nil || err.Error() != "epoll: Config.Loops: must be 0 or more, not -1" {
		t.Errorf("got %v", err)
	}
	c := start(t, 0)
	if len(c.Loops()) < 1 {
		t.Error("no loops")
	}
}

func TestTwoCarriers(t *testing.T) {
	for _, c := range []*Carrier{start(t, 2), start(t, 3)} {
		addr := listen(t, c, newEcho)
		for range 12 {
			conn := dial(t, addr)
			conn.Write([]byte("hello"))
			if _, err := io.ReadFull(conn, make([]byte, 5)); err != nil {
				t.Error(err)
			}
		}
		for i, l := range c.loops {
			if n := l.stats.accepted.Load(); n != uint64(12/len(c.loops)) {
				t.Errorf("loop %d of %d has %d connections of 12", i, len(c.loops), n)
			}
		}
	}
}
