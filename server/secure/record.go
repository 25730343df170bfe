package secure

import "slices"

// The bytes of TLS are a sequence of records (RFC 8446, section 5.1): type,
// version (3.x), length in two bytes, and as many bytes.
const (
	recordHeader = 5
	maxPlain     = 16384           // bytes that a record carries
	maxRecord    = maxPlain + 2048 // bytes after the header, at most (RFC 5246, section 6.2.3)

	typeHandshake = 22
)

// alertDenied is a record with the fatal alert access_denied.
var alertDenied = []byte{21, 3, 3, 0, 2, 2, 49}

// A splitter cuts records out of a stream. It holds at most an incomplete one,
// and no more memory than has come of it.
type splitter struct{ partial []byte }

// next returns the first record of p, completed by what is held, and what is
// behind it. nil: all of p is held.
func (s *splitter) next(p []byte) (record, rest []byte) {
	if len(s.partial) == 0 {
		if n := recordSize(p); n > 0 && n <= len(p) {
			return p[:n], p[n:]
		}
	}
	for len(p) > 0 {
		need := recordHeader
		if n := recordSize(s.partial); n > 0 {
			need = n
		}
		k := min(need-len(s.partial), len(p))
		s.partial, p = append(s.partial, p[:k]...), p[k:]
		if n := recordSize(s.partial); n > 0 && n == len(s.partial) {
			record, s.partial = s.partial, nil
			return record, p
		}
	}
	return nil, nil
}

// recordSize is the size of the record that p begins with; 0: too little of it
// is there. A record that is too large counts as its header only: crypto/tls
// needs no more to refuse it.
func recordSize(p []byte) int {
	if len(p) < recordHeader {
		return 0
	}
	n := int(p[3])<<8 | int(p[4])
	if n > maxRecord {
		return recordHeader
	}
	return recordHeader + n
}

// helloPiece is how much of a ClientHello is given to crypto/tls at a time, at most.
const helloPiece = 512

// cut copies the first record of a connection, and halves what it carries until no
// piece is larger than helloPiece: a message of the handshake may come in several
// records (RFC 8446, section 5.1). A tls.Conn keeps the buffers that its largest
// record needed before the connection is encrypted for as long as it lives. A
// ClientHello with X25519MLKEM768 in one piece leaves 3.5 kB, cut in four 2.1.
func cut(record []byte) (records [][]byte) {
	header, carried := record[:recordHeader-2], record[recordHeader:]
	if len(carried) > maxPlain { // too large, which crypto/tls is to see
		return [][]byte{slices.Clone(record)}
	}
	n := len(carried)
	for n > helloPiece {
		n = (n + 1) / 2
	}
	for piece := range slices.Chunk(carried, max(n, 1)) {
		r := make([]byte, 0, recordHeader+len(piece))
		r = append(append(r, header...), byte(len(piece)>>8), byte(len(piece)))
		records = append(records, append(r, piece...))
	}
	if records == nil { // an empty one, which crypto/tls refuses
		records = [][]byte{slices.Clone(record)}
	}
	return records
}
