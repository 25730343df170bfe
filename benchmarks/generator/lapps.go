package generator

import "encoding/binary"

// The messages of the LAppS protocol, around their text: a request of section
// 3.1, and the response to it as section 2.2 has a server encode it, in CBOR's
// preferred serialization and the keys in the order of their bytes.
const (
	requestStart  = "\xa3\x65lapps\x01\x66method\x64echo\x66params\x81" // {"lapps": 1, "method": "echo", "params": [
	responseStart = "\xa3\x63cid\x00\x66result\x81"                     // {"cid": 0, "result": [
	responseEnd   = "\x66status\x01"                                    // ], "status": 1}
)

// appendRequest appends a request whose one parameter is text.
func appendRequest(dst, text []byte) []byte {
	return append(appendTextHead(append(dst, requestStart...), len(text)), text...)
}

// responseAround returns what a response holds before and behind a text of
// size bytes.
func responseAround(size int) (before, behind []byte) {
	return appendTextHead([]byte(responseStart), size), []byte(responseEnd)
}

// appendTextHead appends the head of a CBOR text, major type 3, in its shortest
// form (RFC 8949, section 3).
func appendTextHead(dst []byte, size int) []byte {
	const text = 3 << 5
	switch {
	case size < 24:
		return append(dst, text|byte(size))
	case size <= 0xFF:
		return append(dst, text|24, byte(size))
	case size <= 0xFFFF:
		return binary.BigEndian.AppendUint16(append(dst, text|25), uint16(size))
	}
	return binary.BigEndian.AppendUint32(append(dst, text|26), uint32(size))
}
