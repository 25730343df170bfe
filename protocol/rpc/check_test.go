package rpc

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
)

// errorOf is the message of Check's error, or "".
func errorOf(p string) string {
	if err := Check(p); err != nil {
		return err.Error()
	}
	return ""
}

// encode returns what f tells an Encoder.
func encode(f func(b Builder)) string {
	var e Encoder
	f(&e)
	return string(e.Encoded())
}

// array is the CBOR of an array of n items, each of these bytes.
func array(n int, item string) string {
	return encode(func(b Builder) { b.Array(n) }) + strings.Repeat(item, n)
}

// mapOf is the CBOR of a map of n different keys, each with this value.
func mapOf(n int, value string) string {
	var p strings.Builder
	p.WriteString(encode(func(b Builder) { b.Map(n) }))
	for i := range n {
		p.WriteString(encode(func(b Builder) { b.Key(fmt.Sprint(i)) }) + value)
	}
	return p.String()
}

func TestMaxItems(t *testing.T) {
	const (
		tooMany = "rpc: more than 131072 data items (-32700)"
		one     = "\x00"
	)
	half := mapOf(MaxItems/2-1, one) // one item less than allowed
	part := array(MaxItems/2-2, one)
	for _, tt := range []struct{ name, p, want string }{
		{"an array", array(MaxItems-1, one), ""},
		{"an array and one", array(MaxItems, one), tooMany},
		{"an array and two", array(MaxItems+1, one), tooMany},
		{"an indefinite array", "\x9f" + strings.Repeat(one, MaxItems-1) + "\xff", ""},
		{"an indefinite array and one", "\x9f" + strings.Repeat(one, MaxItems) + "\xff", tooMany},
		{"a map in an array", array(1, half), ""},
		{"a map in an array, and one", array(2, "") + half + one, tooMany},
		{"a map of too many", mapOf(MaxItems/2, one), tooMany},
		{"an indefinite map in an array", array(1, "\xbf"+half[3:]+"\xff"), ""},
		{"an indefinite map in an array, and one", array(2, "") + one + "\xbf" + half[3:] + "\xff", tooMany},
		{"arrays in an array", array(3, "") + part + part + one, ""},
		{"arrays in an array and one", array(3, "") + part + part + array(1, one), tooMany},
		{"chunks do not count", "\x82\x7f" + strings.Repeat("\x60", MaxItems) + "\xff\x5f" + strings.Repeat("\x41x", MaxItems) + "\xff", ""},
	} {
		if got := errorOf(tt.p); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if _, err := slowDecode(tt.p); (err == nil) != (tt.want == "") {
			t.Errorf("%s: the twin says %v", tt.name, err)
		}
	}
}

func TestMaxDepth(t *testing.T) {
	for _, kind := range []struct{ begin, end string }{
		{"\x81", ""}, {"\x9f", "\xff"}, {"\xa1\x61k", ""}, {"\xbf\x61k", "\xff"},
	} {
		for _, n := range []int{1, MaxDepth - 1, MaxDepth, MaxDepth + 1, 10_000} {
			p := strings.Repeat(kind.begin, n) + "\x00" + strings.Repeat(kind.end, n)
			want := ""
			if n > MaxDepth {
				want = "rpc: arrays and maps are nested more than 64 deep (-32700)"
			}
			if got := errorOf(p); got != want {
				t.Errorf("%d times %x: got %q, want %q", n, kind.begin, got, want)
			}
		}
	}
}

// TestRefusals are those that are no vectors.
func TestRefusals(t *testing.T) {
	long := strings.Repeat("ключ", 20)
	twice := encode(func(b Builder) { b.Map(2); b.Key(long); b.Null(); b.Key(long); b.Null() })
	for _, tt := range []struct{ p, want string }{
		{twice, `rpc: a map has the key "` + long[:2*40] + `" twice (-32700)`},
		{"\xa2\x61\n\x00\x61\n\x00", `rpc: a map has the key "\n" twice (-32700)`},
		{"\xa1\x81\x00\x00", "rpc: a key of a map is not a text (-32700)"},
	} {
		if got := errorOf(tt.p); got != tt.want {
			t.Errorf("% x: got %q, want %q", tt.p, got, tt.want)
		}
	}
}

// TestDuplicates puts one key of a map in place of another, for maps of every
// size around that where keys are looked up another way.
func TestDuplicates(t *testing.T) {
	for n := 2; n < 20; n++ {
		for i := range n {
			for j := range i {
				p := encode(func(b Builder) {
					b.Map(n)
					for k := range n {
						if k == i {
							k = j
						}
						b.Key(fmt.Sprint("key", k))
						b.Null()
					}
				})
				want := fmt.Sprintf(`rpc: a map has the key "key%d" twice (-32700)`, j)
				if got := errorOf(p); got != want {
					t.Errorf("%d keys, %d is %d: got %q", n, i, j, got)
				}
			}
		}
	}
}

// allocated is how many bytes a call of f allocates: the least of five, since what the
// runtime allocates meanwhile counts as well.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	f() // what is made once does not count
	least := uint64(math.MaxUint64)
	for range 5 {
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// TestCost: a message costs memory in proportion to its size at most, whatever
// it declares.
func TestCost(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		name, p string
		want    string
		max     uint64 // bytes
	}{
		{"a million empty arrays, one after another", strings.Repeat("\x80", mib), "data follows the CBOR data item", 1000},
		{"a million empty arrays in one", "\x9f" + strings.Repeat("\x80", mib), "more than 131072 data items", 1000},
		{"a million arrays in each other", strings.Repeat("\x81", mib), "arrays and maps are nested more than 64 deep", 1000},
		{"a billion pairs", "\xba\x3b\x9a\xca\x00" + strings.Repeat("\x60", mib), "more than 131072 data items", 1000},
		{"2^62 elements", "\x9b\x40\x00\x00\x00\x00\x00\x00\x00" + strings.Repeat("\x60", mib), "more than 131072 data items", 1000},
		{"a text of 4 GiB", "\x7a\xff\xff\xff\xff" + strings.Repeat("a", mib), "the message ends within a CBOR data item", 1000},
		{"half a million chunks", "\x7f" + strings.Repeat("\x61a", mib/2) + "\xff", "", 1000},
		{"a key of half a million chunks", "\xa1\x7f" + strings.Repeat("\x61a", mib/2) + "\xff\x00", "", 4 * mib},
		{"a map of 60,000 keys", mapOf(60_000, "\x00"), "", 8 * mib},
		{"6,000 maps of nine keys", array(6_000, mapOf(9, "\x00")), "", 1000},
		{"3,600 maps of 17 keys", array(3_600, mapOf(17, "\x00")), "", 2 * mib},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e *Error
			n := allocated(func() { e = check(tt.p) })
			if e == nil && tt.want != "" || e != nil && e.Message != tt.want {
				t.Errorf("got %v, want %q", e, tt.want)
			}
			if n > tt.max && !raceEnabled {
				t.Errorf("%d bytes are allocated, want at most %d", n, tt.max)
			}
			t.Logf("%d bytes of input, %d allocated", len(tt.p), n)
		})
	}
}

func TestParseRequestAllocatesNothing(t *testing.T) {
	for _, p := range []string{smallRequest, typicalRequest} {
		run := func() {
			if _, e := ParseRequest(p); e != nil {
				t.Fatal(e)
			}
		}
		if n := testing.AllocsPerRun(100, run); n > 0 && !raceEnabled {
			t.Errorf("%s: %v allocations", diagnose(p), n)
		}
	}
}
