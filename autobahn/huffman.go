package main

import "encoding/binary"

// A bitReader takes bits of deflate data, the lowest of an octet first.
type bitReader struct {
	src  []byte
	pos  int    // of the next octet that is not in hold
	hold uint64 // n bits of it are good
	n    uint
	end  bool // more bits were asked for than there are
}

// refill makes at least 56 bits good, or all there are.
func (r *bitReader) refill() {
	if len(r.src)-r.pos >= 8 {
		r.hold |= binary.LittleEndian.Uint64(r.src[r.pos:]) << r.n
		r.pos += int((63 - r.n) >> 3)
		r.n |= 56
		return
	}
	for r.n <= 56 && r.pos < len(r.src) {
		r.hold |= uint64(r.src[r.pos]) << r.n
		r.pos++
		r.n += 8
	}
}

func (r *bitReader) empty() bool { return r.n == 0 && r.pos == len(r.src) }

// why is the error where a code could not be decoded.
func (r *bitReader) why() error {
	if r.end {
		return errEnd
	}
	return errSymbol
}

// take takes at most 16 bits.
func (r *bitReader) take(n uint) (uint32, error) {
	r.refill()
	if r.n < n {
		return 0, errEnd
	}
	v := uint32(r.hold & (1<<n - 1))
	r.skip(n)
	return v, nil
}

func (r *bitReader) skip(n uint) {
	r.hold >>= n
	r.n -= n
}

// extra adds bits to a base; there is no refill.
func (r *bitReader) extra(base uint16, bits uint8) (int, bool) {
	n := uint(bits)
	if r.n < n {
		r.end = true
		return 0, false
	}
	v := int(base) + int(r.hold&(1<<n-1))
	r.skip(n)
	return v, true
}

// align drops the rest of an octet.
func (r *bitReader) align() { r.skip(r.n % 8) }

// appendTo appends n octets, from the beginning of one.
func (r *bitReader) appendTo(dst []byte, n int) ([]byte, error) {
	r.pos -= int(r.n / 8) // those in hold are read again
	r.hold, r.n = 0, 0
	if len(r.src)-r.pos < n {
		return dst, errEnd
	}
	dst = append(dst, r.src[r.pos:r.pos+n]...)
	r.pos += n
	return dst, nil
}

// Section 3.2.7.
const (
	maxLit  = 286
	maxDist = 30
	maxBits = 15 // of a code
)

// quickBits is how long a code may be to be found with one look.
const quickBits = 9

// A huffman is a canonical code (section 3.2.2). Short codes are looked up,
// longer ones found bit by bit.
type huffman struct {
	quick  [1 << quickBits]uint16 // symbol<<4 | length; 0 if there is none
	count  [maxBits + 1]uint16    // of codes of a length
	symbol [288]uint16            // in the order of their codes
}

// init makes the code of the lengths of its symbols. It has to be complete,
// but may be empty or of one symbol.
func (h *huffman) init(lengths []byte) error {
	clear(h.count[:])
	clear(h.quick[:])
	for _, n := range lengths {
		h.count[n]++
	}
	used := len(lengths) - int(h.count[0])
	var next, code [maxBits + 1]int
	left := 1
	for n := 1; n <= maxBits; n++ {
		left = left<<1 - int(h.count[n])
		if left < 0 {
			return errLengths
		}
		if n > 1 {
			next[n] = next[n-1] + int(h.count[n-1])
			code[n] = (code[n-1] + int(h.count[n-1])) << 1
		}
	}
	if left > 0 && used > 0 && !(used == 1 && h.count[1] == 1) {
		return errLengths
	}
	for sym, n := range lengths {
		if n == 0 {
			continue
		}
		h.symbol[next[n]] = uint16(sym)
		next[n]++
		h.addQuick(code[n], uint(n), uint16(sym))
		code[n]++
	}
	return nil
}

// addQuick enters a code, the first bit of which is the lowest of an index.
func (h *huffman) addQuick(code int, n uint, sym uint16) {
	if n > quickBits {
		return
	}
	at := 0
	for i := range n {
		at |= code >> i & 1 << (n - 1 - i)
	}
	for ; at < len(h.quick); at += 1 << n {
		h.quick[at] = sym<<4 | uint16(n)
	}
}

// decode takes a symbol; it is negative if there is none. There is no refill.
func (h *huffman) decode(r *bitReader) int {
	if e := h.quick[r.hold&(1<<quickBits-1)]; e != 0 {
		n := uint(e & 15)
		if n > r.n {
			r.end = true
			return -1
		}
		r.skip(n)
		return int(e >> 4)
	}
	return h.slow(r)
}

func (h *huffman) slow(r *bitReader) int {
	code, first, index := 0, 0, 0
	for n := uint(1); n <= maxBits; n++ {
		if n > r.n {
			r.end = true
			return -1
		}
		code |= int(r.hold >> (n - 1) & 1)
		count := int(h.count[n])
		if code-count < first {
			r.skip(n)
			return int(h.symbol[index+code-first])
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	return -1
}

// fixedLit and fixedDist are the codes of section 3.2.6.
var fixedLit, fixedDist = fixedCodes()

func fixedCodes() (lit, dist huffman) {
	var lengths [288]byte
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	lit.init(lengths[:])
	for i := range 32 {
		lengths[i] = 5
	}
	dist.init(lengths[:32])
	return lit, dist
}

// lengthOrder is the order of the lengths of the codes for lengths.
var lengthOrder = [19]byte{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// readTables reads the codes of a dynamic block (section 3.2.7).
func (w *window) readTables() error {
	head, err := w.in.take(14)
	if err != nil {
		return err
	}
	lits, dists, n := int(head&31)+257, int(head>>5&31)+1, int(head>>10)+4
	if lits > maxLit || dists > maxDist {
		return errLengths
	}
	var lengths [19]byte
	for _, at := range lengthOrder[:n] {
		v, err := w.in.take(3)
		if err != nil {
			return err
		}
		lengths[at] = byte(v)
	}
	if err := w.lit.init(lengths[:]); err != nil {
		return err
	}
	if err := w.readLengths(w.lengths[:lits+dists]); err != nil {
		return err
	}
	if err := w.lit.init(w.lengths[:lits]); err != nil {
		return err
	}
	return w.dist.init(w.lengths[lits : lits+dists])
}

// readLengths reads code lengths, which are themselves in the code w.lit.
func (w *window) readLengths(lengths []byte) error {
	for i := 0; i < len(lengths); {
		w.in.refill()
		sym := w.lit.decode(&w.in)
		if sym < 0 {
			return w.in.why()
		}
		if sym < 16 {
			lengths[i] = byte(sym)
			i++
			continue
		}
		var value byte
		base, bits := uint16(3), uint8(2)
		switch sym {
		case 16:
			if i == 0 {
				return errLengths
			}
			value = lengths[i-1]
		case 17:
			bits = 3
		default:
			base, bits = 11, 7
		}
		times, ok := w.in.extra(base, bits)
		switch {
		case !ok:
			return errEnd
		case i+times > len(lengths):
			return errLengths
		}
		for range times {
			lengths[i] = value
			i++
		}
	}
	return nil
}
