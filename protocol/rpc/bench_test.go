package rpc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// Messages of which the benchmarks are made.
var (
	smallRequest   = slowEncode(map[string]tree{"lapps": int64(1), "method": "echo", "params": []tree{strings.Repeat("x", 64)}})
	typicalRequest = slowEncode(map[string]tree{"lapps": int64(1), "method": "put", "params": []tree{typical(), true}})
	numbers        = slowEncode(map[string]tree{"lapps": int64(1), "method": "sum", "params": manyNumbers()})
)

// typical is an order: 20 members in nested maps.
func typical() tree {
	item := func(i int) tree {
		return map[string]tree{"sku": fmt.Sprint("A-10", i), "count": int64(i), "price": floatOf(9.99 * float64(i))}
	}
	return map[string]tree{
		"id": int64(123456), "at": int64(1700000000000), "note": nil, "paid": false,
		"customer": map[string]tree{"name": "Grace Hopper", "mail": "grace@example.org", "age": int64(79)},
		"address":  map[string]tree{"street": "Hauptstraße 1", "city": "Köln", "code": "50667"},
		"items":    []tree{item(1), item(2)},
		"discount": floatOf(0.5),
	}
}

// manyNumbers are 1,000, integers and floats in turn.
func manyNumbers() (list []tree) {
	for i := range int64(500) {
		list = append(list, i*i*7, floatOf(float64(i)*1.1))
	}
	return list
}

var messages = []struct{ name, p string }{
	{"small", smallRequest}, {"typical", typicalRequest}, {"numbers", numbers},
}

// A gardener is a Builder that makes what fxamacker makes: []any,
// map[string]any and scalars. It checks nothing.
type gardener struct {
	open []bed
	root any
}

type bed struct {
	list []any
	m    map[string]any
	key  string
}

func (g *gardener) add(v any) {
	if len(g.open) == 0 {
		g.root = v
		return
	}
	if top := &g.open[len(g.open)-1]; top.m != nil {
		top.m[top.key] = v
	} else {
		top.list = append(top.list, v)
	}
}

func (g *gardener) Null()           { g.add(nil) }
func (g *gardener) Bool(v bool)     { g.add(v) }
func (g *gardener) Int(v int64)     { g.add(v) }
func (g *gardener) Uint(v uint64)   { g.add(v) }
func (g *gardener) Float(v float64) { g.add(v) }
func (g *gardener) Text(s string)   { g.add(s) }
func (g *gardener) Bytes(s string)  { g.add([]byte(s)) }
func (g *gardener) Key(s string)    { g.open[len(g.open)-1].key = s }
func (g *gardener) Array(n int)     { g.open = append(g.open, bed{list: make([]any, 0, max(n, 0))}) }
func (g *gardener) Map(n int)       { g.open = append(g.open, bed{m: make(map[string]any, max(n, 0))}) }

func (g *gardener) End() {
	top := g.open[len(g.open)-1]
	g.open = g.open[:len(g.open)-1]
	if top.m != nil {
		g.add(top.m)
	} else {
		g.add(top.list)
	}
}

// BenchmarkDecode checks a message and makes Go values of it: ours, and
// fxamacker's decoder with the same limits.
func BenchmarkDecode(b *testing.B) {
	for _, m := range messages {
		b.Run(m.name+"/parse", func(b *testing.B) {
			report(b, m.p)
			for b.Loop() {
				if _, e := ParseRequest(m.p); e != nil {
					b.Fatal(e)
				}
			}
		})
		b.Run(m.name+"/parse and walk", func(b *testing.B) {
			report(b, m.p)
			var g gardener
			for b.Loop() {
				if _, e := ParseRequest(m.p); e != nil {
					b.Fatal(e)
				}
				Walk(m.p, &g)
			}
		})
		b.Run(m.name+"/fxamacker", func(b *testing.B) {
			report(b, m.p)
			p := []byte(m.p)
			for b.Loop() {
				var v any
				if err := slowMode.Unmarshal(p, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncode writes Go values: ours is told of them by a plain function,
// and keeps the order of a Go map; fxamacker's options are its defaults but for
// the shortest floats, so it does not sort either.
func BenchmarkEncode(b *testing.B) {
	unsorted, err := cbor.EncOptions{ShortestFloat: cbor.ShortestFloat16}.EncMode()
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range messages {
		var g gardener
		Walk(m.p, &g)
		b.Run(m.name+"/ours", func(b *testing.B) {
			report(b, m.p)
			var e Encoder
			for b.Loop() {
				e.Reset()
				tellAny(g.root, &e)
			}
		})
		b.Run(m.name+"/fxamacker", func(b *testing.B) {
			report(b, m.p)
			for b.Loop() {
				if _, err := unsorted.Marshal(g.root); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func report(b *testing.B, p string) {
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
}

// tellAny tells b what a gardener has made.
func tellAny(v any, b Builder) {
	switch v := v.(type) {
	case nil:
		b.Null()
	case bool:
		b.Bool(v)
	case int64:
		b.Int(v)
	case float64:
		b.Float(v)
	case string:
		b.Text(v)
	case []any:
		b.Array(len(v))
		for _, item := range v {
			tellAny(item, b)
		}
		b.End()
	case map[string]any:
		b.Map(len(v))
		for k, item := range v {
			b.Key(k)
			tellAny(item, b)
		}
		b.End()
	}
}
