// Package nljson is LAppS's JSON value for Lua: the module nljson, and the
// userdata it hands out. A value is decoded once, from JSON or CBOR, into a
// tree; Lua sees the tree through userdata and pays for what it looks at.
//
//	l := nljson.New(L, files)          // once for each instance
//	L.SetGlobal("nljson", l.Table())
//	request := l.FromCBOR(payload)     // payload has passed rpc.Check
//	err := l.Walk(reply, &encoder)     // whatever Lua wants to send
//
// # Sources and sinks
//
// rpc.Builder stands between all forms of a value. Sources tell it what they
// hold: rpc.Walk (CBOR), source.tree (the tree), source.lua (Lua values) and
// parseJSON. Sinks make something of it: treeBuilder, tableBuilder (Lua
// tables), jsonWriter, and rpc.Encoder (CBOR).
//
// # References
//
// Inside an instance values are shared by reference: what indexing returns is
// part of the tree and changes with it, and a value that is assigned into
// another is in both. A container has one userdata for all its life, so that
// Lua's == and table keys work. A tree may therefore contain itself, or contain
// one part very often: everything that walks a tree is bounded in depth, in
// items and in bytes, and says so in an error.
//
// # From instance to instance
//
// What Export makes of a value may go to another instance, where Import makes it one
// of that instance's. It is a copy, unless the value is frozen: a frozen value, with
// all of its parts, never changes again, so any number of instances may have it, and
// it may be read by any goroutine. It therefore does not know its userdata: each Lib
// remembers its own (known), by weak pointers.
//
// # Ownership
//
// A Lib and its values, but for those that are frozen, belong to one instance and are
// used with its baton held.
// No call of this package waits, calls Lua (foreach and traverse excepted) or
// yields. While foreach, traverse and the iterators are under way Lua may do
// anything to the tree: they go by a snapshot of the keys and skip what has
// gone.
package nljson
