package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// TestServers starts each server of servers.json as the benchmarks do, plain
// and with TLS.
func TestServers(t *testing.T) {
	cert, key, trust := certificate(t)
	for _, e := range entries(t) {
		t.Run(e.Name, func(t *testing.T) {
			e.want(t)
			t.Run("ws", func(t *testing.T) {
				testServer(t, e, "ws://"+e.started(t, e.Command, "", ""), nil)
			})
			t.Run("wss", func(t *testing.T) {
				testServer(t, e, "wss://"+e.started(t, e.TLS, cert, key), trust)
			})
		})
	}
}

func testServer(t *testing.T, e entry, url string, trust *tls.Config) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trust}}
	dial := func(t *testing.T, target string) *websocket.Conn { return dialed(t, client, url+target) }
	t.Run("echo", func(t *testing.T) { testEcho(t, dial(t, e.Paths["echo"]), e.sizes()) })
	t.Run("any target", func(t *testing.T) { testEcho(t, dial(t, "/any/target?x=y"), e.sizes()) })
	t.Run("order", func(t *testing.T) { testOrder(t, dial(t, e.Paths["echo"])) })
	t.Run("fragments", func(t *testing.T) { testFragments(t, dial(t, e.Paths["echo"])) })
	t.Run("UTF-8", func(t *testing.T) { testUTF8(t, dial(t, e.Paths["echo"]), e.checksUTF8()) })
	t.Run("ping and close", func(t *testing.T) { testPing(t, dial(t, e.Paths["echo"])) })
	if e.Broadcast {
		t.Run("broadcast", func(t *testing.T) {
			testBroadcast(t, func() *websocket.Conn { return dial(t, e.Paths["broadcast"]) }, e.sizes())
		})
	}
}

func dialed(t *testing.T, client *http.Client, url string) *websocket.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client, CompressionMode: websocket.CompressionNoContextTakeover})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	if got := response.Header.Get("Sec-WebSocket-Extensions"); got != "" {
		t.Fatalf("got extensions %q, expected no compression", got)
	}
	c.SetReadLimit(maxMessage)
	return c
}

// patience is how long a server may take for anything before a test gives up.
const patience = 30 * time.Second

func send(t *testing.T, c *websocket.Conn, typ websocket.MessageType, payload []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.Write(ctx, typ, payload); err != nil {
		t.Fatal(err)
	}
}

// expect fails unless the next message is this one.
func expect(t *testing.T, c *websocket.Conn, typ websocket.MessageType, payload []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	gotTyp, got, err := c.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if gotTyp != typ || !bytes.Equal(got, payload) {
		t.Fatalf("got %v of %d bytes beginning %.20q, expected %v of %d bytes beginning %.20q", gotTyp, len(got), got, typ, len(payload), payload)
	}
}

var kinds = []websocket.MessageType{websocket.MessageText, websocket.MessageBinary}

// message returns n bytes, which are UTF-8 in a text.
func message(typ websocket.MessageType, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * 7)
		if typ == websocket.MessageText {
			p[i] = 'a' + byte(i%26)
		}
	}
	return p
}

// sizes returns the sizes of messages, in bytes, that e is tried with.
func (e entry) sizes() []int {
	all := []int{0, 1, 125, 126, 65535, 65536, 300_000}
	if e.Name == "nbio" {
		return all[1:] // it passes an empty message to no handler
	}
	return all
}

func testEcho(t *testing.T, c *websocket.Conn, sizes []int) {
	for _, typ := range kinds {
		for _, n := range sizes {
			p := message(typ, n)
			send(t, c, typ, p)
			expect(t, c, typ, p)
		}
	}
	text := []byte("čřž € 𝄞")
	send(t, c, websocket.MessageText, text)
	expect(t, c, websocket.MessageText, text)
}

// testOrder has 16 messages in flight, of kinds and sizes in turn.
func testOrder(t *testing.T, c *websocket.Conn) {
	next := func(i int) (websocket.MessageType, []byte) {
		return kinds[i%2], []byte(strings.Repeat(fmt.Sprintf("message %d ", i), 1+i%5*20))
	}
	const inFlight = 16
	for i := range inFlight {
		typ, p := next(i)
		send(t, c, typ, p)
	}
	for i := range 1000 {
		typ, p := next(i)
		expect(t, c, typ, p)
		typ, p = next(i + inFlight)
		send(t, c, typ, p)
	}
}

// testFragments sends a message in three frames.
func testFragments(t *testing.T, c *websocket.Conn) {
	for _, typ := range kinds {
		w, err := c.Writer(t.Context(), typ)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"in ", "three"} {
			if _, err := w.Write([]byte(part)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		expect(t, c, typ, []byte("in three"))
	}
}

// checksUTF8 is a column of README.md's table.
func (e entry) checksUTF8() bool { return e.Name == "nbio" || e.Name == "ws" || e.Name == "bun" }

// testUTF8 sends a text that is none.
func testUTF8(t *testing.T, c *websocket.Conn, checked bool) {
	p := []byte("\xff")
	send(t, c, websocket.MessageText, p)
	if !checked {
		expect(t, c, websocket.MessageText, p)
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("got %v, expected the end of the connection", err)
	}
}

// testPing expects pongs, and a closing handshake.
func testPing(t *testing.T, c *websocket.Conn) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	read := make(chan error, 1)
	go func() {
		_, _, err := c.Read(ctx)
		read <- err
	}()
	for range 3 {
		if err := c.Ping(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, "done"); err != nil {
		t.Fatal(err)
	}
	if got := websocket.CloseStatus(<-read); got != websocket.StatusNormalClosure {
		t.Fatalf("got close status %v, expected %v", got, websocket.StatusNormalClosure)
	}
}

// testBroadcast has each of several publish, alone and in bursts, then again
// after one has left.
func testBroadcast(t *testing.T, dial func() *websocket.Conn, sizes []int) {
	const members = 5
	var list []*websocket.Conn
	for range members {
		list = append(list, dial())
	}
	round := func(name string) {
		for from, publisher := range list {
			for _, n := range []int{1, 16} {
				burst := make([][]byte, n)
				for i := range burst {
					burst[i] = fmt.Appendf(nil, "%s: %d of %d from %d", name, i, n, from)
					send(t, publisher, kinds[i%2], burst[i])
				}
				for _, c := range list {
					for i := range burst {
						expect(t, c, kinds[i%2], burst[i])
					}
				}
			}
		}
	}
	round("all")
	if err := list[0].Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Fatal(err)
	}
	list = list[1:]
	round("one left")
	list = append(list, dial())
	round("one came")
	for _, typ := range kinds {
		for _, n := range sizes {
			p := message(typ, n)
			send(t, list[0], typ, p)
			for _, c := range list {
				expect(t, c, typ, p)
			}
		}
	}
}
