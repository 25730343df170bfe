package bundle

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"slices"
)

// unpack reads the archive again, and writes it, unless into is nil.
func (t *tree) unpack(f format, l layout, into *os.Root) (files []File, err error) {
	if into != nil {
		for _, dir := range t.directories(l) {
			if err := into.Mkdir(dir, 0o755); err != nil {
				return nil, t.a.failed(err)
			}
		}
	}
	left := t.entries
	w := writer{a: t.a, into: into, buf: make([]byte, 32<<10)}
	err = f.walk(func(e entry, open opener) error {
		if len(left) == 0 || left[0].name != e.name || left[0].dir != e.dir || left[0].size != e.size {
			return t.a.changed()
		}
		e.path, left = left[0].path, left[1:]
		if e.dir {
			return nil
		}
		name := l.prefix + e.path
		sum, err := w.write(name, e, open)
		files = append(files, File{Name: name, Size: e.size, SHA256: sum})
		return err
	})
	if err == nil && len(left) > 0 {
		err = t.a.changed()
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return files, err
}

// A writer unpacks files, or, where into is nil, only reads them.
type writer struct {
	a    *Archive
	into *os.Root
	buf  []byte
}

// write unpacks a file, and returns the SHA-256 of what was written.
func (w *writer) write(name string, e entry, open opener) (sum [sumLen]byte, err error) {
	contents, err := open()
	if err != nil {
		return sum, w.a.damaged(e.name, err)
	}
	defer contents.Close() // there is nothing more to be told
	if w.into == nil {
		return w.copy(io.Discard, e, contents)
	}
	f, err := w.into.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return sum, w.a.failed(err)
	}
	sum, err = w.copy(f, e, contents)
	if closed := f.Close(); closed != nil && err == nil {
		err = w.a.failed(closed)
	}
	return sum, err
}

// copy copies what a file contains, to its end, and no more than the archive says.
func (w *writer) copy(to io.Writer, e entry, contents io.Reader) (sum [sumLen]byte, err error) {
	h := sha256.New()
	var n int64
	for {
		got, err := contents.Read(w.buf)
		if n += int64(got); n > e.size {
			return sum, w.a.refuse(e.name, "has more than the %d bytes that the archive says", e.size)
		}
		h.Write(w.buf[:got])
		if _, err := to.Write(w.buf[:got]); err != nil {
			return sum, w.a.failed(err)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return sum, w.a.damaged(e.name, err)
		}
	}
	if n < e.size {
		return sum, w.a.refuse(e.name, "has %d bytes, not the %d that the archive says", n, e.size)
	}
	sum = [sumLen]byte(h.Sum(nil))
	if e.sum != nil && sum != *e.sum {
		return sum, w.a.refuse(e.name, "does not have the SHA-256 that the archive says")
	}
	return sum, nil
}
