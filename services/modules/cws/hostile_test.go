package cws

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"strings"
	"testing"
)

// TestHostileAnswers has servers answer the opening handshake in ways they should not.
func TestHostileAnswers(t *testing.T) {
	n := newNetwork(t)
	const answer = "the server's answer: "
	for _, c := range []struct {
		name string
		do   func(*rawConn)
		want string
	}{
		{"garbage", func(c *rawConn) { c.key(); c.say("\x00\x01\x02garbage"); c.rest() }, answer + "line 1, byte 1: control character 0x00"},
		{"another protocol", func(c *rawConn) { c.key(); c.say("SSH-2.0-x\r\n\r\n"); c.rest() }, answer + "line 1, byte 10: this is not HTTP"},
		{"TLS", func(c *rawConn) { c.key(); c.say("\x15\x03\x01\x00\x02\x02\x00"); c.rest() }, answer + "this port speaks TLS: the address begins with wss://, not ws://"},
		{"wrong accept", func(c *rawConn) { c.key(); c.say(head + "dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"); c.rest() }, answer + "Sec-WebSocket-Accept does not belong to the key"},
		{"no accept", func(c *rawConn) {
			c.key()
			c.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
			c.rest()
		}, answer + "Sec-WebSocket-Accept does not belong to the key"},
		{"HTTP/1.0", func(c *rawConn) { c.key(); c.say("HTTP/1.0 101 OK\r\n\r\n"); c.rest() }, answer + `"HTTP/1.0 101 OK" is not a status line of HTTP/1.1`},
		{"an extension", func(c *rawConn) {
			c.say(head + c.key() + "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
			c.rest()
		}, answer + "Sec-WebSocket-Extensions, but none were offered"},
		{"a subprotocol", func(c *rawConn) { c.say(head + c.key() + "\r\nSec-WebSocket-Protocol: x\r\n\r\n"); c.rest() }, answer + "Sec-WebSocket-Protocol is not one that was offered"},
		{"endless headers", func(c *rawConn) {
			c.key()
			c.say("HTTP/1.1 101 Switching Protocols\r\n" + strings.Repeat("X: y\r\n", 10_000))
			c.rest()
		}, answer + "more than 100 header lines"},
		{"an endless line", func(c *rawConn) {
			c.key()
			c.say("HTTP/1.1 101 " + strings.Repeat("x", 1<<20))
			c.rest()
		}, answer + "a line is longer than 8192 bytes"},
		{"closes at once", func(c *rawConn) {}, ""},
		{"closes after the request", func(c *rawConn) { c.key() }, "the server closed the connection before it answered"},
		{"half-closes after the request", func(c *rawConn) { c.key(); _ = c.CloseWrite(); c.rest() }, "the server closed the connection before it answered"},
		{"closes within the answer", func(c *rawConn) { c.key(); c.say(head) }, "the server closed the connection before it answered"},
		{"resets after the request", func(c *rawConn) { c.key(); c.reset() }, "the connection was lost: read: connection reset by peer"},
		{"silence", func(c *rawConn) { c.rest() }, "timeout"},
		{"a drip", func(c *rawConn) {
			c.key()
			for _, err := c.Write([]byte("H")); err == nil; _, err = c.Write([]byte("H")) {
				if _, err := c.in.Peek(1); err != nil { // the client has gone
					return
				}
			}
		}, "timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := rawServer(t, c.do)
			timeout := "20"
			if c.want == "timeout" {
				timeout = "0.2"
			}
			got := eval(t, n, url, `return all(cws.connect(url .. "/", {timeout = `+timeout+`}))`)
			if got = strings.TrimPrefix(got, "nil|"); c.want != "" && got != c.want || !strings.HasPrefix(got, "the ") && got != "timeout" {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestHostileFrames has servers send what they should not once the connection is open.
func TestHostileFrames(t *testing.T) {
	n := newNetwork(t)
	for _, c := range []struct {
		name string
		do   func(c *rawConn) (sent []byte) // what the client has sent; nil: it does not matter
		want string                         // what recv returns behind a message "m"
		sent string                         // the client's frames
	}{
		{"masked", answered("\x81\x81abcd\x00"), "nil|closed|1002|frames from server to client must not be masked", "88 \x03\xeaframes from server to client must not be masked"},
		{"reserved opcode", answered("\x83\x00"), "nil|closed|1002|opcode 0x3 is reserved", "88 \x03\xeaopcode 0x3 is reserved"},
		{"reserved bits", answered("\xc1\x00"), "nil|closed|1002|reserved bits are set, but no extension was negotiated", ""},
		{"not UTF-8", answered("\x81\x01\xff"), "nil|closed|1007|text is not UTF-8", "88 \x03\xeftext is not UTF-8"},
		{"too long", answered("\x82\x7f\x00\x00\x00\x00\xff\xff\xff\xff"), "nil|closed|1009|message of 4294967295 bytes, the limit is 1000", ""},
		{"too long in fragments", answered("\x02\x7e\x03\x00" + strings.Repeat("x", 768) + "\x80\x7e\x03\x00"), "nil|closed|1009|message of 1536 bytes, the limit is 1000", ""},
		{"large control frame", answered("\x89\x7e\x00\x80"), "nil|closed|1002|control frames must not have more than 125 bytes of payload", ""},
		{"bad close code", answered("\x88\x02\x03\xed"), "nil|closed|1002|close frame with a code that must not be sent", ""},
		{"close with garbage behind", answered("\x88\x02\x03\xe8garbage"), "nil|closed|1000|", "88 \x03\xe8"},
		{"close without a code", answered("\x88\x00"), "nil|closed|1005|", "88 "},
		{"ping flood", answered(strings.Repeat("\x89\x01p", 100_000) + "\x88\x00"), "nil|closed|1005|", "8a p ; 88 "},
		{"empty fragments", answered(strings.Repeat("\x00\x00", 0) + "\x01\x00\x80\x01x\x88\x02\x03\xe8"), "x|1", "88 \x03\xe8"},
		{"closes", func(c *rawConn) []byte { return nil }, "nil|closed|1006|the server closed the connection without a Close frame", ""},
		{"half-closes", func(c *rawConn) []byte { _ = c.CloseWrite(); c.rest(); return nil }, "nil|closed|1006|the server closed the connection without a Close frame", ""},
		{"half-closes within a frame", func(c *rawConn) []byte { c.say("\x82\x7e\x01\x00x"); _ = c.CloseWrite(); c.rest(); return nil },
			"nil|closed|1006|the server closed the connection without a Close frame", ""},
		{"resets", func(c *rawConn) []byte { c.reset(); return nil }, "nil|closed|1006|the connection was lost: read: connection reset by peer", ""},
		{"closes behind its Close frame", func(c *rawConn) []byte { c.say("\x88\x02\x03\xe8"); return nil }, "nil|closed|1000|", ""},
		{"resets behind its Close frame", func(c *rawConn) []byte { c.say("\x88\x02\x03\xe8"); c.reset(); return nil }, "nil|closed|1000|", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sent := make(chan []byte, 1)
			url := rawServer(t, func(conn *rawConn) {
				conn.upgrade("\x81\x01m")
				if _, err := conn.in.Peek(1); err != nil { // the client has received it
					t.Error(err)
				}
				_, _ = conn.in.Discard(7)
				sent <- c.do(conn)
			})
			got := eval(t, n, url, `local c = dial("/", {max_message = 1000, timeout = 20}) assert(c:recv() == "m") c:send("y") return all(c:recv(20))`)
			if resets := strings.Contains(c.name, "resets behind"); got != c.want && !(resets && strings.HasPrefix(got, "nil|closed|1006|")) {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
			if all := strings.Join(unmasked(<-sent), " ; "); c.sent != "" && all != c.sent && !(c.name == "ping flood" && strings.HasSuffix(all, c.sent)) {
				t.Errorf("the client sent %q, want %q", all, c.sent)
			}
		})
	}
}

// answered sends frames, and returns what comes back until the client closes.
func answered(frames string) func(*rawConn) []byte {
	return func(c *rawConn) []byte {
		c.say(frames)
		return c.rest()
	}
}

// TestResetInEveryState has a server reset a connection after each byte of what it says.
func TestResetInEveryState(t *testing.T) {
	n := newNetwork(t)
	for cut := range len(head) + 28 + 4 + 3 {
		if cut%7 != 0 && cut < len(head)+26 {
			continue
		}
		url := rawServer(t, func(c *rawConn) {
			c.say((head + c.key() + "\r\n\r\n" + "\x81\x01m")[:cut])
			c.reset()
		})
		got := eval(t, n, url, `local c, why = cws.connect(url, {timeout = 20}) if not c then return why end
			local data, why, code = c:recv(20) if data == "m" then data, why, code = c:recv(20) end return all(data, why, code)`)
		if got != "nil|closed|1006" && !strings.HasPrefix(got, "the connection was lost: ") {
			t.Errorf("after %d bytes: %s", cut, got)
		}
	}
}

// TestDeflateBomb has a server send a message of a few bytes that is 64 MiB once inflated:
// no more than the limit is.
func TestDeflateBomb(t *testing.T) {
	n := newNetwork(t)
	var bomb bytes.Buffer
	w, err := flate.NewWriter(&bomb, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 64<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	payload := strings.TrimSuffix(bomb.String(), "\x00\x00\xff\xff") // RFC 7692, section 7.2.1
	frame := "\xc2\x7e" + string(binary.BigEndian.AppendUint16(nil, uint16(len(payload)))) + payload
	url := rawServer(t, func(c *rawConn) {
		c.say(head + c.key() + "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n\r\n" + frame)
		c.rest()
	})
	got := eval(t, n, url, `local c = dial("/", {compression = true, max_message = 100000, timeout = 20}) return all(c:recv(20))`)
	if len(payload) > 65535 || !strings.HasPrefix(got, "nil|closed|1009|") {
		t.Errorf("%d bytes: %q", len(payload), got)
	}
}
