package epoll

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"

	"lapps/server"
)

// attach opens a connection to a listener, and has the carrier carry our end of it.
func attach(t *testing.T, c *Carrier, setUp func(*peer)) (far *net.TCPConn, p *peer) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	near := dial(t, ln.Addr().String())
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := c.Attach(near, func(s server.Socket) (server.Receiver, error) {
		p = &peer{Socket: s, lost: make(chan error, 1)}
		if setUp != nil {
			setUp(p)
		}
		return p, nil
	}); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn), p
}

// TestAttach has a connection of our own carried as an accepted one is.
func TestAttach(t *testing.T) {
	c := start(t, 2)
	received := make(chan string, 10)
	far, p := attach(t, c, func(p *peer) { p.receive = func(b []byte) error { received <- string(b); return nil } })
	if got, want := p.RemoteAddr().String(), far.LocalAddr().String(); got != want {
		t.Errorf("RemoteAddr: %s, want %s", got, want)
	}
	if _, err := io.WriteString(far, "hello"); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, received); got != "hello" {
		t.Errorf("received %q", got)
	}
	on(t, p.Loop(), func() {
		if _, err := p.Write([][]byte{[]byte("world")}); err != nil {
			t.Error(err)
		}
		p.Close(limit)
	})
	if got, err := io.ReadAll(far); string(got) != "world" || err != nil {
		t.Errorf("the other end received %q, %v", got, err)
	}
	far.Close()
	if err := receive(t, p.lost); err != nil {
		t.Error(err)
	}
	eventually(t, "nothing is open", func() bool { return c.Stats().Open == 0 })
}

// TestAttachWhatIsClosed has connections whose peers have gone meanwhile.
func TestAttachWhatIsClosed(t *testing.T) {
	c := start(t, 1)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, close := range []func(far *net.TCPConn){func(far *net.TCPConn) { far.Close() }, reset} {
		near := dial(t, ln.Addr().String())
		far, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		close(far.(*net.TCPConn))
		lost := make(chan error, 1)
		err = c.Attach(near, func(s server.Socket) (server.Receiver, error) { return &peer{Socket: s, lost: lost}, nil })
		if err == nil { // it has seen nothing of it yet
			err = receive(t, lost)
		}
		if err == nil {
			t.Error("no error")
		}
	}
}

// TestAttachRefused: the acceptor's own errors are not Attach's, and all others close the
// connection.
func TestAttachRefused(t *testing.T) {
	c := start(t, 1)
	before := descriptors(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(server.Socket) (server.Receiver, error) { return nil, os.ErrPermission }
	if err := c.Attach(dial(t, ln.Addr().String()), refuse); err != nil {
		t.Error(err)
	}
	near, far := net.Pipe()
	defer far.Close()
	if err := c.Attach(near, refuse); err == nil || err.Error() != "epoll: attach: want a *net.TCPConn or *net.UnixConn, not a *net.pipe" {
		t.Error(err)
	}
	c.StopAccepting()
	if err := c.Attach(dial(t, ln.Addr().String()), refuse); !errors.Is(err, ErrStopped) {
		t.Error(err)
	}
	ln.Close()
	eventually(t, "all descriptors are closed", func() bool { return descriptors(t) <= before })
}
