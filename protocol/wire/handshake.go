package wire

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// A Handshake reads a client's opening handshake (RFC 6455, section 4.2.1).
// The zero value is ready. It must not be used after a request or a refusal,
// nor by two goroutines at once.
//
// What HTTP leaves to the recipient is read strictly, for what two programs in
// a row read differently is how requests are smuggled: lines end in CRLF, are
// not folded, and there is no body. Every version but HTTP/1.1 is refused with
// 400.
type Handshake struct {
	Limits HeadLimits // set before the first Feed

	head head
}

// A Request is an opening handshake that is correct. Its strings share one
// copy of the head, which lives as long as any of them.
type Request struct {
	Target       string      // the request target as sent
	Path         string      // of the target, %-escapes as sent; begins with "/"
	Query        string      // of the target, what follows the "?"
	Host         string      // from the header, or from an absolute target
	Header       http.Header // canonical names: Sec-Websocket-Key; values without white space around them
	Subprotocols []string    // what the client offers, in its order, which is that of its preference
	Extensions   string      // what the client offers, all lines joined by commas; well-formed, see Compression
	Key          string      // Sec-WebSocket-Key
}

// Feed takes p up to the end of the request's head. While r and err are nil
// all of p was taken, and more is needed. rest is the part of p that follows
// the head: the first bytes of frames, from a client that does not wait for the
// answer. The error is a *Refusal. Nothing of p is kept.
func (h *Handshake) Feed(p []byte) (r *Request, rest []byte, err error) {
	if h.head.begins(p, tlsHandshake) {
		return nil, nil, &Refusal{Status: http.StatusBadRequest, Reason: "this port speaks no TLS: the address begins with ws://, not wss://"}
	}
	text, rest, refusal := h.head.feed(p, h.Limits)
	if refusal != nil {
		return nil, nil, refusal
	}
	if text == "" {
		return nil, nil, nil
	}
	r, refusal = parseRequest(text)
	if refusal != nil {
		return nil, nil, refusal
	}
	return r, rest, nil
}

func parseRequest(text string) (*Request, *Refusal) {
	line, lines, _ := strings.Cut(text, "\r\n")
	r := new(Request)
	if refusal := r.parseLine(line); refusal != nil {
		return nil, refusal
	}
	var refusal *Refusal
	if r.Header, refusal = parseFields(lines); refusal != nil {
		return nil, refusal
	}
	for _, check := range [...]func(*Request) *Refusal{
		(*Request).checkHost,
		(*Request).checkBody,
		(*Request).checkUpgrade,
		(*Request).checkKey,
		(*Request).checkOffers,
	} {
		if refusal := check(r); refusal != nil {
			return nil, refusal
		}
	}
	return r, nil
}

// parseLine parses the request line (RFC 9112, section 3).
func (r *Request) parseLine(line string) *Refusal {
	method, rest, _ := strings.Cut(line, " ")
	target, version, _ := strings.Cut(rest, " ")
	switch {
	case !isTokens(method) || target == "" || version == "":
		return badRequest("the request line is not \"method target version\"")
	case version != "HTTP/1.1":
		return badRequest("the version is %.20q, want HTTP/1.1", version)
	case method != http.MethodGet:
		return &Refusal{
			Status: http.StatusMethodNotAllowed,
			Reason: fmt.Sprintf("the method is %.20q, want GET", method),
		}
	}
	return r.parseTarget(target)
}

// parseTarget parses the request target, in origin-form or absolute-form (RFC
// 9112, section 3.2).
func (r *Request) parseTarget(target string) *Refusal {
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return badRequest("the request target has a byte 0x%02X at %d", c, i)
		}
	}
	path := target
	if path[0] != '/' {
		scheme, rest, found := strings.Cut(target, "://")
		if !found || !isScheme(scheme) {
			return badRequest("the request target does not begin with \"/\"")
		}
		end := strings.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		// This host is the one that counts (RFC 9112, section 3.2.2).
		if r.Host, path = rest[:end], rest[end:]; !isHost(r.Host) {
			return badRequest("the request target has no proper host")
		}
	}
	r.Target = target
	r.Path, r.Query, _ = strings.Cut(path, "?")
	if r.Path == "" {
		r.Path = "/"
	}
	return nil
}

func isScheme(s string) bool {
	for _, scheme := range [...]string{"http", "https", "ws", "wss"} {
		if len(s) == len(scheme) && strings.EqualFold(s, scheme) {
			return true
		}
	}
	return false
}

// isHost says whether s has only what a host and port are made of (RFC 3986,
// section 3.2), and something of it.
func isHost(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("-._~!$&'()*+;=%:[]", c) < 0:
			return false
		}
	}
	return s != "" && s[0] != ':'
}

// checkHost wants exactly one host (RFC 9112, section 3.2).
func (r *Request) checkHost() *Refusal {
	hosts := r.Header["Host"]
	switch {
	case len(hosts) != 1:
		return badRequest("there are %d Host lines, want 1", len(hosts))
	case !isHost(hosts[0]):
		return badRequest("Host is not a host and port")
	}
	if r.Host == "" {
		r.Host = hosts[0]
	}
	return nil
}

// checkBody refuses a body: it would be read as frames (RFC 9112, section 6).
func (r *Request) checkBody() *Refusal {
	lengths := r.Header["Content-Length"]
	switch {
	case len(r.Header["Transfer-Encoding"]) > 0:
		return &Refusal{Status: http.StatusRequestEntityTooLarge, Reason: "Transfer-Encoding: a handshake has no body"}
	case len(lengths) == 0:
		return nil
	case len(lengths) > 1 || lengths[0] == "" || strings.Trim(lengths[0], "0123456789") != "":
		return badRequest("Content-Length is not one number")
	case strings.Trim(lengths[0], "0") != "":
		return &Refusal{Status: http.StatusRequestEntityTooLarge, Reason: "Content-Length: a handshake has no body"}
	}
	return nil
}

// checkUpgrade wants a request for the WebSocket protocol in the version we
// speak (RFC 6455, section 4.2.1, items 3, 4 and 6, and section 4.4).
func (r *Request) checkUpgrade() *Refusal {
	versions := r.Header["Sec-Websocket-Version"]
	switch {
	case !hasToken(r.Header["Upgrade"], "websocket"):
		return &Refusal{Status: http.StatusUpgradeRequired, Reason: "Upgrade does not ask for websocket"}
	case !hasToken(r.Header["Connection"], "upgrade"):
		return &Refusal{Status: http.StatusUpgradeRequired, Reason: "Connection does not say upgrade"}
	case len(versions) != 1:
		return badRequest("there are %d Sec-WebSocket-Version lines, want 1", len(versions))
	case versions[0] != "13":
		return &Refusal{
			Status: http.StatusUpgradeRequired,
			Reason: fmt.Sprintf("Sec-WebSocket-Version is %.20q, want 13", versions[0]),
		}
	}
	return nil
}

// checkKey wants one key, the base64 of 16 bytes (item 5).
func (r *Request) checkKey() *Refusal {
	keys := r.Header["Sec-Websocket-Key"]
	if len(keys) != 1 {
		return badRequest("there are %d Sec-WebSocket-Key lines, want 1", len(keys))
	}
	if !isKey(keys[0]) {
		return badRequest("Sec-WebSocket-Key is not 16 bytes of base64")
	}
	r.Key = keys[0]
	return nil
}

func isKey(s string) bool {
	var nonce [18]byte // what 24 characters decode to without padding
	if len(s) != 24 {
		return false
	}
	n, err := base64.StdEncoding.Decode(nonce[:], []byte(s))
	return err == nil && n == 16
}

// checkOffers reads the subprotocols and extensions the client offers (items
// 8 and 9). Empty elements of the list are skipped (RFC 9110, section
// 5.6.1.2); subprotocols named twice are left in.
func (r *Request) checkOffers() *Refusal {
	if lines := r.Header["Sec-Websocket-Extensions"]; len(lines) > 0 {
		if r.Extensions = strings.Join(lines, ", "); !checkExtensions(r.Extensions) {
			return badRequest("Sec-WebSocket-Extensions is not a list of extensions")
		}
	}
	offers := r.Header["Sec-Websocket-Protocol"]
	for _, v := range offers {
		for e := range strings.SplitSeq(v, ",") {
			if e = trim(e); e == "" {
				continue
			}
			if !isTokens(e) {
				return badRequest("Sec-WebSocket-Protocol has an element that is not a token")
			}
			r.Subprotocols = append(r.Subprotocols, e)
		}
	}
	if len(offers) > 0 && len(r.Subprotocols) == 0 {
		return badRequest("Sec-WebSocket-Protocol is empty")
	}
	return nil
}

func badRequest(format string, args ...any) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Reason: fmt.Sprintf(format, args...)}
}

// AppendAccept appends the complete 101 response to dst and returns the
// extended slice (section 4.2.2). subprotocol is one of r.Subprotocols, "" for
// none; it is not looked up. extensions is what was accepted of r.Extensions, such
// as Agreement.Extension says it, or "". Fields of extra that are unsafe, and those that are
// part of the handshake (Connection, Upgrade, Sec-WebSocket-Accept, -Extensions
// and -Protocol, Content-Length, Transfer-Encoding), are left out.
func (r *Request) AppendAccept(dst []byte, subprotocol, extensions string, extra []HeaderField) []byte {
	accept := acceptKey(r.Key)
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = append(dst, accept[:]...)
	dst = append(dst, "\r\n"...)
	if isTokens(subprotocol) {
		dst = appendField(dst, "Sec-WebSocket-Protocol", subprotocol)
	}
	if extensions != "" {
		dst = appendField(dst, "Sec-WebSocket-Extensions", extensions)
	}
	dst = appendFields(dst, extra, "Connection", "Upgrade", "Sec-WebSocket-Accept", "Sec-WebSocket-Extensions",
		"Sec-WebSocket-Protocol", "Content-Length", "Transfer-Encoding")
	return append(dst, "\r\n"...)
}

// acceptGUID is what a server knows (section 1.3).
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// acceptKey is the proof that a server has read the key: the base64 of the
// SHA-1 of the key and the GUID (section 4.2.2, item 5.4).
func acceptKey(key string) (accept [28]byte) {
	var in [24 + len(acceptGUID)]byte
	sum := sha1.Sum(append(append(in[:0], key...), acceptGUID...))
	base64.StdEncoding.Encode(accept[:], sum[:])
	return accept
}
