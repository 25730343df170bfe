package generator

import (
	"errors"
	"fmt"
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

// A Dialect is what the server takes a message for.
type Dialect byte

const (
	// Raw: the server sends back what it got.
	Raw Dialect = iota

	// LAppS: a message is a request of the LAppS protocol, {"lapps": 1,
	// "method": "echo", "params": [text]}, and what comes back is the
	// response to it, {"cid": 0, "result": [text], "status": 1}, in the
	// bytes that section 2.2 of the protocol's specification asks of a server.
	LAppS
)

// String returns "raw" or "lapps", the name that -dialect takes.
func (d Dialect) String() string {
	switch d {
	case Raw:
		return "raw"
	case LAppS:
		return "lapps"
	}
	return fmt.Sprintf("Dialect(%d)", byte(d))
}

// ParseDialect is the inverse of String.
func ParseDialect(name string) (Dialect, error) {
	switch name {
	case "raw":
		return Raw, nil
	case "lapps":
		return LAppS, nil
	}
	return 0, fmt.Errorf("generator: dialect %q: expected raw or lapps", name)
}

// A Config says what load to put on which server. It is not modified.
type Config struct {
	Target Target

	// PID is the server's process, whose processor time and memory are
	// measured; 0 measures none.
	PID int

	Conns   int     // connections, at least 1; Idle has Steps instead
	Threads int     // generator threads of Echo; 0 means 1
	Size    int     // payload of a message in bytes, MinSize to MaxSize; in LAppS the text within
	Op      Op      // 0 means Binary
	Dialect Dialect // LAppS is for Echo and Idle, and binary

	// Depth is how many messages a connection has in flight in the closed
	// loop, at least 1. Rate, if not 0, is the number of messages per second
	// over all connections and makes the loop an open one; Depth is 0 then.
	// Broadcast reads both otherwise.
	Depth int
	Rate  float64

	// SlowReaders is how many connections there are besides Conns that
	// send as much as those do and do not read: one in two nothing, the
	// others a byte for each burst. Nobody verifies or measures them; what
	// one's socket does not take it does not send. Echo only.
	SlowReaders int

	// Duration is how long is measured, after Warmup. In a run bounded by
	// Messages they are only an upper bound.
	Warmup, Duration time.Duration

	// Messages, if not 0, ends the run when so many have been sent, over all
	// connections. It excludes Warmup. Connect counts handshakes, Broadcast
	// the messages that the publisher sends.
	Messages int64

	// Timeout bounds the opening of a connection, and how long one waits for
	// an echo without a byte arriving; 0 means 10 s.
	Timeout time.Duration

	// Progress, if not nil, is called about once a second, by the goroutine
	// that called Echo, Connect, Broadcast or Idle.
	Progress func(Progress)
}

// A Progress is how far a run has come.
type Progress struct {
	Elapsed  time.Duration // since the connections were open
	Conns    int           // open at first
	Messages int64         // echoes or deliveries verified, or handshakes made, so far
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
	expect(c.SlowReaders >= 0 && c.SlowReaders <= 1<<24, "slow readers: expected 0 to 2^24, not %d", c.SlowReaders)
	expect(c.Threads >= 1 && c.Threads <= 1024, "threads: expected 1 to 1024, not %d", c.Threads)
	expect(c.Size >= MinSize && c.Size <= MaxSize, "size: expected %d to %d bytes, not %d", MinSize, MaxSize, c.Size)
	expect(c.Op == Text || c.Op == Binary, "op: expected text or binary, not %v", c.Op)
	expect(c.Dialect == Raw || c.Dialect == LAppS, "dialect: expected raw or lapps, not %v", c.Dialect)
	expect(c.Dialect == Raw || c.Op == Binary, "op: messages of the LAppS protocol are binary, not %v", c.Op)
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
	c.Target.TLS = tlsOf(c.Target.TLS)
	return c, errors.Join(errs...)
}
