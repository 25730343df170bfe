package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// opening bounds how long a connection may take to be opened.
const opening = time.Minute

// request is the opening handshake (RFC 6455, section 1.3).
func (t *target) request() string {
	return "GET " + t.path + " HTTP/1.1\r\nHost: " + t.host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
}

func (t *target) tls() *tls.Config {
	return &tls.Config{ServerName: t.name, InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}
}

// A link is a connection to the server. With the attack's end it is closed.
type link struct {
	net.Conn               // TLS, where the target has it
	tcp      *net.TCPConn  // below
	tap      *tap          // between the two
	in       *bufio.Reader // reads from Conn
	release  func() bool
}

func (l *link) Close() error {
	l.release()
	return l.tcp.Close()
}

// connect opens a connection; a receive buffer of 0 bytes is the kernel's.
func (p *player) connect(receiveBuffer int) (*link, error) {
	p.siege.dials <- struct{}{}
	defer func() { <-p.siege.dials }()
	d := net.Dialer{Timeout: opening, KeepAlive: -1}
	if receiveBuffer > 0 {
		d.Control = func(_, _ string, c syscall.RawConn) (err error) {
			e := c.Control(func(fd uintptr) {
				err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, receiveBuffer)
			})
			return errors.Join(e, err)
		}
	}
	c, err := d.DialContext(p.ctx, "tcp", p.target.addr)
	if err != nil {
		return nil, err
	}
	l := &link{Conn: c, tcp: c.(*net.TCPConn)}
	l.in = bufio.NewReaderSize(l, 512) // thousands of them
	l.release = closeWith(p, l.tcp)
	return l, nil
}

// open opens a connection up to the end of the opening handshake.
func (p *player) open(receiveBuffer int) (*link, error) {
	l, err := p.encrypt(receiveBuffer)
	if err != nil {
		return nil, err
	}
	if err := l.upgrade(&p.target); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// encrypt opens a connection up to the end of TLS's handshake.
func (p *player) encrypt(receiveBuffer int) (*link, error) {
	l, err := p.connect(receiveBuffer)
	if err != nil || !p.target.encrypted {
		return l, err
	}
	p.siege.dials <- struct{}{}
	defer func() { <-p.siege.dials }()
	l.tap = &tap{Conn: l.tcp}
	c := tls.Client(l.tap, p.target.tls())
	l.tcp.SetDeadline(time.Now().Add(opening))
	if err := c.HandshakeContext(p.ctx); err != nil {
		l.Close()
		return nil, fmt.Errorf("TLS: %w", err)
	}
	l.tcp.SetDeadline(time.Time{})
	l.Conn = c
	return l, nil
}

// upgrade makes the opening handshake.
func (l *link) upgrade(t *target) error {
	l.SetDeadline(time.Now().Add(opening))
	if _, err := l.Write([]byte(t.request())); err != nil {
		return err
	}
	resp, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the opening handshake was answered %s", resp.Status)
	}
	l.SetDeadline(time.Time{})
	return nil
}

// A tap is between TLS and TCP. Once closed it keeps what TLS writes; without a
// Conn there is nothing to read.
type tap struct {
	net.Conn

	mu     sync.Mutex // guards the fields below
	closed bool
	kept   []byte
}

func (t *tap) Read(p []byte) (int, error) {
	if t.Conn == nil {
		return 0, io.EOF
	}
	return t.Conn.Read(p)
}

func (t *tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		return t.Conn.Write(p)
	}
	t.kept = append(t.kept, p...)
	return len(p), nil
}

// recordOf returns the record, or records, that TLS makes of b, and leaves the
// tap closed.
func (l *link) recordOf(b []byte) ([]byte, error) {
	l.tap.mu.Lock()
	l.tap.closed = true
	l.tap.mu.Unlock()
	if _, err := l.Write(b); err != nil {
		return nil, err
	}
	l.tap.mu.Lock()
	defer l.tap.mu.Unlock()
	return l.tap.kept, nil
}
