// Package cws is the module cws: a WebSocket client, on the server's event loops. It has
// two forms.
//
// The direct form reads like a program without connections: connect, c:recv, c:send. What has to
// wait gives the baton away (see vm), so others of the instance go on meanwhile.
//
// The form with callbacks is LAppS's: cws:new, cws:send, and cws:eventLoop, which calls
// onopen, onmessage, onerror and onclose for what has come.
//
// types.lua is the reference.
//
// # How it goes
//
// A goroutine, one of at most 16 of an instance, dials by the service's grants; a Carry puts
// the connection on an event loop, where the TLS handshake, the opening handshake, frames, pings
// and timeouts are seen to (Receiver). From there messages go into the connection's inbox, which
// Lua takes them from, and Lua's go into its outbox, which the loop empties: once for each turn
// of the instance.
//
// protocol/wire does the protocol, and gobwas/ws's Dialer, which blocks, nothing: the answer
// to the opening handshake has to be read on the loop, as it comes.
//
// # Bounds
//
// An inbox holds 1 MiB and 1,024 messages; then the socket is not read, until half of it is
// empty. An outbox holds 1 MiB; then a sender waits, or is told. In all an instance has 64 MiB
// of each, and 10,000 connections. 64 connections of the process are dialled at a time.
//
// # Ends
//
// A connection is closed (1001) where Lua has forgotten it, and when its instance ends: Pool.Stop
// waits for those. What the callbacks are and what Lua holds is known to the instance's Lua
// only (client): nothing that the event loops know leads there, so that it can be garbage.
//
// # What it does not do
//
// It does not follow redirects, does not use proxies, and connects to nothing again. Host
// names are always verified; there is no option against that.
package cws

import (
	_ "embed"
	"io/fs"
	"time"

	lua "github.com/yuin/gopher-lua"

	"lapps/services/grants"
	"lapps/services/vm"
)

// types is the module's description.
//
//go:embed types.lua
var types string

// A Config says what the module can do for the instances of a service.
type Config struct {
	// Pool has the way to the event loops; nil: there is none, and nothing can be connected.
	Pool *Pool

	// Grants are what the service may connect to, and which files it may read; nil: nothing.
	Grants *grants.Grants

	// Files is the service's directory, where ca_file is looked for first; nil: nowhere.
	Files fs.FS

	// CAFile is a file (PEM) of authorities that are trusted besides the system's where a
	// connection has no option ca_file: any of the process's. "" means none.
	CAFile string

	// MaxConns is how many connections an instance may have; 0 means 10,000.
	MaxConns int

	closeTime time.Duration // of tests; 0: closeTime
}

// Module is the module, for any number of instances of a service.
func Module(c Config) vm.Module {
	t := &trust{grants: c.Grants, files: c.Files, caFile: c.CAFile}
	return vm.Module{
		Name:       "cws",
		Privileged: true,
		Types:      types,
		Open:       func(in *vm.Instance, L *lua.LState) lua.LValue { return c.open(in, L, t) },
	}
}
