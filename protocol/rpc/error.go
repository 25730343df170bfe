package rpc

import "fmt"

// A Code says what went wrong with a request (section 5). Codes from -32768 to
// -32000 are the protocol's; all others are the application's.
type Code int64

const (
	ParseError     Code = -32700 // the message is not CBOR, or not what section 2 takes
	InvalidRequest Code = -32600 // it is CBOR, but not a request
	MethodNotFound Code = -32601
	InvalidParams  Code = -32602 // never sent by the server itself
	InternalError  Code = -32603 // the method failed
)

// An Error is why a message is refused. Errors are immutable and may be shared.
type Error struct {
	Code    Code
	Message string // for people, one line of UTF-8
}

// Error returns a line such as
//
//	rpc: method is missing (-32600)
func (e *Error) Error() string { return fmt.Sprintf("rpc: %s (%d)", e.Message, e.Code) }
