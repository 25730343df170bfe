package server_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lapps/server"
	"lapps/server/proxied"
	"lapps/server/secure"
	"lapps/server/servertest"
)

// A stack is what lies between the server and the carrier in memory. Every test
// that open runs, it runs over each.
type stack struct {
	name      string
	proxied   bool // a proxy names the client
	encrypted bool
}

var stacks = []stack{
	{name: "plain"},
	{name: "proxied", proxied: true},
	{name: "encrypted", encrypted: true},
	{name: "proxied, encrypted", proxied: true, encrypted: true},
}

// proxy is the address of the proxy.
var proxy = netip.MustParseAddr("192.0.2.250")

// pair is the certificate of all encrypted stacks; trusts, what its clients do.
var (
	pair   secure.Pair
	trusts *tls.Config
)

// makePair makes the pair, once for all tests.
func makePair(t *testing.T) {
	t.Helper()
	if trusts != nil {
		return
	}
	dir, err := os.MkdirTemp("", "lapps")
	if err != nil {
		t.Fatal(err)
	}
	ca := servertest.NewAuthority(t, "root")
	pair.Cert, pair.Key = ca.Issue(t, dir, "server", false, nil, nil, "localhost")
	trusts = &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		if trusts != nil {
			os.RemoveAll(filepath.Dir(pair.Cert))
		}
		os.Exit(status)
	}))
}

// stacked puts what the stack has between next and the carrier.
func (w *world) stacked(next server.Acceptor) server.Acceptor {
	if w.stack.encrypted {
		next = w.layer.Accept(next)
	}
	if w.stack.proxied {
		layer := &proxied.Layer{Required: true, Trusted: func(a netip.Addr) bool { return a == proxy }}
		next = layer.Accept(next)
	}
	return next
}

// raise makes what the world's stack needs.
func (w *world) raise(t *testing.T) {
	t.Helper()
	if w.stack.encrypted {
		keys, err := secure.Load(secure.Options{Certificates: []secure.Pair{pair}, Tickets: true})
		if err != nil {
			t.Fatal(err)
		}
		w.layer = secure.New(secure.Config{Keys: keys})
	}
	w.carrier.Accept = w.stacked(w.carrier.Accept)
}

// raze is the end of it.
func (w *world) raze(t *testing.T) {
	t.Helper()
	if w.layer != nil {
		if err := w.layer.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// connect is the carrier's DialFrom, through the stack. A TLS handshake that
// fails is an error.
func (w *world) connect(from netip.Addr) (net.Conn, error) {
	at := from
	if w.stack.proxied {
		at = proxy
	}
	raw, err := w.carrier.DialFrom(at)
	if err != nil {
		return nil, err
	}
	c := &clientConn{Conn: raw, raw: raw, addr: raw.LocalAddr()}
	if w.stack.proxied {
		client := netip.AddrPortFrom(from, raw.LocalAddr().(*net.TCPAddr).AddrPort().Port())
		c.addr = net.TCPAddrFromAddrPort(client)
		if _, err := raw.Write(proxyHeader(client)); err != nil {
			raw.Close()
			return nil, err
		}
	}
	if w.stack.encrypted {
		encrypted := tls.Client(raw, trusts)
		if err := encrypted.Handshake(); err != nil {
			raw.Close()
			return nil, fmt.Errorf("TLS handshake: %w", err)
		}
		c.Conn = encrypted
		time.Sleep(time.Nanosecond) // for the server's end of it: what clients send from now on comes in order
	}
	return c, nil
}

// proxyHeader is a PROXY header, version 2, for client.
func proxyHeader(client netip.AddrPort) []byte {
	b := []byte("\r\n\r\n\x00\r\nQUIT\n\x21")
	addr := client.Addr().AsSlice()
	server := make([]byte, len(addr))
	b = append(b, map[int]byte{4: 0x11, 16: 0x21}[len(addr)])
	b = binary.BigEndian.AppendUint16(b, uint16(2*len(addr)+4))
	b = append(append(b, addr...), server...)
	b = binary.BigEndian.AppendUint16(b, client.Port())
	return binary.BigEndian.AppendUint16(b, 443)
}

// A clientConn is a client's end of a stack.
type clientConn struct {
	net.Conn
	raw  net.Conn
	addr net.Addr
}

func (c *clientConn) LocalAddr() net.Addr { return c.addr }

// CloseWrite says close_notify, if that is spoken, and half-closes.
func (c *clientConn) CloseWrite() error {
	if encrypted, ok := c.Conn.(*tls.Conn); ok {
		encrypted.CloseWrite()
	}
	return c.raw.(interface{ CloseWrite() error }).CloseWrite()
}

// Reset aborts the connection.
func (c *clientConn) Reset() { c.raw.(interface{ Reset() }).Reset() }

// Close closes as a client that is in a hurry: without close_notify.
func (c *clientConn) Close() error { return c.raw.Close() }
