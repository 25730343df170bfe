package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

// A message is one to send, and what has to come back.
type message struct {
	text          []byte
	plain, packed []byte // a client's frames
}

const (
	finBit, rsv1Bit, maskBit = 0x80, 0x40, 0x80
	opText                   = 0x1
)

// syncTail is what a flush ends with and a frame leaves out (RFC 7692, section
// 7.2.1).
const syncTail = "\x00\x00\xff\xff"

// messagesOf makes a lap of different messages of n bytes, the same each time.
// Connections send them in order, again and again. There are enough of them
// that none is found in the window when its turn comes again.
func messagesOf(n int) []message {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 6)
	if err != nil {
		panic(err) // there is such a level
	}
	list := make([]message, max(64, 2*window/n))
	for i := range list {
		text := textOf(r, n)
		b.Reset()
		w.Reset(&b)
		_, _ = w.Write(text) // a bytes.Buffer takes everything
		_ = w.Flush()
		list[i] = message{text, frame(finBit|opText, text), frame(finBit|rsv1Bit|opText, bytes.TrimSuffix(b.Bytes(), []byte(syncTail)))}
	}
	return list
}

// textOf is JSON such as applications send, cut to n bytes.
func textOf(r *rand.Rand, n int) []byte {
	names := []string{"alpha", "beta", "gamma", "sensor", "user", "price", "volume", "offset"}
	var b []byte
	for len(b) < n {
		b = fmt.Appendf(b, `{"id":%d,"name":%q,"value":%.3f,"active":%v},`, r.IntN(100_000), names[r.IntN(len(names))], 1000*r.Float64(), r.IntN(2) == 0)
	}
	return b[:n]
}

// frame is a masked frame.
func frame(first byte, payload []byte) []byte {
	f := []byte{first}
	switch n := len(payload); {
	case n < 126:
		f = append(f, maskBit|byte(n))
	case n < 1<<16:
		f = binary.BigEndian.AppendUint16(append(f, maskBit|126), uint16(n))
	default:
		f = binary.BigEndian.AppendUint64(append(f, maskBit|127), uint64(n))
	}
	key := [4]byte{0x5a, 0x17, 0xc3, 0x88}
	f = append(f, key[:]...)
	for i, b := range payload {
		f = append(f, b^key[i%4])
	}
	return f
}
