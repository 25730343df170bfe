package main

import (
	"fmt"
	"strings"
	"time"
)

// A Verdict is one word of a result.
type Verdict string

const (
	OK            Verdict = "OK"
	NonStrict     Verdict = "NON-STRICT"
	Informational Verdict = "INFORMATIONAL"
	Failed        Verdict = "FAILED"
	Unimplemented Verdict = "UNIMPLEMENTED"

	// Of the closing only.
	Unclean        Verdict = "UNCLEAN"
	WrongCode      Verdict = "WRONG CODE"
	FailedByClient Verdict = "FAILED BY CLIENT"
)

// good tells whether nobody has to look at the verdict.
func (v Verdict) good() bool { return v == OK || v == Informational }

// An Item is something that came of the server, or a mark. Pings and closes
// are no items: the runner answers them, and they are judged apart.
type Item struct {
	Op      Op // text, binary or pong; 0 for a mark
	Payload Payload
	Mark    string
}

func (i Item) String() string {
	switch i.Op {
	case 0:
		return "still open at mark " + i.Mark
	case opPong:
		return "PONG " + i.Payload.String()
	}
	return "echo " + i.Op.String() + " " + i.Payload.String()
}

// An Expectation is a list of items, and the verdict if exactly they come.
type Expectation struct {
	Verdict Verdict
	Items   []Item
}

func (e Expectation) String() string {
	return string(e.Verdict) + ": " + listItems(e.Items)
}

func listItems(items []Item) string {
	if len(items) == 0 {
		return "nothing"
	}
	const most = 12
	words := make([]string, 0, len(items))
	for _, i := range items[:min(len(items), most)] {
		words = append(words, i.String())
	}
	s := strings.Join(words, ", ")
	if len(items) > most {
		s += fmt.Sprintf(", … (%d in all)", len(items))
	}
	return s
}

func echo(op Op, p Payload) Item       { return Item{Op: op, Payload: p} }
func echoText(s string) Item           { return echo(opText, lit(s)) }
func ponged(s string) Item             { return echo(opPong, lit(s)) }
func mark(name string) Item            { return Item{Mark: name} }
func only(items ...Item) []Expectation { return []Expectation{{OK, items}} }

// orNothing is for good messages before a breach: they should be answered, but
// need not.
func orNothing(items ...Item) []Expectation {
	return []Expectation{{OK, items}, {NonStrict, nil}}
}

// Closing is how the connection has to end.
type Closing struct {
	ByServer bool  // the server has to close or drop; else the runner closes
	Fatal    bool  // if the wrong side closes, the behavior is failed, too
	Clean    bool  // a closing handshake is required
	Codes    []int // what the server's Close frame may carry, if it carries a code
}

// normal: the runner closes with 1000 after everything expected has come, and
// the server answers and drops TCP.
var normal = Closing{Clean: true, Codes: []int{1000}}

// fails: the server fails the connection with the code.
func fails(code int) Closing { return Closing{ByServer: true, Codes: []int{code}} }

// replies: the runner's Close frame is among what is sent; the codes are those
// of the answer.
func replies(codes ...int) Closing { return Closing{Clean: true, Codes: codes} }

// repliesOrDrops: as before, and dropping TCP is as good.
func repliesOrDrops(codes ...int) Closing { return Closing{Codes: codes} }

func (c Closing) String() string {
	codes := strings.ReplaceAll(strings.Trim(fmt.Sprint(c.Codes), "[]"), " ", ", ")
	switch {
	case c.ByServer:
		return "the server fails the connection: Close with " + codes + ", Close without a code, or dropping TCP"
	case c.Clean:
		return "the runner closes; the server answers with " + codes + " or no code, then drops TCP"
	}
	return "the runner closes; the server answers with " + codes + " or no code, or drops TCP"
}

// A Timer ends a conversation that does not end by itself. It is counted from
// the last step.
type Timer struct {
	After time.Duration
	Kill  bool // close with 1001, or drop TCP if already closing; else an empty Close
}

func killAfter(seconds float64) Timer {
	return Timer{After: time.Duration(seconds * float64(time.Second)), Kill: true}
}

func closeAfter(seconds float64) Timer {
	return Timer{After: time.Duration(seconds * float64(time.Second))}
}
