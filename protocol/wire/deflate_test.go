package wire

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// agreed begins permessage-deflate as a client's offer and our settings make
// it.
func agreed(t testing.TB, c Compression, offers string) (*Deflate, Agreement) {
	t.Helper()
	a, ok := c.Negotiate(offers)
	if !ok {
		t.Fatalf("%q is declined", offers)
	}
	d := NewDeflate(&c, a, new(Flate))
	return d, a
}

// packedBy is what compress/flate, which is not what we use, makes of
// messages, one after the other, as a client would send them.
func packedBy(takeover bool, messages ...string) (all []string) {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 6)
	for _, m := range messages {
		if !takeover {
			w.Reset(&b)
		}
		io.WriteString(w, m)
		w.Flush()
		all = append(all, strings.TrimSuffix(b.String(), syncTail))
		b.Reset()
	}
	return all
}

// inflated feeds frames to a server's decoder.
func inflated(d *Deflate, limits *Limits, pieces ...string) (o outcome) {
	decoder := Decoder{Limits: limits, Deflate: d}
	defer decoder.Release()
	for _, p := range pieces {
		if !o.feed(&decoder, p) {
			return o
		}
	}
	o.Unfinished = decoder.Unfinished()
	return o
}

const (
	browserOffer = "permessage-deflate; client_max_window_bits"

	saysDeflate = "the message is not valid DEFLATE data (close 1007)"
	saysRSV1    = "RSV1 is set on a frame that does not begin a message (close 1002)"
	saysRSV2    = "RSV2 or RSV3 is set, but no extension that uses it was negotiated (close 1002)"
)

func TestInflate(t *testing.T) {
	hello := "\xf2\x48\xcd\xc9\xc9\x07\x00"
	text := packedBy(false, "aé€😀z")[0]
	for _, tt := range []struct {
		name string // begins with the section of RFC 7692
		in   string
		want outcome
	}{
		{"7.2.3.1 one frame", masked(0xc1, hello), messages("text: Hello")},
		{"7.2.3.1 two fragments", masked(0x41, hello[:3]) + masked(0x80, hello[3:]), messages("text: Hello")},
		{"7.2.3.2 reference to an earlier message", masked(0xc1, hello) + masked(0xc1, "\xf2\x00\x11\x00\x00"), messages("text: Hello", "text: Hello")},
		{"7.2.3.3 stored", masked(0xc1, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), messages("text: Hello")},
		{"7.2.3.4 last block", masked(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), messages("text: Hello")},
		{"7.2.3.4 a block behind the last", masked(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00"+hello), messages("text: HelloHello")},
		{"7.2.3.5 two blocks", masked(0xc1, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), messages("text: Hello")},
		{"7.2.3.6 empty", masked(0xc2, "\x00"), messages("binary: ")},
		{"6.2 not compressed", masked(0x81, "plain") + masked(0xc1, hello) + masked(0x82, "\xff"), messages("text: plain", "text: Hello", "binary: \xff")},
		{"6.1 control frames between", masked(0x41, hello[:1]) + masked(0x89, "a") + masked(0x00, hello[1:5]) + masked(0x8a, "b") + masked(0x80, hello[5:]),
			messages("ping: a", "pong: b", "text: Hello")},
		{"6.1 empty fragments", masked(0x41, "") + masked(0x00, hello) + masked(0x80, ""), messages("text: Hello")},
		{"6.1 unfinished", masked(0x41, hello), unfinished()},
		{"6.1 UTF-8 of all lengths", masked(0xc1, text), messages("text: aé€😀z")},

		{"6.1 RSV1 on a continuation", masked(0x41, hello[:3]) + masked(0xc0, hello[3:]), breach(saysRSV1)},
		{"6.1 RSV1 on the continuation of a plain message", masked(0x01, "a") + "\xc0", breach(saysRSV1)},
		{"6.1 RSV1 on a ping", masked(0x81, "a") + "\xc9", breach(saysRSV1, "text: a")},
		{"6.1 RSV1 on a close", "\xc8", breach(saysRSV1)},
		{"6.1 RSV1 on a pong within a message", masked(0x41, hello) + "\xca", breach(saysRSV1)},
		{"6455 5.2 RSV2", "\xa1", breach(saysRSV2)},
		{"6455 5.2 RSV1 and RSV3", "\xd2", breach(saysRSV2)},
		{"6455 5.2 RSV3 on a ping", "\x99", breach(saysRSV2)},
		{"6455 5.2 RSV1 on a reserved opcode", "\xc3", breach(saysRSV1)},

		{"7.2.2 nothing at all", masked(0xc1, ""), breach(saysDeflate)},
		{"7.2.2 block of a reserved kind", masked(0xc1, "\x06"), breach(saysDeflate)},
		{"7.2.2 lengths of a stored block differ", masked(0xc2, "\x00\x05\x00\xfb\xffHello\x00"), breach(saysDeflate)},
		{"7.2.2 refers to before the beginning", masked(0xc2, "\xf2\x00\x11\x00\x00"), breach(saysDeflate)},
		{"7.2.2 ends within a stored block", masked(0xc2, "\x00\xff\x00\x00\xffHello"), breach(saysDeflate)},
		{"7.2.2 text instead of DEFLATE", masked(0xc1, "hello, world"), breach(saysDeflate)},
		{"7.2.2 the messages before it stand", masked(0xc1, hello) + masked(0xc1, "\x06"), breach(saysDeflate, "text: Hello")},
		{"6455 8.1 not UTF-8", masked(0xc1, packedBy(false, "ab\xff")[0]), breach(saysText)},
		{"6455 8.1 ends within a rune", masked(0xc1, packedBy(false, "ab\xe2\x82")[0]), breach(saysText)},
		{"6455 8.1 binary is not checked", masked(0xc2, packedBy(false, "ab\xff")[0]), messages("binary: ab\xff")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cuts(tt.in, func(how string, pieces []string) {
				d, _ := agreed(t, Compression{ContextTakeover: true}, browserOffer)
				if got := inflated(d, nil, pieces...); !reflect.DeepEqual(got, tt.want) {
					t.Fatalf("%s:\n got %v\nwant %v", how, got, tt.want)
				}
			})
		})
	}
}

// A client that was told not to refer to earlier messages, and does.
func TestInflateWithoutContext(t *testing.T) {
	both := packedBy(true, strings.Repeat("the same words ", 20), strings.Repeat("the same words ", 20))
	in := masked(0xc1, both[0]) + masked(0xc1, both[1])
	d, _ := agreed(t, Compression{}, browserOffer)
	if got, want := inflated(d, nil, in), breach(saysDeflate, "text: "+strings.Repeat("the same words ", 20)); !reflect.DeepEqual(got, want) {
		t.Errorf("without takeover: got %v\nwant %v", got, want)
	}
	if held := d.flate.Held(); held != 0 {
		t.Errorf("%d bytes are held without takeover", held)
	}
	d, _ = agreed(t, Compression{ContextTakeover: true}, browserOffer)
	if got := inflated(d, nil, in); got.Err != "" || len(got.Messages) != 2 {
		t.Errorf("with takeover: got %v", got)
	}
	if held := d.flate.Held(); held < 300 || held > 600 {
		t.Errorf("%d bytes are held, for 600 that came", held)
	}
	d.Release()
	d.Release()
	if held := d.flate.Held(); held != 0 {
		t.Errorf("%d bytes are held after Release", held)
	}
}

func TestInflateLimits(t *testing.T) {
	zeros := func(n int) string { return masked(0xc2, packedBy(false, strings.Repeat("\x00", n))[0]) }
	noise := make([]byte, 1<<16)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	stored := "\x00\xff\xff\x00\x00" + string(noise[:0xffff]) + "\x00\x01\x00\xfe\xff" + string(noise[0xffff:]) + "\x00"
	const over = "message inflates to more than 1000 bytes, the limit (close 1009)"
	for _, tt := range []struct {
		name    string
		limit   int
		ratio   int
		in      string
		message int // bytes of the message, where it is let in
		err     string
	}{
		{"exactly", 1000, 0, zeros(1000), 1000, ""},
		{"by one", 1000, 0, zeros(1001), 0, over},
		{"a bomb of 4 MiB", 1000, 0, zeros(4 << 20), 0,
			"frame of SIZE bytes, the limit is 1204 (close 1009)"},
		{"a bomb within the limit of a frame", 1000, 0, zeros(1 << 20), 0, over},
		{"no limit", 0, 0, zeros(5 << 20), 5 << 20, ""},
		{"what cannot be compressed may be longer", 1 << 16, 0, masked(0xc2, stored), 1 << 16, ""},
		{"ratio, of 4 KiB", 0, 10, zeros(4 << 10), 4 << 10, ""},
		{"ratio, by one", 0, 10, zeros(4<<10 + 1), 0, "message of SIZE bytes inflates to more than 10 times its size (close 1009)"},
		{"ratio, of a larger one", 0, 2000, zeros(1 << 20), 1 << 20, ""},
		{"ratio below the limit", 1 << 20, 200, zeros(1 << 20), 0, "message of SIZE bytes inflates to more than 200 times its size (close 1009)"},
		{"ratio above the limit", 100_000, 200, zeros(1 << 20), 0, "message inflates to more than 100000 bytes, the limit (close 1009)"},
		{"streams without end", 0, 0, masked(0xc2, strings.Repeat("\x03\x00", 100)), 0, saysDeflate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, _ := agreed(t, Compression{MaxRatio: tt.ratio}, browserOffer)
			got := inflated(d, &Limits{Frame: tt.limit, Message: tt.limit}, tt.in)
			h, _ := (&Decoder{Deflate: d}).parseHeader([]byte(tt.in))
			tt.err = strings.Replace(tt.err, "SIZE", strconv.Itoa(h.length), 1)
			switch {
			case tt.err != "" && got.Err != "wire: "+tt.err:
				t.Errorf("got %q\nwant %q", got.Err, "wire: "+tt.err)
			case tt.err == "" && (len(got.Messages) != 1 || len(got.Messages[0]) != tt.message+len("binary: ")):
				t.Errorf("got %d messages, %q, want one of %d bytes", len(got.Messages), got.Err, tt.message)
			}
		})
	}
}

// A bomb costs what its limit allows, not what it would become.
func TestBombCostsLittle(t *testing.T) {
	bomb := []byte(masked(0xc2, packedBy(false, strings.Repeat("\x00", 16<<20))[0]))
	d, _ := agreed(t, Compression{}, browserOffer)
	limits := &Limits{Message: 1 << 20}
	inflate := func() {
		limits.Frame = len(bomb)
		limits.Message = len(bomb) // so that the frame is let in
		decoder := Decoder{Limits: limits, Deflate: d}
		_, rest, err := decoder.Next(bytes.Clone(bomb))
		for err == nil && decoder.Inflating() {
			_, rest, err = decoder.Next(rest)
		}
		if err == nil || err.(*Error).Code != MessageTooBig {
			t.Fatal(err)
		}
	}
	inflate() // fills the pools
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	inflate()
	runtime.ReadMemStats(&after)
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 3<<20 {
		t.Errorf("a bomb of %d bytes, which would be 16 MiB, cost %d bytes with a limit of %d", len(bomb), spent, limits.Message)
	}
}

// A large message is inflated in steps, between which the decoder takes nothing,
// and may be released.
func TestInflateInSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	text := json(r, 1<<20)
	zeros := strings.Repeat("\x00", 1<<20)
	empty := strings.Repeat("\x00\x00\x00\xff\xff", 40_000) + packedBy(false, "end")[0]
	for _, tt := range []struct {
		name, packed, want string
		least              int // steps
	}{
		{"much comes in", packedBy(false, text)[0], text, 10},
		{"much comes out", packedBy(false, zeros+zeros)[0], zeros + zeros, 7},
		{"little comes out", empty, "end", 12},
		{"small", packedBy(false, text[:50_000])[0], text[:50_000], 0},
	} {
		d, _ := agreed(t, Compression{ContextTakeover: true}, browserOffer)
		decoder := Decoder{Deflate: d}
		in := masked(0xC2, tt.packed) + masked(0x89, "ping")
		m, rest, err := decoder.Next([]byte(in))
		steps := 0
		for ; err == nil && decoder.Inflating(); steps++ {
			if m.Op != 0 || len(rest) != len(masked(0x89, "ping")) || !decoder.Unfinished() {
				t.Fatalf("%s: step %d: got %v, rest %q", tt.name, steps, m.Op, rest)
			}
			m, rest, err = decoder.Next(rest)
		}
		if err != nil || m.Op != Binary || string(m.Payload) != tt.want || steps < tt.least || steps > 2*tt.least {
			t.Errorf("%s: got %v, %d bytes after %d steps, %v; want %d bytes after %d or a few more", tt.name, m.Op, len(m.Payload), steps, err, len(tt.want), tt.least)
		}
		if m, _, err = decoder.Next(rest); m.Op != Ping || err != nil {
			t.Errorf("%s: then got %v, %v", tt.name, m.Op, err)
		}
		decoder.Next(nil)
		if tt.least == 0 {
			continue
		}
		decoder.Next([]byte(in)) // goleak tells if a step is left behind
		if decoder.Release(); decoder.Inflating() || decoder.Unfinished() {
			t.Errorf("%s: a released decoder goes on", tt.name)
		}
	}
}

// json is a text such as applications send, of n bytes.
func json(r *rand.Rand, n int) string {
	names := []string{"alpha", "beta", "gamma", "sensor", "user", "price", "volume", "größe"}
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, `{"id":%d,"name":%q,"value":%.3f,"active":%v},`, r.IntN(100000), names[r.IntN(8)], r.Float64()*1000, r.IntN(2) == 0)
	}
	return strings.ToValidUTF8(b.String()[:n], "?")
}

// sentBy is a message as d sends it, and what was in its frames.
func sentBy(t *testing.T, d *Deflate, f Frame) (packed []byte, wire []byte) {
	t.Helper()
	for from := 0; ; {
		before := len(wire)
		var end int
		wire, end = d.AppendPiece(wire, f, from)
		if end == 0 {
			return nil, nil
		}
		frame := wire[before:]
		decoder := Decoder{Role: Client, Deflate: &Deflate{}, op: map[bool]Op{true: 0, false: f.Op}[from == 0]}
		h, breach := decoder.parseHeader(frame)
		if breach != nil || h.size+h.length != len(frame) || h.packed() != (from == 0) || h.fin() != (end == len(f.Payload)) {
			t.Fatalf("frame at %d of %d: header % x, %v", from, len(f.Payload), frame[:min(len(frame), 14)], breach)
		}
		packed = append(packed, frame[h.size:]...)
		if from = end; from == len(f.Payload) {
			return packed, wire
		}
	}
}

// Whatever is agreed: the messages come out again at the peer, which keeps as
// much of the past as was agreed on and no more, and no reference is farther
// than the window.
func TestDeflate(t *testing.T) {
	type set struct{ level, bits int }
	var sets []set
	for bits := minWindowBits; bits <= maxWindowBits; bits++ {
		sets = append(sets, set{0, bits})
	}
	for level := 2; level <= 9; level++ {
		sets = append(sets, set{level, maxWindowBits})
	}
	for _, s := range sets {
		for _, takeover := range []bool{false, true} {
			for _, shared := range []bool{false, true} {
				name := fmt.Sprintf("level %d, %d bits, takeover %v, shared %v", s.level, s.bits, takeover, shared)
				t.Run(name, func(t *testing.T) {
					r := rand.New(rand.NewPCG(uint64(s.level), uint64(s.bits)))
					d, a := agreed(t, Compression{Level: s.level, ContextTakeover: takeover}, fmt.Sprintf("permessage-deflate; server_max_window_bits=%d", s.bits))
					if a.ServerBits != s.bits || a.ServerTakeover != takeover {
						t.Fatalf("agreed on %+v", a)
					}
					checkDeflate(t, r, d, a, shared)
				})
			}
		}
	}
}

func checkDeflate(t *testing.T, r *rand.Rand, d *Deflate, a Agreement, shared bool) {
	var history []byte
	sum, sumPacked := 0, 0
	for _, n := range []int{100, 1000, 300, 64, 5000, 40_000, 300, 2*PieceSize - 7, 200} {
		f := Frame{Op: Text, Payload: json(r, n)}
		if shared {
			f.Shared = new(Shared)
		}
		packed, _ := sentBy(t, d, f)
		if packed == nil {
			continue
		}
		sum, sumPacked = sum+n, sumPacked+len(packed)
		var dict []byte
		if a.ServerTakeover {
			dict = history[max(len(history)-1<<a.ServerBits, 0):]
		}
		got, far, err := slowInflate(dict, packed)
		if err != nil || string(got) != f.Payload {
			t.Fatalf("%d bytes: the twin has %d bytes, %v", n, len(got), err)
		}
		if far > 1<<a.ServerBits {
			t.Fatalf("%d bytes: a reference goes back %d bytes, %d bits are agreed", n, far, a.ServerBits)
		}
		history = append(history, f.Payload...)
	}
	if 2*sumPacked > sum {
		t.Errorf("%d bytes became %d: that is hardly compressed", sum, sumPacked)
	}
	if a.ServerTakeover {
		if held, most := d.flate.Held(), min(1<<a.ServerBits, maxDict); held != int64(most) {
			t.Errorf("%d bytes are held, want %d", held, most)
		}
	}
}

// With takeover a message that is like the one before takes little.
func TestTakeoverHelps(t *testing.T) {
	size := func(takeover bool) (n int) {
		d, _ := agreed(t, Compression{ContextTakeover: takeover}, browserOffer)
		for i := range 2 {
			packed, _ := sentBy(t, d, Frame{Op: Text, Payload: json(rand.New(rand.NewPCG(1, 1)), 500) + strconv.Itoa(i)})
			n = len(packed)
		}
		return n
	}
	if with, without := size(true), size(false); with == 0 || 10*with > without {
		t.Errorf("the second message has %d bytes with takeover and %d without", with, without)
	}
}

// So it does where none of the messages would shrink alone.
func TestTakeoverHelpsSmallMessages(t *testing.T) {
	d, _ := agreed(t, Compression{ContextTakeover: true}, browserOffer)
	size := 0
	for i := range 20 {
		packed, _ := sentBy(t, d, Frame{Op: Text, Payload: fmt.Sprintf(`{"id":%d,"k":"sensor","v":17.25}`, i)})
		if packed == nil {
			t.Fatalf("message %d is sent as it is", i)
		}
		size = len(packed)
	}
	if size > 12 {
		t.Errorf("the last message has %d bytes", size)
	}
}

func TestDeflateSendsAsIs(t *testing.T) {
	noise := make([]byte, 3*PieceSize)
	rand.NewChaCha8([32]byte{2}).Read(noise)
	d, _ := agreed(t, Compression{MinSize: 100, ContextTakeover: true}, browserOffer)
	for _, tt := range []struct {
		name string
		f    Frame
		want bool
	}{
		{"small", Frame{Op: Text, Payload: strings.Repeat("a", 99)}, false},
		{"large enough", Frame{Op: Text, Payload: strings.Repeat("a", 100)}, true},
		{"empty", Frame{Op: Text}, false},
		{"ping", Frame{Op: Ping, Payload: strings.Repeat("a", 100)}, false},
		{"close", CloseFrame(1000, strings.Repeat("a", 100)), false},
	} {
		if got := d.Suits(tt.f); got != tt.want {
			t.Errorf("%s: Suits: got %v, want %v", tt.name, got, tt.want)
		}
	}
	before := []byte("before")
	d, _ = agreed(t, Compression{MinSize: 100, ContextTakeover: true}, browserOffer)
	if dst, end := d.AppendPiece(before, Frame{Op: Binary, Payload: string(noise)}, 0); end != 0 || string(dst) != "before" {
		t.Errorf("noise: got %d bytes up to %d, want none", len(dst), end)
	}
	if held := d.flate.Held(); held != 0 {
		t.Errorf("%d bytes are held of what was sent as it is", held)
	}
	// Noise behind a piece that shrinks has to go on compressed.
	packed, _ := sentBy(t, d, Frame{Op: Binary, Payload: strings.Repeat("a", PieceSize) + string(noise)})
	if len(packed) < len(noise) || len(packed) > len(noise)+len(noise)/100 {
		t.Errorf("noise behind zeros: got %d bytes for %d", len(packed), len(noise))
	}
}

// A message for many is compressed once per set of parameters.
func TestSharedOnce(t *testing.T) {
	f := Frame{Op: Text, Payload: json(rand.New(rand.NewPCG(1, 1)), 2*PieceSize+10), Shared: new(Shared)}
	sets := []string{browserOffer, "permessage-deflate; server_max_window_bits=10", browserOffer, "permessage-deflate; server_max_window_bits=15"}
	var all []string
	for _, offer := range sets {
		d, _ := agreed(t, Compression{ContextTakeover: true}, offer)
		_, wire := sentBy(t, d, f)
		all = append(all, string(wire))
	}
	if got := len(f.Shared.pieces); got != 2*3 {
		t.Errorf("%d pieces were compressed, want 3 for each of 2 sets", got)
	}
	if all[0] != all[2] || all[0] != all[3] || all[0] == all[1] {
		t.Error("the same set gives different frames, or different sets the same")
	}
}

// What is shared refers to nothing that one peer was sent and another was not.
func TestSharedRefersToNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	past := fmt.Sprintf("%x", r.Perm(500))
	a, _ := agreed(t, Compression{Level: 9, ContextTakeover: true}, browserOffer)
	sentBy(t, a, Frame{Op: Text, Payload: past})
	packed, _ := sentBy(t, a, Frame{Op: Text, Payload: past + "!", Shared: new(Shared)})
	if got, _, err := slowInflate(nil, packed); err != nil || string(got) != past+"!" {
		t.Errorf("who was sent nothing else has %d bytes, %v, want %d", len(got), err, len(past)+1)
	}
}

// A client that says 8 bits compresses with 9, if it uses zlib.
func TestInflateSmallestWindow(t *testing.T) {
	d, a := agreed(t, Compression{ContextTakeover: true}, "permessage-deflate; client_max_window_bits=8")
	if a.ClientBits != 8 {
		t.Fatalf("agreed on %+v", a)
	}
	var f Flate
	text := json(rand.New(rand.NewPCG(1, 1)), 450)
	in := ""
	for _, past := range []string{"", text} {
		packed := f.deflate(recipe{1, 9}, []byte(past), []byte(text))
		in += masked(0xc2, strings.TrimSuffix(string(packed), syncTail))
	}
	if got := inflated(d, nil, in); got.Err != "" || len(got.Messages) != 2 || got.Messages[1] != "binary: "+text {
		t.Errorf("got %v", got)
	}
}

// An inflater that has made steps makes none for a message that needs none,
// and is as large as such a message may be.
func TestInflaterIsUsedAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	large, small := json(r, 500_000), json(r, 50_000)
	packed := packedBy(false, small)[0]
	packed = strings.Repeat("\x00\x00\x00\xff\xff", (stepIn-len(packed))/5) + packed
	if len(packed) <= stepIn-5 {
		t.Fatalf("the message has %d bytes", len(packed))
	}
	d, _ := agreed(t, Compression{}, browserOffer)
	in := masked(0xc2, packedBy(false, large)[0]) + masked(0xc2, packed) + masked(0xc2, packed)
	want := messages("binary: "+large, "binary: "+small, "binary: "+small)
	if got := inflated(d, &Limits{Message: 1 << 20}, in); !reflect.DeepEqual(got, want) {
		t.Errorf("got %d messages, %q", len(got.Messages), got.Err)
	}
	if len(d.flate.idle) != 1 {
		t.Errorf("%d inflaters are kept, want the one", len(d.flate.idle))
	}
}

// Small messages make tired, too, those that come to nothing the same.
func TestTired(t *testing.T) {
	for _, tt := range []struct {
		name, packed string
		most         int // messages, until it is so
	}{
		{"a byte, full window", packedBy(false, "a")[0], 170},
		{"a byte", packedBy(false, "a")[0], 500},
		{"1 MiB of zeros", packedBy(false, strings.Repeat("\x00", 1<<20))[0], 1},
		{"1 kB", packedBy(false, json(rand.New(rand.NewPCG(1, 1)), 1000))[0], 120},
		{"nothing, in streams", "\x03\x00\x03\x00\x00", 500},
	} {
		d, _ := agreed(t, Compression{ContextTakeover: strings.HasSuffix(tt.name, "window")}, browserOffer)
		d.remember(&d.in, strings.Repeat("past ", 10_000))
		n := 0
		for ; !d.Tired(); n++ {
			if got := inflated(d, nil, masked(0xc2, tt.packed)); got.Err != "" {
				t.Fatalf("%s: %v", tt.name, got)
			}
		}
		if n > tt.most || n < tt.most/2 {
			t.Errorf("%s: tired after %d messages, want %d at most and not far fewer", tt.name, n, tt.most)
		}
		if d.Tired() {
			t.Errorf("%s: said twice", tt.name)
		}
	}
}

// Compressing costs something for each message, and much from level 7 on.
func TestCost(t *testing.T) {
	for _, tt := range []struct {
		c    Compression
		size int
		want int
	}{
		{Compression{}, 0, 512},
		{Compression{Level: 6}, 1000, 1512},
		{Compression{Level: 9}, 2, 8<<10 + 16},
		{Compression{Level: 9, WindowBits: 9}, 2, 514},
		{Compression{}, 1 << 20, 512 + PieceSize},
	} {
		d, _ := agreed(t, tt.c, browserOffer)
		if got := d.Cost(Frame{Op: Text, Payload: strings.Repeat("a", tt.size)}); got != tt.want {
			t.Errorf("%+v, %d bytes: got %d, want %d", tt.c, tt.size, got, tt.want)
		}
	}
}

// In steady state nothing is allocated but what is returned.
func TestDeflateAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	text := json(rand.New(rand.NewPCG(1, 1)), 1000)
	for _, takeover := range []bool{false, true} {
		d, _ := agreed(t, Compression{ContextTakeover: takeover}, browserOffer)
		dst, f := make([]byte, 0, 2000), Frame{Op: Text, Payload: text}
		d.AppendPiece(dst, f, 0)
		if n := testing.AllocsPerRun(100, func() { d.AppendPiece(dst, f, 0) }); n > 0 {
			t.Errorf("takeover %v: compressing: %v allocations", takeover, n)
		}
		in := []byte(masked(0xc1, packedBy(false, text)[0]))
		p := make([]byte, len(in))
		decoder := Decoder{Deflate: d}
		inflate := func() {
			copy(p, in)
			if m, rest, err := decoder.Next(p); err != nil || len(m.Payload) != 1000 || len(rest) > 0 {
				t.Fatal(m, err)
			}
			decoder.Next(nil)
		}
		inflate()
		if n := testing.AllocsPerRun(100, inflate); n > 0 {
			t.Errorf("takeover %v: inflating: %v allocations", takeover, n)
		}
	}
}
