package nljson

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"

	"lapps/protocol/rpc"
)

// A jsonWriter is a Builder that writes JSON text (RFC 8259). Floats are
// written so that they stay floats, bytes as base64url without padding (RFC
// 8949, section 6.1). It stops at the first thing that JSON has no text for:
// see err.
type jsonWriter struct {
	indent int // spaces for each level; 0 means all in one line

	buf    []byte
	ends   []byte // of the containers that are open
	filled bool   // the innermost has an element
	keyed  bool   // a key has been written, and its value follows
	err    error
}

var _ rpc.Builder = (*jsonWriter)(nil)

// keepBuffer is the size of a buffer that reset keeps, in bytes.
const keepBuffer = 64 << 10

// reset makes w ready for another text.
func (w *jsonWriter) reset(indent int) {
	*w = jsonWriter{indent: indent, buf: w.buf[:0], ends: w.ends[:0]}
	if cap(w.buf) > keepBuffer {
		w.buf = nil
	}
}

// begin writes what stands before a value or a key. It reports whether that may
// be written.
func (w *jsonWriter) begin() bool {
	if len(w.buf) > maxText && w.err == nil {
		w.err = fmt.Errorf("the JSON text is longer than %d bytes", maxText)
	}
	switch {
	case w.err != nil:
		return false
	case w.keyed:
		w.keyed = false
		return true
	case w.filled:
		w.buf = append(w.buf, ',')
	}
	if len(w.ends) > 0 {
		w.newline()
	}
	w.filled = true
	return true
}

func (w *jsonWriter) newline() {
	if w.indent == 0 {
		return
	}
	w.buf = append(w.buf, '\n')
	for range w.indent * len(w.ends) {
		w.buf = append(w.buf, ' ')
	}
}

func (w *jsonWriter) word(s string) {
	if w.begin() {
		w.buf = append(w.buf, s...)
	}
}

func (w *jsonWriter) Null()       { w.word("null") }
func (w *jsonWriter) Bool(v bool) { w.word(strconv.FormatBool(v)) }

func (w *jsonWriter) Int(v int64) {
	if w.begin() {
		w.buf = strconv.AppendInt(w.buf, v, 10)
	}
}

func (w *jsonWriter) Uint(v uint64) {
	if w.begin() {
		w.buf = strconv.AppendUint(w.buf, v, 10)
	}
}

func (w *jsonWriter) Float(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		if w.err == nil {
			w.err = errors.New("JSON has no text for NaN and infinities")
		}
		return
	}
	if w.begin() {
		w.buf = appendFloat(w.buf, v)
	}
}

// appendFloat appends the shortest text that is read as v again, and as a
// float.
func appendFloat(buf []byte, v float64) []byte {
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(buf, v, 'e', -1, 64)
	}
	buf = strconv.AppendFloat(buf, v, 'f', -1, 64)
	if v == math.Trunc(v) {
		buf = append(buf, ".0"...)
	}
	return buf
}

func (w *jsonWriter) Text(s string) {
	if w.begin() {
		w.buf = appendQuoted(w.buf, s)
	}
}

// Bytes is a text that needs no escapes.
func (w *jsonWriter) Bytes(s string) {
	if w.begin() {
		w.buf = append(w.buf, '"')
		w.buf = base64.RawURLEncoding.AppendEncode(w.buf, []byte(s))
		w.buf = append(w.buf, '"')
	}
}

func (w *jsonWriter) Array(int) { w.open('[', ']') }
func (w *jsonWriter) Map(int)   { w.open('{', '}') }

func (w *jsonWriter) open(begin, end byte) {
	if w.begin() {
		w.buf = append(w.buf, begin)
		w.ends = append(w.ends, end)
		w.filled = false
	}
}

func (w *jsonWriter) Key(s string) {
	if !w.begin() {
		return
	}
	w.buf = append(appendQuoted(w.buf, s), ':')
	if w.indent > 0 {
		w.buf = append(w.buf, ' ')
	}
	w.keyed = true
}

func (w *jsonWriter) End() {
	if w.err != nil {
		return
	}
	last := len(w.ends) - 1
	end := w.ends[last]
	w.ends = w.ends[:last]
	if w.filled {
		w.newline()
	}
	w.buf = append(w.buf, end)
	w.filled = true
}

// appendQuoted appends s, which is UTF-8, as a JSON string. Only what must be
// escaped is (section 7).
func appendQuoted(buf []byte, s string) []byte {
	const hex = "0123456789abcdef"
	buf = append(buf, '"')
	done := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		buf = append(buf, s[done:i]...)
		done = i + 1
		switch c {
		case '"', '\\':
			buf = append(buf, '\\', c)
		case '\n':
			buf = append(buf, `\n`...)
		case '\r':
			buf = append(buf, `\r`...)
		case '\t':
			buf = append(buf, `\t`...)
		default:
			buf = append(buf, `\u00`...)
			buf = append(buf, hex[c>>4], hex[c&15])
		}
	}
	return append(append(buf, s[done:]...), '"')
}
