package wire

import "errors"

// This file is the inflater's twin: it reads RFC 1951 by the letter, a bit at
// a time. It also says how far the data refers back, which is how we know that a
// window has been kept to.

var errSlow = errors.New("not DEFLATE data")

// slowInflate returns what packed is the compression of, a message as RFC 7692
// has it: syncTail is not there. dict precedes it. far is the largest distance.
func slowInflate(dict, packed []byte) (out []byte, far int, err error) {
	s := &slowBits{in: append(append([]byte(nil), packed...), syncTail+lastBlock...)}
	out = append(out, dict...)
	streams := 1
	for s.at < 8*len(s.in) {
		last, kind := s.take(1), s.take(2)
		switch kind {
		case 0:
			out = s.stored(out)
		case 1:
			lit, dist := slowFixed()
			out = s.block(out, lit, dist, &far)
		case 2:
			lit, dist := s.tables()
			out = s.block(out, lit, dist, &far)
		default:
			s.bad = true
		}
		if s.bad {
			return nil, far, errSlow
		}
		if last == 1 {
			s.at = (s.at + 7) / 8 * 8
			if streams++; s.at < 8*len(s.in) && streams > maxStreams {
				return nil, far, errSlow
			}
		}
	}
	return out[len(dict):], far, nil
}

// slowBits is a stream of bits; bad once it was not what it should have been.
type slowBits struct {
	in  []byte
	at  int
	bad bool
}

func (s *slowBits) take(n int) (v int) {
	for i := range n {
		if s.at >= 8*len(s.in) {
			s.bad = true
			return 0
		}
		v |= int(s.in[s.at/8]>>(s.at%8)&1) << i
		s.at++
	}
	return v
}

// stored copies a block that is not compressed (section 3.2.4).
func (s *slowBits) stored(out []byte) []byte {
	s.at = (s.at + 7) / 8 * 8
	n, inverse := s.take(16), s.take(16)
	if n != ^inverse&0xffff {
		s.bad = true
	}
	for range n {
		if s.bad {
			break
		}
		out = append(out, byte(s.take(8)))
	}
	return out
}

// A slowCode has its symbols in the order of their codes, and how many there
// are of each length.
type slowCode struct {
	symbols []int
	count   [16]int
}

// slowHuffman makes a code of its lengths (section 3.2.2). ok is false where it
// has too many codes, or too few; one code of one bit is enough.
func slowHuffman(lengths []int) (c slowCode, ok bool) {
	used := 0
	for bits := 1; bits <= 15; bits++ {
		for symbol, l := range lengths {
			if l == bits {
				c.symbols = append(c.symbols, symbol)
				c.count[bits]++
				used += 1 << (15 - bits)
			}
		}
	}
	single := len(c.symbols) == 1 && used == 1<<14
	return c, used == 1<<15 || single || len(c.symbols) == 0
}

// symbol reads a code. Those of one length are consecutive numbers; the first
// is twice what follows the last of the length before.
func (s *slowBits) symbol(c slowCode) int {
	code, first, before := 0, 0, 0
	for bits := 1; bits <= 15; bits++ {
		code = code<<1 | s.take(1)
		first <<= 1
		if s.bad {
			return 0
		}
		if code-first < c.count[bits] {
			return c.symbols[before+code-first]
		}
		first, before = first+c.count[bits], before+c.count[bits]
	}
	s.bad = true
	return 0
}

// slowFixed are the codes of section 3.2.6.
func slowFixed() (lit, dist slowCode) {
	var l, d []int
	for i := range 288 {
		n := 8
		switch {
		case i >= 144 && i < 256:
			n = 9
		case i >= 256 && i < 280:
			n = 7
		}
		l = append(l, n)
	}
	for range 32 {
		d = append(d, 5)
	}
	lit, _ = slowHuffman(l)
	dist, _ = slowHuffman(d)
	return lit, dist
}

// tables reads codes (section 3.2.7).
func (s *slowBits) tables() (lit, dist slowCode) {
	nlit, ndist, nlen := s.take(5)+257, s.take(5)+1, s.take(4)+4
	var ll [19]int
	for _, i := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}[:nlen] {
		ll[i] = s.take(3)
	}
	lengths, ok := slowHuffman(ll[:])
	if !ok || nlit > 286 {
		s.bad = true
	}
	var all []int
	for len(all) < nlit+ndist && !s.bad {
		symbol := s.symbol(lengths)
		value, times := symbol, 1
		switch symbol {
		case 16:
			if len(all) == 0 {
				s.bad = true
				return lit, dist
			}
			value, times = all[len(all)-1], 3+s.take(2)
		case 17:
			value, times = 0, 3+s.take(3)
		case 18:
			value, times = 0, 11+s.take(7)
		}
		for range times {
			all = append(all, value)
		}
	}
	if s.bad || len(all) != nlit+ndist {
		s.bad = true
		return lit, dist
	}
	var okLit, okDist bool
	lit, okLit = slowHuffman(all[:nlit])
	dist, okDist = slowHuffman(all[nlit:])
	s.bad = s.bad || !okLit || !okDist
	return lit, dist
}

// block reads literals and references until the end of the block (section
// 3.2.5).
func (s *slowBits) block(out []byte, lit, dist slowCode, far *int) []byte {
	for !s.bad {
		symbol := s.symbol(lit)
		switch {
		case s.bad || symbol == 256:
			return out
		case symbol < 256:
			out = append(out, byte(symbol))
			continue
		case symbol > 285:
			s.bad = true
			return out
		}
		length := slowExtra(s, symbol-257, 4, 3)
		if symbol == 285 {
			length = 258
		}
		d := s.symbol(dist)
		if s.bad || d > 29 {
			s.bad = true
			return out
		}
		distance := slowExtra(s, d, 2, 1)
		*far = max(*far, distance)
		if s.bad || distance > len(out) {
			s.bad = true
			return out
		}
		for range length {
			out = append(out, out[len(out)-distance])
		}
	}
	return out
}

// slowExtra reads the extra bits of a length or distance: the first group codes
// have none, and each group behind those has one bit more than the one before.
func slowExtra(s *slowBits, code, group, base int) int {
	if code == 28 && group == 4 {
		return 258
	}
	value, bits := base, 0
	for i := range code {
		if i >= 2*group {
			bits = i/group - 1
		}
		value += 1 << bits
	}
	if bits = 0; code >= 2*group {
		bits = code/group - 1
	}
	return value + s.take(bits)
}
