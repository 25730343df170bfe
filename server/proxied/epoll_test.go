package proxied

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"

	"lapps/server"
	"lapps/server/epoll"
)

// A speaker tells its peer who that is, and repeats what it hears.
type speaker struct{ server.Socket }

func (s speaker) Receive(p []byte) error {
	_, err := s.Write([][]byte{[]byte(s.RemoteAddr().String() + " "), p})
	return err
}

func (speaker) Writable()  {}
func (speaker) Lost(error) {}

// listenEpoll listens for real sockets.
func listenEpoll(t *testing.T, l *Layer) (addr string) {
	t.Helper()
	carrier, err := epoll.New(epoll.Config{Loops: 2, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := carrier.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	carrier.Listen(ln, nil, l.Accept(func(s server.Socket) (server.Receiver, error) { return speaker{s}, nil }))
	return ln.Addr().String()
}

func dialEpoll(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { c.Close() })
	return c
}

func heard(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Errorf("heard %q, %v, want %q", got[:n], err, want)
	}
}

// TestEpoll has another implementation write headers to real sockets.
func TestEpoll(t *testing.T) {
	trusting := listenEpoll(t, &Layer{
		Required: true,
		Trusted:  netip.MustParsePrefix("127.0.0.0/8").Contains,
		Timeout:  time.Minute,
	})
	for _, address := range []string{"203.0.113.7:56324", "[2001:db8::7]:56324"} {
		client := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))
		for version := range byte(2) {
			c := dialEpoll(t, trusting)
			if _, err := proxyproto.HeaderProxyFromAddrs(version+1, client, client).WriteTo(c); err != nil {
				t.Fatal(err)
			}
			io.WriteString(c, "hello")
			heard(t, c, address+" hello")
		}
	}
	c := dialEpoll(t, trusting)
	for i := range line4 {
		io.WriteString(c, line4[i:i+1])
	}
	io.WriteString(c, "hello")
	heard(t, c, client4+" hello")

	c = dialEpoll(t, trusting)
	io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
	if got, err := io.ReadAll(c); len(got) > 0 || err == nil {
		t.Errorf("no header: read %q, %v", got, err)
	}

	strict := listenEpoll(t, &Layer{Required: true})
	c, err := net.Dial("tcp", strict) // the reset may be here before Dial has returned
	if err == nil {
		defer c.Close()
		_, err = io.ReadAll(c)
	}
	if err == nil {
		t.Error("let in without trust")
	}

	c = dialEpoll(t, listenEpoll(t, &Layer{}))
	io.WriteString(c, line4)
	heard(t, c, c.LocalAddr().String()+" "+line4)
}
