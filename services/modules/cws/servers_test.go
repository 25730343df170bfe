package cws

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

// newServer is a server of two libraries that nobody here wrote. Its URL begins with ws:// or,
// with TLS, wss://.
func newServer(t testing.TB) (s *httptest.Server, url string) {
	t.Helper()
	s = httptest.NewUnstartedServer(paths())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s, "ws" + strings.TrimPrefix(s.URL, "http")
}

func paths() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", withGorilla(echo))
	mux.HandleFunc("/request", withGorilla(request))
	mux.HandleFunc("/close", withGorilla(closing))
	mux.HandleFunc("/push", withGorilla(push))
	mux.HandleFunc("/drop", withGorilla(func(c *gorilla.Conn, _ *http.Request) {}))
	mux.HandleFunc("/coder", withCoder)
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo", http.StatusFound) })
	return mux
}

var upgrader = gorilla.Upgrader{
	Subprotocols:      []string{"two", "three"},
	EnableCompression: true,
	CheckOrigin:       func(*http.Request) bool { return true },
}

// withGorilla has do speak with a client, and then closes the TCP connection.
func withGorilla(do func(*gorilla.Conn, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return // the client has been told
		}
		defer c.Close()
		do(c, r)
	}
}

func echo(c *gorilla.Conn, _ *http.Request) {
	for {
		kind, message, err := c.ReadMessage()
		if err != nil {
			return
		}
		if c.WriteMessage(kind, message) != nil {
			return
		}
	}
}

// request tells a client what it has asked for.
func request(c *gorilla.Conn, r *http.Request) {
	var b bytes.Buffer
	b.WriteString(r.Method + " " + r.RequestURI + "\nHost: " + r.Host + "\n")
	r.Header.Del("Sec-Websocket-Key")
	_ = r.Header.Write(&b) // a buffer takes everything
	if c.WriteMessage(gorilla.TextMessage, b.Bytes()) == nil {
		echo(c, r)
	}
}

// closing closes with the code and the reason that the URL has, behind a message.
func closing(c *gorilla.Conn, r *http.Request) {
	q := r.URL.Query()
	code, _ := strconv.Atoi(q.Get("code"))
	var frame []byte
	if code != 0 {
		frame = gorilla.FormatCloseMessage(code, q.Get("reason"))
	}
	if c.WriteMessage(gorilla.TextMessage, []byte("last")) == nil && c.WriteMessage(gorilla.CloseMessage, frame) == nil {
		echo(c, r)
	}
}

// push sends as many messages of as many bytes as the URL says, each with its number.
func push(c *gorilla.Conn, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	size, _ := strconv.Atoi(r.URL.Query().Get("size"))
	for i := 1; i <= n; i++ {
		message := strconv.Itoa(i)
		message += strings.Repeat(" ", max(size-len(message), 0))
		if c.WriteMessage(gorilla.TextMessage, []byte(message)) != nil {
			return
		}
	}
	echo(c, r)
}

// withCoder echoes with the other library, whose messages refer to earlier ones where the client
// lets them.
func withCoder(w http.ResponseWriter, r *http.Request) {
	c, err := coder.Accept(w, r, &coder.AcceptOptions{CompressionMode: coder.CompressionContextTakeover, CompressionThreshold: 1})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(64 << 20)
	for {
		kind, message, err := c.Read(context.Background())
		if err != nil {
			return
		}
		if c.Write(context.Background(), kind, message) != nil {
			return
		}
	}
}

// rawServer is a server that does what a test says with each connection, and then closes it.
func rawServer(t testing.TB, do func(*rawConn)) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(limit))
			c := &rawConn{TCPConn: conn.(*net.TCPConn), in: bufio.NewReader(conn)}
			serving.Go(func() {
				do(c)
				c.Close()
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		serving.Wait()
	})
	return "ws://" + ln.Addr().String()
}

// A rawConn is a server's end of a connection.
type rawConn struct {
	*net.TCPConn
	in *bufio.Reader
}

// key reads the opening handshake, and returns what Sec-WebSocket-Accept has to be.
func (c *rawConn) key() string {
	r, err := http.ReadRequest(c.in)
	if err != nil {
		return ""
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "

// upgrade answers the opening handshake, and sends more right behind it.
func (c *rawConn) upgrade(more string) { c.say(head + c.key() + "\r\n\r\n" + more) }

// say sends; what cannot be sent the client has not waited for.
func (c *rawConn) say(s string) { _, _ = io.WriteString(c, s) }

// rest reads until the client's Close frame, or until it closes.
func (c *rawConn) rest() (all []byte) {
	buf := make([]byte, 64<<10)
	for {
		n, err := c.in.Read(buf)
		all = append(all, buf[:n]...)
		frames := unmasked(all)
		if err != nil || len(frames) > 0 && strings.HasPrefix(frames[len(frames)-1], "88 ") {
			return all
		}
	}
}

// reset has closing send a RST.
func (c *rawConn) reset() { _ = c.SetLinger(0) }

// unmasked are the frames that a client has sent, small ones, as hexadecimal opcodes and
// payloads.
func unmasked(p []byte) (all []string) {
	for len(p) >= 6 && p[1]&0x80 != 0 {
		n := int(p[1] & 0x7f)
		if n > 125 || len(p) < 6+n {
			break
		}
		payload := bytes.Clone(p[6 : 6+n])
		for i := range payload {
			payload[i] ^= p[2+i%4]
		}
		all = append(all, strconv.FormatInt(int64(p[0]), 16)+" "+string(payload))
		p = p[6+n:]
	}
	if len(p) > 0 {
		all = append(all, "and more")
	}
	return all
}
