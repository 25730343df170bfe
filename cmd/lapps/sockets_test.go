package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// What depends on the kernel's sockets, and on what the event loop makes of
// them. Its twins over the carrier in memory, with exact times, are in server.

// dribble sends p byte by byte, each in a segment of its own as far as the
// kernel likes. Who reads the answers sees if it failed.
func dribble(c *net.TCPConn, p []byte) {
	c.SetNoDelay(true)
	for i := range p {
		if _, err := c.Write(p[i : i+1]); err != nil {
			return
		}
	}
}

// TestDribbledOverTCP sends a handshake, messages, pings and a Close frame in
// single bytes.
func TestDribbledOverTCP(t *testing.T) {
	d := startDaemon(t, `{"services": {"echo": {}}}`, echoApp)
	c := raw(t, d.addr())
	c.SetReadDeadline(time.Now().Add(time.Minute))
	large := bytes.Repeat([]byte("x"), 300)
	all := []byte(upgrade("/echo"))
	for _, f := range []struct {
		first   byte
		payload []byte
	}{{0x89, []byte("p")}, {0x81, []byte("hello")}, {0x02, large}, {0x89, nil}, {0x80, large}, {0x88, []byte{0x03, 0xE8}}} {
		all = append(all, maskedFrame(f.first, f.payload)...)
	}
	go dribble(c, all)
	r := bufio.NewReader(c)
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	// A pong does not wait for the service: the answer to the text may come
	// behind the second one.
	var pongs, messages []string
	for range 4 {
		if op, p := readFrame(t, r); op == 0xA {
			pongs = append(pongs, string(p))
		} else {
			messages = append(messages, string(p))
		}
	}
	if len(pongs) != 2 || pongs[0] != "p" || pongs[1] != "" {
		t.Errorf("pongs %q", pongs)
	}
	if len(messages) != 2 || messages[0] != "hello" || messages[1] != string(large)+string(large) {
		t.Errorf("messages %.80q", messages)
	}
	mustCloseFrame(t, r, 1000)
}

// TestHalfCloseOverTCP half-closes in every state, and reads to the end: there
// is an end, at once, without a reset, and nothing but what was written before.
// No timeout is short enough to be what ends it.
func TestHalfCloseOverTCP(t *testing.T) {
	d := startDaemon(t, `{"timeouts": {"close_ms": 60000}, "services": {"echo": {}, "trouble": {}}}`, map[string]string{"echo/echo.lua": echoLua, "trouble/trouble.lua": troubleLua})
	request := []byte(upgrade("/echo"))
	text := maskedFrame(0x81, []byte("hello"))
	for _, c := range []struct {
		name string
		path string // "": the handshake is part of what is sent
		send []byte
		want []byte // what is read, before the half-close
	}{
		{"before a byte", "", nil, nil},
		{"in the handshake", "", request[:len(request)-2], nil},
		{"behind a refusal", "", []byte("GET / HTTP/1.0\r\n\r\n"), []byte("HTTP/1.1 400 Bad Request\r\n")},
		{"idle", "/echo", nil, nil},
		{"behind a message", "/echo", text, []byte("\x81\x05hello")},
		{"in a header", "/echo", text[:1], nil},
		{"in a payload", "/echo", text[:len(text)-1], nil},
		{"in a message, behind a ping", "/echo", append(maskedFrame(0x01, nil), maskedFrame(0x89, []byte("p"))...), []byte("\x8a\x01p")},
		{"behind the answer to a Close frame", "/echo", maskedFrame(0x88, []byte{0x03, 0xE8}), []byte("\x88\x02\x03\xe8")},
		{"behind the service's Close frame", "/trouble", maskedFrame(0x81, []byte("close")), []byte("\x88\x0d\x0f\xa1as you like")},
		{"behind a breach", "/echo", []byte("\x83"), []byte("\x88\x18\x03\xeaopcode 0x3 is reserved")},
	} {
		t.Run(c.name, func(t *testing.T) {
			var conn *net.TCPConn
			if c.path == "" {
				conn = raw(t, d.addr())
			} else {
				conn = rawOpen(t, d.addr(), c.path)
			}
			conn.SetReadDeadline(time.Now().Add(time.Minute))
			conn.Write(c.send)
			got := make([]byte, len(c.want))
			if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, c.want) {
				t.Fatalf("received %q, %v, want %q", got, err, c.want)
			}
			if err := conn.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(conn)
			if err != nil || len(rest) > 0 && c.name != "behind a refusal" {
				t.Errorf("then received %q, %v", rest, err)
			}
			eventually(t, "the connection has gone", func() bool { return d.server.Open() == 0 })
		})
	}
	mustEcho(t, d.url("/echo"))
}

// TestUnreadInputSparesTheCloseFrame: a kernel that closes a socket with unread
// input sends a reset, and a reset destroys what the peer has not read yet. So
// what a peer sends behind its Close frame, or behind a breach, is read.
func TestUnreadInputSparesTheCloseFrame(t *testing.T) {
	d := startDaemon(t, `{"services": {"echo": {}}}`, echoApp)
	after := bytes.Repeat(maskedFrame(0x81, bytes.Repeat([]byte("x"), 1000)), 1000) // 1 MB
	for name, c := range map[string]struct {
		last []byte
		code int
	}{
		"close":  {maskedFrame(0x88, []byte{0x0F, 0xA0}), 4000},
		"breach": {[]byte("\x81\x00"), 1002},
	} {
		t.Run(name, func(t *testing.T) {
			conn := rawOpen(t, d.addr(), "/echo")
			conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := conn.Write(append(append(maskedFrame(0x81, []byte("first")), c.last...), after...)); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(conn)
			if op, p := readFrame(t, r); op != 1 || string(p) != "first" {
				t.Errorf("op %d, %.40q", op, p)
			}
			mustCloseFrame(t, r, c.code)
		})
	}
}

// TestCloseThenFIN: a Close frame is answered (RFC 6455 section 5.5.1), behind
// the answers to what came before it, though a FIN follows it at once.
func TestCloseThenFIN(t *testing.T) {
	d := startDaemon(t, `{"services": {"echo": {}}}`, echoApp)
	lost := 0
	const n = 200
	for range n {
		c := rawOpen(t, d.addr(), "/echo")
		c.SetReadDeadline(time.Now().Add(time.Minute))
		c.Write(append(maskedFrame(0x81, []byte("first")), maskedFrame(0x88, []byte{0x03, 0xE8})...))
		c.CloseWrite()
		r := bufio.NewReader(c)
		if _, err := r.Peek(1); err != nil {
			lost++
			continue
		}
		if op, p := readFrame(t, r); op != 1 || string(p) != "first" {
			t.Fatalf("op %d, %q", op, p)
		}
		if _, err := r.Peek(1); err != nil {
			lost++
			continue
		}
		mustCloseFrame(t, r, 1000)
		c.Close()
	}
	if lost > 0 {
		t.Errorf("%d of %d were not answered with a Close frame", lost, n)
	}
}
