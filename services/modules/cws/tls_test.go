package cws

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"lapps/server/servertest"
)

// newSecureServer is newServer over TLS, with a certificate of that authority for hosts.
func newSecureServer(t *testing.T, ca *servertest.Authority, change func(*x509.Certificate), version uint16, hosts ...string) (url string) {
	t.Helper()
	cert, key := ca.Issue(t, t.TempDir(), "server", false, change, nil, hosts...)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(paths())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS10, MaxVersion: version}
	s.StartTLS()
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "wss://name.test:" + port
}

// trusting has the file ca.pem with that authority's certificate.
func trusting(t *testing.T, ca *servertest.Authority) fs.FS {
	t.Helper()
	text, err := os.ReadFile(ca.WriteCert(t, t.TempDir(), "ca"))
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{"ca.pem": {Data: text}, "bad.pem": {Data: []byte("x")}, "dir/x": {}}
}

// TestTLS has every certificate that is not right refused.
func TestTLS(t *testing.T) {
	n := newNetwork(t)
	ca, other := servertest.NewAuthority(t, "root"), servertest.NewAuthority(t, "other")
	good := newSecureServer(t, ca, nil, 0, "name.test")
	expired := newSecureServer(t, ca, func(c *x509.Certificate) { c.NotAfter = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }, 0, "name.test")
	const trust = `{ca_file = "ca.pem"}`
	for _, c := range []struct{ name, url, options, want string }{
		{"TLS 1.3", good, trust, "hello|1"},
		{"TLS 1.2", newSecureServer(t, ca, nil, tls.VersionTLS12, "name.test"), trust, "hello|1"},
		{"TLS 1.1", newSecureServer(t, ca, nil, tls.VersionTLS11, "name.test"), trust, "tls: protocol version not supported"},
		{"an address", strings.Replace(newSecureServer(t, ca, nil, 0, "127.0.0.1"), "name.test", "127.0.0.1", 1), trust, "hello|1"},
		{"another name", newSecureServer(t, ca, nil, 0, "other.test"), trust, "x509: certificate is valid for other.test, not name.test"},
		{"an address instead", newSecureServer(t, ca, nil, 0, "127.0.0.1"), trust, "x509: certificate is not valid for any names, but wanted to match name.test"},
		{"expired", expired, trust, "x509: certificate has expired or is not yet valid"},
		{"another authority", newSecureServer(t, other, nil, 0, "name.test"), trust, "x509: certificate signed by unknown authority"},
		{"the system's authorities", good, "nil", "x509: certificate signed by unknown authority"},
		{"a CA file that is none", good, `{ca_file = "bad.pem"}`, "ca_file: bad.pem: want certificates in PEM, of 1 MiB at most"},
		{"a CA file that is not there", good, `{ca_file = "none.pem"}`, `ca_file: files: to read "none.pem" is not granted: the service's "grants.files" has no path that holds it`},
		{"a CA file outside", good, `{ca_file = "/etc/passwd"}`, `ca_file: files: to read "/etc/passwd" is not granted: the service's "grants.files" has no path that holds it`},
		{"a directory", good, `{ca_file = "dir"}`, "ca_file: dir: not a regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t, n, c.url, `local c, why = cws.connect(url .. "/echo", `+c.options+`) if not c then return why end c:send("hello") return all(c:recv(20))`, trusting(t, ca))
			if got := l.run(); got != c.want && (c.want == "hello|1" || !strings.Contains(got, c.want)) {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestSecureMessages has large messages both ways, and the closing handshake, over TLS.
func TestSecureMessages(t *testing.T) {
	n := newNetwork(t)
	ca := servertest.NewAuthority(t, "root")
	url := newSecureServer(t, ca, nil, 0, "name.test")
	for _, c := range []struct{ source, want string }{
		{`local c, s = dial("/echo", {ca_file = "ca.pem"}), ("0123456789"):rep(300000) c:send(s) c:send("after") return all(c:recv(20) == s, c:recv(20))`, "true|after|1"},
		{`local c = dial("/close?code=4001&reason=x", {ca_file = "ca.pem"}) return all(c:recv(20), c:recv(20))`, "last|nil|closed|4001|x"},
		{`local c = dial("/push?n=3000&size=2000", {ca_file = "ca.pem", inbox_bytes = 10000}) for i = 1, 3000 do if tonumber((c:recv(20))) ~= i then return i end end return "all"`, "all"},
		{`local c = dial("/drop", {ca_file = "ca.pem"}) return all(select(2, c:recv(20)))`, "closed|1006|the server closed the connection without a Close frame"},
	} {
		l := newLab(t, n, url, c.source, trusting(t, ca))
		if got := l.run(); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.source, got, c.want)
		}
	}
}

// TestHostileTLS has servers fail in the TLS handshake.
func TestHostileTLS(t *testing.T) {
	n := newNetwork(t)
	for _, c := range []struct {
		name string
		do   func(*rawConn)
		want string
	}{
		{"plain", func(c *rawConn) { c.say("HTTP/1.1 400 Bad Request\r\n\r\n"); c.rest() }, "tls: first record does not look like a TLS handshake"},
		{"garbage", func(c *rawConn) { c.say(strings.Repeat("\x16\x03\x03\x00\x04\xff\xff\xff\xff", 100)); c.rest() }, "tls: "},
		{"closes", func(c *rawConn) { _, _ = c.in.Peek(1); c.in.Discard(c.in.Buffered()) }, "the server closed the connection before it answered"},
		{"resets", func(c *rawConn) { _, _ = c.in.Peek(1); c.reset() }, "connection reset by peer"},
		{"silence", func(c *rawConn) { c.rest() }, "timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := "wss" + strings.TrimPrefix(rawServer(t, c.do), "ws")
			timeout := "20"
			if c.want == "timeout" {
				timeout = "0.2"
			}
			if got := eval(t, n, url, `return select(2, cws.connect(url, {timeout = `+timeout+`}))`); !strings.Contains(got, c.want) {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestAuthorities has the configuration's authorities trusted besides the system's, and not
// where a connection names others.
func TestAuthorities(t *testing.T) {
	n := newNetwork(t)
	ours, theirs := servertest.NewAuthority(t, "ours"), servertest.NewAuthority(t, "theirs")
	good := newSecureServer(t, ours, nil, 0, "name.test")
	ca := ours.WriteCert(t, t.TempDir(), "ca")
	dial := func(options string) string {
		l := newLabOf(t, Config{Pool: n.pool, Grants: anywhere(t), Files: trusting(t, theirs), CAFile: ca}, good,
			`local c, why = cws.connect(url .. "/echo", `+options+`) if not c then return why end c:send("hello") return all(c:recv(20))`)
		return l.run()
	}
	if got := dial("nil"); got != "hello|1" {
		t.Error(got)
	}
	const unknown = "x509: certificate signed by unknown authority"
	if got := dial(`{ca_file = "ca.pem"}`); !strings.Contains(got, unknown) {
		t.Errorf("another ca_file: %q", got)
	}
	other, err := os.ReadFile(theirs.WriteCert(t, t.TempDir(), "other"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text []byte
		want string
	}{
		{other, unknown},
		{[]byte("nothing"), "outgoing.ca_file: " + ca + ": want certificates in PEM, of 1 MiB at most"},
		{nil, "outgoing.ca_file: stat " + ca + ": no such file or directory"},
	} {
		err := os.WriteFile(ca, c.text, 0o644)
		if c.text == nil {
			err = os.Remove(ca)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := dial("nil"); !strings.Contains(got, c.want) {
			t.Errorf("%.20q: got %q, want %q", c.text, got, c.want)
		}
	}
}
