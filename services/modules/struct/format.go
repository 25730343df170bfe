package structs

import (
	"fmt"
	"strings"
)

const (
	// maxAlign is the highest alignment that makes a difference, and what "!" alone is.
	maxAlign = 8

	// maxCount is where the numbers in a format end.
	maxCount = maxText
)

// A format is what describes a text of bytes: letters, with numbers behind some of
// them.
//
//	<  >  =         from here on the lowest byte is first; the highest; the one of this machine
//	![n]            from here on items are aligned to their size, to n at most
//	b  h  l  i[n]   whole numbers of 1, 2, 8, and of 4 or n bytes, signed
//	B  H  L  I[n]   the same, unsigned; T is L
//	f  d            floats of 4 and 8 bytes
//	s  c[n]         a zero-terminated text, one of n bytes
//	x               a zero
type format struct {
	text  string
	at    int
	big   bool // the highest byte is first
	align int
}

func newFormat(text string) format { return format{text: text, big: native, align: 1} }

// An item is what stands for a value, or for a byte that is left out.
type item struct {
	kind    byte // i, I, f, d, s, c or x
	size    int  // in bytes; 0: of a text, it is as long as it is
	padding int  // bytes before it
	big     bool
}

// sizes are those of the letters that have one.
var sizes = map[byte]int{'b': 1, 'B': 1, 'h': 2, 'H': 2, 'l': 8, 'L': 8, 'T': 8, 'f': 4, 'd': 8, 'x': 1, 's': 0}

// next is the next item, which begins at a byte, if there is one. why is what is wrong with
// the format.
func (f *format) next(at int) (it item, ok bool, why string) {
	for f.at < len(f.text) {
		letter := f.text[f.at]
		f.at++
		size, fixed := sizes[letter]
		switch {
		case fixed:
			return f.item(at, kindOf(letter), size)
		case letter == 'i' || letter == 'I':
			if size = f.number(4); size < 1 || size > 8 {
				return it, false, fmt.Sprintf("whole numbers have 1 to 8 bytes, and '%s' has not", f.since(letter))
			}
			return f.item(at, letter, size)
		case letter == 'c':
			if size = f.number(1); size > maxCount {
				return it, false, fmt.Sprintf("'%s' is longer than %d bytes", f.since(letter), maxCount)
			}
			return f.item(at, 'c', size)
		}
		if why = f.control(letter); why != "" {
			return it, false, why
		}
	}
	return it, false, ""
}

// kindOf is the kind of item that a letter of fixed size is.
func kindOf(letter byte) byte {
	switch letter {
	case 'b', 'h', 'l':
		return 'i'
	case 'B', 'H', 'L', 'T':
		return 'I'
	}
	return letter
}

// control obeys a letter that is no item.
func (f *format) control(letter byte) (why string) {
	switch letter {
	case ' ':
	case '<':
		f.big = false
	case '>':
		f.big = true
	case '=':
		f.big = native
	case '!':
		if f.align = f.number(maxAlign); f.align == 0 || f.align&(f.align-1) != 0 {
			return fmt.Sprintf("alignment '%s' is not a power of 2", f.since(letter))
		}
	default:
		return fmt.Sprintf("invalid format option %q", letter)
	}
	return ""
}

// number is the number that follows; d where there is none. One that is too large is
// larger than maxCount.
func (f *format) number(d int) int {
	begin, n := f.at, 0
	for ; f.at < len(f.text) && f.text[f.at] >= '0' && f.text[f.at] <= '9'; f.at++ {
		n = min(n*10+int(f.text[f.at]-'0'), 2*maxCount)
	}
	if f.at == begin {
		return d
	}
	return n
}

// maxShown is how much of a letter's number is shown.
const maxShown = 20

// since is a letter with the number behind it, which has been read.
func (f *format) since(letter byte) string {
	begin := strings.LastIndexByte(f.text[:f.at], letter)
	return f.text[begin:min(f.at, begin+maxShown)]
}

// item is the item of a size.
func (f *format) item(at int, kind byte, size int) (it item, ok bool, why string) {
	it = item{kind: kind, size: size, big: f.big}
	if to := min(size, f.align); to > 1 && kind != 'c' {
		if to&(to-1) != 0 {
			return it, false, fmt.Sprintf("%d bytes, which are no power of 2, cannot be aligned", size)
		}
		it.padding = -at & (to - 1)
	}
	return it, true, ""
}

// limits are the least and the greatest whole number that the item holds, as far as a
// number holds it exactly.
func (it item) limits() (low, high float64) {
	width := uint(8 * it.size)
	if it.kind == 'I' {
		if width > 53 {
			return 0, maxExact
		}
		return 0, float64(uint64(1)<<width - 1)
	}
	if width > 54 {
		return -maxExact, maxExact
	}
	return -float64(uint64(1) << (width - 1)), float64(uint64(1)<<(width-1) - 1)
}

// appendInteger appends a number that lies within the limits.
func (it item) appendInteger(dst []byte, n int64) []byte { return it.appendBits(dst, uint64(n)) }

// appendBits appends the lowest bytes of bits.
func (it item) appendBits(dst []byte, bits uint64) []byte {
	for i := range it.size {
		if it.big {
			i = it.size - 1 - i
		}
		dst = append(dst, byte(bits>>(8*i)))
	}
	return dst
}

// bits are those of p, which has the item's size.
func (it item) bits(p string) (bits uint64) {
	for i := range len(p) {
		b := p[i]
		if !it.big {
			b = p[len(p)-1-i]
		}
		bits = bits<<8 | uint64(b)
	}
	return bits
}

// integer is the whole number in p; exact: as a number has it.
func (it item) integer(p string) (n float64, exact bool) {
	bits := it.bits(p)
	if it.kind == 'I' {
		return float64(bits), bits <= maxExact
	}
	unused := 64 - 8*len(p)
	signed := int64(bits<<unused) >> unused
	return float64(signed), signed >= -maxExact && signed <= maxExact
}
