package secure_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"testing"

	"lapps/server"
	"lapps/server/epoll"
	"lapps/server/secure"
	"lapps/server/servertest"
)

// TestOverEpoll echoes over real sockets: more than they hold, to clients that
// send all of it before they read.
func TestOverEpoll(t *testing.T) {
	ca, dir := servertest.NewAuthority(t, "root"), t.TempDir()
	cert, key := ca.Issue(t, dir, "server", false, nil, nil, "example.com")
	keys, err := secure.Load(secure.Options{Certificates: []secure.Pair{{Cert: cert, Key: key}}})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	slots := secure.NewSlots(4, nil)
	layer := secure.New(secure.Config{Keys: keys, Slots: slots, Log: log})
	carrier, err := epoll.New(epoll.Config{Loops: 2, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	carrier.Listen(ln, nil, layer.Accept(func(s server.Socket) (server.Receiver, error) {
		return &echo{Socket: s}, nil
	}))
	const clients = 20
	sent := bytes.Repeat([]byte("0123456789abcdefghijklmnopqrs"), 30_000)
	failed := make(chan error, clients)
	for range clients {
		go func() { failed <- echoAll(ln.Addr().String(), ca, sent) }()
	}
	for range clients {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if s := layer.Stats(); s.Completed != clients {
		t.Errorf("%+v", s)
	}
	if err := carrier.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if err := layer.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if shaking, waiting := slots.Len(); shaking+waiting != 0 {
		t.Errorf("%d handshakes are left, and %d wait", shaking, waiting)
	}
}

// echoAll sends and reads at once, and closes as one should.
func echoAll(addr string, ca *servertest.Authority, sent []byte) error {
	c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: ca.Pool(), ServerName: "example.com"})
	if err != nil {
		return err
	}
	defer c.Close()
	wrote := make(chan error, 1)
	go func() { _, err := c.Write(sent); wrote <- err }()
	got := make([]byte, len(sent))
	_, err = io.ReadFull(c, got)
	if err := <-wrote; err != nil {
		return err
	}
	switch {
	case err != nil:
		return err
	case !bytes.Equal(got, sent):
		return io.ErrNoProgress
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	if _, err = c.Read(got); err == io.EOF {
		err = nil
	}
	return err
}
