package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
)

// maxHandshake bounds the opening handshake in bytes.
const maxHandshake = 8 << 10

// acceptGUID is appended to the key (RFC 6455, section 1.3).
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

const refusal = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

var errHandshake = errors.New("gnetecho: not an opening handshake")

// upgrade answers the opening handshake at the start of in. taken is its
// length, 0 while it is not whole. With an error, answer is a refusal.
func upgrade(in []byte) (answer []byte, taken int, err error) {
	end := bytes.Index(in, []byte("\r\n\r\n"))
	if end < 0 && len(in) < maxHandshake {
		return nil, 0, nil
	}
	if end < 0 || end > maxHandshake || !bytes.HasPrefix(in, []byte("GET ")) {
		return []byte(refusal), 0, errHandshake
	}
	key := headerField(in[:end], "Sec-WebSocket-Key")
	if key == nil {
		return []byte(refusal), 0, errHandshake
	}
	sum := sha1.Sum(append(bytes.Clone(key), acceptGUID...))
	answer = append(answer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Accept: "...)
	answer = base64.StdEncoding.AppendEncode(answer, sum[:])
	return append(answer, "\r\n\r\n"...), end + 4, nil
}

// headerField returns the value of the first field called name, nil if there
// is none.
func headerField(head []byte, name string) []byte {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		field, value, ok := bytes.Cut(line, []byte(":"))
		if ok && bytes.EqualFold(field, []byte(name)) {
			return bytes.TrimSpace(value)
		}
	}
	return nil
}
