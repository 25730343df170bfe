package rpc

import (
	"strings"
	"testing"
	"unsafe"
)

// within reports whether s is a part of p, not a copy.
func within(p, s string) bool {
	from, at := uintptr(unsafe.Pointer(unsafe.StringData(p))), uintptr(unsafe.Pointer(unsafe.StringData(s)))
	return at >= from && at+uintptr(len(s)) <= from+uintptr(len(p))
}

// request is a request with one parameter, a map of one text, and a member
// beside, so that it has size bytes in all.
func request(size int) string {
	tellAll := func(pad int) func(b Builder) {
		return func(b Builder) {
			b.Map(4)
			b.Key("lapps")
			b.Int(1)
			b.Key("method")
			b.Text("put")
			b.Key("params")
			b.Array(1)
			b.Map(1)
			b.Key("key")
			b.Text("value")
			b.End()
			b.End()
			b.Key("pad")
			b.Bytes(strings.Repeat("x", pad))
			b.End()
		}
	}
	pad := size - len(encode(tellAll(300))) + 300
	return encode(tellAll(pad))
}

func TestShared(t *testing.T) {
	for _, size := range []int{1000, shared, shared + 1, 1 << 16} {
		p := request(size)
		if len(p) != size && size != 1<<16 {
			t.Fatalf("%d bytes, want %d", len(p), size)
		}
		want := size <= shared
		r, e := ParseRequest(p)
		if e != nil {
			t.Fatal(e)
		}
		if within(p, r.Method) != want || within(p, r.Params) != want {
			t.Errorf("%d bytes: the method is shared: %v, the parameters: %v; want %v",
				size, within(p, r.Method), within(p, r.Params), want)
		}
		for _, from := range []string{p, r.Params} {
			var seen listener
			Walk(from, &seen)
			for _, s := range seen {
				if within(p, s) != want {
					t.Errorf("%d bytes: %.20q is shared: %v, want %v", size, s, !want, want)
				}
			}
		}
	}
}

// TestSharedParams: long parameters of a long message are not copied twice.
func TestSharedParams(t *testing.T) {
	p := encode(func(b Builder) {
		b.Map(3)
		b.Key("lapps")
		b.Int(1)
		b.Key("method")
		b.Text("put")
		b.Key("params")
		b.Array(1)
		b.Text(strings.Repeat("x", 2*shared))
		b.End()
		b.End()
	})
	r, e := ParseRequest(p)
	if e != nil || !within(p, r.Params) {
		t.Errorf("the parameters are a copy; %v", e)
	}
}

// A listener keeps every string it hears.
type listener []string

func (l *listener) Null()          {}
func (l *listener) Bool(bool)      {}
func (l *listener) Int(int64)      {}
func (l *listener) Uint(uint64)    {}
func (l *listener) Float(float64)  {}
func (l *listener) Text(s string)  { *l = append(*l, s) }
func (l *listener) Bytes(s string) { *l = append(*l, s) }
func (l *listener) Array(int)      {}
func (l *listener) Map(int)        {}
func (l *listener) Key(s string)   { *l = append(*l, s) }
func (l *listener) End()           {}
