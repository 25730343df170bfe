package bundle

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// What a ZIP ends with, and what it consists of (APPNOTE 4.3). All numbers are
// little-endian.
const (
	zipHeader     = 0x04034b50 // before the contents of a file
	zipHeaderSize = 30         // and the name and the extra field
	zipRecord     = 0x02014b50 // of the directory
	zipRecordSize = 46         // and the name, the extra field and the comment
	zipEnd        = 0x06054b50 // behind the directory
	zipEndSize    = 22         // and the comment
	zip64End      = 0x07064b50 // before the end: the locator of ZIP64's
	zip64EndSize  = 20
	zip64Field    = 1<<32 - 1 // the value is in the extra field
	zip64Count    = 1<<16 - 1

	maxZipComment = 1<<16 - 1
)

// maxZipExtra is how many bytes of extra field and comment, together, a record of the
// directory may have: the library holds them in memory. Writers use some tens.
const maxZipExtra = 2048

const zip64Rule = "is in the ZIP64 format, which no bundle needs"

// A zipDirectory is what archive/zip does not say of the directory, or not before it
// has read all of it.
type zipDirectory struct {
	at      int64   // where it begins, and the files end
	headers []int64 // where the files' headers are, in the order of the records
}

// readZipDirectory finds the directory and walks through it, once, before archive/zip
// does: that one believes neither the number of records nor the size, but reads records
// as long as there are any. Where this function returns no error, both see the same.
func (a *Archive) readZipDirectory() (d zipDirectory, err error) {
	end, err := a.findZipEnd()
	if err != nil {
		return d, err
	}
	var b [zipEndSize]byte
	if err := a.readAt(b[:], end); err != nil {
		return d, err
	}
	le := binary.LittleEndian
	records := int(le.Uint16(b[10:]))
	size := int64(le.Uint32(b[12:]))
	d.at = int64(le.Uint32(b[16:]))
	is64, err := a.isZip64(end)
	switch {
	case err != nil:
		return d, err
	case is64 || records == zip64Count || size == zip64Field || d.at == zip64Field:
		return d, a.refuse("", zip64Rule)
	case le.Uint16(b[4:]) != 0 || le.Uint16(b[6:]) != 0 || int(le.Uint16(b[8:])) != records:
		return d, a.refuse("", "is one of several parts")
	case d.at+size != end:
		return d, a.refuse("", "its directory is not where its end says")
	case records > a.limits.Files:
		return d, a.refuse("", "has %d files, more than %d", records, a.limits.Files)
	}
	r := bufio.NewReader(io.NewSectionReader(a.r, d.at, size))
	for range records {
		at, n, err := a.readZipRecord(r)
		if err != nil {
			return d, err
		}
		size -= n
		d.headers = append(d.headers, at)
	}
	if size != 0 {
		return d, a.refuse("", "its directory has more than the %d records that its end says", records)
	}
	return d, nil
}

// readZipRecord reads a record of the directory, and returns where the header of its
// file is, and how many bytes the record has.
func (a *Archive) readZipRecord(r *bufio.Reader) (header, n int64, err error) {
	var b [zipRecordSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, 0, a.damaged("", fmt.Errorf("directory: %w", noEOF(err)))
	}
	le := binary.LittleEndian
	name, extra := int(le.Uint16(b[28:])), int(le.Uint16(b[30:]))+int(le.Uint16(b[32:]))
	switch {
	case le.Uint32(b[:]) != zipRecord:
		return 0, 0, a.refuse("", "its directory has fewer records than its end says")
	case name > a.limits.Path:
		return 0, 0, a.refuse("", "has a name of %d bytes, more than %d", name, a.limits.Path)
	case extra > maxZipExtra:
		return 0, 0, a.refuse("", "has %d bytes of extra fields and comment for one file, more than %d", extra, maxZipExtra)
	case le.Uint32(b[20:]) == zip64Field, le.Uint32(b[24:]) == zip64Field, le.Uint32(b[42:]) == zip64Field:
		return 0, 0, a.refuse("", zip64Rule)
	}
	if _, err := r.Discard(name + extra); err != nil {
		return 0, 0, a.damaged("", fmt.Errorf("directory: %w", noEOF(err)))
	}
	return int64(le.Uint32(b[42:])), int64(len(b) + name + extra), nil
}

// findZipEnd finds the end of the directory: the last one, with a comment behind it
// that reaches to the end of the archive.
func (a *Archive) findZipEnd() (at int64, err error) {
	tail := make([]byte, min(a.size, zipEndSize+maxZipComment))
	begin := a.size - int64(len(tail))
	if err := a.readAt(tail, begin); err != nil {
		return 0, err
	}
	for i := len(tail) - zipEndSize; i >= 0; i-- {
		if binary.LittleEndian.Uint32(tail[i:]) != zipEnd {
			continue
		}
		comment := int(binary.LittleEndian.Uint16(tail[i+zipEndSize-2:]))
		if i+zipEndSize+comment != len(tail) {
			return 0, a.refuse("", "does not end where its directory says")
		}
		return begin + int64(i), nil
	}
	return 0, a.refuse("", "has no directory: it is not complete")
}

// isZip64 reports whether there is ZIP64's locator before the end.
func (a *Archive) isZip64(end int64) (bool, error) {
	if end < zip64EndSize {
		return false, nil
	}
	var b [4]byte
	err := a.readAt(b[:], end-zip64EndSize)
	return binary.LittleEndian.Uint32(b[:]) == zip64End, err
}
