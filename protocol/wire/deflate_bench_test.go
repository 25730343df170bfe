package wire

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

// benchSizes are those of the messages, in bytes.
var benchSizes = []int{64, 1 << 10, 64 << 10}

// benchTexts are different messages of n bytes: enough of them that none is
// found in a window when its turn comes again.
func benchTexts(n int) (texts []string) {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for range max(64, 64<<10/n) {
		texts = append(texts, json(r, n))
	}
	return texts
}

// A benchForm is a way of compressing.
type benchForm struct {
	name        string
	compression Compression
}

var benchForms = []benchForm{
	{"no takeover", Compression{}},
	{"takeover", Compression{ContextTakeover: true}},
	{"takeover, 10 bits", Compression{ContextTakeover: true, WindowBits: 10}},
}

// BenchmarkDeflate encodes messages compressed, as a server's outbox does; one
// that would not become smaller as it is. bytes/msg is the frame. gorilla and
// coder write the same messages to a connection that throws them away.
func BenchmarkDeflate(b *testing.B) {
	for _, n := range benchSizes {
		texts := benchTexts(n)
		for _, form := range benchForms {
			for _, level := range []int{1, 6, 9} {
				if form.compression.WindowBits != 0 && level != 6 {
					continue // there is only one
				}
				b.Run(fmt.Sprintf("%d/%s/level %d", n, form.name, level), func(b *testing.B) {
					c := form.compression
					c.Level = level
					d, _ := agreed(b, c, browserOffer)
					// The window would stay empty if no message shrank without it.
					d.AppendPiece(nil, Frame{Op: Text, Payload: benchTexts(4 << 10)[0]}, 0)
					dst, size, i := make([]byte, 0, 70<<10), 0, 0
					b.ReportAllocs()
					for b.Loop() {
						f := Frame{Op: Text, Payload: texts[i%len(texts)]}
						out, end := d.AppendPiece(dst, f, 0)
						if end == 0 {
							out = f.Append(dst)
						}
						size += len(out)
						i++
					}
					b.ReportMetric(float64(size)/float64(b.N), "bytes/msg")
				})
			}
		}
		for _, peer := range benchPeers {
			b.Run(fmt.Sprintf("%d/%s", n, peer.name), func(b *testing.B) {
				carrier := &benchConn{}
				_, write := peer.begin(b, carrier)
				before, i := carrier.written, 0
				b.ReportAllocs()
				for b.Loop() {
					write(texts[i%len(texts)])
					i++
				}
				b.ReportMetric(float64(carrier.written-before)/float64(b.N), "bytes/msg")
			})
		}
	}
}

// BenchmarkInflate decodes what a client sends, compressed by compress/flate at
// level 6, or at 10 bits by our own. gorilla and coder read the same bytes that
// we do without takeover; neither looks whether text is UTF-8, as we do.
func BenchmarkInflate(b *testing.B) {
	for _, n := range benchSizes {
		texts := benchTexts(n)
		alone := framesOf(packedBy(false, texts...))
		for _, form := range benchForms {
			frames := alone
			switch {
			case form.compression.WindowBits != 0:
				frames = framesOf(packedIn(10, texts))
			case form.compression.ContextTakeover:
				frames = framesOf(packedBy(true, texts...))
			}
			b.Run(fmt.Sprintf("%d/%s", n, form.name), func(b *testing.B) {
				d, _ := agreed(b, form.compression, browserOffer)
				benchDecoder(b, &Decoder{Deflate: d}, frames)
			})
		}
		for _, peer := range benchPeers {
			b.Run(fmt.Sprintf("%d/%s", n, peer.name), func(b *testing.B) {
				read, _ := peer.begin(b, &benchConn{source: strings.Join(asStrings(alone), "")})
				b.ReportAllocs()
				for b.Loop() {
					if got := read(); got != n {
						b.Fatalf("got %d bytes", got)
					}
				}
			})
		}
	}
}

func benchDecoder(b *testing.B, d *Decoder, frames [][]byte) {
	size, i := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		p := frames[i%len(frames)]
		if err := nextWhole(d, p); err != nil {
			b.Fatal(err)
		}
		size += len(p)
		i++
	}
	b.ReportMetric(float64(size)/float64(b.N), "bytes/msg")
}

// nextWhole decodes one message, in as many steps as it takes.
func nextWhole(d *Decoder, p []byte) error {
	_, rest, err := d.Next(p)
	for err == nil && d.Inflating() {
		_, rest, err = d.Next(rest)
	}
	return err
}

func framesOf(packed []string) (frames [][]byte) {
	for _, p := range packed {
		frames = append(frames, []byte(masked(0xc1, p)))
	}
	return frames
}

func asStrings(frames [][]byte) (all []string) {
	for _, f := range frames {
		all = append(all, string(f))
	}
	return all
}

// packedIn is packedBy with a small window.
func packedIn(bits int, texts []string) (all []string) {
	var f Flate
	past := ""
	for _, text := range texts {
		packed := f.deflate(recipe{6, int8(bits)}, []byte(past), []byte(text))
		all = append(all, strings.TrimSuffix(string(packed), syncTail))
		past += text
		past = past[max(len(past)-1<<bits, 0):]
	}
	return all
}

// BenchmarkInflateWorst is what a peer can make a server spend on each byte
// that it sends.
func BenchmarkInflateWorst(b *testing.B) {
	const size = 64 << 10
	full := strings.Repeat("some text to fill the window with ", 1000)
	for _, tt := range []struct {
		name     string
		packed   string
		takeover bool
		ok       bool // it is a message; otherwise a breach
	}{
		{"JSON of 64 KiB", packedBy(false, benchTexts(size)[0])[0], false, true},
		{"empty dynamic blocks", emptyDynamic(size * 8 / 91), false, true},
		{"empty stored blocks", strings.Repeat("\x00\x00\x00\xff\xff", size/5) + "\x00", false, true},
		{"stored blocks of a byte", strings.Repeat("\x00\x01\x00\xfe\xffa", size/6) + "\x00", false, true},
		{"zeros, 1 MiB", packedBy(false, strings.Repeat("\x00", 1<<20))[0], false, true},
		{"a bomb, 64 MiB for a limit of 1 MiB", packedBy(false, strings.Repeat("\x00", 64<<20))[0], false, false},
		{"a message of a byte", packedBy(false, "a")[0], false, true},
		{"a message of a byte, full window", packedBy(false, "a")[0], true, true},
		{"3 streams, full window", strings.Repeat("\x03\x00", maxStreams-1) + "\x00", true, true},
	} {
		b.Run(tt.name, func(b *testing.B) {
			d, _ := agreed(b, Compression{ContextTakeover: tt.takeover}, browserOffer)
			in := []byte(masked(0xc1, tt.packed))
			decoder := Decoder{Deflate: d, Limits: &Limits{Message: 1 << 20, Frame: 1 << 20}}
			if err := nextWhole(&decoder, []byte(masked(0xc1, packedBy(false, full)[0]))); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := nextWhole(&decoder, in); (err == nil) != tt.ok {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(in)), "ns/byte")
		})
	}
}

// emptyDynamic is dynamic blocks of 91 bits with an end and nothing before it:
// the code has two lengths, of 1 bit, for a literal and for the end.
func emptyDynamic(blocks int) string {
	var out []byte
	n := 0
	put := func(value, bits int) {
		for i := range bits {
			if n%8 == 0 {
				out = append(out, 0)
			}
			out[n/8] |= byte(value>>i&1) << (n % 8)
			n++
		}
	}
	for range blocks {
		put(2<<1, 3) // not the last, dynamic
		put(0, 5)    // 257 literals and lengths
		put(0, 5)    // 1 distance
		put(14, 4)   // 18 lengths of the code of lengths, in this order
		for _, symbol := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1} {
			put(map[int]int{18: 1, 1: 1}[symbol], 3)
		}
		// 1 has the code 0, 18, which repeats zeros, the code 1.
		put(0, 1)
		put(1|(138-11)<<1, 8)
		put(1|(255-138-11)<<1, 8)
		put(0, 1) // the end
		put(0, 1) // the distance
		put(1, 1) // the end, in the code that is made
	}
	put(0, 3) // a stored block; what follows is not sent
	return string(out)
}

// A benchPeer is another library, begun as a server on a carrier.
type benchPeer struct {
	name  string
	begin func(b *testing.B, c *benchConn) (read func() int, write func(string))
}

var benchPeers = []benchPeer{
	{"gorilla, level 1", func(b *testing.B, c *benchConn) (func() int, func(string)) {
		w, r := c.request()
		u := gorilla.Upgrader{EnableCompression: true}
		g, err := u.Upgrade(w, r, nil)
		if err != nil {
			b.Fatal(err)
		}
		return func() int {
				_, p, err := g.ReadMessage()
				if err != nil {
					b.Fatal(err)
				}
				return len(p)
			}, func(text string) {
				if err := g.WriteMessage(gorilla.TextMessage, []byte(text)); err != nil {
					b.Fatal(err)
				}
			}
	}},
	coderPeer("coder, no takeover", coder.CompressionNoContextTakeover),
	coderPeer("coder, takeover", coder.CompressionContextTakeover),
}

func coderPeer(name string, mode coder.CompressionMode) benchPeer {
	return benchPeer{name, func(b *testing.B, c *benchConn) (func() int, func(string)) {
		w, r := c.request()
		g, err := coder.Accept(w, r, &coder.AcceptOptions{CompressionMode: mode, CompressionThreshold: 1})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { g.CloseNow() })
		g.SetReadLimit(-1)
		return func() int {
				_, p, err := g.Read(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				return len(p)
			}, func(text string) {
				if err := g.Write(context.Background(), coder.MessageText, []byte(text)); err != nil {
					b.Fatal(err)
				}
			}
	}}
}

// A benchConn is a carrier in memory: it counts what is written, and reads the
// same again and again.
type benchConn struct {
	net.Conn // nil
	source   string
	at       int
	written  int
}

func (c *benchConn) Write(p []byte) (int, error) {
	c.written += len(p)
	return len(p), nil
}

func (c *benchConn) Read(p []byte) (int, error) {
	if c.source == "" {
		return 0, io.EOF
	}
	n := copy(p, c.source[c.at:])
	c.at = (c.at + n) % len(c.source)
	return n, nil
}

func (c *benchConn) Close() error                     { return nil }
func (c *benchConn) SetDeadline(time.Time) error      { return nil }
func (c *benchConn) SetReadDeadline(time.Time) error  { return nil }
func (c *benchConn) SetWriteDeadline(time.Time) error { return nil }

// request is an opening handshake that asks for compression.
func (c *benchConn) request() (http.ResponseWriter, *http.Request) {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(browser)))
	if err != nil {
		panic(err) // it is a request
	}
	r.Header.Del("Origin") // of another host
	return benchResponse{c}, r
}

// A benchResponse can be hijacked and nothing else.
type benchResponse struct{ c *benchConn }

func (w benchResponse) Header() http.Header         { return http.Header{} }
func (w benchResponse) Write(p []byte) (int, error) { return len(p), nil }
func (w benchResponse) WriteHeader(status int) {
	if status >= 300 {
		panic("the handshake is refused: " + strconv.Itoa(status))
	}
}

func (w benchResponse) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.c, bufio.NewReadWriter(bufio.NewReader(w.c), bufio.NewWriter(w.c)), nil
}
