// Package rpc speaks the LAppS protocol: requests, responses and
// notifications as CBOR (RFC 8949) in binary messages. SPEC.md beside this
// file is the protocol's text; section numbers without a name refer to it.
//
// It is pure: it starts no goroutine, knows no socket, no Lua and no clock.
// Everything may be called from any goroutine, but for an Encoder, which
// belongs to one at a time.
//
// What a peer sends goes through ParseRequest, which refuses what is not CBOR
// (ParseError) or not a request (InvalidRequest). Then the request's parts can
// be walked: Walk tells a Builder, which makes Lua values of them, or a tree.
//
//	r, err := rpc.ParseRequest(payload)
//	// err != nil: an *Error; answer it with PutError
//	rpc.Walk(r.Params, builder)
//
// What is sent is told to an Encoder, which is a Builder, too:
//
//	var e rpc.Encoder
//	rpc.BeginResult(&e, 1)
//	e.Text("pong")
//	rpc.EndResult(&e)
//	// e.Encoded() is the message
//
// Whatever an application has put together itself is held against the
// protocol by ParseReply before it goes out.
//
// # What it does not do
//
// It keeps no order and matches no responses to requests: both follow from the
// order of messages on a connection (section 3.3). Well-formedness is checked
// by fxamacker/cbor, which is imported here and nowhere else; what is
// well-formed is then read, and all is written, by code of our own.
package rpc
