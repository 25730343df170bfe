package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

// compressingConfig has services that compress in different ways.
const compressingConfig = `{"services": {
  "echo": {"max_inbound_message_size": 16777216, "compression": {"enabled": true, "min_size": 1}},
  "takeover": {"max_inbound_message_size": 16777216, "compression": {"enabled": true, "min_size": 1, "context_takeover": true, "level": 9}},
  "small": {"max_inbound_message_size": 16777216, "compression": {"enabled": true, "min_size": 1, "context_takeover": true, "max_window_bits": 9}}
}}`

var compressingApps = map[string]string{"echo/echo.lua": echoLua, "takeover/takeover.lua": echoLua, "small/small.lua": echoLua}

// counted counts the bytes that the client receives.
func counted(n *atomic.Int64) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		return countingConn{c, n}, err
	}
}

type countingConn struct {
	net.Conn
	n *atomic.Int64
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// compressing are clients that offer compression, and what they offer.
var compressing = map[string]func(t testing.TB, url string, received *atomic.Int64) client{
	"coder, takeover":    dialCoderCompressing(coder.CompressionContextTakeover),
	"coder, no takeover": dialCoderCompressing(coder.CompressionNoContextTakeover),
	"gorilla": func(t testing.TB, url string, received *atomic.Int64) client {
		d := gorilla.Dialer{EnableCompression: true, NetDialContext: counted(received)}
		c, resp, err := d.DialContext(patience(t), url, nil)
		if err != nil {
			t.Fatal(err)
		}
		mustCompress(t, resp)
		t.Cleanup(func() { c.Close() })
		return &gorillaClient{c}
	},
}

func dialCoderCompressing(mode coder.CompressionMode) func(t testing.TB, url string, received *atomic.Int64) client {
	return func(t testing.TB, url string, received *atomic.Int64) client {
		c, resp, err := coder.Dial(patience(t), url, &coder.DialOptions{
			CompressionMode: mode,
			HTTPClient:      &http.Client{Transport: &http.Transport{DialContext: counted(received), DisableKeepAlives: true}},
		})
		if err != nil {
			t.Fatal(err)
		}
		mustCompress(t, resp)
		c.SetReadLimit(64 << 20)
		t.Cleanup(func() { c.CloseNow() })
		return &coderClient{c}
	}
}

func mustCompress(t testing.TB, resp *http.Response) {
	t.Helper()
	if got := resp.Header.Get("Sec-WebSocket-Extensions"); !strings.HasPrefix(got, "permessage-deflate") {
		t.Fatalf("compression is not accepted: %q", got)
	}
}

// Libraries that nobody here wrote read what we compress, and we what they do;
// and it has become smaller.
func TestCompression(t *testing.T) {
	d := startDaemon(t, compressingConfig, compressingApps)
	for name, dial := range compressing {
		for _, path := range []string{"/echo", "/takeover", "/small"} {
			t.Run(name+path, func(t *testing.T) {
				var received atomic.Int64
				c := dial(t, d.url(path), &received)
				sent := 0
				for i, size := range []int{0, 1, 100, 1000, 1000, 65536, 70000, 1 << 20, 16, 5 << 20, 300} {
					for _, binary := range []bool{false, true} {
						want := bytes.Repeat(fmt.Appendf(nil, "message %d, ", i), 1+size/10)[:size]
						c.send(t, binary, want)
						mustReceive(t, c, binary, want)
						sent += size
					}
				}
				if n := int(received.Load()); 20*n > sent {
					t.Errorf("%d bytes came for %d", n, sent)
				}
				c.close(t)
			})
		}
	}
	eventually(t, "the contexts are given back", func() bool { return d.server.ContextBytes() == 0 })
}

// compressingNode echoes messages over the ws library, which uses zlib, with
// the options of permessage-deflate that are its first argument.
const compressingNode = `
import {createRequire} from "module";
const {WebSocket} = createRequire(process.cwd() + "/")("ws");
const options = JSON.parse(process.argv[3]);
const s = new WebSocket(process.argv[2], {perMessageDeflate: options});
const sizes = [0, 1, 100, 1000, 1000, 65536, 70000, 1 << 20, 16, 300];
let n = 0, want, answer;
s.on("upgrade", (response) => { answer = response.headers["sec-websocket-extensions"]; });
const next = () => {
  if (n == sizes.length) { console.log(answer); return s.close(1000); }
  want = ("message " + n + " é, ").repeat(1 + sizes[n] / 12).slice(0, sizes[n++]);
  s.send(want, {compress: true});
};
s.on("open", next);
s.on("message", (data) => { if (data.toString() != want) { console.log("wrong: " + n); process.exit(1); } next(); });
s.on("error", (e) => { console.log("error: " + e.message); process.exit(1); });
s.on("close", (code) => { console.log(code); });
`

// TestCompressionNode does it with zlib, in Node's ws.
func TestCompressionNode(t *testing.T) {
	dir := filepath.Join("..", "..", "examples", "client")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "ws")); err != nil {
		t.Skip("the packages of the client are not installed: npm install in examples/client does it")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node: ", err)
	}
	script := filepath.Join(t.TempDir(), "echo.mjs")
	if err := os.WriteFile(script, []byte(compressingNode), 0o644); err != nil {
		t.Fatal(err)
	}
	d := startDaemon(t, compressingConfig, compressingApps)
	for _, tt := range []struct{ path, options, want string }{
		{"/echo", `{"threshold":0}`, "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
		{"/takeover", `{"threshold":0}`, "permessage-deflate"},
		{"/takeover", `{"threshold":0,"serverMaxWindowBits":10,"clientMaxWindowBits":11}`, "permessage-deflate; server_max_window_bits=10"},
		{"/small", `{"threshold":0}`, "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9"},
	} {
		c := exec.CommandContext(patience(t), node, script, d.url(tt.path), tt.options)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if got := string(out); err != nil || got != tt.want+"\n1000\n" {
			t.Errorf("%s with %s: %v\ngot %s\nwant %s", tt.path, tt.options, err, got, tt.want)
		}
	}
}
