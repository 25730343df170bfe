package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A kind is a way to attack.
type kind struct {
	name      string
	does      string // for the usage
	encrypted bool   // it needs wss

	// play is a connection's part. It returns what became of it when the
	// server has ended it, or soon after the attack's end.
	play func(*player) string
}

var kinds = []*kind{
	{"slowloris-handshake", "the opening handshake, a byte at a time, without end", false, slowHandshake},
	{"slowloris-hello", "the first record of TLS, a byte at a time", true, slowHello},
	{"slowloris-record", "a record with a message, a byte at a time", true, slowRecord},
	{"slowloris-frame", "a frame, a byte at a time", false, slowFrame},
	{"half-open", "a connection, and silence", false, halfOpen},
	{"half-record", "half a record with a message, and silence; the server's is read", true, halfRecord},
	{"handshake-flood", "a ClientHello, and no more; a flood with -again", true, handshakeFlood},
	{"oversized-header", "an opening handshake without end, at full speed", false, oversizedHeader},
	{"oversized-frame", "a frame that declares a terabyte, at full speed", false, oversizedFrame},
	{"oversized-message", "fragments of a message without end, at full speed", false, oversizedMessage},
	{"dead-readers", "messages at full speed, of which no answer is read", false, deadReader},
	{"silent-readers", "nothing that comes is read, and but one message sent", false, silentReader},
}

func kindOf(name string) *kind {
	if i := slices.IndexFunc(kinds, func(k *kind) bool { return k.name == name }); i >= 0 {
		return kinds[i]
	}
	return nil
}

// usage lists the kinds.
func usage() string {
	var b strings.Builder
	for _, k := range kinds {
		fmt.Fprintf(&b, "  %-20s %s\n", k.name, k.does)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// sorted returns the keys of m.
func sorted(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }
