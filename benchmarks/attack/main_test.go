package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve has each connection to a new address be played by play, which ends it.
func serve(t *testing.T, play func(net.Conn)) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			play(c)
			c.Close()
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	return ln.Addr().String()
}

// upgraded reads an opening handshake and answers it.
func upgraded(c net.Conn) {
	readHead(c)
	io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
}

func readHead(c net.Conn) {
	var head []byte
	for b := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, b...) {
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
	}
}

// attackOn runs the command.
func attackOn(t *testing.T, ctx context.Context, args ...string) (r report) {
	t.Helper()
	var out, log bytes.Buffer
	if status := run(ctx, append([]string{"-json"}, args...), &out, &log); status != 0 {
		t.Fatalf("status %d\n%s", status, log.String())
	}
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(log.String(), "are in place\n") {
		t.Errorf("it says %q", log.String())
	}
	return r
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		name, kind, want string
		play             func(net.Conn)
	}{
		{"refused", "slowloris-handshake", "status 408", func(c net.Conn) {
			io.ReadFull(c, make([]byte, 50))
			io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
		}},
		{"ended", "half-open", "end", func(net.Conn) {}},
		{"alert", "half-open", "alert 49", func(c net.Conn) { c.Write([]byte{21, 3, 3, 0, 2, 2, 49}) }},
		{"closed", "slowloris-frame", "close 1008", func(c net.Conn) {
			upgraded(c)
			c.Write([]byte{0x89, 0, 0x88, 2, 0x03, 0xF0})
		}},
		{"too large", "oversized-message", "close 1009", func(c net.Conn) {
			upgraded(c)
			io.ReadFull(c, make([]byte, 100_000))
			c.Write([]byte{0x88, 2, 0x03, 0xF1})
			io.Copy(io.Discard, c)
		}},
		{"refused before", "slowloris-frame", "no place", func(c net.Conn) {
			readHead(c)
			io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		}},
		{"cut off", "dead-readers", "cut off", func(c net.Conn) {
			upgraded(c)
			io.ReadFull(c, make([]byte, 10_000))
			c.(*net.TCPConn).SetLinger(0)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := attackOn(t, t.Context(), "-kind", c.kind, "-n", "3", "-every", "1ms", "ws://"+serve(t, c.play)+"/echo")
			if len(r.Outcomes) != 1 || r.Outcomes[c.want] != 3 {
				t.Errorf("got %v, want 3 × %s; %s", r.Outcomes, c.want, r.Example)
			}
		})
	}
}

func TestStayed(t *testing.T) {
	for _, kind := range []string{"half-open", "silent-readers"} {
		ctx, cancel := context.WithCancel(t.Context())
		addr := serve(t, func(c net.Conn) {
			if kind == "silent-readers" {
				upgraded(c)
				c.Read(make([]byte, 1))
			}
			cancel()
			io.Copy(io.Discard, c)
		})
		r := attackOn(t, ctx, "-kind", kind, "-n", "1", "-message", "hello", "ws://"+addr+"/echo")
		if r.Outcomes["stayed"] != 1 {
			t.Errorf("%s: got %v, want one that stayed", kind, r.Outcomes)
		}
	}
}

func TestHello(t *testing.T) {
	hello := (&target{name: "localhost"}).hello()
	if hello[0] != 22 || !bytes.Contains(hello, []byte("localhost")) || !bytes.Contains(hello, []byte("http/1.1")) {
		t.Errorf("not a ClientHello: %.40x", hello)
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", `attack: expected the URL of a server, not ""`},
		{"-kind half-open http://127.0.0.1/", "expected ws://host:port/path or wss://host:port/path"},
		{"-kind half-open ws://192.0.2.1/", "attacking another machine has to be asked for (-remote)"},
		{"-kind half-close ws://127.0.0.1/", `attack: -kind "half-close": expected one of`},
		{"-kind half-record ws://127.0.0.1/", "is an attack on TLS: expected a URL that begins with wss://"},
		{"-kind half-open -n 0 ws://127.0.0.1/", "attack: expected at least 1 for -n and -size"},
	} {
		var out, log bytes.Buffer
		if status := run(t.Context(), strings.Fields(c.args), &out, &log); status != 2 || !strings.Contains(log.String(), c.want) {
			t.Errorf("%q: status %d, %q, want %q", c.args, status, log.String(), c.want)
		}
	}
}

func TestTable(t *testing.T) {
	r := report{Kind: "half-open", Conns: 3, Seconds: time.Second.Seconds(), Sent: 7, Outcomes: map[string]int{"stayed": 1, "end": 2}}
	var out strings.Builder
	want := "half-open with 3 connections, 1.0 s, 7 bytes sent\n       2  end\n       1  stayed\n"
	if err := r.write(&out, false); err != nil || out.String() != want {
		t.Errorf("%v, got %q, want %q", err, out.String(), want)
	}
}
