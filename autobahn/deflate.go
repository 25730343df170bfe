package main

import (
	"bytes"
	"compress/flate"
)

// emptyBlock ends what Flush writes, and is left out of a message (RFC 7692,
// section 7.2.1).
const emptyBlock = "\x00\x00\xff\xff"

// A deflater compresses messages at zlib's default level.
//
// The standard library knows no window but that of 15 bits. For a smaller one
// a message is compressed in pieces as long as the window, each by a writer
// that knows nothing of what was before: no distance can be too great.
type deflater struct {
	piece     int // octets
	noContext bool
	w         *flate.Writer
	buf       bytes.Buffer
}

func newDeflater(bits int, noContext bool) *deflater {
	d := &deflater{piece: 1 << bits, noContext: noContext || bits < 15}
	d.w, _ = flate.NewWriter(&d.buf, 6) // errs for levels that do not exist
	return d
}

// deflate compresses a message; the result is lent until the next call.
// Writing to a buffer does not fail.
func (d *deflater) deflate(message []byte) []byte {
	d.buf.Reset()
	for first := true; first || len(message) > 0; first = false {
		n := len(message)
		if d.noContext {
			d.w.Reset(&d.buf)
		}
		if d.piece < 1<<15 {
			n = min(n, d.piece)
		}
		d.w.Write(message[:n])
		d.w.Flush()
		message = message[n:]
	}
	return bytes.TrimSuffix(d.buf.Bytes(), []byte(emptyBlock))
}
