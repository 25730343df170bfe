package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// makeCert runs lapps cert in a new directory, and returns the files.
func makeCert(t testing.TB, args ...string) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	remakeCert(t, cert, key, args...)
	return cert, key
}

// remakeCert runs lapps cert for files that may be there.
func remakeCert(t testing.TB, cert, key string, args ...string) {
	t.Helper()
	var out strings.Builder
	args = append([]string{"cert", "--force", "--cert", cert, "--key", key}, args...)
	if status := execute(t.Context(), args, &out, &out); status != exitOK {
		t.Fatalf("lapps %v: exit status %d, %s", args, status, &out)
	}
}

// leafOf is the certificate in a file.
func leafOf(t testing.TB, file string) *x509.Certificate {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(data)
	if block == nil || len(rest) > 0 {
		t.Fatalf("%s: not one PEM block: %q", file, data)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

// trust is a pool with the certificate in a file.
func trust(t testing.TB, file string) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(leafOf(t, file))
	return pool
}

func TestCert(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, c := range []struct {
		name    string
		args    []string
		hosts   []string // that it is for
		others  []string // that it is not for
		days    int
		subject string
	}{
		{"default", nil, []string{"localhost", "127.0.0.1", "::1"}, []string{"example.com", "127.0.0.2"}, 365, "localhost"},
		{"hosts", []string{"--host", "chat.example.com,192.0.2.7", "--host", "*.example.org", "--days", "7"},
			[]string{"chat.example.com", "192.0.2.7", "a.example.org"}, []string{"localhost", "example.org", "a.b.example.org"}, 7, "chat.example.com"},
		{"a name too long for a subject", []string{"--host", long + ".example.com"}, []string{long + ".example.com"}, nil, 365, ""},
		{"rsa", []string{"--rsa"}, []string{"localhost", "127.0.0.1", "::1"}, nil, 365, "localhost"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := time.Now()
			cert, key := makeCert(t, c.args...)
			leaf, pool := leafOf(t, cert), trust(t, cert)
			for _, host := range c.hosts {
				if _, err := leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: pool}); err != nil {
					t.Errorf("for %s: %v", host, err)
				}
			}
			for _, host := range c.others {
				if leaf.VerifyHostname(host) == nil {
					t.Errorf("it is for %s, too", host)
				}
			}
			if leaf.Subject.CommonName != c.subject || leaf.IsCA || leaf.SerialNumber.BitLen() < 64 {
				t.Errorf("subject %s, authority %v, serial %x", leaf.Subject, leaf.IsCA, leaf.SerialNumber)
			}
			end := before.AddDate(0, 0, c.days).Truncate(time.Second)
			if leaf.NotBefore.After(before) || leaf.NotAfter.Before(end) || leaf.NotAfter.After(time.Now().AddDate(0, 0, c.days)) {
				t.Errorf("valid from %s to %s", leaf.NotBefore, leaf.NotAfter)
			}
			checkKey(t, cert, key, slices.Contains(c.args, "--rsa"))
		})
	}
}

// checkKey checks that the key is the certificate's, of the right kind, and
// nobody else's.
func checkKey(t *testing.T, cert, key string, isRSA bool) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	switch public := pair.Leaf.PublicKey.(type) {
	case *ecdsa.PublicKey:
		if isRSA || public.Curve != elliptic.P256() {
			t.Errorf("an ECDSA key on %s", public.Curve.Params().Name)
		}
	case *rsa.PublicKey:
		if !isRSA || public.N.BitLen() != 2048 {
			t.Errorf("an RSA key of %d bits", public.N.BitLen())
		}
	}
	for file, want := range map[string]os.FileMode{cert: 0o644, key: 0o600} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s: mode %v, want %v", file, info.Mode(), want)
		}
	}
	if all, err := os.ReadDir(filepath.Dir(cert)); err != nil || len(all) != 2 {
		t.Errorf("the directory holds %v, %v", all, err)
	}
}

// TestCertShakesHands has a TLS client of Go's trust it.
func TestCertShakesHands(t *testing.T) {
	for _, kind := range []string{"--rsa=false", "--rsa"} {
		cert, key := makeCert(t, kind)
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() {
			c, err := ln.Accept()
			if err == nil {
				err = c.(*tls.Conn).Handshake()
				c.Close()
			}
			served <- err
		}()
		c, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{RootCAs: trust(t, cert)})
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		} else {
			c.Close()
		}
		ln.Close()
		if err := <-served; err != nil {
			t.Errorf("%s: the server: %v", kind, err)
		}
	}
}

// TestCertKeepsFiles has nothing replaced without being told to, neither file
// where only one is there.
func TestCertKeepsFiles(t *testing.T) {
	for _, there := range []string{"cert.pem", "key.pem"} {
		dir := t.TempDir()
		if err := os.Symlink("nowhere", filepath.Join(dir, there)); err != nil {
			t.Fatal(err)
		}
		args := []string{"cert", "--cert", filepath.Join(dir, "cert.pem"), "--key", filepath.Join(dir, "key.pem")}
		status, stdout, stderr := command(t, args...)
		if want := filepath.Join(dir, there) + " is there already: --force replaces it\n"; status != exitFailed || stdout != "" || stderr != want {
			t.Errorf("exit status %d, %q,\n got %swant %s", status, stdout, stderr, want)
		}
		if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
			t.Errorf("the directory holds %v, %v", all, err)
		}
		if status, _, stderr := command(t, append(args, "--force")...); status != exitOK {
			t.Errorf("--force: exit status %d, %s", status, stderr)
		}
		checkKey(t, args[2], args[4], false)
	}
}

func TestCertExplains(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	status, stdout, stderr := command(t, "cert", "--host", "::1,a.test", "--days", "30")
	if status != exitOK || stderr != "" {
		t.Fatalf("exit status %d, %s", status, stderr)
	}
	for _, want := range []string{
		"cert.pem is a certificate for ::1, a.test, valid for 30 days; key.pem is its key.\n",
		fmt.Sprintf(`"tls": {"certificates": [{"cert": %q, "key": %q}]}`, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")),
		"curl --cacert cert.pem https://[::1]:5083/ ",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in:\n%s", want, stdout)
		}
	}
}

func TestCertExplainsWildcard(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, stdout, _ := command(t, "cert", "--host", "*.example.com"); !strings.Contains(stdout, "curl --cacert cert.pem https://any.example.com:5083/ ") {
		t.Errorf("no address to open in:\n%s", stdout)
	}
}

func TestCertRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	long := strings.Repeat("a", 64)
	for _, c := range []struct {
		args   []string
		status int
		names  string
	}{
		{[]string{"--days", "0"}, exitUsage, "--days: must be between 1 and 36500, not 0"},
		{[]string{"--days", "36501"}, exitUsage, "--days: must be between 1 and 36500, not 36501"},
		{[]string{"--host", ""}, exitUsage, "--host: a name or an address is needed"},
		{[]string{"--host", "localhost:80"}, exitUsage, `--host: "localhost:80" is neither`},
		{[]string{"--host", "https://a.test"}, exitUsage, `--host: "https://a.test" is neither`},
		{[]string{"--host", "[::1]"}, exitUsage, `--host: "[::1]" is neither`},
		{[]string{"--host", "999.1.1.1"}, exitUsage, `--host: "999.1.1.1" is neither`},
		{[]string{"--host", "a..test"}, exitUsage, `--host: "a..test" is neither`},
		{[]string{"--host", "a.*.test"}, exitUsage, `--host: "a.*.test" is neither`},
		{[]string{"--host", "-a.test"}, exitUsage, `--host: "-a.test" is neither`},
		{[]string{"--host", long + ".test"}, exitUsage, `.test" is neither`},
		{[]string{"--host", "münchen.test"}, exitUsage, `--host: "münchen.test" is neither`},
		{[]string{"--cert", "x.pem", "--key", "./x.pem"}, exitUsage, "--cert and --key: must be two files, not both x.pem"},
		{[]string{"--cert", "nowhere/cert.pem"}, exitFailed, "nowhere/"},
		{[]string{"--key", "nowhere/key.pem"}, exitFailed, "nowhere/"},
		{[]string{"cert.pem"}, exitUsage, `unknown command "cert.pem"`},
	} {
		status, stdout, stderr := command(t, append([]string{"cert"}, c.args...)...)
		if status != c.status || stdout != "" || !strings.Contains(stderr, c.names) {
			t.Errorf("%v: exit status %d, %q, %q", c.args, status, stdout, stderr)
		}
		if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
			t.Fatalf("%v: leaves %v, %v", c.args, left, err)
		}
	}
}
