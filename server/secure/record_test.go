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

// FuzzCut: the records into which the first one of a connection is cut are small,
// of its type and version, and carry what it carried.
func FuzzCut(f *testing.F) {
	f.Add(0)
	f.Add(512)
	f.Add(513)
	f.Add(1517)
	f.Add(16384)
	f.Fuzz(func(t *testing.T, size int) {
		if size < 0 || size > 1<<16 {
			return
		}
		carried := make([]byte, size)
		for i := range carried {
			carried[i] = byte(i)
		}
		record := append([]byte{22, 3, 1, byte(size >> 8), byte(size)}, carried...)
		if size > 16384+2048 {
			record = record[:5] // what the splitter makes of it
			carried = nil
		}
		pieces := secure.Cut(record)
		if len(carried) == 0 || len(carried) > 16384 {
			if len(pieces) != 1 || !bytes.Equal(pieces[0], record) {
				t.Errorf("%x is cut into %x, want it as it is", record, pieces)
			}
			return
		}
		all, left := secure.Records(bytes.Join(pieces, nil), 1<<20)
		if len(left) > 0 || !reflect.DeepEqual(all, pieces) {
			t.Fatalf("the pieces of %d bytes are not records: %d, %d bytes left", size, len(all), len(left))
		}
		var got []byte
		for _, p := range pieces {
			if len(p) > 5+512 || !bytes.HasPrefix(p, record[:3]) {
				t.Errorf("a piece of %d bytes begins %x", len(p), p[:5])
			}
			got = append(got, p[5:]...)
		}
		if !bytes.Equal(got, carried) {
			t.Errorf("of %d bytes %d come out, or others", size, len(got))
		}
	})
}
