package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// troubleLua does what its messages ask for.
const troubleLua = `
local trouble = {}
function trouble.onMessage(handler, opcode, message)
  if message == "error" then error("asked for") end
  if message == "index" then return nothing.at.all end
  if message == "false" then return false end
  if message == "nothing" then ws:send(handler, 1, "still here") return end
  if message == "number" then ws:send(handler, 1, "still here") return 42 end
  if message == "close" then return ws:close(handler, 4001, "as you like") end
  if message == "deep" then local function f() return 1 + f() end return f() end
  return ws:send(handler, opcode, message)
end
return trouble`

func troubleDaemon(t *testing.T) *testDaemon {
	return startDaemon(t, `{
		"timeouts": {"busy_ms": 300, "message_ms": 300, "close_ms": 300, "handshake_ms": 500},
		"services": {
			"echo": {"outbox_bytes": 65536, "max_inbound_message_size": 1000000},
			"trouble": {},
			"broken": {},
			"missing": {},
			"off": {"auto_start": false},
			"local_only": {"acl": {"policy": "deny", "exclude": ["192.0.2.0/24"]}}
		}}`, map[string]string{
		"echo/echo.lua":             echoLua,
		"trouble/trouble.lua":       troubleLua,
		"broken/broken.lua":         "function oops(",
		"missing/missing.lua":       "return {onStart = function() end}",
		"off/off.lua":               echoLua,
		"local_only/local_only.lua": echoLua,
	})
}

// TestMisbehaviour has one connection misbehave after the other, and checks
// that others still echo after each.
func TestMisbehaviour(t *testing.T) {
	d := troubleDaemon(t)
	t.Run("lua", func(t *testing.T) {
		for _, c := range []struct {
			message string
			code    int
			reason  string
		}{
			{"error", 1011, "the service failed"},
			{"index", 1011, "the service failed"},
			{"deep", 1011, "the service failed"},
			{"false", 1008, "refused by the service"},
			{"close", 4001, "as you like"},
		} {
			for name, dial := range libraries {
				conn := dial(t, d.url("/trouble"), nil)
				conn.send(t, false, []byte(c.message))
				if code, reason := conn.closed(t); code != c.code || reason != c.reason {
					t.Errorf("%s, %s: closed with %d %q, want %d %q", name, c.message, code, reason, c.code, c.reason)
				}
				mustEcho(t, d.url("/echo"))
				mustEcho(t, d.url("/trouble"))
			}
		}
		if d.logged.count(`"lua error"`) != 6 || d.logged.count("trouble.lua:4: asked for") == 0 {
			t.Errorf("logged: %s", d.logged)
		}
	})
	t.Run("nothing returned", func(t *testing.T) {
		for _, message := range []string{"nothing", "number", "nothing"} {
			conn := dialCoder(t, d.url("/trouble"), nil)
			conn.send(t, false, []byte(message))
			mustReceive(t, conn, false, []byte("still here"))
			conn.send(t, false, []byte("on"))
			mustReceive(t, conn, false, []byte("on"))
		}
		if n, number := d.logged.count("should return true"), d.logged.count(`"returned":"number"`); n != 1 || number != 1 {
			t.Errorf("warned %d times, %d of them of a number, want once", n, number)
		}
	})
	t.Run("services that do not start", func(t *testing.T) {
		for path, want := range map[string]int{"/broken": 503, "/missing": 503, "/off": 503, "/local_only": 403, "/nowhere": 404, "/echo/": 404, "/Echo": 404} {
			if got := statusOf(t, d.addr(), upgrade(path)); got != want {
				t.Errorf("%s: status %d, want %d", path, got, want)
			}
		}
		for _, text := range []string{"broken.lua", "the function onMessage is missing"} {
			if d.logged.count(text) == 0 {
				t.Errorf("the log does not name %q:\n%s", text, d.logged)
			}
		}
		mustEcho(t, d.url("/echo"))
	})
	t.Run("never finishes a message", func(t *testing.T) {
		c := rawOpen(t, d.addr(), "/echo")
		c.Write([]byte{0x81, 0x85, 0, 0, 0, 0, 'h', 'e'})
		mustEcho(t, d.url("/echo"))
		mustClose(t, c, 1008)
	})
	t.Run("never finishes a handshake", func(t *testing.T) {
		c := raw(t, d.addr())
		io.WriteString(c, "GET /echo HTTP/1.1\r\nHost:")
		if status := readStatus(t, c); status != 408 {
			t.Errorf("status %d, want 408", status)
		}
		silent := raw(t, d.addr())
		if rest, err := io.ReadAll(silent); len(rest) > 0 || err != nil {
			t.Errorf("a silent connection was sent %q, %v", rest, err)
		}
		mustEcho(t, d.url("/echo"))
	})
	t.Run("stops reading", func(t *testing.T) {
		c := rawOpen(t, d.addr(), "/echo")
		c.SetReadBuffer(4096)
		big := maskedFrame(0x82, bytes.Repeat([]byte("x"), 60000))
		gone := make(chan struct{})
		go func() { // until the server closes: it stops reading, and waits for busy_ms
			defer close(gone)
			for {
				if _, err := c.Write(big); err != nil {
					return
				}
			}
		}()
		<-gone
		mustEcho(t, d.url("/echo"))
	})
	t.Run("too big", func(t *testing.T) {
		c := rawOpen(t, d.addr(), "/echo")
		c.Write([]byte{0x82, 0xFF, 0, 0, 0, 0, 0, 0x0F, 0x42, 0x41, 0, 0, 0, 0}) // declares 1,000,001 bytes
		mustClose(t, c, 1009)
		mustEcho(t, d.url("/echo"))
	})
	t.Run("half-closes", func(t *testing.T) {
		c := rawOpen(t, d.addr(), "/echo")
		c.CloseWrite()
		if rest, err := io.ReadAll(c); len(rest) > 0 || err != nil {
			t.Errorf("%q, %v", rest, err)
		}
		mustEcho(t, d.url("/echo"))
	})
}

// TestAnsweredBeforeClose sends messages and a Close frame, or a breach, in one
// write: all answers come first, then the Close frame, then the end.
func TestAnsweredBeforeClose(t *testing.T) {
	d := troubleDaemon(t)
	for _, c := range []struct {
		name string
		last []byte
		code int
	}{
		{"close", maskedFrame(0x88, []byte{0x0F, 0xA1, 'b', 'y', 'e'}), 4001},
		{"empty close", maskedFrame(0x88, nil), 1005},
		{"breach", []byte{0x81, 0x01, 'x'}, 1002},
		{"bad UTF-8", maskedFrame(0x81, []byte{0xFF}), 1007},
		{"bad close", maskedFrame(0x88, []byte{0x03, 0xED}), 1002}, // 1005
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := rawOpen(t, d.addr(), "/echo")
			var all []byte
			for range 200 {
				all = append(all, maskedFrame(0x81, []byte("hello"))...)
			}
			all = append(all, c.last...)
			all = append(all, maskedFrame(0x81, []byte("after"))...)
			conn.Write(all)
			r := bufio.NewReader(conn)
			for i := range 200 {
				if op, p := readFrame(t, r); op != 1 || string(p) != "hello" {
					t.Fatalf("answer %d: op %d, %q", i, op, p)
				}
			}
			mustCloseFrame(t, r, c.code)
		})
	}
}

// TestBadHandshakes has every kind of bad request refused with its status.
func TestBadHandshakes(t *testing.T) {
	d := troubleDaemon(t)
	good := upgrade("/echo")
	swap := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	for _, c := range []struct {
		name, request string
		status        int
	}{
		{"method POST", swap("GET", "POST"), 405},
		{"method lower case", swap("GET", "get"), 405},
		{"HTTP/1.0", swap("HTTP/1.1", "HTTP/1.0"), 400},
		{"HTTP/2.0", swap("HTTP/1.1", "HTTP/2.0"), 400},
		{"no version", swap(" HTTP/1.1", ""), 400},
		{"not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
		{"no Host", swap("Host: localhost\r\n", ""), 400},
		{"two Hosts", swap("Host: localhost", "Host: a\r\nHost: b"), 400},
		{"no Upgrade", swap("Upgrade: websocket\r\n", ""), 426},
		{"Upgrade to something else", swap("Upgrade: websocket", "Upgrade: h2c"), 426},
		{"no Connection", swap("Connection: Upgrade\r\n", ""), 426},
		{"Connection: close", swap("Connection: Upgrade", "Connection: close"), 426},
		{"no key", swap("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), 400},
		{"short key", swap("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ=="), 400},
		{"key that is not base64", swap("dGhlIHNhbXBsZSBub25jZQ==", "************************"), 400},
		{"two keys", swap("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key"), 400},
		{"no version of the protocol", swap("Sec-WebSocket-Version: 13\r\n", ""), 400},
		{"version 8", swap("Version: 13", "Version: 8"), 426},
		{"a body", swap("Host", "Content-Length: 5\r\nHost"), 413},
		{"a chunked body", swap("Host", "Transfer-Encoding: chunked\r\nHost"), 413},
		{"folded header", swap("Host: localhost", "Host: localhost\r\n folded"), 400},
		{"space before the colon", swap("Host:", "Host :"), 400},
		{"NUL in a value", swap("localhost", "local\x00host"), 400},
		{"bare LF", strings.ReplaceAll(good, "\r\n", "\n"), 400},
		{"long header", swap("Host", "X: "+strings.Repeat("x", 9000)+"\r\nHost"), 431},
		{"many headers", swap("Host", strings.Repeat("X: y\r\n", 150)+"Host"), 431},
		{"long target", swap("/echo", "/"+strings.Repeat("x", 9000)), 414},
		{"bad sub-protocol", swap("Host", "Sec-WebSocket-Protocol: a b\r\nHost"), 400},
		{"fragment in the target", swap("/echo", "/echo#x"), 400},
		{"asterisk", swap("/echo", "*"), 400},
		{"unknown target", swap("/echo", "/nowhere"), 404},
		{"escaped target", swap("/echo", "/%65cho"), 404},
		{"address not allowed", swap("/echo", "/local_only"), 403},
		{"service that is off", swap("/echo", "/off"), 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := statusOf(t, d.addr(), c.request); got != c.status {
				t.Errorf("status %d, want %d", got, c.status)
			}
		})
	}
	mustEcho(t, d.url("/echo"))
	mustEcho(t, d.url("/echo?token=x"))
}

// statusOf sends a request and returns the status of the answer, which must
// be complete and the last thing on the connection.
func statusOf(t *testing.T, addr, request string) int {
	t.Helper()
	c := raw(t, addr)
	io.WriteString(c, request)
	return readStatus(t, c)
}

func readStatus(t *testing.T, c net.Conn) int {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(time.Minute))
	r := bufio.NewReader(c)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || int64(len(body)) != response.ContentLength || !response.Close {
		t.Errorf("body %q, %v, Content-Length %d, close %v", body, err, response.ContentLength, response.Close)
	}
	if response.StatusCode == 503 && response.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
		t.Errorf("after the response: %q, %v", rest, err)
	}
	return response.StatusCode
}

// maskedFrame is a client's frame.
func maskedFrame(first byte, p []byte) []byte {
	key := [4]byte{1, 2, 3, 4}
	b := []byte{first}
	switch n := len(p); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = append(b, 0x80|126, byte(n>>8), byte(n))
	default:
		b = append(b, 0x80|127, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	b = append(b, key[:]...)
	for i, x := range p {
		b = append(b, x^key[i%4])
	}
	return b
}

// readFrame reads a server's frame.
func readFrame(t testing.TB, r *bufio.Reader) (op byte, p []byte) {
	t.Helper()
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	n := int(head[1])
	if ext := map[int]int{126: 2, 127: 8}[n]; ext > 0 {
		more := make([]byte, ext)
		if _, err := io.ReadFull(r, more); err != nil {
			t.Fatal(err)
		}
		n = 0
		for _, x := range more {
			n = n<<8 | int(x)
		}
	}
	p = make([]byte, n)
	if _, err := io.ReadFull(r, p); err != nil {
		t.Fatal(err)
	}
	return head[0] & 0x0F, p
}

// mustClose expects a Close frame, then the end.
func mustClose(t testing.TB, c net.Conn, code int) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(time.Minute))
	mustCloseFrame(t, bufio.NewReader(c), code)
}

func mustCloseFrame(t testing.TB, r *bufio.Reader, code int) {
	t.Helper()
	op, p := readFrame(t, r)
	got := 1005
	if len(p) >= 2 {
		got = int(p[0])<<8 | int(p[1])
	}
	if op != 8 || got != code {
		t.Errorf("op %d, code %d, want a Close frame with %d", op, got, code)
	}
	if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
		t.Errorf("after the Close frame: %q, %v", rest, err)
	}
}
