package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"syscall"
	"time"
)

// closeWith closes c with the attack.
func closeWith(p *player, c io.Closer) (release func() bool) {
	return context.AfterFunc(p.ctx, func() { c.Close() })
}

// ended is what an error of reading or writing says of a connection.
func (p *player) ended(err error) string {
	switch {
	case p.ctx.Err() != nil:
		return "stayed"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "end"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	}
	return err.Error()
}

// refused waits for the end of a connection whose opening handshake is under
// way.
func (p *player) refused(l *link) string {
	first, err := l.in.Peek(1)
	if err != nil {
		return p.ended(err)
	}
	if first[0] == typeAlert {
		return p.alerted(l)
	}
	resp, err := http.ReadResponse(l.in, nil)
	if err != nil {
		return p.ended(err)
	}
	resp.Body.Close()
	return fmt.Sprintf("status %d", resp.StatusCode)
}

// typeAlert is the first byte of a record with an alert (RFC 8446, section 5.1).
const typeAlert = 21

// alerted reads an alert in plain text.
func (p *player) alerted(l *link) string {
	record := make([]byte, 7) // type, version, length, level, description
	if _, err := io.ReadFull(l.in, record); err != nil {
		return p.ended(err)
	}
	return fmt.Sprintf("alert %d", record[6])
}

// closed reads frames until the server's Close frame, or the end.
func (p *player) closed(l *link) string {
	for {
		op, payload, err := readFrame(l.in)
		if err != nil {
			return p.ended(err)
		}
		if op != opClose {
			continue
		}
		if len(payload) < 2 {
			return "close 1005"
		}
		return fmt.Sprintf("close %d", binary.BigEndian.Uint16(payload))
	}
}

// readFrame reads a frame of the server's (RFC 6455, section 5.2).
func readFrame(r io.Reader) (op byte, payload []byte, err error) {
	var head [10]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return 0, nil, err
	}
	n := uint64(head[1])
	switch n {
	case 126:
		_, err = io.ReadFull(r, head[:2])
		n = uint64(binary.BigEndian.Uint16(head[:]))
	case 127:
		_, err = io.ReadFull(r, head[:8])
		n = binary.BigEndian.Uint64(head[:])
	}
	if err != nil {
		return 0, nil, err
	}
	var b bytes.Buffer // grows as bytes come, whatever the header says
	if _, err := io.CopyN(&b, r, int64(n)); err != nil {
		return 0, nil, err
	}
	return head[0] & 0x0F, b.Bytes(), nil
}

// cutOff says what became of a connection that did not read: with the attack's
// end it reads what there is.
func (p *player) cutOff(l *link) string {
	l.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	for {
		op, payload, err := readFrame(l.in)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return "stayed"
		case err != nil:
			return "cut off"
		case op == opClose && len(payload) >= 2:
			return fmt.Sprintf("close %d", binary.BigEndian.Uint16(payload))
		}
	}
}
