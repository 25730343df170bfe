package secure_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"lapps/server"
	"lapps/server/epoll"
	"lapps/server/secure"
	"lapps/server/servertest"
)

// A sender is a client's Receiver: it sends, once that is possible, and gathers what comes back.
type sender struct {
	server.Socket
	out     []byte
	backlog int
	got     []byte
	want    int
	done    chan error
}

func (s *sender) Secured() { s.send() }

func (s *sender) send() {
	for s.backlog == 0 && len(s.out) > 0 {
		n := min(len(s.out), 64<<10)
		backlog, err := s.Write([][]byte{s.out[:n]})
		if err != nil {
			return
		}
		s.backlog, s.out = backlog, s.out[n:]
	}
}

func (s *sender) Receive(p []byte) error {
	if s.got = append(s.got, p...); len(s.got) == s.want {
		s.Close(time.Minute)
	}
	return nil
}

func (s *sender) Writable()      { s.backlog = 0; s.send() }
func (s *sender) Lost(err error) { s.done <- err }

// TestConnect has connections that we open speak with crypto/tls.
func TestConnect(t *testing.T) {
	ca, other := servertest.NewAuthority(t, "root"), servertest.NewAuthority(t, "other")
	cert, key := ca.Issue(t, t.TempDir(), "server", false, nil, nil, "example.com")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	layer := secure.New(secure.Config{Log: log})
	carrier, err := epoll.New(epoll.Config{Loops: 1, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		version uint16
		server  string
		by      *servertest.Authority
		want    string // of the error
	}{
		{"TLS 1.3", tls.VersionTLS13, "example.com", ca, ""},
		{"TLS 1.2", tls.VersionTLS12, "example.com.", ca, ""},
		{"TLS 1.1", tls.VersionTLS11, "example.com", ca, "protocol version not supported"},
		{"another name", 0, "example.org", ca, "certificate is valid for example.com, not example.org"},
		{"another authority", 0, "example.com", other, "certificate signed by unknown authority"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS10, MaxVersion: c.version})
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			echoed := make(chan struct{})
			go func() {
				defer close(echoed)
				conn, err := ln.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				_, _ = io.Copy(conn, conn) // how it ends the client says
			}()
			sent := bytes.Repeat([]byte("0123456789abcdefghijklmnopqrs"), 30_000)
			s := &sender{out: bytes.Clone(sent), want: len(sent), done: make(chan error, 1)}
			conn, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			err = carrier.Attach(conn, layer.Connect(secure.ClientConfig(c.server, c.by.Pool()), func(sock server.Socket) (server.Receiver, error) {
				s.Socket = sock
				return s, nil
			}))
			if err != nil {
				t.Fatal(err)
			}
			err = <-s.done
			<-echoed
			switch {
			case c.want == "" && (err != nil || !bytes.Equal(s.got, sent)):
				t.Errorf("%d bytes came back of %d, %v", len(s.got), len(sent), err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
	if s := layer.Stats(); s.Completed != 2 || s.Failed != 3 {
		t.Errorf("%+v", s)
	}
	if err := carrier.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if err := layer.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestConnectClosed has connections that their Receiver closes before there is a handshake.
func TestConnectClosed(t *testing.T) {
	layer := secure.New(secure.Config{Log: slog.New(slog.DiscardHandler)})
	carrier, err := epoll.New(epoll.Config{Loops: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := &sender{done: make(chan error, 1)}
	if err := carrier.Attach(conn, layer.Connect(secure.ClientConfig("x", nil), func(sock server.Socket) (server.Receiver, error) {
		s.Socket = sock
		sock.Close(0)
		return s, nil
	})); err != nil {
		t.Fatal(err)
	}
	if err := <-s.done; err != nil {
		t.Error(err)
	}
	if err := carrier.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if err := layer.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}
