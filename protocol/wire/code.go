package wire

import "fmt"

// A Code says why a connection ends (RFC 6455, section 7.4, and the IANA
// registry it founded). Codes 3000 to 3999 are registered by libraries and
// frameworks, 4000 to 4999 are the application's.
type Code uint16

const (
	NormalClosure      Code = 1000
	GoingAway          Code = 1001
	ProtocolError      Code = 1002
	UnsupportedData    Code = 1003
	NoStatus           Code = 1005 // never sent: the Close frame had no code
	Abnormal           Code = 1006 // never sent: there was no Close frame
	InvalidPayload     Code = 1007
	PolicyViolation    Code = 1008
	MessageTooBig      Code = 1009
	MandatoryExtension Code = 1010
	InternalError      Code = 1011
	ServiceRestart     Code = 1012
	TryAgainLater      Code = 1013
	BadGateway         Code = 1014
	TLSHandshake       Code = 1015 // never sent: the TLS handshake failed
)

// Sendable says whether c may stand in a Close frame, as sent by either side
// (section 7.4.2). Reserved and unassigned codes below 3000 may not.
func (c Code) Sendable() bool {
	return c >= 1000 && c <= 1003 || c >= 1007 && c <= 1014 || c >= 3000 && c <= 4999
}

// An Error is a breach of the protocol, or of a limit, by the peer. Code and
// Reason are what the Close frame to the peer should carry. Errors are
// immutable, and may be shared.
type Error struct {
	Code   Code
	Reason string // for people; at most 123 bytes, so that it fits a Close frame
}

// Error returns a line such as
//
//	wire: frames from client to server must be masked (close 1002)
func (e *Error) Error() string {
	return fmt.Sprintf("wire: %s (close %d)", e.Reason, e.Code)
}
