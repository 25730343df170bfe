package bundle

import (
	"archive/zip"
	"cmp"
	"encoding/binary"
	"io/fs"
	"slices"
)

// A zipped is a ZIP, its directory read.
type zipped struct {
	a     *Archive
	files []*zip.File
}

func (z *zipped) name() string { return "zip" }
func (z *zipped) flat() bool   { return true }

func (z *zipped) walk(visit func(entry, opener) error) error {
	for _, f := range z.files {
		e := entry{name: f.Name, dir: f.Mode().IsDir(), size: int64(f.UncompressedSize64)}
		if err := visit(e, f.Open); err != nil {
			return err
		}
	}
	return nil
}

// openZip reads the directory, and compares each record with the header of its file.
func (a *Archive) openZip() (format, error) {
	d, err := a.readZipDirectory()
	if err != nil {
		return nil, err
	}
	r, err := zip.NewReader(a.r, a.size)
	if err != nil {
		return nil, a.damaged("", err)
	}
	if len(r.File) != len(d.headers) {
		return nil, a.changed()
	}
	spans := make([]zipSpan, len(r.File))
	for i, f := range r.File {
		if err := a.checkZipFile(f); err != nil {
			return nil, err
		}
		if spans[i], err = a.checkZipHeader(f, d.headers[i], d.at); err != nil {
			return nil, err
		}
	}
	if err := a.checkZipSpans(spans); err != nil {
		return nil, err
	}
	return &zipped{a, r.File}, nil
}

// Flags of a file.
const (
	zipEncrypted = 1<<0 | 1<<6 | 1<<13 // encrypted, strongly, or with the header masked
	zipStreamed  = 1 << 3              // the sizes and the CRC are behind the contents
)

// checkZipFile checks what the directory says of a file.
func (a *Archive) checkZipFile(f *zip.File) error {
	mode := f.Mode()
	switch {
	case f.Flags&zipEncrypted != 0:
		return a.refuse(f.Name, "is encrypted")
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return a.refuse(f.Name, "is packed by the method %d, neither stored (%d) nor deflated (%d)", f.Method, zip.Store, zip.Deflate)
	case mode.Type()&^fs.ModeDir != 0:
		return a.refuse(f.Name, "is %s", modeName(mode))
	case mode.IsDir() && (f.Name == "" || f.Name[len(f.Name)-1] != '/'):
		return a.refuse(f.Name, "is a directory without / behind its name")
	case mode.IsDir() && f.UncompressedSize64 != 0:
		return a.refuse(f.Name, "is a directory of %d bytes", f.UncompressedSize64)
	case !mode.IsDir() && mode&(fs.ModeSetuid|fs.ModeSetgid) != 0:
		return a.refuse(f.Name, setIDRule)
	}
	return nil
}

// A zipSpan is the place of a file's header and contents.
type zipSpan struct {
	name       string
	begin, end int64
}

// checkZipHeader compares the header before a file's contents with the directory's,
// which is what is believed: to some readers the one counts, to some the other.
func (a *Archive) checkZipHeader(f *zip.File, at, directory int64) (zipSpan, error) {
	span := zipSpan{name: f.Name, begin: at}
	var h [zipHeaderSize]byte
	if at+zipHeaderSize > directory {
		return span, a.refuse(f.Name, "lies where the directory is")
	}
	if err := a.readAt(h[:], at); err != nil {
		return span, err
	}
	le := binary.LittleEndian
	nameLen, extraLen := int64(le.Uint16(h[26:])), int64(le.Uint16(h[28:]))
	if le.Uint32(h[:]) != zipHeader {
		return span, a.refuse(f.Name, "has no header where the directory says")
	}
	name := make([]byte, min(nameLen, int64(len(f.Name))))
	if err := a.readAt(name, at+zipHeaderSize); err != nil {
		return span, err
	}
	streamed := f.Flags&zipStreamed != 0
	if nameLen != int64(len(f.Name)) || string(name) != f.Name ||
		le.Uint16(h[6:]) != f.Flags || le.Uint16(h[8:]) != f.Method ||
		!sameZipField(le.Uint32(h[14:]), f.CRC32, streamed) ||
		!sameZipField(le.Uint32(h[18:]), f.CompressedSize, streamed) ||
		!sameZipField(le.Uint32(h[22:]), f.UncompressedSize, streamed) {
		return span, a.refuse(f.Name, "its header and the directory differ")
	}
	span.end = at + zipHeaderSize + nameLen + extraLen + int64(f.CompressedSize64)
	if span.end > directory {
		return span, a.refuse(f.Name, "reaches into the directory")
	}
	return span, nil
}

// sameZipField compares a field of a file's header with the directory's. Where the
// file was streamed its header was written before the value was known.
func sameZipField(header, directory uint32, streamed bool) bool {
	return header == directory || streamed && (header == 0 || header == zip64Field)
}

// checkZipSpans refuses files that share bytes: ten thousand that share one lot of
// compressed bytes are a bomb that each by itself is not.
func (a *Archive) checkZipSpans(spans []zipSpan) error {
	slices.SortStableFunc(spans, func(x, y zipSpan) int { return cmp.Compare(x.begin, y.begin) })
	for i := 1; i < len(spans); i++ {
		if spans[i].begin < spans[i-1].end {
			return a.refuse(spans[i].name, "shares bytes with %s", quote(spans[i-1].name))
		}
	}
	return nil
}
