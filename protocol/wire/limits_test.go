package wire

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func TestLimits(t *testing.T) {
	const (
		frame11   = "frame of 11 bytes, the limit is 10 (close 1009)"
		message11 = "message of 11 bytes, the limit is 10 (close 1009)"
		message21 = "message of 21 bytes, the limit is 20 (close 1009)"
	)
	ten, ping := "0123456789", strings.Repeat("p", 125)
	for _, tt := range []struct {
		name   string
		limits Limits
		in     string
		want   outcome
	}{
		{"frame, exactly", Limits{Frame: 10}, masked(0x81, ten), messages("text: " + ten)},
		{"frame, by one", Limits{Frame: 10}, masked(0x81, ten+"x"), breach(frame11)},
		{"frame, told by the length alone", Limits{Frame: 10}, "\x82\x8b", breach(frame11)},
		{"frame, told by 16 bits", Limits{Frame: 10}, "\x82\xfe\x01\x00", breach("frame of 256 bytes, the limit is 10 (close 1009)")},
		{"frame, told by 64 bits", Limits{Frame: 10}, "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff",
			breach("frame of 9223372036854775807 bytes, the limit is 10 (close 1009)")},
		{"frame, second fragment", Limits{Frame: 10}, masked(0x01, ten) + masked(0x80, ten+"x"), breach(frame11)},
		{"frame does not bound the message", Limits{Frame: 10}, masked(0x01, ten) + masked(0x80, ten), messages("text: " + ten + ten)},
		{"message, exactly", Limits{Message: 10}, masked(0x82, ten), messages("binary: " + ten)},
		{"message, by one", Limits{Message: 10}, masked(0x82, ten+"x"), breach(message11)},
		{"message, exactly, in fragments", Limits{10, 20}, masked(0x02, ten) + masked(0x00, ten) + masked(0x80, ""), messages("binary: " + ten + ten)},
		{"message, by one, in fragments", Limits{10, 20}, masked(0x02, ten) + masked(0x00, ten) + masked(0x00, "x"), breach(message21)},
		{"message, huge second fragment", Limits{Message: 20}, masked(0x02, ten) + "\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff",
			breach("message of 9223372036854775817 bytes, the limit is 20 (close 1009)")},
		{"each message has its own", Limits{Message: 10}, masked(0x82, ten) + masked(0x81, ten), messages("binary: "+ten, "text: "+ten)},
		{"control frames are exempt", Limits{1, 1}, masked(0x01, "a") + masked(0x89, ping) + masked(0x80, ""), messages("ping: "+ping, "text: a")},
		{"control frames have their own, told first", Limits{1, 1}, "\x89\xfe", breach(saysControl)},
		{"0 is no limit", Limits{}, masked(0x82, ten), messages("binary: " + ten)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cuts(tt.in, func(how string, pieces []string) {
				if got := decode(Server, &tt.limits, pieces...); !reflect.DeepEqual(got, tt.want) {
					t.Fatalf("%s:\n got %v\nwant %v", how, got, tt.want)
				}
			})
		})
	}
}

// Without a limit a message that no int can count is too big all the same.
func TestMessageOverflow(t *testing.T) {
	in := masked(0x02, "0123456789") + "\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff"
	got := decode(Server, nil, in)
	if !strings.HasPrefix(got.Err, "wire: ") || !strings.HasSuffix(got.Err, "(close 1009)") {
		t.Errorf("got %v, want close 1009", got)
	}
}

// The reasons fit a Close frame.
func TestReasonsFit(t *testing.T) {
	d := Decoder{Limits: &Limits{Message: math.MaxInt - 1}, op: Binary, size: math.MaxInt - 1}
	_, _, err := d.Next([]byte("\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff"))
	if e := err.(*Error); len(e.Reason) > maxReason {
		t.Errorf("%q has %d bytes, want %d at most", e.Reason, len(e.Reason), maxReason)
	}
	for _, e := range []*Error{
		errReservedBits, errFragmented, errControlLength, errNoStart, errNotFinished, errUnmasked, errMasked,
		errLengthEncoding, errLengthTop, errText, errCloseLength, errCloseCode, errCloseText,
	} {
		if len(e.Reason) > maxReason {
			t.Errorf("%q has %d bytes, want %d at most", e.Reason, len(e.Reason), maxReason)
		}
	}
}

// A declared length costs nothing until its bytes arrive.
func TestDeclaredLengthCostsNothing(t *testing.T) {
	const conns = 1000
	decoders := make([]Decoder, conns)
	heads := []string{
		"\x82\xff\x00\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00x",      // 1 GiB
		"\x02\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00xyzxyz", // all there is
		"\x82\xfe\xff\xff\x00\x00\x00\x00xyz",
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range decoders {
		m, _, err := decoders[i].Next([]byte(heads[i%len(heads)]))
		if m.Op != 0 || err != nil || !decoders[i].Unfinished() {
			t.Fatalf("got %v, %v, want an unfinished frame", m, err)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / conns; each > 2*smallestBuffer {
		t.Errorf("an unfinished frame costs %d bytes, want %d at most", each, 2*smallestBuffer)
	}
	for i := range decoders {
		decoders[i].Release()
	}
}

// A buffer is never much larger than what has arrived, nor than what can
// arrive still.
func TestBuffersGrowWithWhatArrives(t *testing.T) {
	const size = 5<<20 + 123
	for _, tt := range []struct {
		name   string
		first  byte
		limits Limits
	}{
		{"one frame", 0x82, Limits{}},
		{"a fragment", 0x02, Limits{}},
		{"a fragment with a limit", 0x02, Limits{Message: size}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := []byte(plain(tt.first, strings.Repeat("x", size)))
			in = in[:len(in)-1] // the last byte is not sent
			d := Decoder{Role: Client, Limits: &tt.limits}
			defer d.Release()
			for arrived := 0; len(in) > 0; {
				n := min(10_000, len(in))
				if _, _, err := d.Next(in[:n]); err != nil {
					t.Fatal(err)
				}
				in, arrived = in[n:], arrived+n
				if c := cap(d.buf.data); c > 2*arrived+smallestBuffer {
					t.Fatalf("%d bytes have arrived, the buffer has %d", arrived, c)
				}
			}
			if c := cap(d.buf.data); c > size && tt.name != "a fragment" {
				t.Errorf("the buffer has %d bytes, more than the %d that can arrive", c, size)
			}
		})
	}
}

func TestBufferClasses(t *testing.T) {
	for _, tt := range []struct{ n, class int }{
		{1, 0}, {256, 0}, {257, 1}, {512, 1}, {513, 2}, {1<<20 - 1, 12}, {1 << 20, 12},
	} {
		if got := bufferClass(tt.n); got != tt.class || smallestBuffer<<got < tt.n || got >= len(buffers) {
			t.Errorf("bufferClass(%d): got %d, want %d", tt.n, got, tt.class)
		}
	}
}

// In steady state nothing is allocated, however messages arrive.
func TestDecoderAllocatesNothing(t *testing.T) {
	large := strings.Repeat("é", 40_000)
	for _, tt := range []struct {
		name   string
		pieces []string
	}{
		{"whole text", []string{masked(0x81, "hello")}},
		{"many in one piece", []string{strings.Repeat(masked(0x81, "hello"), 20)}},
		{"control frames", []string{masked(0x89, "a") + masked(0x8a, "b") + masked(0x88, "\x03\xe8bye")}},
		{"header cut", []string{masked(0x81, "hello")[:3], masked(0x81, "hello")[3:]}},
		{"payload cut", []string{masked(0x81, "hello")[:8], masked(0x81, "hello")[8:]}},
		{"large, cut", []string{masked(0x81, large)[:30_001], masked(0x81, large)[30_001:]}},
		{"fragments and a ping cut", []string{masked(0x01, "a") + masked(0x89, "ping")[:8], masked(0x89, "ping")[8:] + masked(0x80, "b")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			var pieces [][]byte
			for _, p := range tt.pieces {
				pieces = append(pieces, []byte(p))
			}
			scratch := make([]byte, 1<<20)
			run := func() {
				for _, p := range pieces {
					rest := scratch[:copy(scratch, p)]
					for {
						m, r, err := d.Next(rest)
						if err != nil {
							t.Fatal(err)
						}
						if m.Op == 0 {
							break
						}
						rest = r
					}
				}
			}
			if n := testing.AllocsPerRun(100, run); n > 0 && !raceEnabled {
				t.Errorf("%v allocations, want 0", n)
			}
		})
	}
}

// Random streams with limits, cut at random, against the twin.
func TestRandomStreams(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		role, limits := Role(i%2), Limits{r.IntN(3) * 40, r.IntN(3) * 80}
		stream := randomStream(r, role)
		var pieces []string
		for stream != "" {
			n := 1 + r.IntN(min(len(stream), 1+r.IntN(200)))
			pieces, stream = append(pieces, stream[:n]), stream[n:]
		}
		compareWithTwin(t, role, limits, pieces)
	}
}

// randomStream returns some frames of a sensible peer, with a mistake now and
// then.
func randomStream(r *rand.Rand, role Role) string {
	var b strings.Builder
	texts := []string{"", "a", "é€😀", "\xe2\x82", "\xac", strings.Repeat("κόσμε ", 20), "\x03\xe8bye", "\x03"}
	inside := false
	for range 1 + r.IntN(8) {
		first := []byte{0x81, 0x82, 0x01, 0x02, 0x89, 0x8a, 0x88}[r.IntN(7)]
		if inside && first&0x08 == 0 {
			first &= 0x80
		}
		if first&0x08 == 0 {
			inside = first&finBit == 0
		}
		if r.IntN(40) == 0 {
			first = byte(r.Uint32())
		}
		frame := plain
		if (role == Server) != (r.IntN(60) == 0) {
			frame = masked
		}
		b.WriteString(frame(first, texts[r.IntN(len(texts))]))
	}
	s := b.String()
	return s[:len(s)-r.IntN(min(3, len(s)))]
}

func TestOpString(t *testing.T) {
	for op, want := range map[Op]string{
		Continuation: "continuation", Text: "text", Binary: "binary", Close: "close", Ping: "ping", Pong: "pong",
		3: "reserved 0x3", 0xF: "reserved 0xF",
	} {
		if got := fmt.Sprint(op); got != want {
			t.Errorf("Op(%d): got %q, want %q", byte(op), got, want)
		}
	}
}
