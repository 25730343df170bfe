package main

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// timeout bounds the opening of a connection, and the wait for an echo.
	timeout = 10 * time.Second

	// window is how far back a message may refer, in bytes.
	window = 32 << 10
)

// A conn is a client's connection. It belongs to one goroutine.
type conn struct {
	net.Conn
	form           form
	in             *bufio.Reader
	past           []byte // with takeover: at least the last window bytes that came compressed
	inflater       io.Reader
	sent, received int // bytes of frames
}

// dial opens a connection to the service of f and sees that what was agreed on
// is what f is about.
func dial(ctx context.Context, addr string, f form) (*conn, error) {
	d := net.Dialer{Timeout: timeout}
	tcp, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: tcp, form: f, in: bufio.NewReader(tcp)}
	if err := c.shakeHands(addr); err != nil {
		tcp.Close()
		return nil, fmt.Errorf("opening handshake: %w", err)
	}
	return c, nil
}

func (c *conn) shakeHands(addr string) error {
	request := "GET /" + c.form.service + " HTTP/1.1\r\nHost: " + addr + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
	if c.form.settings != nil {
		request += "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
	}
	_ = c.SetDeadline(time.Now().Add(timeout)) // a broken connection says so below
	if _, err := io.WriteString(c, request+"\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	resp.Body.Close()
	agreed := resp.Header.Get("Sec-WebSocket-Extensions")
	takeover := agreed != "" && !strings.Contains(agreed, "server_no_context_takeover")
	if resp.StatusCode != http.StatusSwitchingProtocols || (agreed != "") != (c.form.settings != nil) || takeover != c.form.takeover {
		return fmt.Errorf("expected 101 and the form %q, not %s and %q", c.form.name, resp.Status, agreed)
	}
	return nil
}

// echo sends m and awaits that it comes back.
func (c *conn) echo(m *message) error {
	frame := m.plain
	if c.form.settings != nil {
		frame = m.packed
	}
	_ = c.SetDeadline(time.Now().Add(timeout)) // a broken connection says so below
	if _, err := c.Write(frame); err != nil {
		return err
	}
	c.sent += len(frame)
	text, packed, err := c.read()
	if err != nil {
		return err
	}
	if packed {
		if text, err = c.inflate(text); err != nil {
			return fmt.Errorf("the echo is not valid DEFLATE data: %w", err)
		}
	}
	if !bytes.Equal(text, m.text) {
		return fmt.Errorf("the echo, %d bytes, %.40q, is not what was sent, %.40q", len(text), text, m.text)
	}
	return nil
}

// read reads a message, in one frame or several, as it came.
func (c *conn) read() (payload []byte, packed bool, err error) {
	for begun, fin := false, false; !fin; begun = true {
		var head [10]byte
		if _, err := io.ReadFull(c.in, head[:2]); err != nil {
			return nil, false, err
		}
		fin = head[0]&finBit != 0
		want := head[0] &^ finBit
		if begun == (want != 0) || want&^rsv1Bit != opText && !begun {
			return nil, false, fmt.Errorf("got a frame that begins with % x, expected an echo", head[:2])
		}
		packed = packed || want&rsv1Bit != 0
		size, more := uint64(head[1]), 0
		if size >= 126 {
			more = 2 + 6*(int(size)-126) // bytes that hold the size instead
			if _, err := io.ReadFull(c.in, head[10-more:]); err != nil {
				return nil, false, err
			}
			size = binary.BigEndian.Uint64(append(make([]byte, 8-more, 8), head[10-more:]...))
		}
		from := len(payload)
		payload = append(payload, make([]byte, min(size, 1<<24))...)
		if _, err := io.ReadFull(c.in, payload[from:]); err != nil {
			return nil, false, err
		}
		c.received += 2 + more + int(size)
	}
	return payload, packed, nil
}

// inflate returns what payload is the compression of, and keeps it for later
// messages to refer to.
func (c *conn) inflate(payload []byte) ([]byte, error) {
	// An empty stored block that is the last makes the reader say that it is over.
	whole := bytes.NewReader(append(payload, syncTail+"\x01\x00\x00\xff\xff"...))
	if c.inflater == nil {
		c.inflater = flate.NewReader(whole)
	}
	if err := c.inflater.(flate.Resetter).Reset(whole, c.past[max(len(c.past)-window, 0):]); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(c.inflater)
	if c.form.takeover {
		if len(c.past)+len(text) > 4*window {
			c.past = append(c.past[:0], c.past[max(len(c.past)-window, 0):]...)
		}
		c.past = append(c.past, text...)
	}
	return text, err
}
