package main

import (
	"encoding/binary"
	"unicode/utf8"
)

// A message is what has come of one.
type message struct {
	op         Op // 0: no message has begun
	compressed bool
	payload    []byte
}

// receive takes what the reader passes on.
func (p *player) receive(f received) {
	if f.err != nil {
		p.state = closed // by the server
		return
	}
	p.log.received(f)
	b := f.breach
	if b == nil {
		b = p.checkBits(f)
	}
	if b != nil {
		p.breached(b)
		return
	}
	switch f.op {
	case opPing:
		if p.state == open {
			p.sendFrame(frameOf(opPong, octets(f.payload...)))
		}
	case opPong:
		p.arrived(Item{Op: opPong, Payload: octets(f.payload...)})
	case opClose:
		p.receiveClose(f.payload)
	default:
		p.receiveData(f)
	}
}

// checkBits is section 5.2 for the reserved bits: RSV1 means compression, on
// the first frame of a message (RFC 7692, section 6).
func (p *player) checkBits(f received) *breach {
	switch {
	case f.rsv == 0:
		return nil
	case f.rsv == 4 && p.link.accept != nil && (f.op == opText || f.op == opBin):
		return nil
	}
	return breachf(1002, "reserved bits %03b on a %v frame", f.rsv, f.op)
}

// breached answers a breach: the case fails. Nothing is taken after it but the
// server's Close frame.
func (p *player) breached(b *breach) {
	if p.out.breach == nil {
		p.out.breach = b
	}
	if p.state == open {
		p.sendClose(b.code)
	} else {
		p.out.clean = false
		p.drop()
	}
}

// receiveClose answers the server's Close frame, or takes it for the answer.
func (p *player) receiveClose(payload []byte) {
	if p.out.gotClose {
		return
	}
	p.out.gotClose = true
	var b *breach
	if len(payload) == 1 {
		b = breachf(1002, "a Close frame with a payload of one octet")
	} else if len(payload) >= 2 {
		code, reason := int(binary.BigEndian.Uint16(payload)), payload[2:]
		p.out.code, p.out.hasCode, p.out.reason = code, true, string(reason)
		if !codeMayBeSent(code) {
			b = breachf(1002, "a Close frame with the invalid code %d", code)
		} else if !utf8.Valid(reason) {
			b = breachf(1007, "a Close frame with a reason that is not UTF-8")
		}
	}
	if b != nil {
		p.breached(b)
		return
	}
	if p.state == open {
		p.state = closing
		p.sendFrame(closeCode(1000))
	}
	p.out.clean = true
	p.reply = p.after(replyLimit)
}

// codeMayBeSent is the suite's list of codes (RFC 6455, section 7.4), which is
// older than 1012 to 1014.
func codeMayBeSent(code int) bool {
	return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1011 || code >= 3000 && code <= 4999
}

// receiveData puts fragments together (section 5.4).
func (p *player) receiveData(f received) {
	m := &p.message
	switch {
	case p.out.breach != nil:
		return
	case f.op == opCont && m.op == 0:
		p.breached(breachf(1002, "a CONT frame with nothing to continue"))
		return
	case f.op != opCont && m.op != 0:
		p.breached(breachf(1002, "a %v frame within a fragmented message", f.op))
		return
	case len(m.payload)+len(f.payload) > largest:
		p.breached(breachf(1009, "a message of more than %d octets", largest))
		return
	}
	if f.op != opCont {
		m.op, m.compressed, m.payload = f.op, f.rsv == 4, f.payload
	} else {
		m.payload = append(m.payload, f.payload...)
	}
	if f.fin {
		whole := *m
		*m = message{}
		p.receiveMessage(whole)
	}
}

func (p *player) receiveMessage(m message) {
	if p.trips != nil {
		p.tripped(m)
		return
	}
	if m.op == opText && !utf8.Valid(m.payload) {
		p.breached(breachf(1007, "a text message that is not UTF-8"))
		return
	}
	i := Item{Op: m.op, Payload: Payload{size: len(m.payload)}}
	if p.c.LengthOnly {
		m.payload = m.payload[:min(len(m.payload), 2*shown)]
	}
	i.Payload.unit = string(m.payload)
	p.arrived(i)
}

// arrived notes what came. When it is everything that is hoped for, the runner
// closes; where only the length counts, the first message decides.
func (p *player) arrived(i Item) {
	if p.out.breach != nil {
		return
	}
	if !p.out.add(i) {
		p.breached(breachf(1009, "far more than was asked for"))
		return
	}
	c := p.c
	if c.Closing.ByServer || len(c.Expected) != 1 || !c.Closing.Clean {
		return
	}
	if c.LengthOnly && i.Op != opPong || c.Expected[0].matches(p.out.items, c.LengthOnly) {
		p.sendClose(1000)
	}
}
