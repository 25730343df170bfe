package generator

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// A conn is one connection. It belongs to one worker.
//
//	     launch or schedule      pump           echo
//	idle ------------------> due -----> sent --------> verified
type conn struct {
	// Immutable.
	fd        int
	id        int
	digits    uint64 // id, as it stands in payloads; in a broadcast the publisher's
	slot      int32  // its index in the worker
	tls       *tls.Conn
	transport *transport    // below tls; both are nil without TLS
	followers []*slowReader // send when it does

	due      int           // messages to send
	sent     int64         // messages given to the socket or out
	verified int64         // messages that came back; the number of the next
	quota    int64         // messages that may still become due, in a closed loop
	seen     time.Duration // when a byte came last, or the first message became due

	out      []byte // what the socket did not take; nothing else is written before it
	spare    []byte // the array that out lies in
	pong     []byte // frame that answers the latest ping
	rest     []byte // start of a frame not yet whole
	opened   Op     // of a fragmented message not yet whole, else 0
	message  []byte // its payload so far
	joined   bool   // in a broadcast: it has had a delivery
	watching bool   // epoll tells when the socket takes more

	broken unix.Errno // why writing failed; reading will tell more
	failed bool       // the descriptor is closed
}

// pending returns how many messages are due or await their echo.
func (c *conn) pending() int64 { return int64(c.due) + c.sent - c.verified }

// A head is the head of a server's frame.
type head struct {
	fin    bool
	op     byte
	length int   // of the head
	size   int64 // of the payload
}

// parseHead reads the head of a frame and checks what it can of RFC 6455,
// section 5.2. The length is 0 while the head is not whole.
func parseHead(p []byte) (head, error) {
	if len(p) < 2 {
		return head{}, nil
	}
	h := head{fin: p[0]&0x80 != 0, op: p[0] & 0xF, length: 2, size: int64(p[1] & 0x7F)}
	control := h.op&0x8 != 0
	switch {
	case p[0]&0x70 != 0:
		return head{}, fmt.Errorf("reserved bits in the frame head % x", p[:2])
	case p[1]&0x80 != 0:
		return head{}, errors.New("a server's frame must not be masked")
	case h.op > opPong || h.op > byte(Binary) && !control:
		return head{}, fmt.Errorf("unknown opcode %#x", h.op)
	case control && (!h.fin || h.size > 125):
		return head{}, fmt.Errorf("control frame %#x fragmented or longer than 125 bytes", h.op)
	}
	switch h.size {
	case 126:
		if len(p) < 4 {
			return head{}, nil
		}
		h.length, h.size = 4, int64(binary.BigEndian.Uint16(p[2:]))
	case 127:
		if len(p) < 10 {
			return head{}, nil
		}
		h.length, h.size = 10, int64(binary.BigEndian.Uint64(p[2:]))
		if h.size < 0 {
			return head{}, errors.New("length with its highest bit set")
		}
	}
	return h, nil
}
