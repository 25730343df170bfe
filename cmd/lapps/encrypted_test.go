package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"

	"lapps/server/servertest"
)

// trusting are clients of this TLS configuration, by the library's name.
func trusting(cfg *tls.Config) map[string]func(t testing.TB, url string) client {
	return map[string]func(t testing.TB, url string) client{
		"coder": func(t testing.TB, url string) client {
			t.Helper()
			transport := &http.Transport{TLSClientConfig: cfg.Clone()}
			t.Cleanup(transport.CloseIdleConnections)
			c, _, err := coder.Dial(patience(t), url, &coder.DialOptions{HTTPClient: &http.Client{Transport: transport}})
			if err != nil {
				t.Fatal(err)
			}
			c.SetReadLimit(64 << 20)
			t.Cleanup(func() { c.CloseNow() })
			return &coderClient{c}
		},
		"gorilla": func(t testing.TB, url string) client {
			t.Helper()
			d := gorilla.Dialer{TLSClientConfig: cfg.Clone()}
			c, _, err := d.DialContext(patience(t), url, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			return &gorillaClient{c}
		},
	}
}

// shakenHands is a TLS connection to addr.
func shakenHands(t testing.TB, addr string, cfg *tls.Config) *tls.Conn {
	t.Helper()
	d := tls.Dialer{Config: cfg}
	c, err := d.DialContext(patience(t), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*tls.Conn)
}

// TestEncrypted echoes over either version, with either kind of key.
func TestEncrypted(t *testing.T) {
	for _, key := range []string{"--rsa=false", "--rsa"} {
		certFile, keyFile := makeCert(t, key)
		d := startDaemon(t, encrypted(certFile, keyFile), echoApp)
		if d.logged.count(`"msg":"listening","address":"`+d.addr()+`","scheme":"wss"`) != 1 {
			t.Errorf("the address and wss are not logged: %s", d.logged)
		}
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			cfg := &tls.Config{RootCAs: trust(t, certFile), MinVersion: version, MaxVersion: version}
			for name, dial := range trusting(cfg) {
				c := dial(t, "wss://"+d.addr()+"/echo")
				for _, size := range []int{0, 1, 125, 70_000} {
					message := []byte(strings.Repeat("x", size))
					c.send(t, true, message)
					mustReceive(t, c, true, message)
				}
				c.close(t)
				if t.Failed() {
					t.Fatalf("%s, %s, version %x", key, name, version)
				}
			}
		}
	}
}

// TestSwapKeepsConnections has what is open go on when the certificate changes.
func TestSwapKeepsConnections(t *testing.T) {
	cert, key := makeCert(t)
	d := startDaemon(t, encrypted(cert, key), echoApp)
	url, old := "wss://"+d.addr()+"/echo", trust(t, cert)
	var open []client
	for _, dial := range trusting(&tls.Config{RootCAs: old}) {
		open = append(open, dial(t, url))
	}
	replace(t, cert, key)
	eventually(t, "the new certificate is served", func() bool { return d.serves(t, cert) })
	for _, dial := range trusting(&tls.Config{RootCAs: trust(t, cert)}) {
		open = append(open, dial(t, url))
	}
	for i, c := range open {
		message := fmt.Appendf(nil, "%d", i)
		c.send(t, false, message)
		mustReceive(t, c, false, message)
		c.close(t)
	}
}

// TestServerNames has the certificate be the one for the name.
func TestServerNames(t *testing.T) {
	aCert, aKey := makeCert(t, "--host", "a.test,127.0.0.1")
	bCert, bKey := makeCert(t, "--host", "b.test,*.c.test")
	d := startDaemon(t, fmt.Sprintf(`{"listeners": [{"address": "127.0.0.1:0", "tls": {"certificates": [
		{"cert": %q, "key": %q}, {"cert": %q, "key": %q}]}}]}`, aCert, aKey, bCert, bKey), nil)
	a, b := leafOf(t, aCert), leafOf(t, bCert)
	for name, want := range map[string]*x509.Certificate{"a.test": a, "b.test": b, "B.TEST": b, "x.c.test": b, "x.y.c.test": a, "d.test": a, "": a} {
		c := shakenHands(t, d.addr(), &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if got := c.ConnectionState().PeerCertificates[0]; !got.Equal(want) {
			t.Errorf("%q gets the certificate of %s", name, got.Subject)
		}
	}
}

// TestOldestVersion refuses what is older than min_version.
func TestOldestVersion(t *testing.T) {
	cert, key := makeCert(t)
	d := startDaemon(t, strings.Replace(encrypted(cert, key), `"tls": {`, `"tls": {"min_version": "1.3", `, 1), echoApp)
	old := tls.Dialer{Config: &tls.Config{RootCAs: trust(t, cert), MaxVersion: tls.VersionTLS12}}
	if c, err := old.DialContext(patience(t), "tcp", d.addr()); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("1.2: %v, %v", c, err)
	}
	shakenHands(t, d.addr(), &tls.Config{RootCAs: trust(t, cert)})
}

// TestClientCertificates lets in whom client_auth says.
func TestClientCertificates(t *testing.T) {
	dir := t.TempDir()
	cert, key := makeCert(t)
	ours, theirs := servertest.NewAuthority(t, "ours"), servertest.NewAuthority(t, "theirs")
	ca, device, stranger := ours.WriteCert(t, dir, "ca"), issued(t, ours), issued(t, theirs)
	for _, c := range []struct {
		auth string
		with []tls.Certificate
		in   bool
	}{
		{"required", []tls.Certificate{device}, true},
		{"required", []tls.Certificate{stranger}, false},
		{"required", nil, false},
		{"optional", []tls.Certificate{device}, true},
		{"optional", nil, true},
	} {
		d := startDaemon(t, strings.Replace(encrypted(cert, key), `"tls": {`, fmt.Sprintf(`"tls": {"client_auth": %q, "client_ca": %q, `, c.auth, ca), 1), echoApp)
		// What is not acceptable to the server is shown all the same.
		cfg := &tls.Config{RootCAs: trust(t, cert), GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(c.with) == 0 {
				return new(tls.Certificate), nil
			}
			return &c.with[0], nil
		}}
		conn := shakenHands(t, d.addr(), cfg) // of 1.3: the client is done before the server has looked
		io.WriteString(conn, upgrade("/echo"))
		line, err := bufio.NewReader(conn).ReadString('\n')
		if in := strings.HasPrefix(line, "HTTP/1.1 101"); in != c.in || !in && err == nil {
			t.Errorf("%s, with %d certificates: %q, %v", c.auth, len(c.with), line, err)
		}
	}
}

// TestProxied has the PROXY header come before encryption, and be believed
// where it is a trusted proxy's.
func TestProxied(t *testing.T) {
	cert, key := makeCert(t)
	certificates := fmt.Sprintf(`[{"cert": %q, "key": %q}]`, cert, key)
	d := startDaemon(t, `{"listeners": [
		{"address": "127.0.0.1:0", "proxy_protocol": "required", "trusted_proxies": ["127.0.0.1"]},
		{"address": "127.0.0.1:0", "proxy_protocol": "optional", "trusted_proxies": ["127.0.0.1"]},
		{"address": "127.0.0.1:0", "proxy_protocol": "required", "trusted_proxies": ["127.0.0.1"], "tls": {"certificates": `+certificates+`}},
		{"address": "127.0.0.1:0", "proxy_protocol": "optional", "trusted_proxies": ["127.0.0.1"], "tls": {"certificates": `+certificates+`}}],
		"services": {"who": {}}}`, map[string]string{"who/who.lua": whoLua})
	const spoken = "PROXY TCP4 192.0.2.9 192.0.2.1 4711 443\r\n"
	for i, c := range []struct {
		required, encrypted bool
	}{{true, false}, {false, false}, {true, true}, {false, true}} {
		ask := func(from, header string) (string, error) {
			return whoAmI(t, from, d.Addrs()[i].String(), header, c.encrypted, cert)
		}
		if got, err := ask("127.0.0.1", spoken); got != "192.0.2.9:4711" {
			t.Errorf("%+v: a proxy's client is %q, %v", c, got, err)
		}
		if got, err := ask("127.0.0.2", spoken); err == nil && got != "" {
			t.Errorf("%+v: a stranger who says to be a proxy is %q", c, got)
		}
		for _, from := range []string{"127.0.0.1", "127.0.0.2"} {
			got, err := ask(from, "")
			if in := strings.HasPrefix(got, from+":"); in == c.required {
				t.Errorf("%+v: %s without a header is %q, %v", c, from, got, err)
			}
		}
	}
}

// whoLua tells the peer its address.
const whoLua = `return {
	onConnect = function(handler, request) addresses = addresses or {}; addresses[handler] = request.remote_addr end,
	onMessage = function(handler, opcode) return ws:send(handler, opcode, addresses[handler]) end,
}`

// whoAmI connects from an address, says header first, and asks who for the
// address that it sees.
func whoAmI(t testing.TB, from, to, header string, encrypted bool, cert string) (string, error) {
	t.Helper()
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := d.DialContext(ctx, network, addr)
		if err == nil {
			_, err = io.WriteString(c, header)
		}
		return c, err
	}
	url := "ws://" + to + "/who"
	if encrypted {
		url = "wss://" + to + "/who"
	}
	d := gorilla.Dialer{NetDialContext: dial, TLSClientConfig: &tls.Config{RootCAs: trust(t, cert)}}
	c, _, err := d.DialContext(patience(t), url, nil)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.WriteMessage(gorilla.TextMessage, nil); err != nil {
		return "", err
	}
	_, answer, err := c.ReadMessage()
	return string(answer), err
}

// issued is the certificate of a client.
func issued(t testing.TB, by *servertest.Authority) tls.Certificate {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(by.Issue(t, t.TempDir(), "device 7", false, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
