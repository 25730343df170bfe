package main

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// A Case is one conversation with the server and what is asked of it. Cases
// are data: play performs them, judge compares. They are never modified.
type Case struct {
	ID   string // as the suite counts: 6.4.1
	What string // in words

	// What is sent: steps, or else trips.
	Steps []Step
	Trips *Trips
	Offer string // Sec-WebSocket-Extensions; empty for none

	// What may come back, the best list first. Trips expect their own.
	Expected   []Expectation
	LengthOnly bool // a message's type and length are compared, not its content

	Closing       Closing
	Informational bool // whatever comes, it is only worth knowing
	Timer         Timer
}

// Group is what the ID begins with.
func (c *Case) Group() string {
	group, _, _ := strings.Cut(c.ID, ".")
	return group
}

// A Step is a number of frames handed over in one manner, or a pause.
type Step struct {
	Frames []Frame
	Writes Writes

	Pause time.Duration // instead of frames
	Mark  string        // noted after the pause, if the connection is still open
}

// Writes is how the octets of a step are handed to TCP: 0 means together, a
// positive number that many octets at a time.
type Writes int

const (
	together Writes = 0
	perFrame Writes = -1
)

// An Op is the opcode of a frame (RFC 6455, section 5.2).
type Op byte

const (
	opCont  Op = 0x0
	opText  Op = 0x1
	opBin   Op = 0x2
	opClose Op = 0x8 // payload: 2-byte code, then a reason in UTF-8
	opPing  Op = 0x9
	opPong  Op = 0xA
)

func (op Op) control() bool { return op&0x8 != 0 }

func (op Op) String() string {
	switch op {
	case opCont:
		return "CONT"
	case opText:
		return "TEXT"
	case opBin:
		return "BIN"
	case opClose:
		return "CLOSE"
	case opPing:
		return "PING"
	case opPong:
		return "PONG"
	}
	return fmt.Sprintf("OP%d", byte(op))
}

// A Frame is one frame as a case lists it.
type Frame struct {
	Op      Op
	More    bool // FIN is not set
	RSV     byte // RSV1 is 4, RSV2 is 2, RSV3 is 1
	Payload Payload

	// Declared, if positive, is the length in the header; Payload is then only
	// the first piece. Rest frames are the pieces that follow, with no header.
	Declared int
	Rest     bool
}

// A Payload is a unit repeated up to a size in octets, so that tables stay
// small where messages do not. The zero Payload is empty.
type Payload struct {
	unit string
	size int
}

func lit(s string) Payload               { return Payload{s, len(s)} }
func rep(unit string, n int) Payload     { return Payload{unit, n} }
func octets(b ...byte) Payload           { return lit(string(b)) }
func (p Payload) Len() int               { return p.size }
func frameOf(op Op, p Payload) Frame     { return Frame{Op: op, Payload: p} }
func (f Frame) more() Frame              { f.More = true; return f }
func (f Frame) rsv(bits byte) Frame      { f.RSV = bits; return f }
func text(s string) Frame                { return frameOf(opText, lit(s)) }
func cont(s string) Frame                { return frameOf(opCont, lit(s)) }
func ping(s string) Frame                { return frameOf(opPing, lit(s)) }
func pong(s string) Frame                { return frameOf(opPong, lit(s)) }
func closeFrame(p Payload) Frame         { return frameOf(opClose, p) }
func closeCode(code int) Frame           { return closeReason(code, "") }
func pause(mark string) Step             { return Step{Pause: time.Second, Mark: mark} }
func send(w Writes, fs ...Frame) Step    { return Step{Frames: fs, Writes: w} }
func steps(w Writes, fs ...Frame) []Step { return []Step{send(w, fs...)} }

// hexa is a payload written in hexadecimal; the tables are tested to be right.
func hexa(s string) Payload {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return octets(b...)
}

func closeReason(code int, reason string) Frame {
	return closeFrame(lit(string([]byte{byte(code >> 8), byte(code)}) + reason))
}

// bytes is the payload itself, a new slice.
func (p Payload) bytes() []byte {
	b := make([]byte, 0, p.size)
	for len(b) < p.size {
		b = append(b, p.unit[:min(len(p.unit), p.size-len(b))]...)
	}
	return b
}

// String abbreviates: text in quotes, anything else in hexadecimal.
func (p Payload) String() string {
	if p.size > len(p.unit) && len(p.unit) == 1 {
		return fmt.Sprintf("%d × %s", p.size, abbreviate([]byte(p.unit)))
	}
	return abbreviate(Payload{p.unit, min(p.size, 2*shown)}.bytes(), p.size)
}

// shown is how many octets of a payload a report shows.
const shown = 32

// abbreviate describes b, or the beginning of something that has size octets.
func abbreviate(b []byte, size ...int) string {
	n := len(b)
	if len(size) > 0 {
		n = size[0]
	}
	head := b[:min(len(b), shown)]
	var s string
	if printable(head) {
		s = fmt.Sprintf("%q", head)
	} else {
		s = "hex " + hex.EncodeToString(head)
	}
	if n > len(head) {
		s += fmt.Sprintf("… (%d octets)", n)
	}
	return s
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return utf8.Valid(b)
}
