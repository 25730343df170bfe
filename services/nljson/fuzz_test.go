package nljson

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"lapps/protocol/rpc"

	lua "github.com/yuin/gopher-lua"
)

// Whatever passes rpc.Check becomes a tree, and Lua tables, and the tree
// becomes CBOR that passes and holds the same.
func FuzzNLJSONFromCBOR(f *testing.F) {
	for _, p := range []string{
		"", "\x00", "\x20", "\x3b\x7f\xff\xff\xff\xff\xff\xff\xff", "\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
		"\xf4", "\xf6", "\xf9\x3c\x00", "\xf9\x7e\x00", "\xfa\x47\xc3\x50\x00", "\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a",
		"\x61a", "\x7f\x61a\x61b\xff", "\x41\xff", "\x5f\x41\x00\xff", "\x80", "\x9f\xff", "\xa0", "\xbf\xff",
		"\x83\x01\xf6\x03", "\xa2\x61a\x01\x61b\x82\xa0\xf6", "\xbf\x61b\x9f\x01\xff\x61a\xf6\xff",
		"\xa1\x60\x60", strings.Repeat("\x81", 64) + "\x01",
		"\xa4\x65lapps\x01\x66method\x64echo\x66params\x81\x01\x63cid\x02",
	} {
		f.Add(p)
	}
	b := newBox(f, nil)
	f.Fuzz(func(t *testing.T, p string) {
		if rpc.Check(p) != nil {
			return
		}
		b.do(t, func() error {
			v := b.lib.FromCBOR(p)
			tree, _ := unwrap(v)
			again := cborOf(t, b.lib, tree)
			if err := rpc.Check(again); err != nil {
				t.Fatalf("%x became %x: %v", p, again, err)
			}
			if got, _ := unwrap(b.lib.FromCBOR(again)); !same(got, tree) {
				t.Fatalf("%x became %x, which holds something else", p, again)
			}
			var e rpc.Encoder
			table := b.lib.TableFromCBOR(p)
			if err := b.lib.Walk(table, &e); err == nil { // else: too many holes
				if err := rpc.Check(string(e.Encoded())); err != nil {
					t.Fatalf("%x became %x by way of Lua: %v", p, e.Encoded(), err)
				}
			}
			return nil
		})
	})
}

// decode takes what encoding/json takes, behind a byte order mark, but for rules of its own (see ours);
// what it takes comes back.
func FuzzNLJSONDecode(f *testing.F) {
	for _, s := range []string{
		"", "null", " true ", "5", "-0", "-0.0", "1e5", "1e999", "18446744073709551615", "01", "1.", "+1", "NaN",
		`"a"`, `"\u0000\ud83d\ude00\ud800"`, `"\x"`, "\"\n\"", "\"\xff\"", `[]`, `[1,2,]`, `[1 2]`, `{"a":1,"a":2}`,
		`{"a":{"b":[null,{}]}}`, `{"a":1,}`, `{"a" 1}`, `{1:2}`, `[1]]`, "\ufeff1", "[\"\u2028\"]", `{"\ud800":1,"\udfff":2}`,
		strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 65) + strings.Repeat("]", 65), strings.Repeat(`{"":`, 64) + "1" + strings.Repeat("}", 64),
	} {
		f.Add(s)
	}
	b := newBox(f, nil)
	f.Fuzz(func(t *testing.T, text string) {
		b.do(t, func() error {
			err := parseJSON(text, &b.lib.tree, nil)
			tree := b.lib.tree.take()
			valid := json.Valid([]byte(strings.TrimPrefix(text, "\ufeff"))) && utf8.ValidString(text)
			if err == nil && !valid {
				t.Fatal("accepted")
			}
			if err != nil {
				if valid && !ours(err.Error()) {
					t.Fatalf("refused: %v", err)
				}
				return nil
			}
			again, err := b.lib.text(b.lib.wrap(tree), 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := parseJSON(again, &b.lib.tree, nil); err != nil {
				t.Fatalf("became %s: %v", again, err)
			}
			if !same(b.lib.tree.take(), tree) {
				t.Fatalf("became %s, which holds something else", again)
			}
			return nil
		})
	})
}

// ours reports whether the message is about a rule that encoding/json has not.
func ours(message string) bool {
	for _, rule := range []string{" twice (at byte ", " is out of range (at byte ", "nested more than 64 levels deep"} {
		if strings.Contains(message, rule) {
			return true
		}
	}
	return false
}

// Whatever Lua does with keys and values, the answer is a value or an error,
// never a panic, and the value can be encoded or is refused.
func FuzzNLJSONLua(f *testing.F) {
	f.Add(`{"a":[1,null]}`, "a", 1.0, byte(0))
	f.Add(`[1,[2],{"b":3}]`, "2", 2.5, byte(1))
	f.Add(`"x"`, "\xff", -1e308, byte(2))
	f.Add(`{}`, "", 1024.0, byte(3))
	b := newBox(f, nil)
	const script = `
		local text, s, n, op = ...
		local v = nljson.decode(text)
		local keys = {s, n, true, v, nljson.null}
		local values = {s, n, {[s] = n}, {s, n}, {[n] = s}, {[s] = v}, {v, v}, v, nljson.null, print}
		local fns = {"array", "bytes", "decode", "each", "empty", "encode", "encode_pretty", "erase", "find", "foreach", "from_cbor",
			"keys", "object", "push", "size", "to_cbor", "totable", "typename"}
		for _, key in ipairs(keys) do
			for _, x in ipairs(values) do
				pcall(function() return v[key] end)
				if op % 2 == 0 then pcall(function() v[key] = x end) end
				for i = 1, #fns do
					pcall(nljson[fns[i]], x)
					pcall(nljson[fns[i]], v, key)
					pcall(nljson[fns[i]], v, x)
				end
			end
		end
		pcall(nljson.traverse, v, function(k) if op % 3 == 0 then nljson.erase(v, k) end end)
		tostring(v)`
	f.Fuzz(func(t *testing.T, text, s string, n float64, op byte) {
		if len(text) > 200 || parseJSON(text, new(treeBuilder), nil) != nil || n > 1e6 && n < 1e8 {
			return // the last would make huge Lua tables
		}
		b.eval(t, script, func(_ lua.LValue, err error) {
			if err != nil {
				t.Fatal(err)
			}
		}, lua.LString(text), lua.LString(s), lua.LNumber(n), lua.LNumber(op))
	})
}
