package config

import (
	"fmt"

	"github.com/tailscale/hujson"
)

// A position is where a listener was read.
type position struct {
	file string
	line int
	path string // of all that concerns encryption, in a ws.json; "" in a native file
}

// listenerPositions returns where the listeners of a native file are.
func listenerPositions(src source, root *hujson.Value) (positions []position) {
	list, ok := valueOf(root, "listeners").(*hujson.Array)
	if !ok {
		return nil
	}
	for i := range list.Elements {
		positions = append(positions, position{file: src.name, line: src.line(list.Elements[i].StartOffset)})
	}
	return positions
}

// lappsListenerPositions returns where the one listener of a ws.json has its
// certificate.
func lappsListenerPositions(src source, root *hujson.Value) []position {
	p := position{file: src.name, line: 1, path: "tls_certificates"}
	if v := member(root, p.path); v != nil {
		p.line = src.line(v.StartOffset)
	}
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
