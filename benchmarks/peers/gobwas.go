package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/gobwas/ws"
)

// gobwasGather is how many bytes may be gathered before they are sent.
const gobwasGather = 64 << 10

// serveGobwas serves with github.com/gobwas/ws, a goroutine for each
// connection: the upgrade without net/http that the library is known for, its
// functions for headers and masks, and buffers on both sides, so that all that
// came with one read is answered with one write.
func serveGobwas(s settings) error {
	ln, err := s.listen()
	if err != nil {
		return err
	}
	members := newRoom[*gobwasMember]()
	for {
		conn, err := ln.Accept()
		if err != nil {
			return err
		}
		go gobwasServe(conn, members)
	}
}

func gobwasServe(conn net.Conn, members *room[*gobwasMember]) {
	defer conn.Close()
	m, err := gobwasUpgrade(conn, members)
	c := &gobwasConn{in: bufio.NewReader(conn), state: ws.StateServerSide, answer: conn.Write, data: conn.Write}
	if m != nil {
		defer members.leave(m)
		c.answer = m.write
		c.data = func(frames []byte) (int, error) {
			members.each(func(m *gobwasMember) { _, _ = m.write(frames) })
			return len(frames), nil
		}
	}
	for err == nil {
		err = c.frame()
	}
}

// gobwasUpgrade answers the opening handshake. m is nil unless conn is
// subscribed to the topic.
func gobwasUpgrade(conn net.Conn, members *room[*gobwasMember]) (m *gobwasMember, err error) {
	var topic bool
	upgrader := ws.Upgrader{
		OnRequest: func(target []byte) error {
			topic = string(target) == "/broadcast"
			return nil
		},
		OnBeforeUpgrade: func() (ws.HandshakeHeader, error) {
			if topic {
				m = &gobwasMember{conn: conn}
				m.mu.Lock() // what is sent to it waits until it was told that it is connected
				_, _ = members.open(func() (*gobwasMember, error) { return m, nil })
			}
			return ws.HandshakeHeaderString(""), nil
		},
	}
	_, err = upgrader.Upgrade(conn)
	if m != nil {
		m.mu.Unlock()
	}
	return m, err
}

// A gobwasMember is a connection subscribed to the topic.
type gobwasMember struct {
	conn net.Conn

	mu sync.Mutex // held by whoever writes
}

func (m *gobwasMember) write(frames []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.conn.Write(frames)
}

// A gobwasConn reads frames and gathers what they are answered with.
type gobwasConn struct {
	in     *bufio.Reader
	state  ws.State                  // whether a message has begun that is not whole
	out    *bytes.Buffer             // nil if nothing is to be sent
	answer func([]byte) (int, error) // sends control frames
	data   func([]byte) (int, error) // sends data frames
}

// What ends a connection, besides errors of the library.
var (
	errGobwasClosed  = errors.New("closed")
	errGobwasTooLong = errors.New("frame too long")
)

// frame reads a frame and acts on it. Before it may have to wait for the peer
// it sends what was gathered.
func (c *gobwasConn) frame() error {
	if c.in.Buffered() < ws.MaxHeaderSize {
		if err := c.flush(); err != nil {
			return err
		}
	}
	h, err := ws.ReadHeader(c.in)
	if err != nil {
		return err
	}
	if err := ws.CheckHeader(h, c.state); err != nil {
		return err
	}
	if h.Length > maxMessage {
		return errGobwasTooLong
	}
	if h.OpCode.IsControl() {
		return c.control(h)
	}
	c.state = c.state.Set(ws.StateFragmented)
	if h.Fin {
		c.state = c.state.Clear(ws.StateFragmented)
	}
	if int64(c.in.Buffered()) < h.Length || c.out != nil && c.out.Len() >= gobwasGather {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if c.out == nil {
		c.out = getBuffer()
	}
	return gobwasAppend(c.out, c.in, h)
}

// gobwasAppend appends to out the frame of header h, unmasked, whose payload is
// read from in.
func gobwasAppend(out *bytes.Buffer, in io.Reader, h ws.Header) error {
	mask := h.Mask
	h.Masked = false
	if err := ws.WriteHeader(out, h); err != nil {
		return err
	}
	out.Grow(int(h.Length))
	payload := out.AvailableBuffer()[:h.Length]
	if _, err := io.ReadFull(in, payload); err != nil {
		return err
	}
	ws.Cipher(payload, mask, 0)
	out.Write(payload) // where it lies already
	return nil
}

// control answers a ping and a close frame with the same payload.
func (c *gobwasConn) control(h ws.Header) error {
	op := h.OpCode
	if op == ws.OpPing {
		h.OpCode = ws.OpPong
	}
	if err := c.flush(); err != nil {
		return err
	}
	out := getBuffer()
	defer putBuffer(out)
	if err := gobwasAppend(out, c.in, h); err != nil {
		return err
	}
	if op == ws.OpPong {
		return nil // nobody asked
	}
	if _, err := c.answer(out.Bytes()); err != nil {
		return err
	}
	if op == ws.OpClose {
		return errGobwasClosed
	}
	return nil
}

// flush sends what was gathered.
func (c *gobwasConn) flush() error {
	if c.out == nil {
		return nil
	}
	_, err := c.data(c.out.Bytes())
	putBuffer(c.out)
	c.out = nil
	return err
}
