package nljson

import (
	"testing"

	"lapps/protocol/rpc"

	lua "github.com/yuin/gopher-lua"
)

const request = `{"cid":7,"lapps":1,"method":"echo","params":[{"text":"hello","n":12}]}`

// requestCBOR is the request as it comes from a peer.
func requestCBOR(b *testing.B) (*box, string) {
	bx := newBox(b, nil)
	var t treeBuilder
	if err := parseJSON(request, &t, nil); err != nil {
		b.Fatal(err)
	}
	var p string
	bx.do(b, func() error { p = cborOf(b, bx.lib, t.take()); return nil })
	return bx, p
}

// A request is checked, becomes a tree, a handler reads and changes it, and the
// reply becomes CBOR.
func BenchmarkRequest(b *testing.B) {
	bx, p := requestCBOR(b)
	handler := `function handle(m) local x = m.params[1]; x.n = x.n + 1; return m.params end`
	bx.eval(b, handler, func(_ lua.LValue, err error) {
		if err != nil {
			b.Fatal(err)
		}
	})
	bx.do(b, func() error {
		fn := bx.State().GetGlobal("handle")
		var e rpc.Encoder
		b.ReportAllocs()
		for b.Loop() {
			if err := rpc.Check(p); err != nil {
				return err
			}
			v, err := bx.Call(fn, bx.lib.FromCBOR(p))
			if err != nil {
				return err
			}
			e.Reset()
			if err := bx.lib.Walk(v, &e); err != nil {
				return err
			}
		}
		return nil
	})
}

// The same, with Lua tables.
func BenchmarkRequestTables(b *testing.B) {
	bx, p := requestCBOR(b)
	bx.eval(b, `function handle(m) local x = m.params[1]; x.n = x.n + 1; return m.params end`, func(_ lua.LValue, err error) {
		if err != nil {
			b.Fatal(err)
		}
	})
	bx.do(b, func() error {
		fn := bx.State().GetGlobal("handle")
		var e rpc.Encoder
		b.ReportAllocs()
		for b.Loop() {
			v, err := bx.Call(fn, bx.lib.TableFromCBOR(p))
			if err != nil {
				return err
			}
			e.Reset()
			if err := bx.lib.Walk(v, &e); err != nil {
				return err
			}
		}
		return nil
	})
}

func BenchmarkFromCBOR(b *testing.B) {
	bx, p := requestCBOR(b)
	bx.do(b, func() error {
		b.ReportAllocs()
		for b.Loop() {
			bx.lib.FromCBOR(p)
		}
		return nil
	})
}

func BenchmarkDecode(b *testing.B) {
	var t treeBuilder
	b.ReportAllocs()
	for b.Loop() {
		if err := parseJSON(request, &t, nil); err != nil {
			b.Fatal(err)
		}
		t.take()
	}
}

func BenchmarkEncode(b *testing.B) {
	bx, p := requestCBOR(b)
	bx.do(b, func() error {
		v := bx.lib.FromCBOR(p)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := bx.lib.text(v, 0); err != nil {
				return err
			}
		}
		return nil
	})
}
