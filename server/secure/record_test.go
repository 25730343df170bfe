package secure_test

import (
	"bytes"
	"reflect"
	"testing"

	"lapps/server/secure"
)

// FuzzRecords cuts a stream into pieces of n bytes: the records are those of
// the stream in one piece.
func FuzzRecords(f *testing.F) {
	f.Add([]byte("\x16\x03\x01\x00\x02ab\x17\x03\x03\x00\x00\x17\x03\x03\x00\x05abcd"), 1)
	f.Add([]byte("\x17\x03\x03\xff\xffabc"), 2)
	f.Add(bytes.Repeat([]byte("\x17\x03\x03\x00\x01x"), 9), 7)
	f.Fuzz(func(t *testing.T, stream []byte, n int) {
		if n < 1 {
			return
		}
		want, left := secure.Records(stream, max(len(stream), 1))
		got, still := secure.Records(stream, n)
		if !reflect.DeepEqual(got, want) || !bytes.Equal(left, still) {
			t.Errorf("in pieces of %d: %x and %x, want %x and %x", n, got, still, want, left)
		}
		all := append(bytes.Join(want, nil), left...)
		if !bytes.Equal(all, stream) {
			t.Errorf("%x is left of %x", all, stream)
		}
	})
}
