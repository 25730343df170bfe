package main

import (
	"encoding/binary"
	"strings"
)

func oversizedHeader(p *player) string {
	l, err := p.encrypt(0)
	if err != nil {
		return p.noPlace(err)
	}
	p.place()
	first := strings.TrimSuffix(p.target.request(), "\r\n")
	more := "X-Filler: " + strings.Repeat("x", 1000) + "\r\n"
	return p.beside(l, func() { p.flood(l, []byte(first), []byte(more)) }, p.refused)
}

func oversizedFrame(p *player) string {
	l, err := p.open(0)
	if err != nil {
		return p.noPlace(err)
	}
	p.place()
	head := []byte{0x80 | opBinary, 0x80 | 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	return p.beside(l, func() { p.flood(l, head, make([]byte, 16<<10)) }, p.closed)
}

func oversizedMessage(p *player) string {
	l, err := p.open(0)
	if err != nil {
		return p.noPlace(err)
	}
	p.place()
	first, more := frame(opBinary, make([]byte, 16<<10)), frame(opContinuation, make([]byte, 16<<10))
	first[0] &^= 0x80 // not the last fragment
	more[0] &^= 0x80
	return p.beside(l, func() { p.flood(l, first, more) }, p.closed)
}

// The opcodes (RFC 6455, section 5.2).
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
)

// frame is a client's frame; its masking key is 0, which masks nothing.
func frame(op byte, payload []byte) []byte {
	b := []byte{0x80 | op}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = append(b, 0x80|126, byte(n>>8), byte(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}
