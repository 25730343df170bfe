package main

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
)

// TestListeners serves on several addresses, IPv4 and IPv6.
func TestListeners(t *testing.T) {
	if ln, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skipf("this machine has no IPv6: %v", err)
	} else {
		ln.Close()
	}
	d := startDaemon(t, `{"listeners": [{"address": "127.0.0.1:0"}, {"address": "127.0.0.2:0"}, {"address": "[::1]:0"}],
		"services": {"echo": {"acl": {"policy": "deny", "exclude": ["127.0.0.0/8", "::1"]}}}}`, echoApp)
	for _, addr := range d.Addrs() {
		mustEcho(t, "ws://"+addr.String()+"/echo")
	}
}

// TestAccess has the server-wide list close a connection before a byte is
// sent, IPv4 and v4-mapped alike, and the others stay.
func TestAccess(t *testing.T) {
	d := startDaemon(t, `{"listeners": [{"address": "127.0.0.1:0"}, {"address": "[::]:0"}],
		"acl": {"policy": "allow", "exclude": ["127.0.0.2"]}, "services": {"echo": {}}}`, echoApp)
	_, port, err := net.SplitHostPort(d.Addrs()[1].String())
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{d.addr(), "127.0.0.1:" + port} {
		from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
		c, err := from.Dial("tcp", to)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, upgrade("/echo"))
		rest, err := io.ReadAll(c)
		if len(rest) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: %q, %v", to, rest, err)
		}
		mustEcho(t, "ws://"+to+"/echo")
	}
	if open := d.server.Open(); d.carrier.Stats().Refused != 2 {
		t.Errorf("%d open, %+v", open, d.carrier.Stats())
	}
}

// TestTooManyConnections refuses with 503 what is over limits.connections.
func TestTooManyConnections(t *testing.T) {
	d := startDaemon(t, `{"limits": {"connections": 2}, "timeouts": {"close_ms": 300}, "services": {"echo": {}}}`, echoApp)
	first, second := rawOpen(t, d.addr(), "/echo"), rawOpen(t, d.addr(), "/echo")
	if status := statusOf(t, d.addr(), upgrade("/echo")); status != 503 {
		t.Errorf("status %d, want 503", status)
	}
	first.Close()
	second.Close()
	eventually(t, "there is room again", func() bool { return d.server.Open() == 0 })
	mustEcho(t, d.url("/echo"))
}
