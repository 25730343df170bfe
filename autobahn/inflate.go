package main

import (
	"errors"
	"fmt"
)

// A window inflates the messages of a connection (RFC 1951), and refuses a
// distance beyond the window that was agreed, or back into an earlier message
// where the context is not taken over. That is why it is not compress/flate:
// with that, 15 bits would always do.
type window struct {
	size      int // octets
	noContext bool
	buf       []byte // the last size octets of earlier messages, then the message
	in        bitReader
	lengths   [maxLit + maxDist]byte
	lit, dist huffman
}

func newWindow(bits int, noContext bool) *window {
	return &window{size: 1 << bits, noContext: noContext}
}

var (
	errEnd     = errors.New("deflate data ends too early")
	errBlock   = errors.New("deflate data has a block of no known type")
	errStored  = errors.New("deflate data has a stored block with a wrong length")
	errSymbol  = errors.New("deflate data has an invalid code")
	errLengths = errors.New("deflate data has invalid code lengths")
	errTooLong = errors.New("deflate data inflates to too much")
)

// inflate returns the message, lent until the next call. It is an error if
// there are more than limit octets. After an error the window is of no use.
func (w *window) inflate(data []byte, limit int) ([]byte, error) {
	keep := min(len(w.buf), w.size)
	if w.noContext {
		keep = 0
	}
	copy(w.buf, w.buf[len(w.buf)-keep:])
	w.buf = w.buf[:keep]
	w.in = bitReader{src: append(data[:len(data):len(data)], emptyBlock...)}
	for final := false; !final && !w.in.empty(); {
		head, err := w.in.take(3)
		if err == nil {
			final = head&1 == 1
			err = w.block(head>>1, keep+limit)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot be inflated: %w", err)
		}
	}
	return w.buf[keep:], nil
}

func (w *window) block(kind uint32, limit int) error {
	switch kind {
	case 0:
		return w.stored(limit)
	case 1:
		w.lit, w.dist = fixedLit, fixedDist
		return w.codes(limit)
	case 2:
		if err := w.readTables(); err != nil {
			return err
		}
		return w.codes(limit)
	}
	return errBlock
}

func (w *window) stored(limit int) error {
	w.in.align()
	n, err := w.in.take(16)
	if err != nil {
		return err
	}
	inverse, err := w.in.take(16)
	switch {
	case err != nil:
		return err
	case n != ^inverse&0xFFFF:
		return errStored
	case len(w.buf)+int(n) > limit:
		return errTooLong
	}
	w.buf, err = w.in.appendTo(w.buf, int(n))
	return err
}

// Section 3.2.5: what a length or distance code begins at, and how many bits
// are added to that.
var (
	lengthBase = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31,
		35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthBits = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase   = [30]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769,
		1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distBits = [30]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

const endOfBlock = 256

// codes inflates a block of Huffman codes. The most that one turn takes is 48
// bits, which one refill provides.
func (w *window) codes(limit int) error {
	for {
		w.in.refill()
		sym := w.lit.decode(&w.in)
		switch {
		case sym < 0:
			return w.in.why()
		case sym < endOfBlock:
			if len(w.buf) == limit {
				return errTooLong
			}
			w.buf = append(w.buf, byte(sym))
			continue
		case sym == endOfBlock:
			return nil
		case sym-257 >= len(lengthBase):
			return errSymbol
		}
		length, ok := w.in.extra(lengthBase[sym-257], lengthBits[sym-257])
		sym = w.dist.decode(&w.in)
		switch {
		case sym < 0 || !ok:
			return w.in.why()
		case sym >= len(distBase):
			return errSymbol
		}
		distance, ok := w.in.extra(distBase[sym], distBits[sym])
		if !ok {
			return errEnd
		}
		if err := w.repeat(length, distance, limit); err != nil {
			return err
		}
	}
}

func (w *window) repeat(length, distance, limit int) error {
	at := len(w.buf) - distance
	switch {
	case distance > w.size:
		return fmt.Errorf("a distance of %d in a window of %d", distance, w.size)
	case at < 0:
		return fmt.Errorf("a distance of %d where there are %d octets", distance, len(w.buf))
	case len(w.buf)+length > limit:
		return errTooLong
	}
	for length > distance { // what is copied has yet to be written
		w.buf = append(w.buf, w.buf[at:at+distance]...)
		length -= distance
		at += distance
	}
	w.buf = append(w.buf, w.buf[at:at+length]...)
	return nil
}
