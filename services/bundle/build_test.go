package bundle_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"github.com/dsnet/compress/bzip2"
)

// A larFile is a file of a LAR, as it should be but for what change does to its item
// of the table.
type larFile struct {
	name, data string
	change     func(item []byte)
}

// set is a change of an item: a number of 4 or 8 bytes.
func set(at, size int, value uint64) func([]byte) {
	return func(item []byte) { putNumber(item[at:at+size], value) }
}

func putNumber(b []byte, value uint64) {
	for i := range b {
		b[i] = byte(value >> (8 * i))
	}
}

// larOf builds a LAR, whatever its files are.
func larOf(t testing.TB, files ...larFile) []byte {
	t.Helper()
	var table, blobs []byte
	for _, f := range files {
		item, b := larItem(t, f)
		table, blobs = append(table, item...), append(blobs, b...)
	}
	return assembleLAR(t, table, blobs, len(files))
}

func larItem(t testing.TB, f larFile) (item, packed []byte) {
	t.Helper()
	packed = blobOf(t, []byte(f.data))
	sum := sha256.Sum256([]byte(f.data))
	item = binary.LittleEndian.AppendUint64(item, uint64(len(f.data)))
	item = binary.LittleEndian.AppendUint64(item, uint64(len(packed)))
	item = binary.LittleEndian.AppendUint32(item, uint32(len(f.name)))
	item = binary.LittleEndian.AppendUint32(item, 0o644)
	item = append(append(item, sum[:]...), f.name...)
	if f.change != nil {
		f.change(item)
	}
	return item, packed
}

// assembleLAR makes an archive of a table and what is behind it; the sums are those of
// the table's items, as far as it has any.
func assembleLAR(t testing.TB, table, blobs []byte, files int) []byte {
	t.Helper()
	var sums []byte
	for rest := table; len(rest) >= 56; {
		sums = append(sums, rest[24:56]...)
		rest = rest[56+min(int64(binary.LittleEndian.Uint32(rest[16:])), int64(len(rest)-56)):]
	}
	sum := sha256.Sum256(sums)
	packed := blobOf(t, table)
	out := append([]byte("LAR\x01"), make([]byte, 12)...)
	putNumber(out[4:8], uint64(len(table)))
	putNumber(out[8:12], uint64(len(packed)))
	putNumber(out[12:16], uint64(files))
	return append(append(append(out, sum[:]...), packed...), blobs...)
}

// blobOf is contents as a LAR has them.
func blobOf(t testing.TB, contents []byte) []byte {
	t.Helper()
	b := bytes.NewBuffer(binary.LittleEndian.AppendUint32(nil, uint32(len(contents))))
	z, err := bzip2.NewWriter(b, &bzip2.WriterConfig{Level: 9})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(contents); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zipOf builds a ZIP of name, contents, name, contents; directories have / behind
// their names.
func zipOf(t testing.TB, files ...string) []byte {
	t.Helper()
	return zipFiles(t, func(h *zip.FileHeader) {}, files...)
}

// zipFiles is zipOf, with headers as change leaves them.
func zipFiles(t testing.TB, change func(*zip.FileHeader), files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		h := &zip.FileHeader{Name: files[i], Method: zip.Deflate}
		if files[i] != "" && files[i][len(files[i])-1] == '/' {
			h.Method = zip.Store
		}
		change(h)
		w, err := z.CreateHeader(h)
		if err == nil && files[i+1] != "" {
			_, err = io.WriteString(w, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The places of a ZIP.
func header(n int, zip []byte) int { return place(n, zip, "PK\x03\x04") }
func record(n int, zip []byte) int { return place(n, zip, "PK\x01\x02") }
func end(zip []byte) int           { return bytes.LastIndex(zip, []byte("PK\x05\x06")) }

// place is where a signature is found for the nth time, counted from 0.
func place(n int, zip []byte, signature string) int {
	at := -1
	for range n + 1 {
		next := bytes.Index(zip[at+1:], []byte(signature))
		if next < 0 {
			panic(fmt.Sprintf("no %q", signature))
		}
		at += 1 + next
	}
	return at
}

// with is data with a number at a place.
func with(data []byte, at, size int, value uint64) []byte {
	data = bytes.Clone(data)
	putNumber(data[at:at+size], value)
	return data
}

// tarOf builds a tar within gzip; where a header has no size it is that of its text.
func tarOf(t testing.TB, files ...tarFile) []byte {
	t.Helper()
	return gzipOf(t, plainTar(t, files...))
}

// A tarFile is a file of a tar.
type tarFile struct {
	name, data string
	header     tar.Header // the rest; a regular file where it has no type
}

func plainTar(t testing.TB, files ...tarFile) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := f.header
		h.Name, h.Size = f.name, int64(len(f.data))
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			h.Name = ""
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// retype has the tar's first header be of another type.
func retype(tar []byte, flag byte) []byte {
	tar = bytes.Clone(tar)
	tar[156] = flag
	copy(tar[148:156], "        ")
	sum := 0
	for _, b := range tar[:512] {
		sum += int(b)
	}
	copy(tar[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return tar
}

func gzipOf(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
