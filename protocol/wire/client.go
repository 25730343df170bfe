package wire

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Key returns a Sec-WebSocket-Key for 16 bytes, which should be random and new
// for every connection (RFC 6455, section 4.1, item 7).
func Key(nonce [16]byte) string {
	return base64.StdEncoding.EncodeToString(nonce[:])
}

// AppendUpgrade appends a client's opening handshake to dst and returns the
// extended slice (section 4.1). host is what stands in the URL, with the port if
// it is not the default one; target is the path, %-escaped, and the query.
//
// No argument can end its line: bytes that have no place in a target are
// escaped, a host that is none, subprotocols that are no tokens and unsafe
// fields of extra are left out, and so are fields that are part of the handshake (Host,
// Connection, Upgrade, Sec-WebSocket-Key, -Version, -Protocol and -Extensions,
// Content-Length, Transfer-Encoding). A server refuses a request without a
// Host, so callers parse URLs first.
func AppendUpgrade(dst []byte, host, target, key string, subprotocols []string, extra []HeaderField) []byte {
	h := ClientHandshake{Key: key, Subprotocols: subprotocols}
	return h.AppendRequest(dst, host, target, extra)
}

// AppendRequest is AppendUpgrade with the handshake's key and subprotocols, and an
// offer of its Compression.
func (h *ClientHandshake) AppendRequest(dst []byte, host, target string, extra []HeaderField) []byte {
	dst = append(dst, "GET "...)
	dst = appendTarget(dst, target)
	dst = append(dst, " HTTP/1.1\r\n"...)
	if isHost(host) {
		dst = appendField(dst, "Host", host)
	}
	dst = append(dst, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"...)
	dst = appendField(dst, "Sec-WebSocket-Key", h.Key)
	// One line for all: many servers read the first only.
	offer := slices.DeleteFunc(slices.Clone(h.Subprotocols), func(s string) bool { return !isTokens(s) })
	if len(offer) > 0 {
		dst = appendField(dst, "Sec-WebSocket-Protocol", strings.Join(offer, ", "))
	}
	if h.Compression != nil {
		dst = appendField(dst, "Sec-WebSocket-Extensions", h.Compression.Offer())
	}
	dst = appendFields(dst, extra, reservedFields...)
	return append(dst, "\r\n"...)
}

// reservedFields are those that are part of a client's handshake.
var reservedFields = []string{
	"Host", "Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version",
	"Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Content-Length", "Transfer-Encoding",
}

// IsSubprotocol reports whether s can be offered as a subprotocol: whether it is a
// token (section 4.1, item 10).
func IsSubprotocol(s string) bool { return isTokens(s) }

// Sendable reports whether f would be sent, as one of AppendUpgrade's extra fields.
func (f HeaderField) Sendable() bool {
	return isTokens(f.Name) && isValue(f.Value) &&
		!slices.ContainsFunc(reservedFields, func(name string) bool { return strings.EqualFold(name, f.Name) })
}

func appendTarget(dst []byte, target string) []byte {
	if !strings.HasPrefix(target, "/") {
		dst = append(dst, '/')
	}
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f || c == '#' {
			dst = fmt.Appendf(dst, "%%%02X", c)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// A ClientHandshake reads a server's answer to AppendUpgrade. Set the fields
// before the first Feed. It must not be used after a response or an error, nor
// by two goroutines at once.
type ClientHandshake struct {
	Key          string       // what was sent
	Subprotocols []string     // what was offered
	Compression  *Compression // what was offered; nil: nothing
	Limits       HeadLimits

	head head
}

// A Response is a server's answer that accepts.
type Response struct {
	Subprotocol string      // the one the server chose, "" for none
	Agreement   *Agreement  // on compression; nil: there is none
	Header      http.Header // canonical names
}

// A ResponseError is an answer that does not accept, or not correctly.
type ResponseError struct {
	Status int // the server's; 0 when the answer is not HTTP/1.1
	Reason string
}

// Error returns a line such as
//
//	wire: the server's answer: 404 Not Found, want 101
func (e *ResponseError) Error() string { return "wire: the server's answer: " + e.Reason }

// Feed takes p up to the end of the response's head. While r and err are nil
// all of p was taken, and more is needed. rest is the part of p that follows
// the head: the first bytes of frames. The error is a *ResponseError; it is
// told from the head alone, so a body is not read. Nothing of p is kept.
func (h *ClientHandshake) Feed(p []byte) (r *Response, rest []byte, err error) {
	if h.head.begins(p, tlsAlert) || h.head.begins(p, tlsHandshake) {
		return nil, nil, &ResponseError{Reason: "this port speaks TLS: the address begins with wss://, not ws://"}
	}
	text, rest, refusal := h.head.feed(p, h.Limits)
	if refusal != nil {
		return nil, nil, &ResponseError{Reason: refusal.Reason}
	}
	if text == "" {
		return nil, nil, nil
	}
	line, lines, _ := strings.Cut(text, "\r\n")
	status, failure := parseStatus(line)
	if failure != nil {
		return nil, nil, failure
	}
	fields, refusal := parseFields(lines)
	if refusal != nil {
		return nil, nil, &ResponseError{status, refusal.Reason}
	}
	if reason := h.check(fields); reason != "" {
		return nil, nil, &ResponseError{status, reason}
	}
	agreement, reason := h.agreement(fields["Sec-Websocket-Extensions"])
	if reason != "" {
		return nil, nil, &ResponseError{status, reason}
	}
	return &Response{fields.Get("Sec-Websocket-Protocol"), agreement, fields}, rest, nil
}

// agreement reads what the server says about extensions (section 4.1, item 5 of what a
// client must validate); or what is wrong with it.
func (h *ClientHandshake) agreement(answers []string) (a *Agreement, reason string) {
	switch {
	case len(answers) == 0:
		return nil, ""
	case h.Compression == nil:
		return nil, "Sec-WebSocket-Extensions, but none were offered"
	}
	agreed, ok := h.Compression.accept(strings.Join(answers, ", "))
	if !ok {
		return nil, "Sec-WebSocket-Extensions is not what was offered"
	}
	return &agreed, ""
}

// parseStatus parses a status line (RFC 9112, section 4) and wants 101.
func parseStatus(line string) (status int, err *ResponseError) {
	version, rest, _ := strings.Cut(line, " ")
	if version != "HTTP/1.1" || len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' {
		return 0, &ResponseError{Reason: fmt.Sprintf("%.40q is not a status line of HTTP/1.1", line)}
	}
	for _, c := range []byte(rest[:3]) {
		if c < '0' || c > '9' {
			return 0, &ResponseError{Reason: fmt.Sprintf("%.40q is not a status line of HTTP/1.1", line)}
		}
		status = 10*status + int(c-'0')
	}
	if status != http.StatusSwitchingProtocols {
		said := strings.TrimSpace(fmt.Sprint(status, " ", http.StatusText(status)))
		return status, &ResponseError{status, said + ", want 101"}
	}
	return status, nil
}

// check holds the answer against what was asked (section 4.1, items 2 to 4 and 6 of
// what a client must validate). It returns what is wrong, or "".
func (h *ClientHandshake) check(fields http.Header) string {
	accept, accepts := acceptKey(h.Key), fields["Sec-Websocket-Accept"]
	protocols := fields["Sec-Websocket-Protocol"]
	switch {
	case !hasToken(fields["Upgrade"], "websocket"):
		return "Upgrade does not say websocket"
	case !hasToken(fields["Connection"], "upgrade"):
		return "Connection does not say upgrade"
	case len(accepts) != 1 || accepts[0] != string(accept[:]):
		return "Sec-WebSocket-Accept does not belong to the key"
	case len(protocols) > 1 || len(protocols) == 1 && !slices.Contains(h.Subprotocols, protocols[0]):
		return "Sec-WebSocket-Protocol is not one that was offered"
	}
	return ""
}
