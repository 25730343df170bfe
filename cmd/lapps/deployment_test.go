package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lapps/config"
)

// needPackages, in the environment, has tests fail where a package is missing
// that they would skip without.
const needPackages = "LAPPS_NEED_PACKAGES"

// program finds a program of a Debian package, or skips the test.
func program(t *testing.T, name, packages string) (path string) {
	t.Helper()
	for _, name := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "there is no "+name, packages)
	return ""
}

// missing skips the test, or fails it, since a package is not installed.
func missing(t *testing.T, what, packages string) {
	t.Helper()
	what += ": apt-get install --no-install-recommends " + packages
	if os.Getenv(needPackages) != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// A deployment is a load balancer before two daemons, all of them with the
// files of deploy.
type deployment struct {
	*certified
	host    string // where the balancer listens: an address of this process alone
	daemons map[string]*testDaemon
	logged  *logged // the balancer's
}

// The ports in the files of deploy.
const (
	passthrough       = "8441"
	passthroughSticky = "8442"
	termination       = "8443"
	terminationSticky = "8444"
)

// The balancer ends connections that are silent for timeout; the daemons ping
// after pingMs, so that this many pings take longer than that.
const (
	timeout = "2s"
	pingMs  = 250
	pings   = 12
)

// deploy starts two daemons, a and b.
func deploy(t *testing.T) *deployment {
	t.Helper()
	pid := os.Getpid()
	host := fmt.Sprintf("127.%d.%d.%d", 64+pid>>16&63, pid>>8&255, pid&255)
	d := &deployment{certified: certify(t, host), host: host, daemons: make(map[string]*testDaemon), logged: new(logged)}
	for _, name := range []string{"a", "b"} {
		dir := writeApps(t, map[string]string{"echo/echo.lua": strings.ReplaceAll(witnessLua, "NAME", name)})
		cfg, err := config.Load(d.copyFile(t, dir, "lapps.json",
			"[::]:5443", "127.0.0.1:0",
			"[::]:5080", "127.0.0.1:0",
			"10.0.0.5", "127.0.0.1",
			"/etc/lapps/lapps.crt", d.cert,
			"/etc/lapps/lapps.key", d.key,
			`"ping_ms": 25000`, fmt.Sprintf(`"ping_ms": %d`, pingMs)))
		if err != nil {
			t.Fatal(err)
		}
		d.daemons[name] = startConfig(t, cfg)
	}
	return d
}

// witnessLua tells a client which daemon it is at and who it seems to be.
const witnessLua = `
local echo, seen = {}, {}
function echo.onConnect(handler, request)
  local headers = request.headers
  seen[handler] = table.concat({"NAME", request.remote_addr, headers["x-forwarded-for"] or "-", headers["forwarded"] or "-"}, " ")
end
function echo.onMessage(handler, opcode, message)
  if message == "quiet" then return true end
  return ws:send(handler, opcode, message == "who" and seen[handler] or message)
end
function echo.onDisconnect(handler) seen[handler] = nil end
return echo`

// copyFile copies a file of deploy to dir, with replacements: pairs of old and
// new. Each old one has to be there, or the file and the test have drifted apart.
func (d *deployment) copyFile(t *testing.T, dir, name string, replacements ...string) (path string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replacements); i += 2 {
		if !bytes.Contains(text, []byte(replacements[i])) {
			t.Fatalf("deploy/%s has no %q", name, replacements[i])
		}
	}
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(strings.NewReplacer(replacements...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// backends are the replacements for the daemons' addresses.
func (d *deployment) backends() []string {
	a, b := d.daemons["a"].Addrs(), d.daemons["b"].Addrs()
	return []string{
		"10.0.0.11:5443", a[0].String(), "10.0.0.12:5443", b[0].String(),
		"10.0.0.11:5080", a[1].String(), "10.0.0.12:5080", b[1].String(),
	}
}

// startHAProxy starts HAProxy with deploy/haproxy.cfg.
func (d *deployment) startHAProxy(t *testing.T) {
	path := program(t, "haproxy", "haproxy")
	dir := t.TempDir()
	replacements := append(d.backends(),
		"log /dev/log local0", "log stderr format raw local0",
		"maxconn 40000", "maxconn 2000",
		"chroot /var/lib/haproxy", "",
		"user haproxy", "",
		"group haproxy", "",
		"/run/haproxy/admin.sock", filepath.Join(dir, "admin.sock"),
		"/etc/haproxy/lapps.pem", d.pem,
		"timeout client 75s", "timeout client "+timeout,
		"timeout server 75s", "timeout server "+timeout,
		"timeout tunnel 75s", "timeout tunnel "+timeout,
		"inter 5s", "inter 500ms")
	for _, port := range []string{passthrough, passthroughSticky, termination, terminationSticky} {
		replacements = append(replacements, "bind :"+port, "bind "+d.host+":"+port, "bind :::"+port+" v6only", "bind "+d.host+":1"+port)
	}
	d.start(t, exec.Command(path, "-db", "-f", d.copyFile(t, dir, "haproxy.cfg", replacements...)))
}

// startNginx starts nginx with deploy/nginx.conf.
func (d *deployment) startNginx(t *testing.T) {
	const packages = "nginx libnginx-mod-stream"
	path := program(t, "nginx", packages)
	dir := t.TempDir()
	replacements := append(d.backends(),
		"user www-data;", "",
		"worker_rlimit_nofile 65536;", "",
		"worker_connections 32768", "worker_connections 2048",
		"/run/nginx.pid", filepath.Join(dir, "pid"),
		"/var/log/nginx/error.log", "stderr",
		"/var/log/nginx/passthrough.log", filepath.Join(dir, "passthrough.log"),
		"/var/log/nginx/termination.log", filepath.Join(dir, "termination.log"),
		"http {", strings.ReplaceAll("http { client_body_temp_path DIR; proxy_temp_path DIR; fastcgi_temp_path DIR; uwsgi_temp_path DIR; scgi_temp_path DIR;", "DIR", filepath.Join(dir, "temp")),
		"/etc/nginx/lapps.crt", d.cert,
		"/etc/nginx/lapps.key", d.key,
		"proxy_timeout 75s", "proxy_timeout "+timeout,
		"proxy_read_timeout 75s", "proxy_read_timeout "+timeout,
		"proxy_send_timeout 75s", "proxy_send_timeout "+timeout,
		"\tsend_timeout 75s", "\tsend_timeout "+timeout)
	for _, port := range []string{passthrough, passthroughSticky, termination, terminationSticky} {
		replacements = append(replacements, "listen "+port, "listen "+d.host+":"+port, "listen [::]:"+port, "listen "+d.host+":1"+port)
	}
	file := d.copyFile(t, dir, "nginx.conf", replacements...)
	if out, _ := exec.Command(path, "-t", "-e", "stderr", "-c", file).CombinedOutput(); bytes.Contains(out, []byte(`unknown directive "stream"`)) {
		missing(t, "nginx has no module stream", packages)
	}
	d.start(t, exec.Command(path, "-e", "stderr", "-c", file, "-g", "daemon off;"))
}

// start starts the balancer and waits until all of its ports are open. At the
// end of the test it is stopped.
func (d *deployment) start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	cmd.Stdout, cmd.Stderr = d.logged, d.logged
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var status error
	go func() {
		status = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if t.Failed() {
			t.Logf("the balancer ended: %v\n%s", status, d.logged)
		}
	})
	for _, port := range []string{passthrough, passthroughSticky, termination, terminationSticky} {
		eventually(t, "the balancer listens on port "+port, func() bool {
			select {
			case <-ended:
				t.Fatalf("%v ended: %v", cmd.Args, status)
			default:
			}
			c, err := net.Dial("tcp", d.host+":"+port)
			if err == nil {
				c.Close()
			}
			return !errors.Is(err, syscall.ECONNREFUSED)
		})
	}
}

// A certified is a certificate and its key, self-signed.
type certified struct {
	cert, key, pem string // files; pem has both
	roots          *x509.CertPool
}

// certify makes a certificate for an IP address, and for 127.0.0.1.
func certify(t *testing.T, host string) *certified {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		IPAddresses:  []net.IP{net.ParseIP(host), net.IPv4(127, 0, 0, 1)},
		NotAfter:     time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := &certified{filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "pem"), x509.NewCertPool()}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	c.roots.AppendCertsFromPEM(certPEM)
	for file, text := range map[string][]byte{c.cert: certPEM, c.key: keyPEM, c.pem: append(certPEM[:len(certPEM):len(certPEM)], keyPEM...)} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}
