package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// handshakeLimit is for TCP, TLS and the opening handshake together.
const handshakeLimit = 5 * time.Second

// responseLimit is how many octets the response's head may have.
const responseLimit = 64 * kib

// A target is the server under test. Immutable.
type target struct {
	url  *url.URL
	addr string
	tls  *tls.Config // nil for ws

	slack int // see Config.Slack; 0 means 1
}

// patience is a time limit of the suite's for this server.
func (t *target) patience(limit time.Duration) time.Duration {
	return limit * time.Duration(max(t.slack, 1))
}

// parseTarget takes a ws or wss URL.
func parseTarget(raw string, conf *tls.Config) (*target, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	t := &target{url: u}
	port := u.Port()
	switch u.Scheme {
	case "ws":
		port = cmp.Or(port, "80")
	case "wss":
		port = cmp.Or(port, "443")
		t.tls = conf.Clone()
		if t.tls == nil {
			t.tls = new(tls.Config)
		}
		t.tls.ServerName = cmp.Or(t.tls.ServerName, u.Hostname())
	default:
		return nil, fmt.Errorf("expected a ws:// or wss:// URL, not %q", raw)
	}
	if u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("expected ws://host[:port]/path, not %q", raw)
	}
	t.addr = net.JoinHostPort(u.Hostname(), port)
	return t, nil
}

func (t *target) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", t.addr) // TCP_NODELAY is Go's default
}

// A link is a connection with the opening handshake done.
type link struct {
	conn   net.Conn // TLS, if any; raw is below it
	raw    net.Conn
	in     *bufio.Reader
	accept *agreement // nil: no extension
	answer string     // the Sec-WebSocket-Extensions of the response

	patience func(time.Duration) time.Duration // the target's
}

// open connects, and shakes hands within handshakeLimit. After an error no
// connection is left.
func (t *target) open(ctx context.Context, offer string) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, t.patience(handshakeLimit))
	defer cancel()
	raw, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	l := &link{conn: raw, raw: raw, patience: t.patience}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	if t.tls != nil {
		c := tls.Client(raw, t.tls)
		err, l.conn = c.HandshakeContext(ctx), c
	}
	if err == nil {
		err = l.shake(t, offer)
	}
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		raw.Close()
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("not complete within %v", t.patience(handshakeLimit))
		}
		return nil, err
	}
	return l, nil
}

// shake sends the request as the suite's client words it, and checks the
// response (RFC 6455, section 4.1).
func (l *link) shake(t *target, offer string) error {
	var nonce [16]byte
	rand.Read(nonce[:])
	key := base64.StdEncoding.EncodeToString(nonce[:])
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nUser-Agent: lapps-autobahn\r\nHost: %s\r\n", t.url.RequestURI(), t.url.Host)
	b.WriteString("Upgrade: WebSocket\r\nConnection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n")
	fmt.Fprintf(&b, "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n", key)
	if offer != "" {
		fmt.Fprintf(&b, "Sec-WebSocket-Extensions: %s\r\n", offer)
	}
	b.WriteString("\r\n")
	if _, err := io.WriteString(l.conn, b.String()); err != nil {
		return err
	}
	head, err := l.readHead()
	if err != nil {
		return err
	}
	r, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head)), nil)
	if err != nil {
		return fmt.Errorf("no HTTP response: %w", err)
	}
	r.Body.Close()
	return l.check(r, key, offer)
}

// readHead reads the response up to its empty line and not an octet more:
// what follows are frames.
func (l *link) readHead() (string, error) {
	l.in = bufio.NewReaderSize(l.conn, 64*kib)
	var head strings.Builder
	for {
		line, err := l.in.ReadSlice('\n')
		head.Write(line)
		switch {
		case errors.Is(err, bufio.ErrBufferFull) || head.Len() > responseLimit:
			return "", fmt.Errorf("no end of the response in %d octets", head.Len())
		case errors.Is(err, io.EOF):
			return "", fmt.Errorf("closed by the server after %d octets of a response", head.Len())
		case err != nil:
			return "", err
		case len(strings.TrimRight(string(line), "\r\n")) == 0:
			return head.String(), nil
		}
	}
}

func (l *link) check(r *http.Response, key, offer string) error {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	accept := base64.StdEncoding.EncodeToString(sum[:])
	switch {
	case r.StatusCode != http.StatusSwitchingProtocols || !r.ProtoAtLeast(1, 1):
		return fmt.Errorf("%s %s instead of HTTP/1.1 101", r.Proto, r.Status)
	case !strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		return fmt.Errorf("header Upgrade is %q instead of websocket", r.Header.Get("Upgrade"))
	case !hasToken(r.Header.Values("Connection"), "upgrade"):
		return fmt.Errorf("header Connection is %q instead of Upgrade", r.Header.Values("Connection"))
	case !slices.Equal(r.Header.Values("Sec-WebSocket-Accept"), []string{accept}):
		return fmt.Errorf("header Sec-WebSocket-Accept is %q instead of %q", r.Header.Values("Sec-WebSocket-Accept"), accept)
	case len(r.Header.Values("Sec-WebSocket-Protocol")) > 0:
		return fmt.Errorf("subprotocol %q was not offered", r.Header.Get("Sec-WebSocket-Protocol"))
	}
	l.answer = strings.Join(r.Header.Values("Sec-WebSocket-Extensions"), ", ")
	var err error
	l.accept, err = parseAnswer(l.answer, offer)
	return err
}

func hasToken(values []string, token string) bool {
	for _, v := range values {
		for word := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(word), token) {
				return true
			}
		}
	}
	return false
}
