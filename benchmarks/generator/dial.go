package generator

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// maxResponse bounds, in bytes, the server's answer to the opening handshake.
const maxResponse = 8 << 10

// acceptGUID is appended to the key (RFC 6455, section 1.3).
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// dialAll opens the connections first to last-1, one after another. Any that
// cannot be opened is an error: the load would not be what was asked for.
func dialAll(ctx context.Context, cfg *Config, first, last int) ([]*conn, error) {
	conns := make([]*conn, 0, last-first)
	for id := first; id < last; id++ {
		c, err := dial(ctx, cfg, id)
		if err != nil {
			for _, c := range conns {
				unix.Close(c.fd)
			}
			return nil, fmt.Errorf("generator: open connection %d of %d to %v: %w", id+1, last, cfg.Target.Addr, err)
		}
		conns = append(conns, c)
	}
	return conns, nil
}

// dial opens one connection and shakes hands. It takes Config.Timeout at most.
func dial(ctx context.Context, cfg *Config, id int) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(cfg.Timeout)
	window := 0
	if id >= cfg.Conns {
		window = slowWindow
	}
	fd, err := connect(cfg.Target.Addr, window, deadline)
	if err != nil {
		return nil, err
	}
	c := &conn{fd: fd, id: id, digits: digits(uint32(id))}
	if err := c.open(&cfg.Target, deadline); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return c, nil
}

// open makes the handshakes: that of TLS, where the target has it, and the
// opening handshake.
func (c *conn) open(t *Target, deadline time.Time) (err error) {
	var stream io.ReadWriter = waiting{c.fd, deadline}
	if t.TLS != nil {
		c.transport = &transport{socket: stream}
		if c.tls, err = secure(c.transport, t.TLS); err != nil {
			return err
		}
		stream = c.tls
	}
	c.rest, err = shakeHands(stream, t)
	return err
}

// connect returns a connected, non-blocking socket without Nagle's delay. It
// has a receive buffer of window bytes; 0 leaves that to the kernel.
func connect(addr netip.AddrPort, window int, deadline time.Time) (int, error) {
	family, sa := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()})
	if addr.Addr().Is4() {
		family, sa = unix.AF_INET, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err == nil && window > 0 {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, window)
	}
	if err == nil {
		err = unix.Connect(fd, sa)
	}
	if errors.Is(err, unix.EINPROGRESS) || errors.Is(err, unix.EINTR) {
		err = await(fd, unix.POLLOUT, deadline)
		if err == nil {
			var code int
			if code, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); code != 0 {
				err = unix.Errno(code)
			}
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("connect: %w", err)
	}
	return fd, nil
}

// shakeHands sends the opening handshake and checks the answer (RFC 6455,
// section 4.1). It returns what the server sent beyond it.
func shakeHands(stream io.ReadWriter, t *Target) (rest []byte, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("opening handshake: %w", err)
		}
	}()
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	request := "GET " + t.Path + " HTTP/1.1\r\nHost: " + t.Host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: " + key + "\r\nSec-WebSocket-Version: 13\r\n\r\n"
	if _, err := io.WriteString(stream, request); err != nil {
		return nil, err
	}
	answer := make([]byte, 0, 512)
	for end := -1; end < 0; end = bytes.Index(answer, []byte("\r\n\r\n")) {
		if len(answer) > maxResponse {
			return nil, fmt.Errorf("the answer has no end within %d bytes", maxResponse)
		}
		answer = slices.Grow(answer, 512)
		n, err := stream.Read(answer[len(answer):cap(answer)])
		answer = answer[:len(answer)+n]
		switch {
		case n > 0:
		case err == io.EOF:
			return nil, errors.New("the server closed the connection")
		case err != nil:
			return nil, err
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	sum := sha1.Sum([]byte(key + acceptGUID))
	accept := base64.StdEncoding.EncodeToString(sum[:])
	if resp.StatusCode != http.StatusSwitchingProtocols || !strings.EqualFold(resp.Header.Get("Upgrade"), "websocket") ||
		resp.Header.Get("Sec-WebSocket-Accept") != accept {
		return nil, fmt.Errorf("expected 101, Upgrade: websocket and Sec-WebSocket-Accept: %s, not %q", accept, firstLine(answer))
	}
	_, rest, _ = bytes.Cut(answer, []byte("\r\n\r\n"))
	return bytes.Clone(rest), nil
}

func firstLine(p []byte) []byte {
	line, _, _ := bytes.Cut(p, []byte("\r\n"))
	return line
}

// A waiting is a non-blocking socket that is waited for, until a deadline.
type waiting struct {
	fd       int
	deadline time.Time
}

// Write implements io.Writer.
func (s waiting) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		n, errno := send(s.fd, p[done:])
		done += n
		if err := s.cope("write", unix.POLLOUT, errno); err != nil {
			return done, err
		}
	}
	return len(p), nil
}

// Read implements io.Reader.
func (s waiting) Read(p []byte) (int, error) {
	for {
		n, errno := receive(s.fd, p)
		if err := s.cope("read", unix.POLLIN, errno); err != nil {
			return 0, err
		}
		if errno == 0 {
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
	}
}

// cope waits where errno says so, and returns any other error.
func (s waiting) cope(call string, events int16, errno unix.Errno) error {
	switch errno {
	case 0:
		return nil
	case unix.EAGAIN:
		return await(s.fd, events, s.deadline)
	}
	return fmt.Errorf("%s: %w", call, errno)
}

// errTimeout is what await returns at its deadline.
var errTimeout = errors.New("timed out")

// await waits until fd is ready for events, or failed, or deadline.
func await(fd int, events int16, deadline time.Time) error {
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return errTimeout
		}
		ts := unix.NsecToTimespec(int64(left))
		n, err := unix.Ppoll([]unix.PollFd{{Fd: int32(fd), Events: events}}, &ts, nil)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("poll: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
}
