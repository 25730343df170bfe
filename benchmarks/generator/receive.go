package generator

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// read takes what one read brings.
func (w *worker) read(c *conn) {
	n, errno := receive(c.fd, w.buf)
	switch {
	case errno == unix.EAGAIN:
		return
	case errno != 0:
		w.fail(c, Reset, "read: %v", errno)
		return
	case n == 0 && c.broken != 0:
		w.fail(c, Reset, "write: %v", c.broken)
		return
	case n == 0:
		w.fail(c, Closed, "end of stream without a close frame")
		return
	}
	c.seen = w.now
	if w.pace != nil || w.cast != nil {
		w.now = w.clock() // the moment these echoes came
	}
	if c.tls != nil {
		w.decrypt(c, w.buf[:n])
		return
	}
	w.take(c, w.buf[:n])
}

// take consumes p, which came after c.rest.
func (w *worker) take(c *conn, p []byte) {
	if len(c.rest) == 0 {
		c.rest = append(c.rest, w.consume(c, p)...)
	} else {
		c.rest = append(c.rest, p...)
		// A large message comes in many pieces: it is not moved for each.
		if left := w.consume(c, c.rest); len(left) < len(c.rest) {
			c.rest = c.rest[:copy(c.rest, left)]
		}
	}
	if c.failed {
		c.rest = nil // nobody will read on
		return
	}
	if len(c.pong) > 0 {
		w.pump(c)
	}
	if w.pace == nil && w.cast == nil && c.pending() == 0 {
		w.launch(c)
	}
}

// consume takes the whole frames at the start of p and returns what is left.
func (w *worker) consume(c *conn, p []byte) []byte {
	f := w.frames
	whole := len(f.head) + f.size
	for !c.failed {
		// Nearly every frame is an unfragmented echo: its head is known.
		if c.opened == 0 && len(p) >= whole && bytes.Equal(p[:len(f.head)], f.head) {
			w.echo(c, f.op, p[len(f.head):whole])
			p = p[whole:]
			continue
		}
		n := w.frame(c, p)
		if n == 0 {
			break
		}
		p = p[n:]
	}
	return p
}

// frame takes one frame of any kind from the start of p and returns its
// length, 0 if it is not whole or c failed.
func (w *worker) frame(c *conn, p []byte) int {
	h, err := parseHead(p)
	if err != nil {
		w.fail(c, Breach, "%v", err)
		return 0
	}
	if h.length == 0 {
		return 0
	}
	// A frame that cannot be an echo is not waited for: that bounds c.rest.
	if h.op < opClose && int64(len(c.message))+h.size > int64(w.frames.size) {
		w.fail(c, WrongEcho, "message %d: at least %d bytes, expected %d", c.verified, int64(len(c.message))+h.size, w.frames.size)
		return 0
	}
	length := h.length + int(h.size)
	if len(p) < length {
		return 0
	}
	payload := p[h.length:length]
	switch h.op {
	case opPing:
		// Of several pings the latest is answered (section 5.5.3).
		c.pong = appendFrame(c.pong[:0], opPong, payload)
	case opPong:
		// Unsolicited pongs mean nothing (section 5.5.3).
	case opClose:
		w.fail(c, CloseFrame, "%s", closeReason(payload))
	default:
		w.fragment(c, h, payload)
	}
	return length
}

// fragment takes a data frame. The message is put together in c.message.
func (w *worker) fragment(c *conn, h head, payload []byte) {
	if (h.op == opContinuation) != (c.opened != 0) {
		w.fail(c, Breach, "opcode %#x while a fragmented message is open: %v", h.op, c.opened != 0)
		return
	}
	if h.op != opContinuation {
		c.opened = Op(h.op)
	}
	c.message = append(c.message, payload...)
	if h.fin {
		op, message := c.opened, c.message
		c.opened, c.message = 0, c.message[:0]
		w.echo(c, op, message)
	}
}

// echo takes a message, which must be the echo of the oldest one on its way.
func (w *worker) echo(c *conn, op Op, payload []byte) {
	if c.verified == c.sent {
		w.fail(c, WrongEcho, "a message of %d bytes while no echo is due", len(payload))
		return
	}
	if w.cast != nil && !c.joined {
		w.welcome(c, payload)
	}
	if op != w.frames.op || !w.frames.is(payload, c.digits, c.verified) {
		w.fail(c, WrongEcho, "message %d: %s", c.verified, w.difference(c, op, payload))
		return
	}
	switch {
	case w.cast != nil:
		w.cast.record(w, c)
	case w.pace != nil:
		w.pace.record(c, w.now)
	}
	c.verified++
	w.verified++
	w.pending--
}

// difference says how payload is not the echo expected of c.
func (w *worker) difference(c *conn, op Op, payload []byte) string {
	want := w.frames.payload(c.digits, c.verified)
	if op != w.frames.op || len(payload) != len(want) {
		return fmt.Sprintf("%v of %d bytes, expected %v of %d", op, len(payload), w.frames.op, len(want))
	}
	i := 0
	for payload[i] == want[i] {
		i++
	}
	end := min(i+16, len(want))
	return fmt.Sprintf("%q at byte %d, expected %q", payload[i:end], i, want[i:end])
}

// closeReason describes the payload of a close frame (section 5.5.1).
func closeReason(p []byte) string {
	if len(p) < 2 {
		return "no code"
	}
	return fmt.Sprintf("%d %q", binary.BigEndian.Uint16(p), p[2:])
}
