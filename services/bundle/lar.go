package bundle

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// LAppS's format, version 1. All numbers are little-endian.
//
//	header: "LAR", u8 version, u32 bytes of the table, u32 bytes of it as a blob,
//	        u32 files, 32 bytes: the SHA-256 of all files' SHA-256, one behind the other
//	table:  a blob; within it, for each file:
//	        u64 bytes, u64 bytes of it as a blob, u32 bytes of its name, u32 permissions,
//	        32 bytes: its SHA-256; and its name, relative, "echo/echo.lua"
//	files:  a blob each, in the order of the table, and nothing behind them
//	blob:   u32 bytes, and a bzip2 stream that has as many
//
// LAppS's tool wrote the names of recursive directory iteration, in that order. It
// could neither pack nor unpack empty files.
const (
	larMagic      = "LAR"
	larVersion    = 1
	larHeaderSize = 48
	larItemSize   = 56
	larBlobSize   = 4 + 14 // at least: an empty stream has 14 bytes
)

// A lar is an archive in LAppS's format, its table read.
type lar struct {
	a     *Archive
	items []larItem
}

// A larItem is a file of the table.
type larItem struct {
	entry
	at, packed int64 // the place and the size of its blob
}

func (l *lar) name() string { return "lar" }
func (l *lar) flat() bool   { return false }

func (l *lar) walk(visit func(entry, opener) error) error {
	for _, item := range l.items {
		open := func() (io.ReadCloser, error) {
			r, err := l.a.blob(item.name, item.at, item.packed, item.size)
			return io.NopCloser(r), err
		}
		if err := visit(item.entry, open); err != nil {
			return err
		}
	}
	return nil
}

// openLAR reads the header and the table. What they say of sizes is compared with the
// archive's before anything of such a size is read.
func (a *Archive) openLAR() (format, error) {
	if a.size < larHeaderSize {
		return nil, a.refuse("", "has %d bytes, fewer than the header of a LAR", a.size)
	}
	var h [larHeaderSize]byte
	if err := a.readAt(h[:], 0); err != nil {
		return nil, err
	}
	table := int64(binary.LittleEndian.Uint32(h[4:]))
	packed := int64(binary.LittleEndian.Uint32(h[8:]))
	files := int64(binary.LittleEndian.Uint32(h[12:]))
	switch {
	case h[3] != larVersion:
		return nil, a.refuse("", "is a LAR of version %d, not %d", h[3], larVersion)
	case files == 0:
		return nil, a.refuse("", "holds no files")
	case files > int64(a.limits.Files):
		return nil, a.refuse("", "has %d files, more than %d", files, a.limits.Files)
	case packed < larBlobSize:
		return nil, a.refuse("", "its table has %d bytes, and an empty one has %d", packed, larBlobSize)
	case packed > a.size-larHeaderSize:
		return nil, a.refuse("", "its table has %d bytes, of %d that are there", packed, a.size-larHeaderSize)
	case table > files*int64(larItemSize+a.limits.Path):
		return nil, a.refuse("", "its table unpacks to %d bytes, more than the names of %d files may take", table, files)
	}
	if err := a.checkRatio(table); err != nil {
		return nil, err
	}
	l := &lar{a: a}
	sums, err := l.readTable(packed, table, files)
	if err != nil {
		return nil, err
	}
	if sums != [sumLen]byte(h[16:]) {
		return nil, a.refuse("", "its header does not have the SHA-256 of the files' SHA-256")
	}
	return l, nil
}

// readTable reads the items, and returns the SHA-256 of their SHA-256.
func (l *lar) readTable(packed, size, files int64) (sums [sumLen]byte, err error) {
	blob, err := l.a.blob("", larHeaderSize, packed, size)
	if err != nil {
		return sums, err
	}
	table := bufio.NewReader(blob)
	h := sha256.New()
	at := larHeaderSize + packed
	for range files {
		item, err := l.readItem(table)
		if err != nil {
			return sums, err
		}
		switch left := l.a.size - at; {
		case item.packed < larBlobSize:
			return sums, l.a.refuse(item.name, "is packed in %d bytes, and an empty file in %d", item.packed, larBlobSize)
		case item.packed > left:
			return sums, l.a.refuse(item.name, "is packed in %d bytes, of %d that are left", item.packed, left)
		}
		item.at = at
		at += item.packed
		size -= larItemSize + int64(len(item.name))
		h.Write(item.sum[:])
		l.items = append(l.items, item)
	}
	// Its end has the checksum of the stream.
	if _, err := table.ReadByte(); !errors.Is(err, io.EOF) && err != nil {
		return sums, l.a.damaged("", fmt.Errorf("table: %w", err))
	} else if err == nil || size != 0 {
		return sums, l.a.refuse("", "its table has not the size that the header says")
	}
	if at < l.a.size {
		return sums, l.a.refuse("", "has %d bytes behind the last file", l.a.size-at)
	}
	return [sumLen]byte(h.Sum(nil)), nil
}

// readItem reads an item of the table. The file's permissions are ignored, but for
// what no file of a bundle has.
func (l *lar) readItem(table io.Reader) (larItem, error) {
	var b [larItemSize]byte
	if _, err := io.ReadFull(table, b[:]); err != nil {
		return larItem{}, l.a.damaged("", fmt.Errorf("table: %w", noEOF(err)))
	}
	item := larItem{packed: clamp(binary.LittleEndian.Uint64(b[8:]))}
	item.size = clamp(binary.LittleEndian.Uint64(b[:]))
	sum := [sumLen]byte(b[24:])
	item.sum = &sum
	length := binary.LittleEndian.Uint32(b[16:])
	if int64(length) > int64(l.a.limits.Path) {
		return larItem{}, l.a.refuse("", "has a name of %d bytes, more than %d", length, l.a.limits.Path)
	}
	name := make([]byte, length)
	if _, err := io.ReadFull(table, name); err != nil {
		return larItem{}, l.a.damaged("", fmt.Errorf("table: %w", noEOF(err)))
	}
	item.name = string(name)
	if permissions := binary.LittleEndian.Uint32(b[20:]); permissions&(setUID|setGID) != 0 {
		return larItem{}, l.a.refuse(item.name, setIDRule)
	}
	return item, nil
}

// blob reads the blob of size bytes at that place, where packed bytes are, at least
// larBlobSize; errors name the entry.
func (a *Archive) blob(entry string, at, packed, size int64) (io.Reader, error) {
	var b [8]byte // the length, "BZh", the level
	if err := a.readAt(b[:], at); err != nil {
		return nil, err
	}
	if n := int64(binary.LittleEndian.Uint32(b[:])); n != size {
		return nil, a.refuse(entry, "has %d bytes at one place, %d at another", size, n)
	}
	if need := bzip2Level(size); '1' <= b[7] && b[7] <= '9' {
		b[7] = min(b[7], need)
	}
	rest := io.NewSectionReader(a.r, at+int64(len(b)), packed-int64(len(b)))
	return bzip2.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(b[4:]), rest))), nil
}

// bzip2Level is the least level that a stream of size bytes needs. A level is the size
// of blocks, in units of 100,000 bytes, and the decoder allocates four times as much
// before it has read one; everybody writes 9. A block has no more than 5 bytes for each
// 4 of the file (a run of four has its length behind it), so a lower level reads the
// same: ten thousand small files cost a tenth.
func bzip2Level(size int64) byte {
	return byte('0' + min(max((5*size+399_999)/400_000, 1), 9))
}

// clamp is a number of bytes as an int64; what is none is more than any limit.
func clamp(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

// noEOF is for what ends where there has to be more.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
