package wire

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// maxReason is what a Close frame has for its reason, in bytes: a control
// frame's 125 less the code.
const maxReason = maxControl - 2

var (
	errCloseLength = &Error{ProtocolError, "close frame with a payload of 1 byte, want 0 or at least 2"}
	errCloseCode   = &Error{ProtocolError, "close frame with a code that must not be sent"}
	errCloseText   = &Error{InvalidPayload, "close reason is not UTF-8"}
)

// CloseFrame returns a Close frame. A code that may not be on the wire, such
// as NoStatus, gives an empty payload, and the reason is left out. In the
// reason invalid UTF-8 is replaced by U+FFFD, and what is longer than 123 bytes
// is cut between two runes.
func CloseFrame(code Code, reason string) Frame {
	if !code.Sendable() {
		return Frame{Op: Close}
	}
	if !utf8.ValidString(reason) {
		reason = strings.ToValidUTF8(reason, "\uFFFD")
	}
	if len(reason) > maxReason {
		end := maxReason
		for !utf8.RuneStart(reason[end]) {
			end--
		}
		reason = reason[:end]
	}
	return Frame{Op: Close, Payload: string([]byte{byte(code >> 8), byte(code)}) + reason}
}

// ParseClose takes a Close frame's payload apart (section 5.5.1). An empty
// one has the code NoStatus. The error is a *Error: ProtocolError for a single
// byte or a code that must not be sent, InvalidPayload for a reason that is not
// UTF-8. Payloads of messages that a Decoder returned give no error. The reason
// is a copy.
func ParseClose(payload []byte) (code Code, reason string, err error) {
	if breach := checkClose(payload); breach != nil {
		return 0, "", breach
	}
	if len(payload) == 0 {
		return NoStatus, "", nil
	}
	return Code(binary.BigEndian.Uint16(payload)), string(payload[2:]), nil
}

func checkClose(payload []byte) *Error {
	switch {
	case len(payload) == 0:
		return nil
	case len(payload) == 1:
		return errCloseLength
	case !Code(binary.BigEndian.Uint16(payload)).Sendable():
		return errCloseCode
	case !utf8.Valid(payload[2:]):
		return errCloseText
	}
	return nil
}
