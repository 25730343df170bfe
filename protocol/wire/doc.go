// Package wire speaks the WebSocket protocol, RFC 6455, in both roles: it
// turns bytes into messages and messages into bytes. It speaks permessage-deflate,
// RFC 7692, as well.
//
// It is pure. It starts no goroutine, opens no socket, reads no clock and
// draws no random numbers: what it needs of the world is passed in.
//
// # A server's connection
//
// The opening handshake first. Feed takes the client's bytes as they come:
//
//	var h wire.Handshake
//	r, rest, err := h.Feed(p)
//	// err != nil: a *Refusal; send err.Append(nil), close
//	// r == nil:   more bytes are needed
//	// else:       route by r.Path, then send r.AppendAccept(nil, "", "", nil);
//	//             rest are the first bytes of frames
//
// Then a Decoder takes what arrives. Next is called until it has no message
// to return; that last call also gives the decoder's buffer back to its pool:
//
//	d := wire.Decoder{Role: wire.Server, Limits: limits}
//	for {
//		m, rest, err := d.Next(p)
//		// err != nil: a *Error; send wire.CloseFrame(err.Code, err.Reason)
//		if m.Op == 0 {
//			break // all of p is taken; or d.Inflating(), then go on, soon, with rest
//		}
//		// use m, until the next call
//		p = rest
//	}
//
// What is sent is a Frame, an immutable value, appended to a buffer:
//
//	dst = wire.Frame{Op: wire.Text, Payload: "hello"}.Append(dst)
//
// # Compression
//
// A Compression says what a server is willing to do. Its Negotiate reads what a
// client offers and makes an Agreement of it, whose Extension is the answer. With
// that, and with the Flate of its event loop, a connection has a Deflate:
//
//	a, ok := settings.Negotiate(r.Extensions)
//	// !ok: go on without
//	d.Deflate = wire.NewDeflate(settings, a, flate)
//	// answer with r.AppendAccept(nil, "", a.Extension(), nil)
//
// The decoder inflates from then on: within its limits, and refuses what would
// become larger once it is. What is sent goes, where Suits says so, through
// AppendPiece instead of Append. A Frame with a Shared is compressed once for
// all who have agreed on the same. A message is inflated when its last frame has
// come: a large one in steps, see Decoder.Inflating, between which Next returns
// no message and the rest as it was. Tired says when enough has been inflated.
//
// # A client's connection
//
// AppendUpgrade writes the request, ClientHandshake reads the answer, a
// Decoder with Role Client reads the frames, and Frame.AppendMasked writes
// them. With a Compression the handshake offers it; where the server agrees,
// NewClientDeflate makes what the Decoder, and AppendMaskedPiece, need.
//
// # What a decoder guarantees
//
// Whatever Next returns has been checked: opcodes, reserved bits, masking,
// lengths, fragmentation, UTF-8 of texts and of close reasons, close codes. A
// text fails at its first offending byte, not at its end. The same bytes give
// the same messages and the same error however they are cut into calls.
//
// Memory is spent for what has arrived, never for what has been declared: a
// frame that announces 1 GiB and sends one byte costs 256 bytes. A frame that
// lies whole within p is unmasked in place and returned without a copy, unless
// it is compressed. An idle decoder is 64 bytes and holds no buffer.
//
// # What it does not do
//
// It does not answer: pongs, the echo of a Close frame, silence after a
// breach and the time limits of all of it are the connection's affair. It sends messages in one frame, or compressed
// in one per 64 KiB. It does not route, does not check the Origin and does not
// choose among the subprotocols offered.
//
// Nothing here may be used by two goroutines at once, except the immutable
// values, Frame, Limits and Compression once shared, the errors, and Shared.
package wire
