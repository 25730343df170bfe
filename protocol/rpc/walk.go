package rpc

import (
	"math"
	"strings"
)

// shared is the size of a message, in bytes, up to which the strings that Walk
// gives are parts of it. Those of a larger one are copies: who keeps a name
// should not keep a megabyte.
const shared = 4 << 10

// Walk tells b the value that p holds. p has passed Check, or ParseRequest. The
// strings that b is given are parts of p, which they keep alive, where p has
// at most 4 KiB, and copies otherwise.
func Walk(p string, b Builder) {
	w := walker{cursor{p: p}, b, len(p) > shared}
	w.value()
}

type walker struct {
	cursor
	b      Builder
	copies bool
}

func (w *walker) value() {
	switch h := w.head(); h.major {
	case majorUint:
		if h.arg > math.MaxInt64 {
			w.b.Uint(h.arg)
		} else {
			w.b.Int(int64(h.arg))
		}
	case majorNegative:
		w.b.Int(-1 - int64(h.arg))
	case majorBytes:
		w.b.Bytes(w.text(h))
	case majorText:
		w.b.Text(w.text(h))
	case majorArray:
		n := count(h)
		w.b.Array(n)
		for w.more(&n) {
			w.value()
		}
		w.b.End()
	case majorMap:
		n := count(h)
		w.b.Map(n)
		for w.more(&n) {
			w.b.Key(w.text(w.head()))
			w.value()
		}
		w.b.End()
	default:
		w.simple(h)
	}
}

func (w *walker) simple(h head) {
	switch {
	case h.isFloat():
		w.b.Float(h.float())
	case h.arg == simpleNull:
		w.b.Null()
	default:
		w.b.Bool(h.arg == simpleTrue)
	}
}

// text reads a string, of text or of bytes.
func (w *walker) text(h head) string {
	if s := w.string(h); !w.copies {
		return s
	} else {
		return strings.Clone(s)
	}
}
