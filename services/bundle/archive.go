package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

const sumLen = sha256.Size

// An Archive is a bundle to be read. It is for one goroutine at a time.
type Archive struct {
	name   string
	r      io.ReaderAt
	size   int64
	limits Limits
	file   *os.File // nil where New made it
}

// A Manifest says what is in a bundle.
type Manifest struct {
	Format     string // "lar", "zip" or "tar.gz"
	Service    string
	Descriptor string       // the path of the service's descriptor, as in Files; "" where it has none
	Files      []File       // sorted by name
	Size       int64        // bytes of all files
	SHA256     [sumLen]byte // of the archive
}

// Version tells an archive from others: the first 12 hex digits of its SHA-256.
func (m Manifest) Version() string { return hex.EncodeToString(m.SHA256[:6]) }

// A File is a file of a bundle.
type File struct {
	Name   string // SERVICE/…, with slashes
	Size   int64  // bytes
	SHA256 [sumLen]byte
}

// Open opens the archive of that name, a regular file. It is not looked at before
// Extract or Inspect. The caller closes it.
func Open(name string, limits Limits) (*Archive, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would wait for its writer
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bundle: %w", err), f.Close())
	}
	a := New(f, info.Size(), name, limits)
	if !info.Mode().IsRegular() {
		return nil, errors.Join(a.refuse("", "is no regular file"), f.Close())
	}
	a.file = f
	return a, nil
}

// New is an archive of size bytes that somebody else has opened, and closes. The name
// stands in errors; the last part of it, without its ending, names the service where
// the archive does not, and the descriptor.
func New(r io.ReaderAt, size int64, name string, limits Limits) *Archive {
	return &Archive{name: name, r: r, size: size, limits: limits.orDefaults()}
}

// Close closes what Open has opened. An Extract or Inspect under way, in another
// goroutine, ends with an error.
func (a *Archive) Close() error {
	if a.file == nil {
		return nil
	}
	return a.file.Close()
}

// Extract checks the archive and unpacks it into an empty directory: a directory named
// as the service is made there, and the files in it. Nothing outside of it is written.
// Where there is an error, files may have been written: the caller removes them.
func (a *Archive) Extract(into *os.Root) (Manifest, error) {
	if err := a.expectEmpty(into); err != nil {
		return Manifest{}, err
	}
	return a.read(into)
}

// Inspect checks the archive as Extract does, contents included, and writes nothing.
func (a *Archive) Inspect() (Manifest, error) { return a.read(nil) }

func (a *Archive) expectEmpty(into *os.Root) error {
	d, err := into.Open(".")
	if err != nil {
		return a.failed(err)
	}
	defer d.Close()
	switch names, err := d.Readdirnames(1); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return a.failed(err)
	default:
		return fmt.Errorf("bundle: %s: %s, where it is to be unpacked, is not empty: there is %s", a.name, into.Name(), quote(names[0]))
	}
}

// read is Extract, or, where into is nil, Inspect.
func (a *Archive) read(into *os.Root) (m Manifest, err error) {
	if a.size > a.limits.Archive {
		return Manifest{}, a.refuse("", "has %d bytes, more than %d", a.size, a.limits.Archive)
	}
	if m.SHA256, err = a.hash(); err != nil {
		return Manifest{}, err
	}
	f, err := a.open()
	if err != nil {
		return Manifest{}, err
	}
	t := newTree(a)
	if err := f.walk(func(e entry, _ opener) error { return t.add(e) }); err != nil {
		return Manifest{}, err
	}
	if err := a.checkRatio(t.total); err != nil {
		return Manifest{}, err
	}
	l, err := t.layout(f.flat())
	if err != nil {
		return Manifest{}, err
	}
	m.Format, m.Service, m.Descriptor, m.Size = f.name(), l.service, t.descriptor(l), t.total
	if m.Files, err = t.unpack(f, l, into); err != nil {
		return Manifest{}, err
	}
	if again, err := a.hash(); err != nil {
		return Manifest{}, err
	} else if again != m.SHA256 {
		return Manifest{}, a.changed()
	}
	return m, nil
}

// A format is one kind of archive.
type format interface {
	name() string
	// flat reports whether the service's files may be at the top.
	flat() bool
	// walk calls visit for each entry, in the archive's order, until it returns an
	// error. What open opens can be read until visit returns.
	walk(visit func(e entry, open opener) error) error
}

// An opener opens the contents of a file.
type opener func() (io.ReadCloser, error)

// open finds the format.
func (a *Archive) open() (format, error) {
	magic := make([]byte, 4)
	if a.size >= int64(len(magic)) {
		if err := a.readAt(magic, 0); err != nil {
			return nil, err
		}
	}
	switch {
	case string(magic[:3]) == "LAR":
		return a.openLAR()
	case string(magic) == "PK\x03\x04", string(magic) == "PK\x05\x06":
		return a.openZip()
	case string(magic[:2]) == "\x1f\x8b":
		return tarGzip{a}, nil
	default:
		return nil, a.refuse("", "is no bundle: neither LAR, nor ZIP, nor tar.gz")
	}
}

// checkRatio refuses bombs: n is how many bytes the archive unpacks to.
func (a *Archive) checkRatio(n int64) error {
	if n > ratioFrom && (n-1)/int64(a.limits.Ratio) >= a.size {
		return a.refuse("", "unpacks to more than %d times its size of %d bytes", a.limits.Ratio, a.size)
	}
	return nil
}

// hash is the SHA-256 of the archive.
func (a *Archive) hash() (sum [sumLen]byte, err error) {
	h := sha256.New()
	n, err := io.Copy(h, io.NewSectionReader(a.r, 0, a.size))
	if err != nil {
		return sum, a.failed(err)
	}
	if n < a.size {
		return sum, a.changed()
	}
	return [sumLen]byte(h.Sum(nil)), nil
}

// readAt fills p.
func (a *Archive) readAt(p []byte, at int64) error {
	if n, err := a.r.ReadAt(p, at); n < len(p) {
		return a.damaged("", err)
	}
	return nil
}

func (a *Archive) changed() error { return a.refuse("", "changed while it was read") }
