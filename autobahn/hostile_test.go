package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// serveRaw is listen for a target.
func serveRaw(t *testing.T, serve func(conn net.Conn)) *target {
	t.Helper()
	target, err := parseTarget(listen(t, serve), nil)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// greet answers the opening handshake.
func greet(conn net.Conn) {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err == nil {
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			acceptKey(r.Header.Get("Sec-WebSocket-Key")))
	}
}

// forever writes until the peer has gone.
func forever(conn net.Conn, b []byte) {
	for {
		if _, err := conn.Write(b); err != nil {
			return
		}
	}
}

func oneCase(t *testing.T, id string) *Case {
	t.Helper()
	cases, err := choose(suite(), []string{id})
	if err != nil {
		t.Fatal(err)
	}
	return &cases[0]
}

// TestHostileServer: whatever a server does, a case ends by its timers, with
// bounded memory, and says what was wrong.
func TestHostileServer(t *testing.T) {
	many := bytes.Repeat([]byte{0x8A, 0}, 1<<15)
	for _, c := range []struct {
		name, id string
		serve    func(conn net.Conn)
		want     string
	}{
		{"never answers", "1.1.1", func(conn net.Conn) { io.Copy(io.Discard, conn) },
			"the opening handshake failed: not complete within 5s"},
		{"closes at once", "1.1.1", func(conn net.Conn) { conn.Read(make([]byte, kib)) },
			"the opening handshake failed: closed by the server after 0 octets of a response"},
		{"sends garbage", "1.1.1", func(conn net.Conn) { forever(conn, []byte("garbage")) }, "the opening handshake failed: no end of the response in 65536 octets"},
		{"sends endless headers", "1.1.1", func(conn net.Conn) { forever(conn, []byte("a: b\r\n")) }, "the opening handshake failed: no end of the response in 65538 octets"},
		{"answers something else", "1.1.1", func(conn net.Conn) { io.WriteString(conn, "SSH-2.0-x\r\n\r\n"); io.Copy(io.Discard, conn) },
			`the opening handshake failed: no HTTP response: malformed HTTP response "SSH-2.0-x"`},
		{"endless frame", "1.1.1", func(conn net.Conn) {
			greet(conn)
			conn.Write([]byte{0x82, 127, 0x40, 0, 0, 0, 0, 0, 0, 0})
			forever(conn, make([]byte, 64*kib))
		}, "the server sent a frame of 4611686018427387904 octets"},
		{"endless message", "1.1.6", func(conn net.Conn) {
			greet(conn)
			conn.Write([]byte{0x02, 0})
			forever(conn, append([]byte{0x00, 126, 0xFF, 0xFF}, make([]byte, 1<<16-1)...))
		}, "the server sent a message of more than 33554432 octets"},
		{"endless pongs", "1.1.6", func(conn net.Conn) { greet(conn); forever(conn, many) }, "the server sent far more than was asked for"},
		{"endless pings, nothing read", "1.1.6", func(conn net.Conn) { greet(conn); forever(conn, bytes.Repeat([]byte{0x89, 0}, 1<<15)) }, ""},
		{"nothing but the handshake", "9.7.1", func(conn net.Conn) {
			greet(conn)
			conn.Read(make([]byte, kib))
		}, "message 1 of 1000 did not come back"},
		{"half a frame", "1.1.1", func(conn net.Conn) { greet(conn); conn.Write([]byte{0x81, 5, 'h'}); io.Copy(io.Discard, conn) },
			`expected OK: echo TEXT ""; came nothing`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := perform(t.Context(), serveRaw(t, c.serve), oneCase(t, c.id), 1)
			if r.Behavior != Failed || r.BehaviorClose == OK {
				t.Errorf("got %s/%s", r.Behavior, r.BehaviorClose)
			}
			if c.want != "" && r.Why != c.want {
				t.Errorf("got %q, want %q", r.Why, c.want)
			}
		})
	}
}

// TestBadHandshake: what the response has to say, and must not.
func TestBadHandshake(t *testing.T) {
	const good = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\nSec-WebSocket-Accept: KEY\r\n"
	for _, c := range []struct{ name, response, want string }{
		{"good", good, ""},
		{"status", strings.Replace(good, "101 Switching Protocols", "200 OK", 1), "HTTP/1.1 200 OK instead of HTTP/1.1 101"},
		{"version", strings.Replace(good, "HTTP/1.1", "HTTP/1.0", 1), "HTTP/1.0 101 Switching Protocols instead of HTTP/1.1 101"},
		{"no upgrade", strings.Replace(good, "Upgrade: WebSocket\r\n", "", 1), `header Upgrade is "" instead of websocket`},
		{"no connection", strings.Replace(good, ", upgrade", "", 1), `header Connection is ["keep-alive"] instead of Upgrade`},
		{"accept twice", good + "Sec-WebSocket-Accept: KEY\r\n", "header Sec-WebSocket-Accept is "},
		{"wrong accept", strings.Replace(good, "KEY", "a2V5", 1), `header Sec-WebSocket-Accept is ["a2V5"] instead of `},
		{"subprotocol", good + "Sec-WebSocket-Protocol: chat\r\n", `subprotocol "chat" was not offered`},
		{"extension", good + "Sec-WebSocket-Extensions: permessage-deflate\r\n", `extension "permessage-deflate" was not offered`},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serveRaw(t, func(conn net.Conn) {
				if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					io.WriteString(conn, strings.ReplaceAll(c.response, "KEY", acceptKey(r.Header.Get("Sec-WebSocket-Key")))+"\r\n")
				}
			})
			got := ""
			if l, err := server.open(t.Context(), ""); err != nil {
				got = err.Error()
			} else {
				l.raw.Close()
			}
			if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestNoConnection: without a first connection nothing is run.
func TestNoConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "ws://" + l.Addr().String() + "/"
	l.Close()
	if _, err := run(t.Context(), Config{URL: url}); err == nil || !strings.HasPrefix(err.Error(), "no connection to "+url+": ") {
		t.Errorf("got %v", err)
	}
}

// TestInterrupted: a run ends with its context.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	conf := Config{URL: (&echoServer{noPong: true}).start(t), Patterns: []string{"2.*"}}
	conf.Progress = func(done, total int, r *Result) { cancel() }
	if _, err := run(ctx, conf); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
