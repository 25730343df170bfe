package config

import (
	"fmt"

	"github.com/tailscale/hujson"
)

// A position is where something was read.
type position struct {
	file string
	line int
	path string // what its keys are called in a ws.json; "" in a native file
}

// position is where v was read; nil: it was not.
func (src source) position(v *hujson.Value) position {
	p := position{file: src.name, line: 1}
	if v != nil {
		p.line = src.line(v.StartOffset)
	}
	return p
}

// certificatesKey is what a ws.json has for encryption.
const certificatesKey = "tls_certificates"

// listenerPositions returns where the listeners of a native file are.
func listenerPositions(src source, root *hujson.Value) (positions []position) {
	list, ok := valueOf(root, "listeners").(*hujson.Array)
	if !ok {
		return nil
	}
	for i := range list.Elements {
		positions = append(positions, src.position(&list.Elements[i]))
	}
	return positions
}

// lappsListenerPositions returns where the one listener of a ws.json has its
// certificate.
func lappsListenerPositions(src source, root *hujson.Value) []position {
	p := src.position(member(root, certificatesKey))
	p.path = certificatesKey
	return []position{p}
}

// ListenerMistake returns a mistake about a key of c.Listeners[i], like
// tls.certificates[0], at the listener's line in the file, for checks that
// look at more than the file: whether a certificate can be read, for one.
func (c *Config) ListenerMistake(i int, key, msg string) Mistake {
	m := Mistake{File: c.file, Line: 1, Path: fmt.Sprintf("listeners[%d].%s", i, key), Msg: msg}
	if i >= len(c.positions) { // the default one
		return m
	}
	p := c.positions[i]
	m.File, m.Line = p.file, p.line
	if p.path != "" {
		m.Path = p.path
	}
	return m
}

// OutgoingMistake returns a mistake about a key of c.Outgoing, for checks that look at
// more than the file.
func (c *Config) OutgoingMistake(key, msg string) Mistake {
	m := Mistake{File: c.file, Line: max(c.outgoing.line, 1), Path: "outgoing." + key, Msg: msg}
	if c.outgoing.path != "" {
		m.File, m.Path = c.outgoing.file, c.outgoing.path
	}
	return m
}
