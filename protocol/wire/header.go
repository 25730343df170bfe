package wire

import (
	"encoding/binary"
	"fmt"
	"math"
)

var (
	errReservedBits   = &Error{ProtocolError, "reserved bits are set, but no extension was negotiated"}
	errRSV2           = &Error{ProtocolError, "RSV2 or RSV3 is set, but no extension that uses it was negotiated"}
	errRSV1           = &Error{ProtocolError, "RSV1 is set on a frame that does not begin a message"}
	errFragmented     = &Error{ProtocolError, "control frames must not be fragmented"}
	errControlLength  = &Error{ProtocolError, "control frames must not have more than 125 bytes of payload"}
	errNoStart        = &Error{ProtocolError, "continuation frame without a message to continue"}
	errNotFinished    = &Error{ProtocolError, "new message within a fragmented one"}
	errUnmasked       = &Error{ProtocolError, "frames from client to server must be masked"}
	errMasked         = &Error{ProtocolError, "frames from server to client must not be masked"}
	errLengthEncoding = &Error{ProtocolError, "payload length is not in its shortest encoding"}
	errLengthTop      = &Error{ProtocolError, "payload length of 64 bits has its top bit set"}
	errText           = &Error{InvalidPayload, "text is not UTF-8"}
)

// A header is a frame's header (section 5.2). One with size 0 is not complete.
// It has four fields because the compiler keeps no larger struct in registers: a
// small frame takes 18 ns instead of 31.
type header struct {
	size   int    // bytes of the header itself
	length int    // bytes of payload
	key    uint32 // the masking key, little-endian; 0 when not masked
	first  byte   // FIN, RSV1 and the opcode
}

func (h header) op() Op    { return Op(h.first & opBits) }
func (h header) fin() bool { return h.first&finBit != 0 }

// packed says whether the frame begins a compressed message.
func (h header) packed() bool { return h.first&rsv1Bit != 0 }

// readHeader reads a header from p, and from head what came before. n is how
// much of p it took: all when the header is not complete.
func (d *Decoder) readHeader(p []byte) (h header, n int, breach *Error) {
	if d.headLen == 0 {
		if h, breach = d.parseHeader(p); h.size > 0 || breach != nil {
			return h, h.size, breach
		}
	}
	// Byte by byte: there are 14 at most, and parseHeader tells when to stop.
	for n < len(p) {
		d.head[d.headLen] = p[n]
		d.headLen++
		n++
		h, breach = d.parseHeader(d.head[:d.headLen])
		if h.size > 0 || breach != nil {
			d.headLen = 0
			break
		}
	}
	return h, n, breach
}

// parseHeader parses a header at the beginning of p, which is not empty. It
// checks each field as soon as it is there, so that a breach shows at the
// same byte however the bytes are cut.
func (d *Decoder) parseHeader(p []byte) (h header, breach *Error) {
	op := Op(p[0] & opBits)
	if breach := d.checkFirst(p[0]); breach != nil {
		return header{}, breach
	}
	if len(p) < 2 {
		return header{}, nil
	}
	if breach := d.checkSecond(op, p[1]); breach != nil {
		return header{}, breach
	}
	length, n, breach := parseLength(p)
	if n == 0 || breach != nil {
		return header{}, breach
	}
	if !op.control() {
		if breach := d.admit(length, d.packed || p[0]&rsv1Bit != 0); breach != nil {
			return header{}, breach
		}
	}
	var key uint32
	if d.Role == Server {
		if len(p) < n+4 {
			return header{}, nil
		}
		key = binary.LittleEndian.Uint32(p[n:])
		n += 4
	}
	return header{n, int(length), key, p[0]}, nil
}

// checkFirst checks a header's first byte: FIN, the reserved bits and the
// opcode (sections 5.2, 5.4 and 5.5).
func (d *Decoder) checkFirst(b byte) *Error {
	if b&reservedBit != 0 {
		if breach := d.checkReserved(b); breach != nil {
			return breach
		}
	}
	switch op := Op(b & opBits); op {
	case Continuation:
		if d.op == 0 {
			return errNoStart
		}
	case Text, Binary:
		if d.op != 0 {
			return errNotFinished
		}
	case Close, Ping, Pong:
		if b&finBit == 0 {
			return errFragmented
		}
	default:
		return &Error{ProtocolError, fmt.Sprintf("opcode 0x%X is reserved", byte(op))}
	}
	return nil
}

// checkReserved checks reserved bits of which some are set. Only RSV1 has a
// meaning, in the first frame of a message, where permessage-deflate has been
// negotiated (RFC 7692, section 6).
func (d *Decoder) checkReserved(b byte) *Error {
	switch op := Op(b & opBits); {
	case d.Deflate == nil:
		return errReservedBits
	case b&reservedBit != rsv1Bit:
		return errRSV2
	case op != Text && op != Binary:
		return errRSV1
	}
	return nil
}

// checkSecond checks a header's second byte: the mask bit (section 5.1) and
// the length of a control frame (section 5.5).
func (d *Decoder) checkSecond(op Op, b byte) *Error {
	if d.Role == Server && b&maskBit == 0 {
		return errUnmasked
	}
	if d.Role == Client && b&maskBit != 0 {
		return errMasked
	}
	if op.control() && b&lengthBits > maxControl {
		return errControlLength
	}
	return nil
}

// parseLength parses the payload's length. n is where in p it ends, 0 when it
// is not complete.
func parseLength(p []byte) (length uint64, n int, breach *Error) {
	switch short := p[1] & lengthBits; short {
	default:
		return uint64(short), 2, nil
	case length16:
		if len(p) < 4 {
			return 0, 0, nil
		}
		if length = uint64(binary.BigEndian.Uint16(p[2:])); length < length16 {
			return 0, 0, errLengthEncoding
		}
		return length, 4, nil
	case length64:
		if len(p) < 10 {
			return 0, 0, nil
		}
		length = binary.BigEndian.Uint64(p[2:])
		if length > math.MaxInt64 {
			return 0, 0, errLengthTop
		}
		if length <= math.MaxUint16 {
			return 0, 0, errLengthEncoding
		}
		return length, 10, nil
	}
}

// admit holds a data frame's length against the limits. Neither sum can
// overflow: both parts have 63 bits. What is compressed may be longer than what
// it says, see packedLimit.
func (d *Decoder) admit(length uint64, packed bool) *Error {
	frame, message := uint64(math.MaxInt), uint64(math.MaxInt)
	if l := d.Limits; l != nil {
		if l.Frame > 0 {
			frame = packedLimit(uint64(l.Frame), packed)
		}
		if l.Message > 0 {
			message = packedLimit(uint64(l.Message), packed)
		}
	}
	if length > frame {
		return tooBig("frame", length, frame)
	}
	if total := uint64(d.size) + length; total > message {
		return tooBig("message", total, message)
	}
	return nil
}

// packedLimit is the limit of what is compressed, where the limit of what it
// says is n. What cannot be compressed becomes longer, by an eighth at most with
// any settings of zlib (its compressBound).
func packedLimit(n uint64, packed bool) uint64 {
	if packed {
		n += n/8 + n/64 + 64
	}
	return min(n, math.MaxInt)
}

func tooBig(what string, size, limit uint64) *Error {
	return &Error{MessageTooBig, fmt.Sprintf("%s of %d bytes, the limit is %d", what, size, limit)}
}
