package nljson

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

func TestFreeze(t *testing.T) {
	b := newBox(t, nil)
	for _, tt := range []struct{ source, want string }{
		{`local v = nljson.decode('{"a": [1, {}]}'); return nljson.freeze(v) == v and rawequal(nljson.freeze(v), v)`, "true"},
		{`local v = nljson.decode('{"a": [1, {}]}'); local before = nljson.frozen(v); nljson.freeze(v); return tostring(before) .. tostring(nljson.frozen(v)) .. tostring(nljson.frozen(v.a)) .. tostring(nljson.frozen(v.a[2]))`, "falsetruetruetrue"},
		{`local v = nljson.decode('{"a": [1]}'); nljson.freeze(v.a); return tostring(nljson.frozen(v)) .. tostring(nljson.frozen(v.a))`, "falsetrue"},
		{`return tostring(nljson.frozen(nljson.null)) .. tostring(nljson.frozen(nljson.bytes("x"))) .. tostring(nljson.freeze(nljson.decode("5")))`, "truetrue5"},

		// it is read as ever
		{`local v = nljson.freeze(nljson.decode('{"a": [1, null, "x"], "b": {"c": 2.5}}')); return v.a[1] .. tostring(v.a[2]) .. v.a[3] .. v.b.c .. #v .. #v.a .. tostring(v.none)`, "1nilx2.523nil"},
		{`local v = nljson.freeze(nljson.decode('{"b": 1, "a": [2]}')); local s = ""; for k, x in pairs(v) do s = s .. k .. tostring(x) end; nljson.foreach(v, function(k) s = s .. k end); return s .. table.concat(nljson.keys(v))`, "a[2]b1abab"},
		{`local v = nljson.freeze(nljson.decode('{"b": 1, "a": [2]}')); return nljson.encode(v) .. #nljson.to_cbor(v) .. nljson.totable(v).a[1] .. tostring(v)`, `{"a":[2],"b":1}82{"a":[2],"b":1}`},
		{`local v = nljson.object(); for i = 1, 100 do v["k" .. i] = i end; nljson.freeze(v); local s = 0; for k, x in nljson.each(v) do s = s + x end; return s .. nljson.keys(v)[1] .. nljson.find(v, "k7")`, "5050k17"},
		{`local t = nljson.totable(nljson.freeze(nljson.decode('{"a": [1]}'))); t.a[1] = 2; return t.a[1]`, "2"},

		// its identity
		{`local v = nljson.decode('{"a": [], "b": []}'); local a = v.a; nljson.freeze(v); return tostring(v.a == a) .. tostring(rawequal(v.a, a)) .. tostring(rawequal(v.b, v.b)) .. tostring(v.a == v.b)`, "truetruetruefalse"},
		{`local v = nljson.decode('{"a": []}'); local t = {[v.a] = 1, [v] = 2}; nljson.freeze(v); return tostring(t[v.a]) .. tostring(t[v])`, "12"},

		// it is part of what may be changed
		{`local v, f = nljson.object(), nljson.freeze(nljson.decode("[1]")); v.f = f; v.g = {f, 2}; v.g[2] = 3; return tostring(v) .. tostring(rawequal(v.f, f)) .. tostring(nljson.frozen(v.g)) .. tostring(nljson.frozen(v.g[1]))`, `{"f":[1],"g":[[1],3]}truefalsetrue`},
		{`local v, f = nljson.object(), nljson.freeze(nljson.decode("[1]")); v.f = f; nljson.freeze(v); return tostring(nljson.frozen(v)) .. tostring(v.f == f)`, "truetrue"},

		// that contains itself
		{`local v = nljson.object(); v.v = v; v.a = {v}; nljson.freeze(v); return tostring(nljson.frozen(v.a)) .. tostring(v.v.v == v) .. tostring(v.a[1] == v)`, "truetruetrue"},
		{`local v = nljson.array(); for i = 1, 60 do v = nljson.array({v, v}) end; return nljson.frozen(nljson.freeze(v))`, "true"},
		{`local v = nljson.array(); for i = 1, 10000 do v = nljson.array({v}) end; return nljson.frozen(nljson.freeze(v))`, "true"},

		// copies
		{`local v = nljson.freeze(nljson.decode('{"a": [1, {"b": null}], "c": "x"}')); local c = nljson.copy(v); c.a[2].b = 5; nljson.push(c.a, 6); nljson.erase(c, "c"); return tostring(c) .. tostring(v) .. tostring(nljson.frozen(c))`, `{"a":[1,{"b":5},6]}{"a":[1,{"b":null}],"c":"x"}false`},
		{`local v = nljson.decode('{"a": [1]}'); local c = nljson.copy(v); c.a[1] = 2; return tostring(v) .. tostring(c)`, `{"a":[1]}{"a":[2]}`},
		{`local v = nljson.object(); v.a = {}; v.b = v.a; local c = nljson.copy(v); nljson.push(c.a, 1); return c`, `{"a":[1],"b":[]}`},
		{`return nljson.encode({nljson.copy(nljson.null), nljson.copy(nljson.bytes("\255")), nljson.copy(nljson.decode("5.0"))})`, `[null,"_w",5.0]`},
		{`local v = nljson.freeze(nljson.array({nljson.bytes("\255\0"), 2^53, 0.5})); return #nljson.to_cbor(nljson.copy(v)) == #nljson.to_cbor(v)`, "true"},
	} {
		b.want(t, tt.source, tt.want)
	}
}

func TestFrozenStays(t *testing.T) {
	const frozen = `nljson: the value is frozen: nljson.copy makes one that can be changed`
	b := newBox(t, nil)
	for _, tt := range []struct{ source, message string }{
		{`local v = nljson.freeze(nljson.object()); v.a = 1`, frozen},
		{`local v = nljson.freeze(nljson.decode('{"a": {"b": 1}}')); v.a.b = nil`, frozen},
		{`local v = nljson.freeze(nljson.decode('[[1]]')); v[1][1] = 2`, frozen},
		{`local v = nljson.freeze(nljson.array()); v[1] = 2`, frozen},
		{`nljson.push(nljson.freeze(nljson.array()), 1)`, frozen},
		{`nljson.erase(nljson.freeze(nljson.array({1})), 1)`, frozen},
		{`nljson.erase(nljson.freeze(nljson.object()), "none")`, frozen},
		{`local v = nljson.object(); v.f = nljson.freeze(nljson.object()); v.f.a = 1`, frozen},
		{`local v = nljson.object(); v.v = v; nljson.freeze(v); v.v.v.a = 1`, frozen},
		{`nljson.freeze({})`, `bad argument #1 to freeze (nljson value expected, got table)`},
		{`nljson.freeze()`, `bad argument #1 to freeze (value expected)`},
		{`nljson.frozen("x")`, `bad argument #1 to frozen (nljson value expected, got string)`},
		{`nljson.copy({})`, `bad argument #1 to copy (nljson value expected, got table)`},
		{`local v = nljson.object(); v.v = v; nljson.copy(v)`, `nljson: cannot be copied: nested more than 64 levels deep (does it contain itself?)`},
		{`local v = nljson.object(); v.v = v; nljson.copy(nljson.freeze(v))`, `nljson: cannot be copied: nested more than 64 levels deep (does it contain itself?)`},
	} {
		b.refuses(t, tt.source, "test:1: "+tt.message)
	}
	b.lib.maxItems = 1000
	b.refuses(t, `big = nljson.array(); for i = 1, 1001 do nljson.push(big, i) end; nljson.freeze(nljson.array({{big}}))`, `test:1: nljson: cannot be frozen: more than 1000 items`)
	b.want(t, `big[1] = nljson.array(); return tostring(nljson.frozen(big)) .. tostring(rawequal(big[1], big[1]))`, "falsetrue") // nothing of it was
	b.refuses(t, `nljson.copy(big)`, `test:1: nljson: cannot be copied: more than 1000 items`)
}

// What is frozen has one userdata in an instance as long as Lua has that, and none
// keeps the value alive.
func TestFrozenIdentity(t *testing.T) {
	b := newBox(t, nil)
	b.want(t, `v = nljson.freeze(nljson.decode('[{"n": 1}, {"n": 2}, [3]]')); seen = {}; for i, x in pairs(v) do seen[x] = i end; return 1`, "1")
	for range 3 {
		runtime.GC()
		b.want(t, `return seen[v[1]] .. seen[v[2]] .. seen[v[3]]`, "123")
	}
	const n = 100 * fewHandles
	b.want(t, fmt.Sprintf(`for i = 1, %d do local x = nljson.freeze(nljson.decode('[{}]')); x = x[1] end return seen[v[1]] .. seen[v[2]] .. seen[v[3]]`, n), "123")
	runtime.GC()
	b.want(t, fmt.Sprintf(`for i = 1, %d do local x = nljson.freeze(nljson.decode('[{}]')); x = x[1] end return seen[v[1]] .. seen[v[2]] .. seen[v[3]]`, n), "123")
	b.do(t, func() error {
		runtime.GC()
		b.lib.known.arrays.sort()
		b.lib.known.objects.sort()
		if a, o := len(b.lib.known.arrays.all), len(b.lib.known.objects.all); a > 10 || o > 10 {
			t.Errorf("%d arrays and %d objects are known, of 4", a, o)
		}
		return nil
	})
}

// give exports what source returns in one instance and has the other see it as v.
func give(t *testing.T, from, to *box, source string) (size int) {
	t.Helper()
	var p Parcel
	from.eval(t, source, func(v lua.LValue, err error) {
		if err == nil {
			p, err = from.lib.Export(v)
		}
		if err != nil {
			t.Fatal(source, err)
		}
	})
	to.do(t, func() error {
		to.State().SetGlobal("v", to.lib.Import(p))
		return nil
	})
	return p.Size()
}

func TestParcels(t *testing.T) {
	from, to := newBox(t, nil), newBox(t, nil)
	for _, tt := range []struct{ source, see, want string }{
		{`return "a\0\255"`, `return type(v) .. #v .. v:byte(3)`, "string3255"},
		{`return 2^53`, `return type(v) .. string.format("%d", v)`, "number9007199254740992"},
		{`return {1, {a = "x"}, nil, 4}`, `return nljson.typename(v) .. tostring(v)`, `array[1,{"a":"x"},null,4]`},
		{`return {}`, `v[1] = 5 return type(v) .. tostring(v)`, "userdata[5]"},
		{`return nljson.null`, `return nljson.typename(v) .. tostring(v == nljson.null)`, "nulltrue"},
		{`return nljson.bytes("\255")`, `return #nljson.to_cbor(v)`, "2"},
		{`return nljson.decode('"x"')`, `return type(v) .. tostring(v)`, `userdata"x"`},

		// copies
		{`x = nljson.decode('{"a": [1, {"b": null}]}') return x`, `v.a[2].b = 7 v.c = "new" return v`, `{"a":[1,{"b":7}],"c":"new"}`},
		{`return x`, `return tostring(nljson.frozen(v)) .. tostring(v)`, `false{"a":[1,{"b":null}]}`},
		{`local y = {x.a} x.a[1] = "later" return y`, `x = v return v`, `[["later",{"b":null}]]`},
		{`x.a[1] = "last" return x`, `return x`, `[["later",{"b":null}]]`},

		// what is frozen
		{`f = nljson.freeze(nljson.decode('{"a": [1, {"b": null}]}')) return f`, `w = v return tostring(nljson.frozen(v)) .. tostring(v)`, `true{"a":[1,{"b":null}]}`},
		{`return f`, `return tostring(rawequal(v, w)) .. tostring(v == w)`, "truetrue"}, // the same again
		{`return {f, f.a, {}}`, `return tostring(rawequal(v[1], w)) .. tostring(rawequal(v[2], w.a)) .. tostring(nljson.frozen(v[2])) .. tostring(nljson.frozen(v[3])) .. tostring(v)`,
			`truetruetruefalse[{"a":[1,{"b":null}]},[1,{"b":null}],[]]`},
		{`return f.a[2]`, `return tostring(rawequal(v, w.a[2]))`, "true"},
		{`f = nljson.object() f.f = f return nljson.freeze(f)`, `return tostring(v.f.f == v)`, "true"},
		{`f = nljson.object() for i = 1, 100 do f["k" .. i] = {i} end return nljson.freeze(f)`, `local n = 0 for k, x in pairs(v) do n = n + x[1] end return n`, "5050"},
	} {
		give(t, from, to, tt.source)
		to.want(t, tt.see, tt.want)
	}
	// ... and comes back as what it was.
	give(t, from, to, `g = nljson.freeze(nljson.array({{}})) return g`)
	give(t, to, from, `return v`)
	from.want(t, `return tostring(rawequal(v, g)) .. tostring(rawequal(v[1], g[1]))`, "truetrue")
}

func TestNoParcels(t *testing.T) {
	b := newBox(t, nil)
	b.lib.maxItems = 1 << 16
	for source, want := range map[string]string{
		`return nil`:                                 "nljson value, table, string or number expected, got nil",
		`return true`:                                "nljson value, table, string or number expected, got boolean",
		`return print`:                               "nljson value, table, string or number expected, got function",
		`return coroutine.create(print)`:             "nljson value, table, string or number expected, got thread",
		`return {1, a = 2}`:                          errMixed.Error(),
		`local t = {} t[1] = t return t`:             errDepth.Error(),
		`local v = nljson.array() v[1] = v return v`: errDepth.Error(),
		`local s, t = ("x"):rep(1e6), {} for i = 1, 100 do t[i] = s end return t`:            errText.Error(),
		`local a = nljson.array(); for i = 1, 60 do a = nljson.array({a, a}) end return {a}`: errItems(1 << 16).Error(),
	} {
		b.eval(t, source, func(v lua.LValue, err error) {
			if err != nil {
				t.Error(source, err)
			}
			if p, err := b.lib.Export(v); err == nil || err.Error() != want || p.Size() != 0 {
				t.Errorf("%s: %v, %v, want %s", source, p, err, want)
			}
		})
	}
	if v := b.lib.Import(Parcel{}); v != lua.LNil {
		t.Error(v)
	}
}

// TestSizes: what is handed over is about what it takes, and the same once it comes
// from somewhere else.
func TestSizes(t *testing.T) {
	from, to := newBox(t, nil), newBox(t, nil)
	text := `("x"):rep(10000)`
	for _, tt := range []struct {
		source   string
		min, max int
	}{
		{`return ""`, 0, 0},
		{`return "12345"`, 5, 5},
		{`return 7`, 8, 64},
		{`return nljson.bytes(` + text + `)`, 10000, 10100},
		{`return {}`, 16, 100},
		{`return nljson.freeze(nljson.array())`, 16, 100},
		{`return {a = ` + text + `}`, 10000, 10200},
		{`return {nljson.bytes(` + text + `)}`, 10000, 10200},
		{`return nljson.freeze(nljson.object{a = ` + text + `})`, 10000, 10200},
		{`local f = nljson.freeze(nljson.object{a = ` + text + `}) return nljson.freeze(nljson.array({f, f, f}))`, 10000, 10500},
		{`local f = nljson.freeze(nljson.object{a = ` + text + `}) return {f}`, 10000, 10500},
		{`local v = nljson.array() for i = 1, 40 do v = nljson.array({v, v}) end return nljson.freeze(v)`, 40 * 48, 40 * 200},
		{`local v = nljson.array() for i = 1, 1000 do v[i] = i end return v`, 16000, 64000},
		{`local v = nljson.array() for i = 1, 1000 do v[i] = i end return nljson.freeze(v)`, 16000, 64000},
		{`local v = nljson.object() for i = 1, 1000 do v["k" .. i] = i end return v`, 48000, 120000},
		{`local v = nljson.object() for i = 1, 1000 do v["k" .. i] = i end return nljson.freeze(v)`, 48000, 120000},
	} {
		size := give(t, from, to, tt.source)
		if size < tt.min || size > tt.max {
			t.Errorf("%s: %d bytes, want %d to %d", tt.source, size, tt.min, tt.max)
		}
		if strings.Contains(tt.source, "return nljson.freeze") {
			if again := give(t, to, from, `return v`); again != size {
				t.Errorf("%s: %d bytes, and then %d", tt.source, size, again)
			}
		}
	}
	from.want(t, `big = nljson.freeze(nljson.array({1, 2, 3, {4, 5, 6}})) return 1`, "1")
	from.lib.maxItems = 5
	for _, source := range []string{`return big`, `return {big}`} {
		from.eval(t, source, func(v lua.LValue, _ error) {
			if _, err := from.lib.Export(v); err == nil || err.Error() != "more than 5 items" {
				t.Errorf("%s: %v", source, err)
			}
		})
	}
}

// TestFrozenIsShared has instances read one value at a time; the race detector looks on.
func TestFrozenIsShared(t *testing.T) {
	const readers = 4
	from := newBox(t, nil)
	var p Parcel
	from.eval(t, `local v = nljson.object() for i = 1, 100 do v["k" .. i] = {i, {x = i}} end return nljson.freeze(v)`, func(v lua.LValue, err error) {
		if err == nil {
			p, err = from.lib.Export(v)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	done := make(chan string, readers)
	for range readers {
		b := newBox(t, nil)
		go func() {
			b.eval(t, `function read(v) local n = 0 for i = 1, 100 do for k, x in pairs(v) do n = n + x[1] + #x + v[k][2].x end end return n .. #nljson.encode(v) .. tostring(pcall(nljson.push, v.k1, 1)) end`, func(lua.LValue, error) {})
			b.do(t, func() error {
				v, err := b.Call(b.State().GetGlobal("read"), b.lib.Import(p))
				done <- fmt.Sprint(v, err)
				return nil
			})
		}()
	}
	first := <-done
	for range readers - 1 {
		if again := <-done; again != first || !strings.HasSuffix(first, "false<nil>") {
			t.Errorf("%s, and %s", first, again)
		}
	}
}

// TestCopies: whatever there is, its copy is the same, shares no container with it unless
// that is frozen, and may be changed; and so is what arrives elsewhere.
func TestCopies(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	from, to := newBox(t, nil), newBox(t, nil)
	for range 2000 {
		v := randomTree(r, 4, false)
		frozen := r.IntN(3) == 0
		var c, arrived value
		from.do(t, func() error {
			if frozen {
				if err := from.lib.freezeAll(v); err != nil {
					return err
				}
			}
			from.State().SetGlobal("v", from.lib.wrap(v))
			p, err := from.lib.Export(from.lib.wrap(v))
			to.do(t, func() error { arrived, _ = unwrap(to.lib.Import(p)); return nil })
			return err
		})
		from.eval(t, `return nljson.copy(v)`, func(x lua.LValue, err error) {
			if err != nil {
				t.Fatal(err)
			}
			c, _ = unwrap(x)
		})
		if !same(v, c) || !same(v, arrived) {
			t.Fatal("they are not the same")
		}
		if n, _ := size(v); n == 0 {
			continue
		}
		if isFrozen(c) || isFrozen(arrived) != frozen || frozen != (arrived == v) || c == v {
			t.Fatalf("frozen %v: %v, %v", frozen, isFrozen(c), isFrozen(arrived))
		}
	}
}

func BenchmarkParcel(b *testing.B) {
	from, to := newBox(b, nil), newBox(b, nil)
	for _, bb := range []struct{ name, source string }{
		{"string", `return ("x"):rep(64)`},
		{"table", `return {cid = 5, message = {{text = "hello", n = 12}}}`},
		{"object", `return nljson.decode('{"cid": 5, "message": [{"text": "hello", "n": 12}]}')`},
		{"frozen", `return nljson.freeze(nljson.decode('{"cid": 5, "message": [{"text": "hello", "n": 12}]}'))`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			from.eval(b, bb.source, func(v lua.LValue, err error) {
				to.do(b, func() error {
					b.ReportAllocs()
					for b.Loop() {
						p, err := from.lib.Export(v)
						if err != nil {
							return err
						}
						to.lib.Import(p)
					}
					return nil
				})
			})
		})
	}
}

func BenchmarkFreeze(b *testing.B) {
	bx, p := requestCBOR(b)
	bx.do(b, func() error {
		b.ReportAllocs()
		for b.Loop() {
			v, _ := unwrap(bx.lib.FromCBOR(p))
			if err := bx.lib.freezeAll(v); err != nil {
				return err
			}
		}
		return nil
	})
}

// BenchmarkRead reads three levels of a value, all in Lua.
func BenchmarkRead(b *testing.B) {
	for _, bb := range []struct{ name, source string }{
		{"changeable", `return nljson.decode('{"a": {"b": [{"c": 1}]}}')`},
		{"frozen", `return nljson.freeze(nljson.decode('{"a": {"b": [{"c": 1}]}}'))`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			bx := newBox(b, nil)
			bx.eval(b, `function read(v, n) for i = 1, n do local c = v.a.b[1].c end end `+bb.source, func(v lua.LValue, err error) {
				if err == nil {
					b.ReportAllocs()
					b.ResetTimer()
					_, err = bx.Call(bx.State().GetGlobal("read"), v, lua.LNumber(b.N))
				}
				if err != nil {
					b.Error(err)
				}
			})
		})
	}
}
