package main

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
)

// masked is a client's frame; the key is 0.
func masked(first byte, payload string) string {
	b := []byte{first, 0x80 | byte(len(payload))}
	if len(payload) > 125 {
		b = binary.BigEndian.AppendUint16([]byte{first, 0x80 | 126}, uint16(len(payload)))
	}
	return string(b) + "\x00\x00\x00\x00" + payload
}

// TestOpenSSL echoes through openssl s_client, in both versions; in 1.3 the
// client changes its keys, and asks the server to change its own.
func TestOpenSSL(t *testing.T) {
	openssl := program(t, "openssl", "openssl")
	cert, key := makeCert(t)
	d := startDaemon(t, encrypted(cert, key), echoApp)
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		messages := filepath.Join(t.TempDir(), "messages")
		c := exec.CommandContext(patience(t), openssl, "s_client", "-connect", d.addr(), "-CAfile", cert, "-verify_return_error",
			"-verify_ip", "127.0.0.1", "-alpn", "http/1.1", version, "-msg", "-msgfile", messages)
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out := new(logged)
		c.Stdout, c.Stderr = out, out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		io.WriteString(in, upgrade("/echo"))
		eventually(t, "openssl is upgraded: "+out.String(), func() bool { return out.count("101 Switching Protocols") == 1 })
		for i, update := range []string{"", "k\n", "K\n", "K\n", "k\n", ""} {
			if update != "" && version == "-tls1_3" {
				io.WriteString(in, update)
				sign := "KEYUPDATE"
				eventually(t, "openssl updates its keys: "+out.String(), func() bool { return out.count(sign) >= i })
			}
			text := strings.Repeat(string(rune('a'+i)), 50+1000*i)
			io.WriteString(in, masked(0x81, text))
			eventually(t, "openssl gets its echo", func() bool { return out.count(text) == 1 })
		}
		io.WriteString(in, masked(0x88, "\x03\xe8"))
		eventually(t, "openssl gets a Close frame", func() bool { return out.count("\x88\x02\x03\xe8") == 1 })
		in.Close()
		if err := c.Wait(); err != nil || out.count("Verify return code: 0 (ok)") < 1 || out.count("ALPN protocol: http/1.1") != 1 {
			t.Errorf("%s: %v\n%s", version, err, out)
		}
		traffic, err := os.ReadFile(messages)
		if err != nil {
			t.Fatal(err)
		}
		updates := strings.Count(string(traffic), "<<< TLS 1.3, Handshake [length 0005], KeyUpdate")
		closes := strings.Count(string(traffic), "<<< "+map[string]string{"-tls1_2": "TLS 1.2", "-tls1_3": "TLS 1.3"}[version]+", Alert [length 0002], warning close_notify")
		if want := map[string]int{"-tls1_2": 0, "-tls1_3": 2}[version]; updates != want || closes != 1 {
			t.Errorf("%s: the server updated its keys %d times, want %d, and sent close_notify %d times, want 1", version, updates, want, closes)
		}
	}
}

// TestCurl upgrades with curl, which takes what follows for the body.
func TestCurl(t *testing.T) {
	curl := program(t, "curl", "curl")
	cert, key := makeCert(t)
	d := startDaemon(t, strings.Replace(encrypted(cert, key), "{", `{"timeouts": {"close_ms": 200}, `, 1), map[string]string{"echo/echo.lua": `return {
		onConnect = function(handler) ws:send(handler, 1, "hello curl"); ws:close(handler, 1000, "bye") end,
		onMessage = function() end }`})
	for _, version := range []string{"1.2", "1.3"} {
		c := exec.CommandContext(patience(t), curl, "--http1.1", "--silent", "--show-error", "--include", "--no-buffer", "--cacert", cert,
			"--tlsv"+version, "--tls-max", version, "--header", "Connection: Upgrade", "--header", "Upgrade: websocket",
			"--header", "Sec-WebSocket-Version: 13", "--header", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "https://"+d.addr()+"/echo")
		out, err := c.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), "HTTP/1.1 101 ") || !strings.Contains(string(out), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") ||
			!strings.HasSuffix(string(out), "\r\n\r\n\x81\x0ahello curl\x88\x05\x03\xe8bye") {
			t.Errorf("TLS %s: %v\n%q", version, err, out)
		}
	}
	out, err := exec.CommandContext(patience(t), curl, "--silent", "--show-error", "--cacert", cert, "https://"+d.addr()+"/echo").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Upgrade") {
		t.Errorf("without an upgrade: %v, %s", err, out)
	}
	out, err = exec.CommandContext(patience(t), curl, "--silent", "--include", "http://"+d.addr()+"/echo").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "HTTP/1.1 400 ") || !strings.Contains(string(out), "wss://") {
		t.Errorf("without TLS: %v, %s", err, out)
	}
	plain := startDaemon(t, `{"services": {"echo": {}}}`, echoApp)
	out, err = exec.CommandContext(patience(t), curl, "--silent", "--show-error", "https://"+plain.addr()+"/echo").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "wrong version number") {
		t.Errorf("TLS on a plain port: %v, %s", err, out)
	}
}

// echoingNode echoes messages of the sizes given, and says how it closed.
const echoingNode = `
import {createRequire} from "node:module";
import fs from "node:fs";
const {WebSocket} = createRequire(process.cwd() + "/")("ws");
const s = new WebSocket(process.argv[2], {ca: fs.readFileSync(process.argv[3]), perMessageDeflate: false});
const sizes = [0, 1, 125, 126, 1000, 16384, 65536, 1 << 20];
let n = 0, want;
const next = () => {
  if (n == sizes.length) return s.close(1000);
  want = ("message " + n + ", ").repeat(1 + sizes[n] / 11).slice(0, sizes[n++]);
  s.send(want);
};
s.on("open", next);
s.on("message", (data) => { if (data.toString() != want) { console.log("wrong: " + n); process.exit(1); } next(); });
s.on("error", (e) => { console.log("error: " + e.message); process.exit(1); });
s.on("close", (code) => { console.log(code); });
`

// TestEncryptedNode echoes with Node's ws and its OpenSSL.
func TestEncryptedNode(t *testing.T) {
	node := program(t, "node", "nodejs")
	dir := filepath.Join("..", "..", "examples", "client")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "ws")); err != nil {
		t.Skip("the packages of the client are not installed: npm install in examples/client does it")
	}
	script := filepath.Join(t.TempDir(), "echo.mjs")
	if err := os.WriteFile(script, []byte(echoingNode), 0o644); err != nil {
		t.Fatal(err)
	}
	cert, key := makeCert(t)
	d := startDaemon(t, encrypted(cert, key), echoApp)
	c := exec.CommandContext(patience(t), node, script, "wss://"+d.addr()+"/echo", cert)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil || string(out) != "1000\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestCutStreams has what a client sends arrive in pieces of 1, 3 and 1,000
// bytes, TLS and all.
func TestCutStreams(t *testing.T) {
	cert, key := makeCert(t)
	d := startDaemon(t, encrypted(cert, key), echoApp)
	for piece, sizes := range map[int][]int{1: {0, 1, 200}, 3: {0, 1, 2000}, 1000: {0, 1, 70_000, 300_000}} {
		transport := &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: trust(t, cert)},
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return cutting{c.(*net.TCPConn), piece}, nil
			},
		}
		t.Cleanup(transport.CloseIdleConnections)
		c, _, err := coder.Dial(patience(t), "wss://"+d.addr()+"/echo", &coder.DialOptions{HTTPClient: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		c.SetReadLimit(1 << 20)
		client := &coderClient{c}
		for _, size := range sizes {
			message := []byte(strings.Repeat("x", size))
			client.send(t, true, message)
			mustReceive(t, client, true, message)
		}
		client.close(t)
		c.CloseNow()
	}
}

// cutting sends in pieces, each a packet of its own as a rule: Nagle's algorithm
// is off.
type cutting struct {
	*net.TCPConn
	piece int
}

func (c cutting) Write(p []byte) (n int, err error) {
	for err == nil && n < len(p) {
		var k int
		k, err = c.TCPConn.Write(p[n:min(n+c.piece, len(p))])
		n += k
	}
	return n, err
}
