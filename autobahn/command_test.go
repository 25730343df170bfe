package main

import (
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommand(t *testing.T) {
	good, mute := new(echoServer).start(t), (&echoServer{noPong: true}).start(t)
	dir := t.TempDir()
	for _, c := range []struct {
		name, args     string
		status         int
		stdout, stderr string // how they begin
	}{
		{"good", "-url " + good + " -cases 1.1.1,7.1.6 -out " + dir, 0, "2 cases in ", "group 1: 1 of 1 good\ngroup 7: 1 of 1 good\n"},
		{"failed", "-url " + mute + " -cases 2.1", 1, "1 cases in ", "group 2: 0 of 1 good\n"},
		{"no server", "-url ws://127.0.0.1:1/", 1, "", "autobahn: no connection to ws://127.0.0.1:1/: "},
		{"pattern", "-cases 1.*,8.*", 2, "", `autobahn: no case is meant by "8.*"; `},
		{"scheme", "-url http://127.0.0.1/", 2, "", `autobahn: expected a ws:// or wss:// URL, not "http://127.0.0.1/"`},
		{"host", "-url ws:///", 2, "", `autobahn: expected ws://host[:port]/path, not "ws:///"`},
		{"number", "-messages 0", 2, "", "autobahn: expected -messages, -parallel and -slack of at least 1 and no arguments, not 0, 1, 1 and []"},
		{"arguments", "x", 2, "", "autobahn: expected -messages, -parallel and -slack of at least 1 and no arguments, not 1000, 1, 1 and [\"x\"]"},
		{"flag", "-nope", 2, "", "flag provided but not defined: -nope\n"},
		{"ca", "-ca " + filepath.Join(dir, "none"), 2, "", "autobahn: open "},
		{"help", "-help", 0, "", "Usage of autobahn:\n"},
	} {
		var stdout, stderr strings.Builder
		status := command(t.Context(), strings.Fields(c.args), &stdout, &stderr)
		if status != c.status || !strings.HasPrefix(stdout.String(), c.stdout) || !strings.HasPrefix(stderr.String(), c.stderr) {
			t.Errorf("%s: status %d, %q, %q; want %d, %q…, %q…", c.name, status, stdout.String(), stderr.String(), c.status, c.stdout, c.stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		t.Error(err)
	}
}

// TestSecure: wss works as ws does, and certificates are verified unless the
// caller says otherwise.
func TestSecure(t *testing.T) {
	s := httptest.NewUnstartedServer(gorillaHandler(true, true))
	s.EnableHTTP2 = false
	s.TLS = &tls.Config{NextProtos: []string{"http/1.1"}}
	s.StartTLS()
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	args := "-parallel 8 -messages 3 -cases 1.*,2.*,5.19,6.1.*,7.1.1,7.9.*,9.5.6,12.1.* -url wss" + strings.TrimPrefix(s.URL, "https")
	for _, c := range []struct {
		more   string
		status int
	}{{"", 1}, {" -insecure", 0}, {" -ca " + ca, 0}} {
		var stdout, stderr strings.Builder
		if status := command(t.Context(), strings.Fields(args+c.more), &stdout, &stderr); status != c.status {
			t.Errorf("%q: status %d, want %d: %s%s", c.more, status, c.status, &stdout, &stderr)
		}
	}
}
