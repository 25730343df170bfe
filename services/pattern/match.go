package pattern

import (
	"errors"
	"strings"
)

const (
	// TooComplex is the text of the error for a pattern that takes too many
	// steps, or too many choices within each other.
	TooComplex = "pattern too complex"

	// maxDepth is how many choices there may be within each other: each takes
	// some 200 bytes of the goroutine's stack.
	maxDepth = 1000

	// portion is how many steps are taken between two questions to the owner.
	portion = 4096
)

var errTooComplex = errors.New(TooComplex)

// A Matcher runs programs. Its zero value is ready. It is for one goroutine.
type Matcher struct {
	// Spend is told of steps that have been taken or are about to be, some thousand at
	// a time, and may end the matching with an error. nil: nobody is told.
	Spend func(steps int) error

	// Allowance is how many steps may be taken yet. Who matches again and again in
	// the same operation leaves it as it is, or keeps it and puts it back.
	Allowance int

	program  *Program
	items    []item
	subject  string
	granted  int // the portion of steps that is being taken
	left     int // of it
	depth    int
	err      error
	captures [MaxCaptures]span
}

// A span is from..to of the subject.
type span struct{ from, to int }

// Allowance is how many steps an operation on a subject of n bytes may take: it may
// be looked through several times, but not as often as it is long.
func Allowance(n int) int { return 1_000_000 + 32*n }

// Find finds the first match in s at or behind from, which is not beyond its end. An
// anchored program matches at from only.
func (m *Matcher) Find(p *Program, s string, from int) (start, end int, ok bool, err error) {
	m.begin(p, s)
	for start = from; ; start++ {
		if !p.anchored {
			i := p.candidate(s[start:])
			if i < 0 {
				m.take((len(s) - start) / 8)
				break
			}
			m.take(i / 8)
			start += i
		}
		if end, ok = m.match(0, start); ok || m.err != nil || p.anchored || start == len(s) {
			break
		}
	}
	return start, end, ok && m.err == nil, m.finish()
}

// candidate is where a match may begin at the earliest; -1: there is none.
func (p *Program) candidate(s string) int {
	switch {
	case p.prefix != "":
		return strings.Index(s, p.prefix)
	case p.first == nil:
		return 0
	}
	for i := range len(s) {
		if p.first.has(s[i]) {
			return i
		}
	}
	return -1
}

// Capture is what the n-th capture, from 0, of the last match holds: a part of s, its
// subject, or, where isPlace is set, an offset in it.
func (m *Matcher) Capture(s string, n int) (text string, place int, isPlace bool) {
	c := m.captures[n]
	if c.to < 0 {
		return "", c.from, true
	}
	return s[c.from:c.to], 0, false
}

func (m *Matcher) begin(p *Program, s string) {
	m.program, m.items, m.subject = p, p.items, s
	m.depth, m.err = 0, nil
	m.grant()
}

// finish tells the owner of the steps that it does not know of, and forgets the
// subject.
func (m *Matcher) finish() error {
	m.settle()
	m.subject, m.program, m.items = "", nil, nil
	return m.err
}

// grant gives the next portion of steps.
func (m *Matcher) grant() {
	m.granted = min(portion, max(m.Allowance, 0))
	m.left = m.granted
}

// settle counts what was taken of the portion.
func (m *Matcher) settle() {
	used := m.granted - m.left
	m.Allowance -= used
	m.granted = m.left
	if m.err == nil && m.Spend != nil {
		m.err = m.Spend(used)
	}
}

// take counts n steps; false: there are no more.
func (m *Matcher) take(n int) bool {
	m.left -= n
	return m.left >= 0 || m.ask()
}

// ask asks the owner whether to go on, and for the next portion.
func (m *Matcher) ask() bool {
	if m.err == nil {
		m.settle()
	}
	if m.err == nil && m.Allowance <= 0 {
		m.err = errTooComplex
	}
	m.grant()
	return m.err == nil
}

// fail ends the matching with an error.
func (m *Matcher) fail(text string) (int, bool) {
	if m.err == nil {
		m.err = errors.New(text)
	}
	return 0, false
}

// match matches the items from the i-th on at pos.
func (m *Matcher) match(i, pos int) (end int, ok bool) {
	s := m.subject
	for {
		if m.left--; m.left < 0 && !m.ask() {
			return 0, false
		}
		it := &m.items[i]
		if it.rep != 0 {
			next, done, ok := m.repeat(it, i, pos)
			if done {
				return next, ok
			}
			pos = next
			i++
			continue
		}
		switch it.op {
		case opByte:
			if pos >= len(s) || s[pos] != it.a {
				return 0, false
			}
			pos++
		case opAny:
			if pos >= len(s) {
				return 0, false
			}
			pos++
		case opSet:
			if pos >= len(s) || !it.set.has(s[pos]) {
				return 0, false
			}
			pos++
		case opOpen:
			m.captures[it.n].from = pos
		case opPlace:
			m.captures[it.n] = span{pos, -1}
		case opClose:
			m.captures[it.n].to = pos
		case opMatch:
			return pos, true
		default:
			if pos, ok = m.seldom(it, pos); !ok {
				return 0, false
			}
		}
		i++
	}
}

// seldom matches an item of the less frequent kinds.
func (m *Matcher) seldom(it *item, pos int) (end int, ok bool) {
	s := m.subject
	switch it.op {
	case opEnd:
		return pos, pos == len(s)
	case opFrontier:
		return pos, !it.set.has(byteAt(s, pos-1)) && it.set.has(byteAt(s, pos))
	case opBalance:
		return m.balanced(it, pos)
	case opBack:
		return m.back(m.captures[it.n], pos)
	}
	return m.fail(m.program.mistake)
}

// byteAt is the byte at pos; 0 before the beginning and behind the end.
func byteAt(s string, pos int) byte {
	if pos < 0 || pos >= len(s) {
		return 0
	}
	return s[pos]
}

// balanced matches from it.a to the it.b that closes it.
func (m *Matcher) balanced(it *item, pos int) (end int, ok bool) {
	s := m.subject
	if pos >= len(s) || s[pos] != it.a {
		return 0, false
	}
	open := 1
	for end = pos + 1; end < len(s); end++ {
		switch s[end] {
		case it.b:
			if open--; open == 0 {
				return end + 1, m.take((end - pos) / 2)
			}
		case it.a:
			open++
		}
	}
	m.take((end - pos) / 2)
	return 0, false
}

// back matches what was captured. A place matches nothing.
func (m *Matcher) back(c span, pos int) (end int, ok bool) {
	s := m.subject
	n := c.to - c.from
	if c.to < 0 || len(s)-pos < n || s[pos:pos+n] != s[c.from:c.to] {
		m.take(max(n, 0) / 16)
		return 0, false
	}
	return pos + n, m.take(n / 16)
}

// repeat matches an item with a sign behind it. done: the rest has been matched, or
// cannot be; or else it is to be matched at next.
func (m *Matcher) repeat(it *item, i, pos int) (next int, done, ok bool) {
	if m.depth == maxDepth {
		next, ok = m.fail(TooComplex)
		return next, true, ok
	}
	m.depth++
	switch it.rep {
	case '?':
		next, done, ok = m.optional(it, i, pos)
	case '-':
		next, ok = m.shortest(it, i, pos)
		done = true
	default:
		next, done, ok = m.longest(it, i, pos)
	}
	m.depth--
	return next, done, ok
}

func (m *Matcher) optional(it *item, i, pos int) (next int, done, ok bool) {
	if pos < len(m.subject) && it.one(m.subject[pos]) {
		if end, ok := m.match(i+1, pos+1); ok || m.err != nil {
			return end, true, ok
		}
	}
	return pos, false, false
}

func (m *Matcher) shortest(it *item, i, pos int) (end int, ok bool) {
	s := m.subject
	follows := &m.items[i+1]
	literal := follows.op == opByte && follows.rep == 0
	for {
		if !literal || pos < len(s) && s[pos] == follows.a {
			if end, ok := m.match(i+1, pos); ok || m.err != nil {
				return end, ok
			}
		}
		if pos >= len(s) || !it.one(s[pos]) || !m.take(1) {
			return 0, false
		}
		pos++
	}
}

// longest matches * and +: as many as there are, then fewer.
func (m *Matcher) longest(it *item, i, pos int) (next int, done, ok bool) {
	s := m.subject
	end := m.run(it, pos)
	if !m.take((end - pos) / 2) {
		return 0, true, false
	}
	least := pos
	if it.rep == '+' {
		least++
	}
	if end < least {
		return 0, true, false
	}
	if end == least { // there is no choice
		return end, false, false
	}
	follows := &m.items[i+1]
	if follows.op == opMatch {
		return end, true, true
	}
	literal := follows.op == opByte && follows.rep == 0
	for ; end >= least; end-- {
		if literal && (end >= len(s) || s[end] != follows.a) {
			if !m.take(1) {
				return 0, true, false
			}
			continue
		}
		if last, ok := m.match(i+1, end); ok || m.err != nil {
			return last, true, ok
		}
	}
	return 0, true, false
}

// run is where the bytes from pos on end that the item matches.
func (m *Matcher) run(it *item, pos int) (end int) {
	s := m.subject
	switch it.op {
	case opAny:
		return len(s)
	case opByte:
		for pos < len(s) && s[pos] == it.a {
			pos++
		}
	default:
		set := it.set
		for pos < len(s) && set.has(s[pos]) {
			pos++
		}
	}
	return pos
}
