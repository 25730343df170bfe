package rpc

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// addVectors makes the vectors seeds, and what is too long to be one of them:
// maps of so many keys that they are sorted to find one that is there twice,
// and a message so long that what is kept of it is copied.
func addVectors(f *testing.F) {
	for _, v := range loadVectors(f) {
		f.Add(v.bytes(f))
	}
	var keys strings.Builder
	for i := range 20 {
		fmt.Fprintf(&keys, "\x63k%02d\xf6", i)
	}
	f.Add("\xb4" + keys.String())
	f.Add("\xb5" + keys.String() + "\x63k07\xf6")
	long := strings.Repeat("long", 2000)
	f.Add("\xa3\x65lapps\x01\x66method\x64echo\x66params\x82\x01\x79\x1f\x40" + long)
	f.Add("\xa4\x65lapps\x01\x61x\x79\x1f\x40" + long + "\x66method\x64echo\x66params\x81\x61a")
}

// FuzzCheck holds Check and Walk against fxamacker's decoder: what one takes
// the other takes, with the same value. The twin says where the decoder's own
// opinion is not the protocol's: keys other than texts, simple values, integers
// below -2^63, and the number of items.
func FuzzCheck(f *testing.F) {
	addVectors(f)
	f.Fuzz(func(t *testing.T, p string) {
		err := Check(p)
		want, wantErr := slowDecode(p)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("got %v, the twin says %v", err, wantErr)
		}
		if err != nil {
			if code := err.(*Error).Code; code != ParseError {
				t.Fatalf("code %d", code)
			}
			return
		}
		if got := walk(p); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, the twin says %v", got, want)
		}
		first := encode(func(b Builder) { Walk(p, b) })
		if err := Check(first); err != nil || !reflect.DeepEqual(walk(first), want) {
			t.Fatalf("written again as %x: %v", first, err)
		}
		checkTwin(t, want)
	})
}

// FuzzParseRequest holds ParseRequest and ParseReply against their twins.
func FuzzParseRequest(f *testing.F) {
	addVectors(f)
	f.Fuzz(func(t *testing.T, p string) {
		r, e := ParseRequest(p)
		want, code := slowParseRequest(p)
		switch {
		case e != nil:
			if e.Code != code {
				t.Fatalf("got %v, the twin says %d", e, code)
			}
		case code != 0:
			t.Fatalf("got %+v, the twin says %d", r, code)
		default:
			got := slowRequest{method: r.Method, notification: r.Notification, cid: r.CID}
			if r.Params != "" {
				got.params = walk(r.Params).([]tree)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("got %+v, the twin says %+v", got, want)
			}
		}
		if code != ParseError {
			compareReply(t, p)
		}
	})
}

func compareReply(t *testing.T, p string) {
	t.Helper()
	kind, err := ParseReply(p)
	want, wantErr := slowParseReply(walk(p))
	if (err == nil) != (wantErr == nil) || err == nil && kind != want {
		t.Fatalf("reply: got %d, %v, the twin says %d, %v", kind, err, want, wantErr)
	}
}

// FuzzEncode grows values of bytes and holds the Encoder against fxamacker's.
func FuzzEncode(f *testing.F) {
	f.Add("\x08\x05\x02\x02\x01\x00\x03\x01\xff\x04\x08\x3f\xf0\x00\x00\x00\x00\x00\x00\x06\x02hi")
	f.Add("\x09\x02\x01a\x05\x04\x00\x80\x00\x00\x01b\x07\x02\xff\xff")
	addVectors(f)
	f.Fuzz(func(t *testing.T, p string) {
		s := seed(p[:min(len(p), 4<<10)]) // so that it stays below MaxItems: two bytes make 40 items at most
		checkTwin(t, s.grow(8))
	})
}
