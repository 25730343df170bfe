package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// entry is one of servers.json, as far as the tests need it.
type entry struct {
	Name, Label, Build, Command, TLS, Env, Hint string
	Script, Broadcast                           bool
	Needs                                       []string
	Paths                                       map[string]string
}

// entries returns the servers that are not the user's own.
func entries(t *testing.T) (list []entry) {
	t.Helper()
	text, err := os.ReadFile("servers.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []entry
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Env == "" {
			list = append(list, e)
		}
	}
	return list
}

// want skips the test if something that e needs is not there.
func (e entry) want(t *testing.T) {
	t.Helper()
	for _, need := range e.Needs {
		var err error
		if strings.Contains(need, "/") {
			_, err = os.Stat(need)
		} else {
			_, err = exec.LookPath(need)
		}
		if err != nil {
			t.Skipf("%s: %v; %s", e.Name, err, e.Hint)
		}
	}
}

// started starts a server with command until the end of the test and returns
// where it listens.
func (e entry) started(t *testing.T, command, cert, key string) (addr string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	addr = freeAddr(t)
	args := strings.Fields(command)
	for i := range args {
		args[i] = strings.NewReplacer("{peers}", self, "{dir}", dir, "{addr}", addr, "{loops}", "1", "{tmp}", t.TempDir(), "{cert}", cert, "{key}", key).Replace(args[i])
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), asPeers+"=1")
	if e.Name == "nbio" {
		// What its goroutines hand to each other by way of epoll the race
		// detector does not see.
		cmd.Env = append(cmd.Env, "GORACE=exitcode=0")
	}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil && !bySIGTERM(err) {
			t.Errorf("%q: %v", cmd.Args, err)
		}
		if t.Failed() {
			t.Logf("it said:\n%s", &out)
		}
	})
	awaitListener(t, addr, ended)
	return addr
}

// awaitListener returns when addr takes connections.
func awaitListener(t *testing.T, addr string, ended chan error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the server ended before it listened on %s: %v", addr, err)
		case <-ctx.Done():
			t.Fatalf("nothing listens on %s: %v", addr, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func bySIGTERM(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && (status.Signal() == syscall.SIGTERM || status.ExitStatus() == 128+int(syscall.SIGTERM))
}

// freeAddr returns an address below the ports of outgoing connections.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+mathrand.IntN(12000)))
		if ln, err := net.Listen("tcp", addr); err == nil {
			_ = ln.Close()
			return addr
		}
	}
	t.Fatal("no free port from 20000 to 31999")
	return ""
}

// certificate writes a certificate for 127.0.0.1 and returns its files and what
// trusts it.
func certificate(t *testing.T) (cert, key string, trust *tls.Config) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return cert, key, &tls.Config{RootCAs: pool}
}
