package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lapps/config"
	"lapps/server/secure"
	"lapps/server/servertest"
)

// threeListeners is a configuration of listeners in lines 2, 3 and 4, the
// first of them not encrypted. Its %[1]s is the directory of the files.
const threeListeners = `{"directories": {"applications": "%[1]s"}, "listeners": [
  {"address": "127.0.0.1:0"},
  {"address": "127.0.0.1:0", "tls": {"certificates": [{"cert": "%[1]s/a.crt", "key": "%[1]s/a.key"}, {"cert": "%[1]s/b.crt", "key": "%[1]s/b.key"}]}},
  {"address": "127.0.0.1:0", "tls": {"certificates": [{"cert": "%[1]s/a.crt", "key": "%[1]s/a.key"}], "client_auth": "optional", "client_ca": "%[1]s/ca.crt"}}
]}`

// writeThree writes threeListeners and all of its files.
func writeThree(t testing.TB) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"a", "b", "ca"} {
		remakeCert(t, filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"))
	}
	path = filepath.Join(dir, "lapps.json")
	if err := os.WriteFile(path, fmt.Appendf(nil, threeListeners, dir), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

// TestCheckCertificates has check and run name every certificate that cannot
// be served.
func TestCheckCertificates(t *testing.T) {
	const first, second, third, ca = ":3: listeners[1].tls.certificates[0]: ", ":3: listeners[1].tls.certificates[1]: ",
		":4: listeners[2].tls.certificates[0]: ", ":4: listeners[2].tls.client_ca: "
	for _, c := range []struct {
		name  string
		spoil func(dir string) error
		files map[string]string // by the place that is named, the file that is
	}{
		{"missing", func(dir string) error { return os.Remove(filepath.Join(dir, "b.crt")) }, map[string]string{second: "b.crt"}},
		{"missing twice", func(dir string) error { return os.Remove(filepath.Join(dir, "a.key")) }, map[string]string{first: "a.key", third: "a.key"}},
		{"no certificate", func(dir string) error { return os.WriteFile(filepath.Join(dir, "b.crt"), []byte("x"), 0o644) }, map[string]string{second: "b.crt"}},
		{"another's key", func(dir string) error {
			return os.Rename(filepath.Join(dir, "ca.key"), filepath.Join(dir, "b.key"))
		}, map[string]string{second: "b."}},
		{"no authority", func(dir string) error { return os.WriteFile(filepath.Join(dir, "ca.crt"), []byte("x"), 0o644) }, map[string]string{ca: "ca.crt"}},
		{"missing authority", func(dir string) error { return os.Remove(filepath.Join(dir, "ca.crt")) }, map[string]string{ca: "ca.crt"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, path := writeThree(t)
			if err := c.spoil(dir); err != nil {
				t.Fatal(err)
			}
			for _, word := range []string{"check", "run"} {
				status, _, stderr := command(t, word, "-c", path)
				if status != exitUsage || strings.Count(stderr, "\n") != len(c.files) {
					t.Errorf("%s: exit status %d, want %d and %d mistakes:\n%s", word, status, exitUsage, len(c.files), stderr)
				}
				for place, file := range c.files {
					if _, rest, found := strings.Cut(stderr, path+place); !found || !strings.Contains(rest, filepath.Join(dir, file)) {
						t.Errorf("%s: %s is not named at %s:\n%s", word, file, place, stderr)
					}
				}
			}
		})
	}
	dir, path := writeThree(t)
	if status, stdout, stderr := command(t, "check", "-c", path); status != exitOK || stderr != "" {
		t.Errorf("all is well in %s: exit status %d, %s%s", dir, status, stdout, stderr)
	}
}

// TestExpired has an expired certificate be named, and served.
func TestExpired(t *testing.T) {
	dir, path := writeThree(t)
	old := pair{cert: filepath.Join(dir, "b.crt"), key: filepath.Join(dir, "b.key"), hosts: []string{"localhost"}, days: 1, force: true}
	if err := old.write(time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	want := path + ":3: listeners[1].tls.certificates[1]: has expired: it was valid until 2020-02-02 00:00:00"
	status, stdout, stderr := command(t, "check", "-c", path)
	if status != exitOK || stdout != path+": ok\n" || stderr != want+"\n" {
		t.Errorf("exit status %d, %s\n got %swant %s", status, stdout, stderr, want)
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := startConfig(t, cfg); d.logged.count(want) != 1 {
		t.Errorf("%q is not logged once:\n%s", want, d.logged)
	}
}

func TestTLSOptions(t *testing.T) {
	got := tlsOptions(config.TLS{
		Certificates:   []config.Certificate{{Cert: "a.crt", Key: "a.key"}, {Cert: "b.crt", Key: "b.key"}},
		MinVersion:     "1.3",
		CipherSuites:   []string{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
		Curves:         []string{"X25519", "P-256"},
		ClientAuth:     "required",
		ClientCA:       "ca.crt",
		SessionTickets: true,
	})
	want := secure.Options{
		Certificates: []secure.Pair{{Cert: "a.crt", Key: "a.key"}, {Cert: "b.crt", Key: "b.key"}},
		MinVersion:   tls.VersionTLS13,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256},
		Curves:       []tls.CurveID{tls.X25519, tls.CurveP256},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCA:     "ca.crt",
		Tickets:      true,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestInvalid says why a certificate is not valid at a time.
func TestInvalid(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		from, until time.Time
		want        string
	}{
		{now, now, ""},
		{now.Add(-time.Hour), now.Add(time.Hour), ""},
		{now.Add(-time.Hour), now.Add(-time.Second), "has expired: it was valid until 2026-03-01 11:59:59"},
		{now.Add(time.Second), now.Add(time.Hour), "is not valid yet: it will be from 2026-03-01 12:00:01"},
	} {
		if got := invalid(&x509.Certificate{NotBefore: c.from, NotAfter: c.until}, now); got != c.want {
			t.Errorf("from %s until %s: %q, want %q", c.from, c.until, got, c.want)
		}
	}
}

// TestAuthorities: a native file names authorities that are there; LAppS's names them always.
func TestAuthorities(t *testing.T) {
	dir := writeApps(t, echoApp)
	native, ca := filepath.Join(dir, "lapps.json"), filepath.Join(dir, "ca.pem")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(native, "{\"services\": {\"echo\": {}},\n\"outgoing\": {\"ca_file\": \"ca.pem\"}}")
	pair := filepath.Join(dir, "conf")
	if err := os.Mkdir(pair, 0o755); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(pair, "ws.json"), "{\"tls_certificates\":\n{\"ca\": "+strconv.Quote(ca)+"}}")
	mistake := func(want string) {
		t.Helper()
		if status, _, stderr := command(t, "check", "-c", native); status != exitUsage || !strings.HasSuffix(stderr, native+":2: outgoing.ca_file: "+want+"\n") {
			t.Errorf("check: exit status %d, %s", status, stderr)
		}
		cfg, notices, err := loadConfig(pair)
		if err != nil {
			t.Fatal(err)
		}
		notice := config.Notice{File: filepath.Join(pair, "ws.json"), Line: 2, Path: "tls_certificates.ca", Msg: "left out: " + want}
		if !slices.Contains(notices, notice) || cfg.Outgoing.CAFile != "" {
			t.Errorf("%q, %v", cfg.Outgoing.CAFile, notices)
		}
	}
	mistake("stat " + ca + ": no such file or directory")
	write(ca, "x")
	mistake(ca + ": want certificates in PEM, of 1 MiB at most")
	if err := os.Rename(servertest.NewAuthority(t, "ca").WriteCert(t, t.TempDir(), "ca"), ca); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := command(t, "check", "-c", native); status != exitOK {
		t.Errorf("check: exit status %d, %s", status, stderr)
	}
	if cfg, _, err := loadConfig(pair); err != nil || cfg.Outgoing.CAFile != ca {
		t.Errorf("%+v, %v", cfg, err)
	}
}
