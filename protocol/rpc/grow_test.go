package rpc

import (
	"encoding/binary"
	"math"
	"strings"
)

// A seed is bytes of which a tree grows: each choice takes one, none left counts
// as 0. So a fuzzer that changes a byte changes a value.
type seed string

func (s *seed) next() byte {
	if *s == "" {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return b
}

// bits are up to eight bytes.
func (s *seed) bits() uint64 {
	var p [8]byte
	n := copy(p[8-int(s.next()%9):], *s)
	*s = (*s)[n:]
	return binary.BigEndian.Uint64(p[:])
}

func (s *seed) text() string {
	n := min(int(s.next()), len(*s))
	text := strings.ToValidUTF8(string((*s)[:n]), "\ufffd")
	*s = (*s)[n:]
	return text
}

// grow makes a tree of at most so many levels.
func (s *seed) grow(levels int) tree {
	kinds := byte(10)
	if levels == 0 {
		kinds = 8
	}
	switch s.next() % kinds {
	case 0:
		return nil
	case 1:
		return s.next()%2 == 1
	case 2:
		if n := s.bits(); n > math.MaxInt64 {
			return n
		} else {
			return int64(n)
		}
	case 3:
		return -1 - int64(s.bits()>>1)
	case 4:
		return floatOf(math.Float64frombits(s.bits()))
	case 5:
		return floatOf(float64(math.Float32frombits(uint32(s.bits()))))
	case 6:
		return s.text()
	case 7:
		return blob(s.text())
	case 8:
		list := make([]tree, s.next()%40)
		for i := range list {
			list[i] = s.grow(levels - 1)
		}
		return list
	}
	n := int(s.next() % 40)
	m := make(map[string]tree, n)
	for range n {
		m[s.text()] = s.grow(levels - 1)
	}
	return m
}
