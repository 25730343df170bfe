package services_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"lapps/protocol/wire"
	"lapps/services"
)

// certificate makes a certificate that has everything.
func certificate(t *testing.T) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:   big.NewInt(0xabc123),
		Subject:        pkix.Name{CommonName: "Ann, of course", Organization: []string{"Example"}},
		NotAfter:       time.Unix(2_000_000_000, 0),
		DNSNames:       []string{"a.example", "b.example"},
		EmailAddresses: []string{"ann@example.com"},
		IPAddresses:    []net.IP{net.IPv4(192, 0, 2, 1), net.ParseIP("2001:db8::1")},
		URIs:           []*url.URL{{Scheme: "spiffe", Host: "example", Path: "/ann"}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRequestTable has onConnect see the certificate and the sub-protocol, and
// nil where there is none.
func TestRequestTable(t *testing.T) {
	cert := certificate(t)
	serve(t, services.Config{}, `return {
		onMessage = function() end,
		onConnect = function(h, r)
			local c = r.certificate
			if not c then return {status = 499, reason = tostring(r.subprotocol)} end
			return {status = 499, reason = table.concat({r.subprotocol, c.subject, c.common_name, c.serial, c.not_after, c.fingerprint,
				table.concat(c.dns_names, " "), table.concat(c.email_addresses, " "), table.concat(c.ip_addresses, " "),
				table.concat(c.uris, " ")}, "|")}
		end}`, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		ask := func(request services.Request) (reason string) {
			request.Request = &wire.Request{Target: "/test", Path: "/test", Header: http.Header{}}
			answered := make(chan error, 1)
			r.Lookup("/test").Join(&peer{id: 1}, request, func(_ *services.Seat, err error) { answered <- err })
			return strings.TrimPrefix((<-answered).Error(), "wire: 499 : ")
		}
		if got := ask(services.Request{}); got != "nil" {
			t.Errorf("without anything: %s", got)
		}
		want := "v1|CN=Ann\\, of course,O=Example|Ann, of course|abc123|2000000000|" + fmt.Sprintf("%x", sha256.Sum256(cert.Raw)) +
			"|a.example b.example|ann@example.com|192.0.2.1 2001:db8::1|spiffe://example/ann"
		if got := ask(services.Request{Subprotocol: "v1", Certificate: cert}); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// TestMaxConns has peers refused while there are enough, those that are
// joining included, but for one that may be one too many.
func TestMaxConns(t *testing.T) {
	serve(t, services.Config{MaxConns: 1}, `return {onMessage = function() end}`, func(t *testing.T, r *services.Registry, _ *bytes.Buffer) {
		service := r.Lookup("/test")
		_, first := mustJoin(t, r, 1)
		if _, err := join(t, r, &peer{id: 2}, nil); err != services.ErrFull {
			t.Errorf("the second: %v, want ErrFull", err)
		}
		seated := make(chan *services.Seat, 1)
		service.Join(&peer{id: 3}, services.Request{Surplus: true}, func(s *services.Seat, err error) {
			if err != nil {
				t.Errorf("one too many: %v", err)
			}
			seated <- s
		})
		for _, s := range []*services.Seat{first, <-seated} {
			done := make(chan bool)
			s.Leave(func() { close(done) })
			<-done
		}
		if n := service.Seats(); n != 0 {
			t.Errorf("%d seats are taken", n)
		}
		_, again := mustJoin(t, r, 4)
		again.Leave(nil)
	})
}
