package rpc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// checkTwin holds Encoder, Check and Walk against the twin, for one tree, and
// against each other: what is written can be read, and is written again alike.
func checkTwin(t testing.TB, v tree) {
	t.Helper()
	p := encode(func(b Builder) { tell(v, b) })
	if want := slowEncode(v); p != want {
		t.Fatalf("%v: got %x, want %x", v, p, want)
	}
	if err := Check(p); err != nil {
		t.Fatalf("%x: %v", p, err)
	}
	if got := walk(p); !reflect.DeepEqual(got, v) {
		t.Fatalf("%x: got %v, want %v", p, got, v)
	}
	if again := encode(func(b Builder) { Walk(p, b) }); again != p {
		t.Fatalf("got %x, then %x", p, again)
	}
}

// TestHalf holds every half float there is against the twin, read and written.
func TestHalf(t *testing.T) {
	for bits := range 1 << 16 {
		p := "\xf9" + string([]byte{byte(bits >> 8), byte(bits)})
		want, err := slowDecode(p)
		if err != nil {
			t.Fatal(err)
		}
		if got := walk(p); got != want {
			t.Fatalf("%x: got %v, want %v", p, got, want)
		}
		checkTwin(t, want)
	}
}

// TestNumbers holds numbers around every power of two, and random ones, against
// the twin.
func TestNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 64 {
		for d := range uint64(5) {
			n := uint64(1)<<i + d - 2
			checkInteger(t, n)
			checkInteger(t, n^r.Uint64()>>(63-i))
			for _, f := range []float64{float64(n), 1 / float64(n), math.Ldexp(float64(n), -1074), math.Ldexp(float64(n), -150)} {
				checkFloats(t, f)
			}
		}
	}
	for range 10_000 {
		checkFloats(t, math.Float64frombits(r.Uint64()))
		checkFloats(t, float64(math.Float32frombits(r.Uint32())))
	}
	for _, f := range []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), math.Pi, 0.1,
		math.MaxFloat32, math.MaxFloat64, math.SmallestNonzeroFloat32, math.SmallestNonzeroFloat64, 65504, 65519, 65520} {
		checkFloats(t, f)
	}
}

func checkInteger(t *testing.T, n uint64) {
	t.Helper()
	if n <= math.MaxInt64 {
		checkTwin(t, int64(n))
		checkTwin(t, -1-int64(n))
	} else {
		checkTwin(t, n)
	}
}

// checkFloats checks f and its neighbours in each precision.
func checkFloats(t *testing.T, f float64) {
	t.Helper()
	single := float32(f)
	for _, f := range []float64{
		f, -f, math.Nextafter(f, math.Inf(1)), math.Nextafter(f, math.Inf(-1)), float64(single),
		float64(math.Nextafter32(single, float32(math.Inf(1)))), float64(math.Nextafter32(single, float32(math.Inf(-1)))),
	} {
		checkTwin(t, floatOf(f))
	}
}

func TestTrees(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		p := make([]byte, r.IntN(500))
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		s := seed(p)
		checkTwin(t, s.grow(r.IntN(6)))
	}
	for _, n := range []int{0, 1, 23, 24, 255, 256, 65535, 65536} {
		checkTwin(t, strings.Repeat("x", n))
		checkTwin(t, blob(strings.Repeat("\xff", n)))
		checkTwin(t, make([]tree, n))
		m := make(map[string]tree, n)
		for i := range min(n, 60_000) {
			m[fmt.Sprint(i)] = int64(i)
		}
		checkTwin(t, m)
	}
}

// TestEncoderUnknown: arrays and maps whose number of elements is not known.
func TestEncoderUnknown(t *testing.T) {
	p := encode(func(b Builder) {
		b.Map(-1)
		b.Key("a")
		b.Array(-1)
		b.Array(1)
		b.Map(-1)
		b.End()
		b.End()
		b.Array(-1)
		b.End()
		b.End()
		b.Key("b")
		b.Bool(true)
		b.End()
	})
	const want = `{_ "a": [_ [{_ }], [_ ]], "b": true}`
	if got := diagnose(p); got != want || Check(p) != nil {
		t.Errorf("got %s, %v, want %s", got, Check(p), want)
	}
	if again := encode(func(b Builder) { Walk(p, b) }); again != p {
		t.Errorf("got %x, then %x", p, again)
	}
}

func TestEncoderReset(t *testing.T) {
	var e Encoder
	e.Array(2)
	e.Reset()
	e.Null()
	if got := string(e.Encoded()); got != "\xf6" || e.Len() != 1 {
		t.Errorf("got %x of length %d after Reset, want f6", got, e.Len())
	}
	e.Text(strings.Repeat("x", 2*keepBuffer))
	if e.Reset(); cap(e.buf) > keepBuffer || e.Len() != 0 {
		t.Errorf("Reset keeps %d bytes, Len is %d", cap(e.buf), e.Len())
	}
}

func TestEncoderAllocatesNothing(t *testing.T) {
	var e Encoder
	for _, p := range []string{smallRequest, typicalRequest, numbers} {
		run := func() {
			e.Reset()
			Walk(p, &e)
			BeginResult(&e, 0)
			EndResult(&e)
			PutError(&e, InternalError, "internal error", nil)
		}
		copies := 0.0 // of texts, by Walk
		if len(p) > shared {
			copies = 4 // lapps, method, sum, params
		}
		if n := testing.AllocsPerRun(100, run); n > copies && !raceEnabled {
			t.Errorf("%.60s: %v allocations", diagnose(p), n)
		}
	}
}
