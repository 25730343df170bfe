package generator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"time"
)

// MinSize is the least payload of a message in bytes: eight hexadecimal
// digits for the connection, eight for the message.
const MinSize = 16

// MaxSize is the greatest payload of a message in bytes.
const MaxSize = 16 << 20

// An Op is the opcode of the messages (RFC 6455, section 5.2).
type Op byte

// The kinds of message.
const (
	Text   Op = 0x1 // the payload is ASCII
	Binary Op = 0x2 // the payload is the same
)

// String returns "text" or "binary", the name that -op takes.
func (op Op) String() string {
	switch op {
	case Text:
		return "text"
	case Binary:
		return "binary"
	}
	return fmt.Sprintf("Op(%#x)", byte(op))
}

// ParseOp is the inverse of String.
func ParseOp(name string) (Op, error) {
	switch name {
	case "text":
		return Text, nil
	case "binary":
		return Binary, nil
	}
	return 0, fmt.Errorf("generator: op %q: expected text or binary", name)
}

// A Target is where the server is. The zero Target is no target.
type Target struct {
	Addr netip.AddrPort // resolved
	Host string         // for the Host header
	Path string         // the request target, with query; "/" at least
}

// ParseTarget parses a URL such as ws://127.0.0.1:5083/echo and resolves its
// host. Unless remote is set, a host that is not on the loopback is refused:
// a load generator aimed at somebody else's machine is an attack.
func ParseTarget(ctx context.Context, text string, remote bool) (Target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Target{}, fmt.Errorf("generator: %w", err)
	}
	if u.Scheme != "ws" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return Target{}, fmt.Errorf("generator: url %q: expected ws://host:port/path", text)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return Target{}, fmt.Errorf("generator: url %q: %w", text, err)
	}
	// IPv4 first: "localhost" is both, and most servers are told 127.0.0.1.
	first := max(0, slices.IndexFunc(ips, func(a netip.Addr) bool { return a.Unmap().Is4() }))
	addr, err := netip.ParseAddrPort(net.JoinHostPort(ips[first].Unmap().String(), port))
	if err != nil {
		return Target{}, fmt.Errorf("generator: url %q: %w", text, err)
	}
	if !addr.Addr().IsLoopback() && !remote {
		return Target{}, fmt.Errorf("generator: url %q: %v is not on the loopback; loading another machine has to be asked for (-remote)",
			text, addr.Addr())
	}
	return Target{Addr: addr, Host: u.Host, Path: u.RequestURI()}, nil
}

// A Config says what load to put on which server. It is not modified.
type Config struct {
	Target Target

	// PID is the server's process, whose processor time and memory are
	// measured; 0 measures none.
	PID int

	Conns   int // connections, at least 1; Idle has Steps instead
	Threads int // generator threads; 0 means 1; Idle uses one
	Size    int // payload of a message in bytes, MinSize to MaxSize
	Op      Op  // 0 means Binary

	// Depth is how many messages a connection has in flight in the closed
	// loop, at least 1. Rate, if not 0, is the number of messages per second
	// over all connections and makes the loop an open one; Depth is 0 then.
	Depth int
	Rate  float64

	// Duration is how long is measured, after Warmup. In a run bounded by
	// Messages they are only an upper bound.
	Warmup, Duration time.Duration

	// Messages, if not 0, ends the run when so many have been sent, over all
	// connections. It excludes Warmup.
	Messages int64

	// Timeout bounds the opening of a connection, and how long one waits for
	// an echo without a byte arriving; 0 means 10 s.
	Timeout time.Duration

	// Progress, if not nil, is called about once a second, by the goroutine
	// that called Echo or Idle.
	Progress func(Progress)
}

// A Progress is how far a run has come.
type Progress struct {
	Elapsed  time.Duration // since the connections were open
	Conns    int           // open at first
	Messages int64         // echoes verified so far
}

// checked returns c with its defaults, or what is wrong with it.
func (c Config) checked() (Config, error) {
	if c.Threads == 0 {
		c.Threads = 1
	}
	if c.Op == 0 {
		c.Op = Binary
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	var errs []error
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("generator: "+format, args...))
		}
	}
	expect(c.Target.Addr.IsValid(), "no target: expected one from ParseTarget")
	expect(c.Conns >= 1 && c.Conns <= 1<<24, "conns: expected 1 to 2^24, not %d", c.Conns)
	expect(c.Threads >= 1 && c.Threads <= 1024, "threads: expected 1 to 1024, not %d", c.Threads)
	expect(c.Size >= MinSize && c.Size <= MaxSize, "size: expected %d to %d bytes, not %d", MinSize, MaxSize, c.Size)
	expect(c.Op == Text || c.Op == Binary, "op: expected text or binary, not %v", c.Op)
	if c.Rate == 0 {
		expect(c.Depth >= 1 && c.Depth <= 1<<20, "depth: expected 1 to 2^20, not %d", c.Depth)
	} else {
		expect(c.Rate > 0 && c.Rate <= 1e8, "rate: expected more than 0 and at most 10^8 messages/s, not %v", c.Rate)
		expect(c.Depth == 0, "depth: an open loop (with a rate) has none, not %d", c.Depth)
	}
	expect(c.Duration > 0 && c.Duration <= 24*time.Hour, "duration: expected more than 0 and at most 24h, not %v", c.Duration)
	expect(c.Warmup >= 0 && c.Warmup <= 24*time.Hour, "warmup: expected 0 to 24h, not %v", c.Warmup)
	expect(c.Messages >= 0, "messages: expected at least 0, not %d", c.Messages)
	expect(c.Messages == 0 || c.Warmup == 0, "messages: a run bounded by messages has no warmup, not %v", c.Warmup)
	expect(c.Timeout >= time.Millisecond, "timeout: expected at least 1ms, not %v", c.Timeout)
	return c, errors.Join(errs...)
}
