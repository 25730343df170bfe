package wire

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// A Deflate is permessage-deflate on one connection. A Decoder inflates with
// it, and AppendPiece compresses. It belongs to the goroutine of its Flate.
//
// Without context takeover it holds nothing. With it, it holds the end of what
// the peer has sent compressed, as much as the peer's window, at most 32 KiB;
// and up to 4 KiB of what was sent to the peer, which catches most of what 32
// KiB would, and costs some 10 µs (level 1, JSON) to be looked through before
// each message instead of 80.
type Deflate struct {
	flate    *Flate
	settings *Compression
	recipe   recipe
	in       window // of what the peer sent
	out      window // of what it was sent

	inflation *inflation // what is being inflated; nil: nothing is
	work      int        // that inflating has cost; see Tired
}

const (
	// PieceSize is how much of a message AppendPiece compresses at a time.
	PieceSize = 64 << 10

	// maxDict is how much of the past a compressor looks through.
	maxDict = 4 << 10

	// freeSize is what a message may be inflated to whatever its compressed
	// size.
	freeSize = 4 << 10
)

var errDeflate = &Error{InvalidPayload, "the message is not valid DEFLATE data"}

// NewDeflate begins permessage-deflate on a server's connection: c as it was
// asked, a as it has answered, and f that of the connection's loop.
func NewDeflate(c *Compression, a Agreement, f *Flate) *Deflate {
	d := &Deflate{flate: f, settings: c, recipe: recipe{int8(max(c.Level, 1)), int8(a.ServerBits)}}
	if a.ClientTakeover {
		d.in.size = 1 << max(a.ClientBits, 9) // zlib, told 8, takes 9
	}
	if a.ServerTakeover {
		d.out.size = min(1<<a.ServerBits, maxDict)
	}
	return d
}

// NewClientDeflate is NewDeflate on a client's connection: c as it has offered, and a
// as the server has answered.
func NewClientDeflate(c *Compression, a Agreement, f *Flate) *Deflate {
	return NewDeflate(c, Agreement{ // as if the roles were exchanged
		ServerTakeover: a.ClientTakeover,
		ServerBits:     a.ClientBits,
		ClientTakeover: a.ServerTakeover,
		ClientBits:     a.ServerBits,
	}, f)
}

// Release gives up what is held of earlier messages, and what is being
// inflated. A second Release does nothing.
func (d *Deflate) Release() {
	d.abandon()
	for _, w := range [...]*window{&d.in, &d.out} {
		d.flate.held.Add(-int64(cap(w.data)))
		*w = window{}
	}
}

// Suits says whether f is to be compressed: a message, and not a small one.
func (d *Deflate) Suits(f Frame) bool {
	return (f.Op == Text || f.Op == Binary) && len(f.Payload) >= max(d.settings.MinSize, 1)
}

// Cost is what compressing the first piece of f costs, in bytes that compress
// as fast at level 1: about 4 ns each. A message, however small, costs some
// microseconds; from level 7 on, whose compressors are cleared for each, tens of
// them.
func (d *Deflate) Cost(f Frame) int {
	n := min(len(f.Payload), PieceSize)
	if d.recipe.level >= 7 && d.recipe.bits == maxWindowBits {
		return 8<<10 + 8*n
	}
	return 512 + len(d.out.data)/2 + n
}

// AppendPiece compresses up to PieceSize bytes of the message f, from the byte
// at from on, and appends them to dst as a frame. A message is so sent as one
// or more frames, the last of which has end at len(f.Payload); only control
// frames may come between them. Where from is 0, end may be 0 too: dst is as it
// was then, for f would not become smaller and should be sent as it is. With
// context takeover the first small messages are sent compressed all the same.
func (d *Deflate) AppendPiece(dst []byte, f Frame, from int) (_ []byte, end int) {
	first, packed, end := d.piece(f, from)
	if end == 0 {
		return dst, 0
	}
	return append(appendHeader(dst, first, 0, len(packed)), packed...), end
}

// AppendMaskedPiece is AppendPiece as a client sends it. The key should be
// unpredictable and new for every call.
func (d *Deflate) AppendMaskedPiece(dst []byte, f Frame, from int, key [4]byte) (_ []byte, end int) {
	first, packed, end := d.piece(f, from)
	if end == 0 {
		return dst, 0
	}
	dst = append(appendHeader(dst, first, maskBit, len(packed)), key[:]...)
	n := len(dst)
	dst = append(dst, packed...)
	Mask(dst[n:], key, 0)
	return dst, end
}

// piece is what AppendPiece says: the first byte of the frame's header and its payload,
// which is valid until the next call.
func (d *Deflate) piece(f Frame, from int) (first byte, packed []byte, end int) {
	end = min(from+PieceSize, len(f.Payload))
	packed = d.pack(f, from, end)
	first = byte(Continuation)
	if from == 0 {
		if len(packed) >= end+d.advance() {
			return 0, nil, 0
		}
		first = rsv1Bit | byte(f.Op)
	}
	if end == len(f.Payload) {
		first |= finBit
		d.remember(&d.out, f.Payload)
	}
	return first, packed, end
}

// advance is by how many bytes a message may grow: where there is nothing yet
// that messages can refer to, small ones do not shrink, and what is sent as it
// is can never be referred to.
func (d *Deflate) advance() int {
	if d.out.size > 0 && len(d.out.data) < 256 {
		return 8 // a block that is stored, and its end
	}
	return 0
}

// pack compresses one piece. It returns bytes that are valid until the next
// call and must not be modified.
func (d *Deflate) pack(f Frame, from, end int) []byte {
	if f.Shared != nil {
		return bytesOf(f.Shared.pack(d, f.Payload, from, end))
	}
	return d.deflate(d.out.data, f.Payload, from, end)
}

// deflate compresses one piece of a message that follows dict.
func (d *Deflate) deflate(dict []byte, payload string, from, end int) []byte {
	if from > 0 {
		dict = bytesOf(payload[from-maxDict : from]) // from is PieceSize, or more
	}
	packed := d.flate.deflate(d.recipe, dict, bytesOf(payload[from:end]))
	if end == len(payload) {
		packed = packed[:len(packed)-len(syncTail)]
	}
	return packed
}

// remember puts a message behind what is held.
func (d *Deflate) remember(w *window, message string) {
	before := cap(w.data)
	w.add(message)
	d.flate.held.Add(int64(cap(w.data) - before))
}

// A Shared belongs to a message that is sent to many peers. It keeps what the
// message has been compressed to, so that this is done once for each set of
// parameters: without reference to earlier messages, whatever has been agreed.
// And it counts by how many the message is held, so that its memory can be
// counted once. The zero value is ready. Any goroutine may use it.
type Shared struct {
	mu     sync.Mutex // guards the field below; who waits for it would be doing the same work
	pieces map[sharedKey]string

	holders atomic.Int64
}

// Hold says that one more holds the message. first: it was held by none.
func (s *Shared) Hold() (first bool) { return s.holders.Add(1) == 1 }

// LetGo says that one of those has done with it. last: it is held by none now.
func (s *Shared) LetGo() (last bool) { return s.holders.Add(-1) == 0 }

// Holders is how many hold the message.
func (s *Shared) Holders() int64 { return s.holders.Load() }

type sharedKey struct {
	recipe recipe
	from   int
}

// pack returns a piece of payload, compressed.
func (s *Shared) pack(d *Deflate, payload string, from, end int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sharedKey{d.recipe, from}
	packed, known := s.pieces[key]
	if !known {
		if s.pieces == nil {
			s.pieces = make(map[sharedKey]string)
		}
		packed = string(d.deflate(nil, payload, from, end))
		s.pieces[key] = packed
	}
	return packed
}

// A window is the end of a series of messages.
type window struct {
	size int // bytes at most; 0: nothing is kept
	data []byte
}

// add puts a message behind what is there. It takes no more memory than what
// has been sent, nor than size.
func (w *window) add(message string) {
	if w.size == 0 {
		return
	}
	message = message[max(len(message)-w.size, 0):]
	if need := len(w.data) + len(message); need > cap(w.data) && cap(w.data) < w.size {
		w.data = append(make([]byte, 0, min(max(need, 2*cap(w.data)), w.size)), w.data...)
	}
	if drop := len(w.data) + len(message) - cap(w.data); drop > 0 {
		w.data = w.data[:copy(w.data, w.data[drop:])]
	}
	w.data = append(w.data, message...)
}

// bytesOf returns the bytes of s, which must not be modified.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// stringOf returns b as a string, until b is modified.
func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
