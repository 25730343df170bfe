package main

import (
	"crypto/tls"
	"encoding/binary"
	"strings"
)

// endless is the size, in bytes, of what is dribbled: at ten bytes a second it
// takes longer than an hour.
const endless = 40_000

func slowHandshake(p *player) string {
	l, err := p.encrypt(0)
	if err != nil {
		return p.noPlace(err)
	}
	p.place()
	head := strings.TrimSuffix(p.target.request(), "\r\n") + "X-Filler: " + strings.Repeat("x", endless)
	return p.beside(l, func() { p.dribble(l, []byte(head)) }, p.refused)
}

func slowHello(p *player) string {
	l, err := p.connect(0)
	if err != nil {
		return p.noPlace(err)
	}
	p.place()
	return p.beside(l, func() { p.dribble(l, p.target.hello()) }, p.refused)
}

// hello is a ClientHello, in its record.
func (t *target) hello() []byte {
	w := &tap{closed: true}
	_ = tls.Client(w, t.tls()).Handshake() // nobody answers
	return w.kept[:5+binary.BigEndian.Uint16(w.kept[3:])]
}

func slowFrame(p *player) string {
	l, err := p.open(0)
	if err != nil {
		return p.noPlace(err)
	}
	p.place()
	return p.beside(l, func() { p.dribble(l, frame(opBinary, make([]byte, endless))) }, p.closed)
}

func slowRecord(p *player) string {
	l, record, err := p.record()
	if err != nil {
		return p.noPlace(err)
	}
	p.place()
	return p.beside(l, func() { p.dribble(l.tcp, record) }, p.closed)
}

// record opens a connection and returns a record with a message to send on it.
func (p *player) record() (l *link, record []byte, err error) {
	if l, err = p.open(0); err != nil {
		return nil, nil, err
	}
	if record, err = l.recordOf(frame(opBinary, make([]byte, 10_000))); err != nil {
		l.Close()
		return nil, nil, err
	}
	return l, record, nil
}
