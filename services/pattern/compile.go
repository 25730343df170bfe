package pattern

import (
	"slices"
	"strings"
)

const (
	// MaxCaptures is how many captures a pattern may have.
	MaxCaptures = 32

	// maxItems is how many items a program may have: it is as much memory as
	// a pattern takes, some 16 bytes each.
	maxItems = 1 << 15
)

// An op is what an item does.
type op uint8

const (
	opByte     op = iota // matches the byte a
	opAny                // matches any byte
	opSet                // matches a byte of set
	opOpen               // begins capture n
	opPlace              // captures the position
	opClose              // ends capture n
	opBack               // matches what capture n has
	opBalance            // matches from a to b, balanced
	opFrontier           // between a byte that is not in set and one that is
	opEnd                // the end of the subject
	opMatch              // the end of the pattern
	opMistake            // the pattern is wrong here
)

// A set is one of bytes: bit b%64 of element b/64.
type set [4]uint64

func (s *set) has(b byte) bool { return s[b>>6]&(1<<(b&63)) != 0 }
func (s *set) add(b byte)      { s[b>>6] |= 1 << (b & 63) }

func (s *set) addRange(from, to byte) {
	for b := int(from); b <= int(to); b++ {
		s.add(byte(b))
	}
}

func (s *set) addSet(other *set) {
	for i := range s {
		s[i] |= other[i]
	}
}

func (s *set) invert() {
	for i := range s {
		s[i] = ^s[i]
	}
}

// An item is a part of a pattern that is matched as a whole.
type item struct {
	op   op
	rep  byte // '?', '*', '+', '-', or 0: once
	a, b byte
	n    uint8 // of a capture
	set  *set
}

// one reports whether the item, a byte's, matches c.
func (it *item) one(c byte) bool {
	switch it.op {
	case opByte:
		return it.a == c
	case opAny:
		return true
	}
	return it.set.has(c)
}

// A Program is a compiled pattern.
type Program struct {
	items    []item
	prefix   string // what each match begins with
	first    *set   // what its first byte is one of; nil: there is a prefix, or none need be
	anchored bool
	captures int
	open     uint32 // captures that have no end: a bit for each
	mistake  string
}

// Captures is how many captures the pattern has.
func (p *Program) Captures() int { return p.captures }

// Unfinished reports whether the n-th capture, from 0, has no end: what it holds
// cannot be told.
func (p *Program) Unfinished(n int) bool { return p.open&(1<<n) != 0 }

// Anchored reports whether the pattern matches at the beginning of the subject only.
func (p *Program) Anchored() bool { return p.anchored }

// Plain reports whether a pattern matches nothing but itself.
func Plain(source string) bool { return !strings.ContainsAny(source, "^$*+?.([%-") }

// Compile compiles a pattern. If anchors is false a ^ in front is a byte like others,
// as it is for string.gmatch.
func Compile(source string, anchors bool) *Program {
	c := compiler{source: source}
	if anchors && strings.HasPrefix(source, "^") {
		c.program.anchored = true
		c.at = 1
	}
	for c.at < len(source) && c.program.mistake == "" {
		c.item()
		if len(c.program.items) > maxItems {
			c.fail(TooComplex)
		}
	}
	for _, n := range c.open {
		c.program.open |= 1 << n
	}
	c.emit(item{op: opMatch})
	c.program.prefix = c.prefix()
	if it := &c.program.items[0]; it.op == opSet && (it.rep == 0 || it.rep == '+') {
		c.program.first = it.set
	}
	return &c.program
}

type compiler struct {
	source  string
	at      int // the next byte
	open    []uint8
	program Program
}

func (c *compiler) emit(it item) { c.program.items = append(c.program.items, it) }

// fail has matching end with an error where it comes to this place.
func (c *compiler) fail(what string) {
	if c.program.mistake == "" {
		c.program.mistake = what
		c.emit(item{op: opMistake})
	}
}

// next takes a byte; false: there is none.
func (c *compiler) next() (b byte, ok bool) {
	if c.at == len(c.source) {
		return 0, false
	}
	c.at++
	return c.source[c.at-1], true
}

// item compiles an item.
func (c *compiler) item() {
	switch b, _ := c.next(); b {
	case '(':
		c.opening()
	case ')':
		c.closing()
	case '$':
		if c.at == len(c.source) {
			c.emit(item{op: opEnd})
			return
		}
		c.repeated(item{op: opByte, a: b})
	case '.':
		c.repeated(item{op: opAny})
	case '[':
		if s := c.brackets(); s != nil {
			c.repeated(item{op: opSet, set: s})
		}
	case '%':
		c.escape()
	default:
		c.repeated(item{op: opByte, a: b})
	}
}

// repeated emits an item, with the sign behind it.
func (c *compiler) repeated(it item) {
	if c.at < len(c.source) {
		switch c.source[c.at] {
		case '?', '*', '+', '-':
			it.rep = c.source[c.at]
			c.at++
		}
	}
	c.emit(it)
}

func (c *compiler) opening() {
	if c.program.captures == MaxCaptures {
		c.fail("too many captures")
		return
	}
	n := uint8(c.program.captures)
	c.program.captures++
	if c.at < len(c.source) && c.source[c.at] == ')' {
		c.at++
		c.emit(item{op: opPlace, n: n})
		return
	}
	c.open = append(c.open, n)
	c.emit(item{op: opOpen, n: n})
}

func (c *compiler) closing() {
	if len(c.open) == 0 {
		c.fail("invalid pattern capture")
		return
	}
	n := c.open[len(c.open)-1]
	c.open = c.open[:len(c.open)-1]
	c.emit(item{op: opClose, n: n})
}

// escape compiles what begins with %.
func (c *compiler) escape() {
	b, ok := c.next()
	switch {
	case !ok:
		c.fail("malformed pattern (ends with '%')")
	case b == 'b':
		c.balance()
	case b == 'f':
		c.frontier()
	case b >= '0' && b <= '9':
		c.back(b)
	default:
		if s := classes[b]; s != nil {
			c.repeated(item{op: opSet, set: s})
		} else {
			c.repeated(item{op: opByte, a: b})
		}
	}
}

func (c *compiler) balance() {
	a, _ := c.next()
	b, ok := c.next()
	if !ok {
		c.fail("unbalanced pattern")
		return
	}
	c.emit(item{op: opBalance, a: a, b: b})
}

func (c *compiler) frontier() {
	if b, ok := c.next(); !ok || b != '[' {
		c.fail("missing '[' after '%f' in pattern")
		return
	}
	if s := c.brackets(); s != nil {
		c.emit(item{op: opFrontier, set: s})
	}
}

func (c *compiler) back(digit byte) {
	n := int(digit) - '1'
	if n < 0 || n >= c.program.captures || slices.Contains(c.open, uint8(n)) {
		c.fail("invalid capture index")
		return
	}
	c.emit(item{op: opBack, n: uint8(n)})
}

// brackets compiles what is between [ and ]; nil: that is not there.
func (c *compiler) brackets() *set {
	inverted := strings.HasPrefix(c.source[c.at:], "^")
	if inverted {
		c.at++
	}
	from := c.at
	for first := true; ; first = false {
		b, ok := c.next()
		if ok && b == ']' && !first {
			break
		}
		if ok && b == '%' {
			_, ok = c.next()
		}
		if !ok {
			c.fail("malformed pattern (missing ']')")
			return nil
		}
	}
	s := members(c.source[from : c.at-1])
	if inverted {
		s.invert()
	}
	return s
}

// members are the bytes that text, from between brackets, stands for.
func members(text string) *set {
	var s set
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '%':
			i++
			if class := classes[text[i]]; class != nil {
				s.addSet(class)
			} else {
				s.add(text[i])
			}
		case i+2 < len(text) && text[i+1] == '-':
			s.addRange(text[i], text[i+2])
			i += 2
		default:
			s.add(text[i])
		}
	}
	return &s
}

// prefix is the bytes that each match begins with.
func (c *compiler) prefix() string {
	var b strings.Builder
	for _, it := range c.program.items {
		if it.op != opByte || it.rep != 0 && it.rep != '+' {
			break
		}
		b.WriteByte(it.a)
		if it.rep != 0 {
			break
		}
	}
	return b.String()
}
