package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// asPeers makes the test binary the command, so that what is tested is a
// process as the benchmarks start it, with the race detector where the tests
// have it.
const asPeers = "LAPPS_TEST_AS_PEERS"

func TestMain(m *testing.M) {
	if os.Getenv(asPeers) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestRunRefuses(t *testing.T) {
	tests := []struct {
		args string
		want string
	}{
		{"", `peers: expected gws, gorilla, coder, gobwas, nbio or nginx first, not []`},
		{"apache", `peers: expected gws, gorilla, coder, gobwas, nbio or nginx first, not ["apache"]`},
		{"gws more", `not ["gws" "more"]`},
		{"gws -loops 0", `expected -loops of at least 1`},
		{"gws -cert x", `-cert and -key together`},
		{"gws -bad", `flag provided but not defined: -bad`},
		{"nginx", `peers: nginx: expected -addr with a port, -dir`},
		{"nginx -addr 127.0.0.1:0 -dir x", `expected -addr with a port`},
		{"nginx -addr 127.0.0.1:1 -dir x -loops 0", `-loops of at least 1`},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := run(context.Background(), strings.Fields(tt.args), &stdout, &stderr)
			if status != 2 || !strings.Contains(stderr.String(), tt.want) || stdout.Len() > 0 {
				t.Errorf("got status %d and %q, expected 2 and %q", status, stderr.String(), tt.want)
			}
		})
	}
}

func TestRunFails(t *testing.T) {
	for _, p := range peers {
		for args, want := range map[string]string{
			"-addr 127.0.0.1:0 -cert missing -key missing": "open missing: no such file or directory",
			"-addr 192.0.2.1:1":                            "listen tcp 192.0.2.1:1",
		} {
			t.Run(fmt.Sprint(p.name, " ", args), func(t *testing.T) {
				var stdout, stderr bytes.Buffer
				status := run(context.Background(), append([]string{p.name}, strings.Fields(args)...), &stdout, &stderr)
				if status != 1 || !strings.Contains(stderr.String(), want) {
					t.Errorf("got status %d and %q, expected 1 and %q", status, stderr.String(), want)
				}
			})
		}
	}
}

// TestVersions keeps the versions in README.md.
func TestVersions(t *testing.T) {
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	readme := read("README.md")
	check := func(file, what, version string) {
		for line := range strings.Lines(readme) {
			if strings.HasPrefix(line, "| `"+what+"` |") {
				if !strings.Contains(line, "| "+version+" |") {
					t.Errorf("README.md: expected version %s, as in %s, in %s", version, file, line)
				}
				return
			}
		}
		t.Errorf("README.md: expected a line for %s of %s", what, file)
	}
	for name, module := range map[string]string{
		"gws": "github.com/lxzan/gws", "gorilla": "github.com/gorilla/websocket", "coder": "github.com/coder/websocket",
		"gobwas": "github.com/gobwas/ws", "nbio": "github.com/lesismal/nbio",
	} {
		_, rest, _ := strings.Cut(read("go.mod"), "\t"+module+" ")
		version, _, _ := strings.Cut(rest, "\n")
		check("go.mod", name, version)
	}
	var packages struct{ Dependencies map[string]string }
	if err := json.Unmarshal([]byte(read("node/package.json")), &packages); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ws", "bun"} {
		check("node/package.json", name, packages.Dependencies[name])
	}
}

func TestNginxConf(t *testing.T) {
	s := nginxSettings{Dir: t.TempDir(), Cert: "c.pem", Key: "k.pem", Workers: 2, Modules: "/modules", Files: 64, MaxMessage: 99}
	file, err := s.write()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"worker_processes 2;", "worker_connections 64;", "ssl_certificate " + wd + "/c.pem;", "ssl_certificate_key " + wd + "/k.pem;",
		"pid " + s.Dir + "/nginx.pid;", "load_module /modules/ngx_http_lua_module.so;", "max_payload_len = 99 ", " ssl backlog=4096 reuseport;",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("expected %q in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "user root") {
		t.Error("expected no user where root does not start it")
	}
}
