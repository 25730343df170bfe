package server_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"testing"
	"testing/fstest"

	"lapps/server"
	"lapps/services"
)

// infoLua tells a peer, when it asks, what ws:info says of it, and of another one.
const infoLua = `return {onMessage = function(h, op, m)
	local i = ws:info(m == "me" and h or tonumber(m))
	local c = i.certificate
	return ws:send(h, op, i.remote_addr .. " " .. tostring(i.subprotocol) .. " " .. tostring(c and c.common_name) .. " " .. tostring(i.tls))
end}`

// TestInfo has a service told whose connections they are, long after the opening
// handshake, over each stack, and where a proxy names the client.
func TestInfo(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"without a proxy", "Sec-WebSocket-Protocol: v1", "10.0.0.1:1 v1 nil"},
		{"for a client", "X-Forwarded-For: 198.51.100.1", "198.51.100.1:0 nil nil"},
	} {
		t.Run(c.name, func(t *testing.T) {
			admit(t, func(l *server.Listener, config *services.Config) {
				config.Files = fstest.MapFS{"test.lua": {Data: []byte(infoLua)}}
				config.Subprotocols = []string{"v0", "v1"}
				behind(t, l, 1)
			}, func(t *testing.T, w *world, _ *server.Listener) {
				p := w.ask(t, "10.0.0.1", "", c.line)
				p.status("101")
				want := fmt.Sprintf("%s %v", c.want, w.stack.encrypted)
				p.send("me")
				p.expect(0x81, want)
				other := w.ask(t, "10.0.0.2", "")
				other.status("101")
				other.send("1")
				other.expect(0x81, want)
			})
		})
	}
}

// TestInfoCertificate has a service told the certificate again.
func TestInfoCertificate(t *testing.T) {
	admitBy(unstacked, t, func(l *server.Listener, config *services.Config) {
		config.Files = fstest.MapFS{"test.lua": {Data: []byte(infoLua)}}
		behind(t, l, 1)
	}, func(t *testing.T, w *world, l *server.Listener) {
		cert := &x509.Certificate{Subject: pkix.Name{CommonName: "Ann"}, SerialNumber: big.NewInt(1)}
		w.carrier.Accept = func(s server.Socket) (server.Receiver, error) { return l.Accept(certifiedSocket{s, cert}) }
		for _, c := range []struct{ line, want string }{
			{"X: x", "10.0.0.1:1 nil Ann true"},
			{"X-Forwarded-For: 198.51.100.1", "198.51.100.1:0 nil Ann true"},
		} {
			p := w.ask(t, "10.0.0.1", "", c.line)
			p.status("101")
			p.send("me")
			p.expect(0x81, c.want)
		}
	})
}
