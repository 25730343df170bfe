package bundle

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"strings"
)

// A tarGzip is a tar within gzip, of one member or several. It is unpacked twice: its
// names are known only when all of it has been read.
type tarGzip struct{ a *Archive }

func (t tarGzip) name() string { return "tar.gz" }
func (t tarGzip) flat() bool   { return true }

func (t tarGzip) walk(visit func(entry, opener) error) error {
	z, err := gzip.NewReader(bufio.NewReader(io.NewSectionReader(t.a.r, 0, t.a.size)))
	if err != nil {
		return t.a.damaged("", err)
	}
	raw := &inflated{a: t.a, r: z}
	r := tar.NewReader(raw)
	open := func() (io.ReadCloser, error) { return io.NopCloser(r), nil }
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return t.expectEnd(raw)
		}
		if err != nil {
			return t.a.damaged("", err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			if err := t.checkGlobal(h); err != nil {
				return err
			}
			continue
		}
		e, err := t.entry(h)
		if err != nil {
			return err
		}
		if err := visit(e, open); err != nil {
			return err
		}
	}
}

// entry is what a header says.
func (t tarGzip) entry(h *tar.Header) (entry, error) {
	e := entry{name: h.Name, size: h.Size}
	switch h.Typeflag {
	case tar.TypeReg:
	case tar.TypeDir:
		e.dir, e.size = true, 0
	case tar.TypeLink:
		return e, t.a.refuse(h.Name, "is a hard link")
	case tar.TypeGNUSparse:
		return e, t.a.refuse(h.Name, "is a sparse file")
	case tar.TypeSymlink, tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return e, t.a.refuse(h.Name, "is %s", modeName(h.FileInfo().Mode()))
	default:
		return e, t.a.refuse(h.Name, "is of the type %q, neither a file nor a directory", h.Typeflag)
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return e, t.a.refuse(h.Name, "is a sparse file")
		}
	}
	if h.Mode&(setUID|setGID) != 0 && !e.dir {
		return e, t.a.refuse(h.Name, setIDRule)
	}
	return e, nil
}

// checkGlobal lets the comment pass that git archive writes. What else a global header
// says holds for all files behind it, to some readers and not to others.
func (t tarGzip) checkGlobal(h *tar.Header) error {
	for key := range h.PAXRecords {
		if key != "comment" {
			return t.a.refuse(h.Name, "is a global header with more than a comment")
		}
	}
	return nil
}

// expectEnd expects nothing but the zeros that fill a tar's last record behind its end.
func (t tarGzip) expectEnd(raw io.Reader) error {
	buf := make([]byte, 4096)
	for {
		n, err := raw.Read(buf)
		for _, b := range buf[:n] {
			if b != 0 {
				return t.a.refuse("", "has bytes behind the end of the tar")
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return t.a.damaged("", err)
		}
	}
}

// inflated counts what comes of the archive.
type inflated struct {
	a *Archive
	r io.Reader
	n int64 // bytes so far
}

// Read reads; past a limit the error is an *Error.
func (i *inflated) Read(p []byte) (int, error) {
	n, err := i.r.Read(p)
	i.n += int64(n)
	if i.n > i.a.limits.Total {
		return 0, i.a.refuse("", "unpacks to more than %d bytes", i.a.limits.Total)
	}
	if bomb := i.a.checkRatio(i.n); bomb != nil {
		return 0, bomb
	}
	return n, err
}
