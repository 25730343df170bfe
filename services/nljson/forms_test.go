package nljson

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"lapps/protocol/rpc"

	lua "github.com/yuin/gopher-lua"
)

// randomTree makes a tree of everything there is. Without what JSON has no
// text for, it has no bytes, NaN or infinities.
func randomTree(r *rand.Rand, depth int, jsonOnly bool) value {
	kinds := 8
	if depth == 0 {
		kinds = 6
	}
	switch r.IntN(kinds) {
	case 0:
		return []value{nil, true, false}[r.IntN(3)]
	case 1:
		return []value{int64(0), int64(-1), int64(r.IntN(300)), int64(math.MaxInt64), int64(math.MinInt64), r.Int64() - r.Int64()}[r.IntN(6)]
	case 2:
		return uint64(math.MaxInt64) + 1 + uint64(r.Int64())
	case 3:
		floats := []float64{0, math.Copysign(0, -1), 1, 0.1, -1e300, 1e21, 1e20, 1e-6, 1e-7, 5e-324, math.MaxFloat64, r.NormFloat64(), math.Inf(1)}
		if jsonOnly {
			floats = floats[:len(floats)-1]
		}
		return floats[r.IntN(len(floats))]
	case 4:
		return lua.LString(randomText(r))
	case 5:
		if jsonOnly {
			return lua.LString("")
		}
		return blob([]string{"", "\xff", "bytes"}[r.IntN(3)])
	case 6:
		a := new(array)
		for range r.IntN(5) {
			a.elems = append(a.elems, randomTree(r, depth-1, jsonOnly))
		}
		return a
	}
	o := new(object)
	for range r.IntN(5) * (1 + 20*r.IntN(2)) {
		o.set(randomText(r), randomTree(r, depth-1, jsonOnly))
	}
	return o
}

func randomText(r *rand.Rand) string {
	runes := []rune{0, 1, '\n', '"', '\\', '/', 'a', 'b', '<', 0x7f, 'é', 0x2028, 0xfffd, 0x1f600}
	var b strings.Builder
	for range r.IntN(6) {
		b.WriteRune(runes[r.IntN(len(runes))])
	}
	return b.String()
}

// same reports whether two trees are alike in all that matters, types included.
func same(a, b value) bool {
	switch a := a.(type) {
	case *array:
		b, ok := b.(*array)
		if !ok || len(a.elems) != len(b.elems) {
			return false
		}
		for i := range a.elems {
			if !same(a.elems[i], b.elems[i]) {
				return false
			}
		}
		return true
	case *object:
		b, ok := b.(*object)
		if !ok || a.len() != b.len() {
			return false
		}
		for _, k := range a.keys() {
			x, _ := a.get(k)
			if y, ok := b.get(k); !ok || !same(x, y) {
				return false
			}
		}
		return true
	case float64:
		b, ok := b.(float64)
		return ok && (math.Float64bits(a) == math.Float64bits(b) || a != a && b != b)
	}
	return a == b
}

func TestRoundTrips(t *testing.T) {
	b := newBox(t, nil)
	r := rand.New(rand.NewPCG(1, 2))
	b.do(t, func() error {
		for i := range 800 {
			tree := randomTree(r, 4, i%2 == 0)
			p := cborOf(t, b.lib, tree)
			if err := rpc.Check(p); err != nil {
				t.Fatalf("%x: %v", p, err)
			}
			if got, _ := unwrap(b.lib.FromCBOR(p)); !same(got, tree) {
				t.Fatalf("%x: does not come back", p)
			}
			if i%2 != 0 {
				continue
			}
			for _, indent := range []int{0, 2} {
				text, err := b.lib.text(b.lib.wrap(tree), indent)
				if err != nil {
					t.Fatal(err)
				}
				if err := parseJSON(text, &b.lib.tree, nil); err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				if !same(b.lib.tree.take(), tree) {
					t.Fatalf("%s: does not come back", text)
				}
			}
		}
		return nil
	})
}

// Lua tables come back from CBOR as they went, but for what is nil.
func TestTablesRoundTrip(t *testing.T) {
	b := newBox(t, nil)
	r := rand.New(rand.NewPCG(3, 4))
	b.do(t, func() error {
		for range 1000 {
			first := b.lib.TableFromCBOR(cborOf(t, b.lib, randomTree(r, 4, false)))
			var e rpc.Encoder
			if err := b.lib.Walk(first, &e); err != nil {
				t.Fatal(err)
			}
			second := b.lib.TableFromCBOR(string(e.Encoded()))
			var again rpc.Encoder
			if err := b.lib.Walk(second, &again); err != nil {
				t.Fatal(err)
			}
			if string(again.Encoded()) != string(e.Encoded()) {
				t.Fatalf("%x came back as %x", e.Encoded(), again.Encoded())
			}
		}
		return nil
	})
}

func TestTableFromCBOR(t *testing.T) {
	b := newBox(t, nil)
	for _, tt := range []struct{ cbor, source, want string }{
		{"\x82\x01\x61a", `return #v .. v[1] .. v[2]`, "21a"},
		{"\x83\x01\xf6\x03", `return v[1] .. tostring(v[2]) .. v[3]`, "1nil3"},
		{"\xa2\x61a\xf6\x61b\x01", `local n = 0; for k in pairs(v) do n = n + 1 end; return n .. v.b`, "11"},
		{"\xa0", `return getmetatable(v).__jsontype .. tostring(next(v))`, "objectnil"},
		{"\xa1\x61a\xf6", `return nljson.encode(v)`, "{}"},
		{"\xbf\xff", `return nljson.encode(v)`, "{}"},
		{"\x80", `return nljson.encode(v)`, "[]"},
		{"\x41\xff", `return #v .. type(v)`, "1string"},
		{"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", `return v > 1.8e19`, "true"},
		{"\xf6", `return type(v)`, "nil"},
		{"\xf9\x7c\x00", `return v == 1/0`, "true"},
	} {
		var v lua.LValue
		b.do(t, func() error { v = b.lib.TableFromCBOR(tt.cbor); return nil })
		b.eval(t, "v = ...; return tostring((function() "+tt.source+" end)())", func(got lua.LValue, err error) {
			if err != nil || got.String() != tt.want {
				t.Errorf("%x: %s: got %v, %v, want %s", tt.cbor, tt.source, got, err, tt.want)
			}
		}, v)
	}
}

// A userdata inside of Lua tables is told as what it holds.
func TestWalk(t *testing.T) {
	b := newBox(t, nil)
	b.eval(t, `return {a = {nljson.decode('{"b": [1.0, 1]}'), nljson.null}}`, func(v lua.LValue, err error) {
		var e rpc.Encoder
		if err := b.lib.Walk(v, &e); err != nil {
			t.Error(err)
		}
		if got, want := string(e.Encoded()), "\xa1\x61a\x82\xa1\x61b\x82\xf9\x3c\x00\x01\xf6"; got != want {
			t.Errorf("got %x, want %x", got, want)
		}
		foreign := b.State().NewUserData()
		foreign.Value = 5
		e.Reset()
		if err := b.lib.Walk(foreign, &e); err != nil || string(e.Encoded()) != "\xf6" {
			t.Errorf("foreign userdata: got %x, %v", e.Encoded(), err)
		}
	})
}

// What was at work when an error came up is ready again.
func TestAfterErrors(t *testing.T) {
	b := newBox(t, nil)
	b.want(t, `for i = 1, 3 do
			assert(not pcall(nljson.decode, '{"a": [1, {"b": 1e999}]}'))
			assert(not pcall(nljson.encode, {a = {b = {1, c = 2}}, z = 1}))
			assert(not pcall(nljson.to_cbor, {a = {b = {1, c = 2}}, z = 1}))
			assert(not pcall(nljson.array, {{1, c = 2}}))
		end
		return nljson.encode({nljson.decode("[1]"), nljson.object{x = {y = 1}}}) .. #nljson.to_cbor({1})`, `[[1],{"x":{"y":1}}]2`)
	b.do(t, func() error {
		s := &b.lib.source
		if len(s.keys) != 0 || s.b != nil || s.splice != nil || len(b.lib.tree.open) != 0 || b.lib.tree.root != nil {
			t.Errorf("kept: %+v, %+v", *s, b.lib.tree)
		}
		return nil
	})
}

func TestJSONItems(t *testing.T) {
	text := `{"a": [1, 2]}` // five items
	for before, want := range map[int]string{
		maxItems - 5: "",
		maxItems - 4: "more than 4194304 items (at byte 11)",
		maxItems - 1: "more than 4194304 items (at byte 2)",
	} {
		var b treeBuilder
		r := reader{text: text, dec: json.NewDecoder(strings.NewReader(text)), b: &b, spend: func(int) {}, items: before}
		got := ""
		if err := r.value(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%d before: got %q, want %q", before, got, want)
		}
	}
}

func TestJSONNumbers(t *testing.T) {
	for _, tt := range []struct {
		text string
		want value
	}{
		{"0", int64(0)},
		{"-0", int64(0)},
		{"-0.0", math.Copysign(0, -1)},
		{"1.0", 1.0},
		{"1e2", 100.0},
		{"9223372036854775807", int64(math.MaxInt64)},
		{"-9223372036854775808", int64(math.MinInt64)},
		{"9223372036854775808", uint64(math.MaxInt64) + 1},
		{"18446744073709551615", uint64(math.MaxUint64)},
		{"18446744073709551616", float64(1 << 64)},
		{"-9223372036854775809", float64(math.MinInt64)},
		{"1e-999", 0.0},
		{strings.Repeat("9", 300), must(strconv.ParseFloat(strings.Repeat("9", 300), 64))},
	} {
		var b treeBuilder
		if err := parseJSON(tt.text, &b, nil); err != nil {
			t.Errorf("%s: %v", tt.text, err)
		} else if got := b.take(); !same(got, tt.want) {
			t.Errorf("%s: got %v (%v), want %v", tt.text, got, reflect.TypeOf(got), tt.want)
		}
	}
}

func must(f float64, err error) float64 {
	if err != nil {
		panic(err)
	}
	return f
}
