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
	"net/http"
	"net/netip"
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
	fd, err := connect(cfg.Target.Addr, deadline)
	if err != nil {
		return nil, err
	}
	c := &conn{fd: fd, id: id, digits: digits(uint32(id))}
	if c.rest, err = shakeHands(fd, cfg.Target, deadline); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("opening handshake: %w", err)
	}
	return c, nil
}

// connect returns a connected, non-blocking socket without Nagle's delay.
func connect(addr netip.AddrPort, deadline time.Time) (int, error) {
	family, sa := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()})
	if addr.Addr().Is4() {
		family, sa = unix.AF_INET, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
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
func shakeHands(fd int, t Target, deadline time.Time) (rest []byte, err error) {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	request := "GET " + t.Path + " HTTP/1.1\r\nHost: " + t.Host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: " + key + "\r\nSec-WebSocket-Version: 13\r\n\r\n"
	if err := writeAll(fd, []byte(request), deadline); err != nil {
		return nil, err
	}
	var answer []byte
	for end := -1; end < 0; end = bytes.Index(answer, []byte("\r\n\r\n")) {
		if len(answer) > maxResponse {
			return nil, fmt.Errorf("the answer has no end within %d bytes", maxResponse)
		}
		p, err := readSome(fd, deadline)
		if err != nil {
			return nil, err
		}
		answer = append(answer, p...)
	}
	r := bufio.NewReader(bytes.NewReader(answer))
	resp, err := http.ReadResponse(r, nil)
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

// writeAll writes p to a non-blocking socket, waiting until deadline.
func writeAll(fd int, p []byte, deadline time.Time) error {
	for len(p) > 0 {
		n, errno := send(fd, p)
		switch errno {
		case 0:
			p = p[n:]
		case unix.EAGAIN:
			if err := await(fd, unix.POLLOUT, deadline); err != nil {
				return err
			}
		default:
			return fmt.Errorf("write: %w", errno)
		}
	}
	return nil
}

// readSome reads from a non-blocking socket what there is, waiting for it
// until deadline.
func readSome(fd int, deadline time.Time) ([]byte, error) {
	var buf [4 << 10]byte
	for {
		n, errno := receive(fd, buf[:])
		switch {
		case errno == unix.EAGAIN:
			if err := await(fd, unix.POLLIN, deadline); err != nil {
				return nil, err
			}
		case errno != 0:
			return nil, fmt.Errorf("read: %w", errno)
		case n == 0:
			return nil, errors.New("the server closed the connection")
		default:
			return buf[:n], nil
		}
	}
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
