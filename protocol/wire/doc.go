// Package wire speaks the WebSocket protocol, RFC 6455, in both roles: it
// turns bytes into messages and messages into bytes.
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
//			break // all of p is taken
//		}
//		// use m, until the next call
//		p = rest
//	}
//
// What is sent is a Frame, an immutable value, appended to a buffer:
//
//	dst = wire.Frame{Op: wire.Text, Payload: "hello"}.Append(dst)
//
// # A client's connection
//
// AppendUpgrade writes the request, ClientHandshake reads the answer, a
// Decoder with Role Client reads the frames, and Frame.AppendMasked writes
// them.
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
// lies whole within p is unmasked in place and returned without a copy. An
// idle decoder is some 60 bytes and holds no buffer.
//
// # What it does not do
//
// It does not answer: pongs, the echo of a Close frame, silence after a
// breach and the time limits of all of it are the connection's affair. It
// negotiates no extensions (RFC 7692 would come in where the reserved bits
// are checked) and sends no fragmented messages. It does not route, does not
// check the Origin and does not choose among the subprotocols offered.
//
// Nothing here may be used by two goroutines at once, except the immutable
// values: Frame, Limits once shared, and the errors.
package wire
