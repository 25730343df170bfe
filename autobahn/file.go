package main

import (
	"sync"
	"unicode/utf8"
)

// A File is a payload out of which messages are cut, one after the other, as
// if its end were joined to its beginning. It is made when first read, by
// several goroutines if need be, and is the same in every run.
type File struct {
	Name string
	Text bool // messages are counted in characters, and cut between them

	make func() []byte
	once sync.Once
	data []byte
}

func (f *File) bytes() []byte {
	f.once.Do(func() { f.data = f.make() })
	return f.data
}

// A ring reads a File around and around.
type ring struct {
	file *File
	at   int
}

// appendNext appends the next n characters, or octets, to dst.
func (r *ring) appendNext(dst []byte, n int) []byte {
	data := r.file.bytes()
	for n > 0 {
		from := r.at
		if r.file.Text {
			for ; n > 0 && r.at < len(data); n-- {
				_, size := utf8.DecodeRune(data[r.at:])
				r.at += size
			}
		} else {
			r.at = min(r.at+n, len(data))
			n -= r.at - from
		}
		dst = append(dst, data[from:r.at]...)
		if r.at == len(data) {
			r.at = 0
		}
	}
	return dst
}
