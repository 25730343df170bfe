package rpc

import (
	"fmt"
	"math"
	"strings"
)

// A Request is what a peer sends (section 3.1): a request, which is answered,
// or a notification, which is not.
type Request struct {
	Method string

	// Params is the CBOR of the array of parameters, for Walk; "" where there
	// are none.
	Params string

	// Notification says that the peer named a channel, CID, and wants no
	// answer.
	Notification bool
	CID          int64
}

// maxCID is the largest channel: up to here every integer is a float, too.
const maxCID = 1 << 53

// ParseRequest reads a binary message. The Request's strings are parts of p, but
// for short ones of a message of more than 4 KiB, which are copies. Where p is
// not CBOR as Check has it the error's code is ParseError; where it is, but no
// request, InvalidRequest. Members that the protocol does not name are passed
// over.
func ParseRequest(p string) (r Request, e *Error) {
	if e := check(p); e != nil {
		return r, e
	}
	c := cursor{p: p}
	h := c.head()
	if h.major != majorMap {
		return r, invalid("a request is a map, not %s", kindOf(h))
	}
	var version, method bool
	for n := count(h); c.more(&n) && e == nil; {
		key, at := keyAt(p, c.i)
		c.i = skip(p, at)
		item := p[at:c.i]
		switch key {
		case "lapps":
			version, e = true, checkVersion(item)
		case "method":
			method = true
			r.Method, e = parseMethod(item)
		case "params":
			r.Params = parseParams(item)
		case "cid":
			r.Notification = true
			r.CID, e = parseCID(item)
		}
	}
	switch {
	case e != nil:
	case !version:
		e = invalid("lapps is missing: it is the version, 1")
	case !method:
		e = invalid("method is missing")
	}
	if len(p) > shared {
		r.detach()
	}
	return r, e
}

// detach makes copies of what is short, so that it keeps no long message alive.
// Of long parameters Walk makes copies.
func (r *Request) detach() {
	r.Method = strings.Clone(r.Method)
	if len(r.Params) <= shared {
		r.Params = strings.Clone(r.Params)
	}
}

func invalid(format string, args ...any) *Error {
	return &Error{InvalidRequest, fmt.Sprintf(format, args...)}
}

func checkVersion(item string) *Error {
	if n, ok := integer(item); !ok || n != 1 {
		return invalid("lapps must be 1")
	}
	return nil
}

// parseMethod checks a method's name (section 3.1.2).
func parseMethod(item string) (string, *Error) {
	h, i := readHead(item, 0)
	if h.major != majorText {
		return "", invalid("method must be a text, not %s", kindOf(h))
	}
	name, _ := readString(item, h, i)
	switch {
	case name == "":
		return "", invalid("method is empty")
	case name[0] == '_':
		return "", invalid("method %.40q begins with _, which is reserved", name)
	case strings.Contains(name, "."):
		return "", invalid("method %.40q has a dot in it", name)
	}
	return name, nil
}

// parseParams returns item where it is an array with elements; what else params
// may be counts as none (section 3.1.3).
func parseParams(item string) string {
	h, i := readHead(item, 0)
	c := cursor{item, i}
	if n := count(h); h.major != majorArray || !c.more(&n) {
		return ""
	}
	return item
}

func parseCID(item string) (int64, *Error) {
	n, ok := integer(item)
	if !ok || n < 0 || n > maxCID {
		return 0, invalid("cid must be an integer from 0 to 2^53")
	}
	return n, nil
}

// integer is the number that item is, where it is a whole one: floats count by
// their value (section 2.2).
func integer(item string) (n int64, ok bool) {
	h, _ := readHead(item, 0)
	switch {
	case h.major == majorUint && h.arg <= math.MaxInt64:
		return int64(h.arg), true
	case h.major == majorNegative:
		return -1 - int64(h.arg), true
	case h.isFloat():
		f := h.float()
		return int64(f), f == math.Trunc(f) && math.Abs(f) <= maxCID
	}
	return 0, false
}

// kindOf is what an item is, for people.
func kindOf(h head) string {
	switch {
	case h.major <= majorNegative:
		return "an integer"
	case h.major == majorBytes:
		return "a byte string"
	case h.major == majorText:
		return "a text"
	case h.major == majorArray:
		return "an array"
	case h.major == majorMap:
		return "a map"
	case h.isFloat():
		return "a float"
	case h.arg == simpleNull:
		return "null"
	}
	return "a boolean"
}
