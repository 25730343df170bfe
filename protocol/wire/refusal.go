package wire

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// A Refusal is the answer to an opening handshake that is not accepted, by
// this package or by its user.
type Refusal struct {
	Status int           // 400 to 599; anything else is sent as 500
	Reason string        // for people: becomes the body
	Header []HeaderField // more header lines, such as WWW-Authenticate or Retry-After
}

// Error returns a line such as
//
//	wire: 400 Bad Request: Sec-WebSocket-Key is not 16 bytes of base64
func (r *Refusal) Error() string {
	return fmt.Sprintf("wire: %d %s: %s", r.Status, http.StatusText(r.Status), r.Reason)
}

// retryAfter is the default of Retry-After, in seconds.
const retryAfter = "5"

// Append appends the complete HTTP/1.1 response to dst and returns the
// extended slice. After it the connection is to be closed.
//
// It writes Connection, Content-Length, Content-Type and
// X-Content-Type-Options, and as the status asks for it Allow: GET (405),
// Upgrade and Sec-WebSocket-Version (426, RFC 6455 section 4.4), Retry-After
// (429 and 503, unless Header has it). Fields in Header with one of the first
// four names or Transfer-Encoding, and unsafe ones, are left out.
func (r *Refusal) Append(dst []byte) []byte {
	status := r.Status
	if status < 400 || status > 599 {
		status = http.StatusInternalServerError
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, http.StatusText(status)...)
	dst = append(dst, "\r\nConnection: close"...)
	switch status {
	case http.StatusMethodNotAllowed:
		dst = append(dst, "\r\nAllow: GET"...)
	case http.StatusUpgradeRequired:
		// Who sends Upgrade names it in Connection (RFC 9110, section 7.8).
		dst = append(dst, ", Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"...)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if !r.has("Retry-After") {
			dst = append(dst, "\r\nRetry-After: "+retryAfter...)
		}
	}
	dst = append(dst, "\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(r.Reason)+len("\n")), 10)
	dst = append(dst, "\r\n"...)
	dst = appendFields(dst, r.Header,
		"Connection", "Content-Length", "Content-Type", "X-Content-Type-Options", "Transfer-Encoding")
	dst = append(dst, "\r\n"...)
	dst = append(dst, r.Reason...)
	return append(dst, '\n')
}

func (r *Refusal) has(name string) bool {
	for _, f := range r.Header {
		if strings.EqualFold(f.Name, name) && isValue(f.Value) {
			return true
		}
	}
	return false
}
