package proxied

import (
	"errors"
	"net/netip"
	"strings"
)

// What the two versions of the header begin with (sections 2.1 and 2.2).
const (
	signature1 = "PROXY "
	signature2 = "\r\n\r\n\x00\r\nQUIT\n"
)

// errNone says that a connection does not begin with a header.
var errNone = errors.New("proxied: want a PROXY header, version 1 or 2, at the beginning")

// parseHeader reads the header that p begins with. size is its length; while it
// is 0 and err is nil, more is needed. client is the zero AddrPort where the
// header names none. The error is errNone as soon as p cannot become a header.
// All errors stay the same, whatever is appended to p.
func parseHeader(p []byte) (client netip.AddrPort, size int, err error) {
	switch {
	case begins(p, signature1):
		return parseVersion1(p)
	case begins(p, signature2):
		return parseVersion2(p)
	}
	return netip.AddrPort{}, 0, errNone
}

// begins says whether p begins with the signature, as far as p goes.
func begins(p []byte, signature string) bool {
	return strings.HasPrefix(signature, string(p[:min(len(p), len(signature))]))
}
