package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

// A client is what the tests need of a WebSocket client. Its implementations
// are libraries that nobody here wrote.
type client interface {
	send(t testing.TB, binary bool, message []byte)
	receive(t testing.TB) (binary bool, message []byte)
	// fragments sends one message in several frames.
	fragments(t testing.TB, binary bool, parts ...[]byte)
	// closed waits for the server's Close frame.
	closed(t testing.TB) (code int, reason string)
	// close makes the closing handshake.
	close(t testing.TB)
	// abort closes the TCP connection without a word.
	abort()
}

// libraries are the clients, by name.
var libraries = map[string]func(t testing.TB, url string, header http.Header) client{
	"coder":   dialCoder,
	"gorilla": dialGorilla,
}

type coderClient struct{ c *coder.Conn }

func dialCoder(t testing.TB, url string, header http.Header) client {
	t.Helper()
	c, _, err := coder.Dial(patience(t), url, &coder.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(64 << 20)
	t.Cleanup(func() { c.CloseNow() })
	return &coderClient{c}
}

func (c *coderClient) kind(binary bool) coder.MessageType {
	if binary {
		return coder.MessageBinary
	}
	return coder.MessageText
}

func (c *coderClient) send(t testing.TB, binary bool, message []byte) {
	t.Helper()
	if err := c.c.Write(patience(t), c.kind(binary), message); err != nil {
		t.Fatal(err)
	}
}

func (c *coderClient) fragments(t testing.TB, binary bool, parts ...[]byte) {
	t.Helper()
	w, err := c.c.Writer(patience(t), c.kind(binary))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts { // each Write is a frame of its own
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func (c *coderClient) receive(t testing.TB) (bool, []byte) {
	t.Helper()
	kind, message, err := c.c.Read(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	return kind == coder.MessageBinary, message
}

func (c *coderClient) closed(t testing.TB) (int, string) {
	t.Helper()
	for {
		if _, _, err := c.c.Read(patience(t)); err != nil {
			var e coder.CloseError
			if !errors.As(err, &e) {
				t.Fatalf("not a Close frame: %v", err)
			}
			return int(e.Code), e.Reason
		}
	}
}

func (c *coderClient) close(t testing.TB) {
	t.Helper()
	if err := c.c.Close(coder.StatusNormalClosure, ""); err != nil {
		t.Fatal(err)
	}
}

func (c *coderClient) abort() { c.c.CloseNow() }

type gorillaClient struct{ c *gorilla.Conn }

func dialGorilla(t testing.TB, url string, header http.Header) client {
	t.Helper()
	c, _, err := gorilla.DefaultDialer.DialContext(patience(t), url, header)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &gorillaClient{c}
}

func (c *gorillaClient) kind(binary bool) int {
	if binary {
		return gorilla.BinaryMessage
	}
	return gorilla.TextMessage
}

func (c *gorillaClient) send(t testing.TB, binary bool, message []byte) {
	t.Helper()
	if err := c.c.WriteMessage(c.kind(binary), message); err != nil {
		t.Fatal(err)
	}
}

func (c *gorillaClient) fragments(t testing.TB, binary bool, parts ...[]byte) {
	t.Helper()
	w, err := c.c.NextWriter(c.kind(binary))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts { // a frame for every buffer of 4 KiB
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func (c *gorillaClient) receive(t testing.TB) (bool, []byte) {
	t.Helper()
	kind, message, err := c.c.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return kind == gorilla.BinaryMessage, message
}

func (c *gorillaClient) closed(t testing.TB) (int, string) {
	t.Helper()
	for {
		if _, _, err := c.c.ReadMessage(); err != nil {
			var e *gorilla.CloseError
			if !errors.As(err, &e) {
				t.Fatalf("not a Close frame: %v", err)
			}
			return e.Code, e.Text
		}
	}
}

func (c *gorillaClient) close(t testing.TB) {
	t.Helper()
	frame := gorilla.FormatCloseMessage(gorilla.CloseNormalClosure, "")
	if err := c.c.WriteMessage(gorilla.CloseMessage, frame); err != nil {
		t.Fatal(err)
	}
	if code, _ := c.closed(t); code != gorilla.CloseNormalClosure {
		t.Fatalf("closed with %d, want 1000", code)
	}
}

func (c *gorillaClient) abort() { c.c.NetConn().Close() }

// mustEcho checks that the echo service at url works for a new connection.
func mustEcho(t testing.TB, url string) {
	t.Helper()
	for name, dial := range libraries {
		c := dial(t, url, nil)
		for i := range 3 {
			want := fmt.Sprintf("%s %d", name, i)
			c.send(t, false, []byte(want))
			if binary, got := c.receive(t); binary || string(got) != want {
				t.Fatalf("echo of %q: binary %v, %q", want, binary, got)
			}
		}
		c.close(t)
	}
}

// upgrade is a correct opening handshake, whose lines can be replaced.
func upgrade(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
}

// raw opens a TCP connection.
func raw(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// rawOpen opens a WebSocket and leaves the frames to the caller.
func rawOpen(t testing.TB, addr, path string) *net.TCPConn {
	t.Helper()
	c := raw(t, addr)
	io.WriteString(c, upgrade(path))
	var head []byte
	for b := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); {
		if _, err := io.ReadFull(c, b); err != nil {
			t.Fatalf("%v after %q", err, head)
		}
		head = append(head, b[0])
	}
	if !strings.HasPrefix(string(head), "HTTP/1.1 101 ") {
		t.Fatalf("not upgraded: %q", head)
	}
	return c
}
