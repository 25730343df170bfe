package server_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"lapps/server"
	"lapps/services"
)

// behind makes l one behind the proxies 10.0.0.0/8, hops of them in a row.
func behind(t *testing.T, l *server.Listener, hops int) {
	l.Trusted = list(t, "deny", "10.0.0.0/8")
	l.ForwardedHops = hops
	l.ForwardedHeader = "X-Forwarded-For"
}

// TestForwarded has the service told whose connection it is. Who is not a
// trusted proxy may write what he likes.
func TestForwarded(t *testing.T) {
	for _, c := range []struct {
		name, from string
		hops       int
		line, want string
	}{
		{"a proxy", "10.0.0.1", 1, "X-Forwarded-For: 198.51.100.1", "198.51.100.1:0"},
		{"IPv6", "10.0.0.1", 1, "X-Forwarded-For: 2001:db8::1", "[2001:db8::1]:0"},
		{"the client lies to the proxy", "10.0.0.1", 1, "X-Forwarded-For: 127.0.0.1, 198.51.100.1", "198.51.100.1:0"},
		{"two proxies", "10.0.0.1", 2, "X-Forwarded-For: 198.51.100.1, 10.0.0.2", "198.51.100.1:0"},
		{"one where two might be", "10.0.0.1", 2, "X-Forwarded-For: 127.0.0.1, 198.51.100.1", "198.51.100.1:0"},
		{"for itself", "10.0.0.1", 1, "X: x", "10.0.0.1:1"},
		{"another header", "10.0.0.1", 1, "Forwarded: for=198.51.100.1", "10.0.0.1:1"},
		{"not read", "10.0.0.1", 0, "X-Forwarded-For: 198.51.100.1", "10.0.0.1:1"},
		{"not trusted", someone, 1, "X-Forwarded-For: 198.51.100.1", someone + ":1"},
		{"not trusted, malformed", someone, 1, "X-Forwarded-For: nonsense", someone + ":1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			admit(t, func(l *server.Listener, _ *services.Config) { behind(t, l, c.hops) }, func(t *testing.T, w *world, _ *server.Listener) {
				p := w.ask(t, c.from, "", c.line)
				p.status("101")
				p.expect(0x81, c.want+" nil nil")
			})
		})
	}
}

// TestForwardedMalformed refuses what a trusted proxy should not write.
func TestForwardedMalformed(t *testing.T) {
	admit(t, func(l *server.Listener, _ *services.Config) { behind(t, l, 1) }, func(t *testing.T, w *world, _ *server.Listener) {
		w.ask(t, "10.0.0.1", "", "X-Forwarded-For: 198.51.100.1, nonsense").status("400")
		w.ask(t, "10.0.0.1", "", "X-Forwarded-For: nonsense, 198.51.100.1").status("101")
	})
}

// TestForwardedAccess asks the ACLs about the client, and lets proxies
// connect for others.
func TestForwardedAccess(t *testing.T) {
	admitBy(unencrypted, t, func(l *server.Listener, c *services.Config) {
		behind(t, l, 1)
		l.Server.Access = list(t, "deny", "198.51.100.0/24", "203.0.113.0/24")
		c.Access = list(t, "allow", "203.0.113.0/24")
	}, func(t *testing.T, w *world, l *server.Listener) {
		if !l.Admit(netip.MustParseAddrPort("10.0.0.1:1")) || l.Admit(netip.MustParseAddrPort("192.0.2.1:1")) {
			t.Error("a proxy must be let in, and others as Server.Access says")
		}
		for client, status := range map[string]string{
			"198.51.100.1": "101",
			"203.0.113.1":  "403", // by the service
			"192.0.2.1":    "403", // by the server
			"10.0.0.3":     "403", // a client in the proxies' net
		} {
			w.ask(t, "10.0.0.1", "", "X-Forwarded-For: "+client).status(status)
		}
		w.ask(t, "10.0.0.1", "").status("403")                                      // for itself
		w.ask(t, someone, "", "X-Forwarded-For: 198.51.100.1").status("403")        // told at once
		w.ask(t, "198.51.100.1", "", "X-Forwarded-For: "+someone).status("101")     // is who he is
		w.dialFrom(t, someone).status("403", "Connection: close")                   // before any request
		if log := w.log.String(); strings.Contains(log, "remote_addr=10.0.0.1:0") { // the client's are logged
			t.Error(log)
		}
	})
}

// TestForwardedPrefix counts the connections of clients, not of proxies.
func TestForwardedPrefix(t *testing.T) {
	admitBy(unencrypted, t, func(l *server.Listener, _ *services.Config) {
		behind(t, l, 1)
		l.Server.Limits.PerPrefix = 2
	}, func(t *testing.T, w *world, _ *server.Listener) {
		for range 3 {
			w.dialFrom(t, "10.0.0.1") // whose is it?
		}
		for _, c := range []struct{ from, client, status string }{
			{"10.0.0.1", "198.51.100.1", "101"},
			{"10.0.0.2", "198.51.100.1", "101"},
			{"10.0.0.1", "198.51.100.1", "429"},
			{"198.51.100.1", "203.0.113.9", "429"}, // it is the same one
			{"10.0.0.1", "198.51.100.2", "101"},
			{"203.0.113.1", "198.51.100.1", "101"},
			{"203.0.113.1", "198.51.100.2", "101"},
			{"203.0.113.1", "198.51.100.3", "429"},
		} {
			w.ask(t, c.from, "", "X-Forwarded-For: "+c.client).status(c.status)
		}
		w.exceeded(t, map[server.Limit]uint64{server.LimitPrefix: 3})
	})
}

// A proxiedSocket has another address than the one that was admitted, as
// behind a PROXY header.
type proxiedSocket struct {
	server.Socket
	addr netip.AddrPort
}

func (s proxiedSocket) RemoteAddr() netip.AddrPort { return s.addr }

// TestProxiedAccess asks the server's ACL about the address that the
// connection has when it is accepted, and counts that.
func TestProxiedAccess(t *testing.T) {
	var client string
	admitBy(unstacked, t, func(l *server.Listener, _ *services.Config) {
		l.Trusted = list(t, "deny", "10.0.0.0/8")
		l.Server.Access = list(t, "allow", someone, "10.66.0.0/16")
		l.Server.Limits.PerPrefix = 1
	}, func(t *testing.T, w *world, l *server.Listener) {
		w.carrier.Accept = func(s server.Socket) (server.Receiver, error) {
			return l.Accept(proxiedSocket{s, netip.MustParseAddrPort(client)})
		}
		for _, c := range []struct{ client, status string }{
			{someone + ":1", "403"},
			{"10.66.0.1:1", "403"},
			{"198.51.100.1:1", "101"},
			{"198.51.100.1:2", "429"},
			{"198.51.100.2:1", "101"},
		} {
			client = c.client
			p := w.ask(t, "10.0.0.1", "", "X-Forwarded-For: 198.51.100.9")
			p.status(c.status)
			if c.status == "101" {
				p.expect(0x81, c.client+" nil nil")
			}
		}
	})
}

// A certifiedSocket knows its peer's certificate.
type certifiedSocket struct {
	server.Socket
	cert *x509.Certificate
}

func (s certifiedSocket) PeerCertificate() *x509.Certificate { return s.cert }

var _ server.Certified = certifiedSocket{}

// TestCertificate has the service told the certificate, if there is one.
func TestCertificate(t *testing.T) {
	admitBy(unstacked, t, func(*server.Listener, *services.Config) {}, func(t *testing.T, w *world, l *server.Listener) {
		for _, c := range []struct {
			cert *x509.Certificate
			want string
		}{
			{nil, "192.0.2.1:1 nil nil"},
			{&x509.Certificate{Subject: pkix.Name{CommonName: "Ann"}, SerialNumber: big.NewInt(1)}, "192.0.2.1:2 nil CN=Ann"},
		} {
			w.carrier.Accept = func(s server.Socket) (server.Receiver, error) { return l.Accept(certifiedSocket{s, c.cert}) }
			p := w.ask(t, someone, "")
			p.status("101")
			p.expect(0x81, c.want)
			synctest.Wait()
		}
	})
}
