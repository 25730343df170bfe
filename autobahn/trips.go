package main

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// A tripper makes the messages of a case's trips and compares what comes back.
type tripper struct {
	*Trips
	agreed *agreement // nil: no compression
	count  int
	ring   ring
	out    *deflater
	in     *window
	sent   []byte // the message that is under way
	plain  int    // replies that were not compressed
}

func newTripper(c *Case, agreed *agreement, messages int) *tripper {
	t := &tripper{Trips: c.Trips, agreed: agreed, count: c.Trips.Count}
	if t.count == 0 {
		t.count = messages
	}
	if t.File == nil {
		t.sent = t.Payload.bytes()
	}
	t.ring.file = t.File
	if agreed != nil {
		t.out = newDeflater(agreed.clientBits, agreed.clientNoContext)
		t.in = newWindow(agreed.serverBits, agreed.serverNoContext)
	}
	return t
}

// frames makes the next message.
func (t *tripper) frames() []Frame {
	if t.File != nil {
		t.sent = t.ring.appendNext(t.sent[:0], t.Size)
	}
	if t.agreed == nil {
		return []Frame{frameOf(t.Op, lit(string(t.sent)))}
	}
	packed := string(t.out.deflate(t.sent))
	if t.Fragment == 0 {
		return []Frame{frameOf(t.Op, lit(packed)).rsv(4)}
	}
	var frames []Frame
	for op, rsv := t.Op, byte(4); ; op, rsv = opCont, 0 {
		n := min(len(packed), t.Fragment)
		frames = append(frames, frameOf(op, lit(packed[:n])).rsv(rsv).more())
		packed = packed[n:]
		if n < t.Fragment {
			frames[len(frames)-1].More = false
			return frames
		}
	}
}

// compare says what is wrong with the echo, or nothing.
func (t *tripper) compare(m message) string {
	switch {
	case m.compressed:
		var err error
		if m.payload, err = t.in.inflate(m.payload, largest); err != nil {
			return err.Error()
		}
	case t.agreed != nil:
		t.plain++
	}
	switch {
	case m.op != t.Op:
		return fmt.Sprintf("came back as %v instead of %v", m.op, t.Op)
	case len(m.payload) != len(t.sent):
		return fmt.Sprintf("came back with %d octets instead of %d", len(m.payload), len(t.sent))
	case m.op == opText && !utf8.Valid(m.payload):
		return "came back as text that is not UTF-8"
	case t.File != nil && !bytes.Equal(m.payload, t.sent):
		return "came back altered"
	}
	return ""
}

// nextTrip sends the next message, or closes after the last one.
func (p *player) nextTrip() {
	if p.out.tripsDone == p.trips.count {
		p.out.mismatch = ""
		p.sendClose(1000)
		return
	}
	p.out.mismatch = fmt.Sprintf("message %d of %d did not come back", p.out.tripsDone+1, p.trips.count)
	p.send(send(together, p.trips.frames()...))
}

// tripped takes the echo of a message.
func (p *player) tripped(m message) {
	t := p.trips
	if p.state != open || p.out.tripsDone == t.count {
		if p.out.tripsDone == t.count {
			p.out.mismatch = "more messages came back than were sent"
		}
		return
	}
	if why := t.compare(m); why != "" {
		p.out.mismatch = fmt.Sprintf("message %d of %d %s", p.out.tripsDone+1, t.count, why)
		p.sendClose(1000)
		return
	}
	p.out.tripsDone++
	p.nextTrip()
}

// notes is what is worth knowing of the compression beside the verdict.
func (t *tripper) notes(offer string, done int) []string {
	var notes []string
	if t.agreed == nil {
		return nil
	}
	if why := t.agreed.dishonoured(offer); why != "" {
		notes = append(notes, "the response does not honour the offer: "+why)
	}
	if t.plain > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d replies were not compressed", t.plain, done))
	}
	return notes
}
