package bundle_test

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"

	"lapps/services/bundle"
)

// TestMemory has archives refused that say they are huge, and measures what that
// allocates in all, freed or not.
func TestMemory(t *testing.T) {
	good := larOf(t, larFile{name: "a/a.lua", data: "return 1"})
	for _, c := range []struct {
		name string
		data []byte
		most uint64 // bytes
		want string
	}{
		{"a table of 4 GB", with(good, 4, 4, 1<<32-1), 1 << 20, `bundle: x: its table unpacks to 4294967295 bytes, more than the names of 1 files may take`},
		{"a table of 10 MB in nothing", with(with(good, 12, 4, 10_000), 4, 4, 10_000_000), 1 << 20, `bundle: x: unpacks to more than 200 times its size of 240 bytes`},
		{"a table of 1 MB that is not there", with(with(with(good, 12, 4, 10_000), 4, 4, 1<<20), 48, 4, 1<<20), 6 << 20, `bundle: x: is damaged: table: unexpected EOF`},
		{"a name of 4 GB", larOf(t, larFile{name: "a/a.lua", change: set(16, 4, 1<<32-1)}), 1 << 20, `bundle: x: has a name of 4294967295 bytes, more than 1024`},
		{"a file of 2^64 bytes", larOf(t, larFile{name: "a/a.lua", change: set(0, 8, 1<<64-1)}), 1 << 20, `bundle: x: "a/a.lua": has 9223372036854775807 bytes, more than 67108864`},
		{"long names, ten thousand times", longNames(t), 32 << 20, `bundle: x: "` + long[:120] + `"…: is there twice`},
		{"a directory of 65,537 records", manyRecords(t), 1 << 20, `bundle: x: its directory has more than the 1 records that its end says`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := archive("x", c.data, bundle.Limits{}).Inspect()
			runtime.ReadMemStats(&after)
			if got := breach(t, err); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > c.most {
				t.Errorf("%d bytes were allocated, more than %d", n, c.most)
			}
		})
	}
}

// long is as long as a name may be.
var long = "a/" + string(bytes.Repeat([]byte("0123456789abcde/"), 30)) + string(bytes.Repeat([]byte("x"), 240))

// longNames is a LAR of ten thousand files, all of one name, whose table shrinks to
// nothing.
func longNames(t testing.TB) []byte {
	item, packed := larItem(t, larFile{name: long, data: ""})
	return assembleLAR(t, bytes.Repeat(item, 10_000), bytes.Repeat(packed, 10_000), 10_000)
}

// manyRecords is a ZIP whose end says that the directory has one record: the library
// counts modulo 65,536.
func manyRecords(t testing.TB) []byte {
	one := zipOf(t, "a/a.lua", "return 1")
	at := record(0, one)
	records := bytes.Repeat(one[at:end(one)], 1<<16+1)
	data := append(bytes.Clone(one[:at]), records...)
	data = append(data, one[end(one):]...)
	binary.LittleEndian.PutUint32(data[end(data)+12:], uint32(len(records)))
	return data
}

// TestManySmallFiles unpacks as many files as there may be, and measures what each of
// them allocates: a decoder for blocks of the size that everybody's level says would
// be 4 MB.
func TestManySmallFiles(t *testing.T) {
	const n = 500
	files := []larFile{{name: "a/a.lua"}}
	for i := range n {
		files = append(files, larFile{name: "a/" + string(rune('a'+i%26)) + string(rune('a'+i/26)), data: "return 1"})
	}
	a := archive("x", larOf(t, files...), bundle.Limits{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := a.Inspect()
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if each := (after.TotalAlloc - before.TotalAlloc) / n; each > 600_000 {
		t.Errorf("%d bytes were allocated for each file", each)
	}
}
