package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lapps/benchmarks/generator"
	"lapps/benchmarks/process"
)

// A daemon is a lapps that serves the applications of ../apps, plain and over
// TLS.
type daemon struct {
	command     string
	plain, tls  netip.AddrPort
	certificate string
}

func newDaemon(t *testing.T) *daemon {
	t.Helper()
	dir := t.TempDir()
	d := &daemon{certificate: filepath.Join(dir, "cert.pem")}
	bin, config, key := filepath.Join(dir, "lapps"), filepath.Join(dir, "lapps.json"), filepath.Join(dir, "key.pem")
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/lapps").CombinedOutput(); err != nil {
		t.Fatalf("build lapps: %v\n%s", err, out)
	}
	certify(t, d.certificate, key)
	for _, addr := range []*netip.AddrPort{&d.plain, &d.tls} {
		var err error
		if *addr, err = process.FreeAddr(); err != nil {
			t.Fatal(err)
		}
	}
	apps, err := filepath.Abs("../apps")
	if err != nil {
		t.Fatal(err)
	}
	type object = map[string]any
	text, err := json.Marshal(object{
		"listeners": []object{
			{"address": d.plain.String()},
			{"address": d.tls.String(), "tls": object{"certificates": []object{{"cert": d.certificate, "key": key}}}},
		},
		"loops":       1,
		"directories": object{"applications": apps},
		"services": object{
			"echo":      object{"instances": 1},
			"lapps":     object{"instances": 1, "protocol": "LAppS"},
			"broadcast": object{"instances": 1},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, text, 0o644); err != nil {
		t.Fatal(err)
	}
	d.command = bin + " run -c " + config
	return d
}

// certify writes a certificate for 127.0.0.1 and its key.
func certify(t *testing.T, certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		certificate: {Type: "CERTIFICATE", Bytes: der},
		key:         {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Each load that lapps is put under, from the command line to the report.
func TestLApps(t *testing.T) {
	if testing.Short() {
		t.Skip("builds lapps")
	}
	d := newDaemon(t)
	ws, wss := "ws://"+d.plain.String(), "wss://"+d.tls.String()
	trusting := " -ca " + d.certificate
	tests := []struct {
		name, args string
		want       int64 // what is verified
	}{
		{"echo", "-url " + ws + "/echo -depth 4 -messages 400", 400},
		{"open", "-url " + ws + "/echo -rate 4000 -messages 400 -op text", 400},
		{"secure", "-url " + wss + "/echo -depth 16 -messages 400 -curve x25519" + trusting, 400},
		{"trusting anybody", "-url " + wss + "/echo -messages 40 -insecure", 40},
		{"requests", "-url " + ws + "/lapps -dialect lapps -depth 4 -messages 400", 400},
		{"long requests", "-url " + wss + "/lapps -dialect lapps -size 300 -messages 400" + trusting, 400},
		{"slow readers", "-url " + ws + "/echo -slow-readers 3 -messages 400", 400},
		{"broadcast", "-url " + ws + "/broadcast -mode broadcast -messages 30", 300},
		{"bursts", "-url " + wss + "/broadcast -mode broadcast -burst 16 -messages 32" + trusting, 320},
		{"bursts at a rate", "-url " + ws + "/broadcast -mode broadcast -burst 4 -rate 500 -messages 32", 320},
		{"connect", "-url " + ws + "/echo -mode connect -messages 50", 50},
		{"connect secure", "-url " + wss + "/echo -mode connect -messages 50" + trusting, 50},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r generator.Result
			// The server's command has spaces, so it is not one of the fields.
			args := append(strings.Fields(tt.args), "-conns", "10", "-duration", "1h", "-quiet", "-server", d.command)
			command(t, &r, args...)
			if r.Verified != tt.want || r.Sent != tt.want || len(r.Failures) > 0 || r.Server == nil || r.Server.RSS <= 0 ||
				strings.Contains(tt.args, wss) != (r.TLS != "") {
				t.Errorf("got %+v", r)
			}
		})
	}
	t.Run("idle", func(t *testing.T) {
		var r generator.IdleResult
		command(t, &r, "-url", wss+"/echo", "-steps", "5,10", "-echo", "-curve", "x25519mlkem768",
			"-ca", d.certificate, "-quiet", "-server", d.command)
		if r.TLS != "TLS 1.3, X25519MLKEM768" || r.Verified != 10 || len(r.Failures) > 0 {
			t.Errorf("got %+v", r)
		}
	})
}
