package cws

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"

	"lapps/services/grants"
)

const (
	maxCAFile = 1 << 20 // bytes
	maxPools  = 16      // files whose certificates are kept
)

// A trust is what a service may connect to, and whose word it takes for who that is. Its
// methods may block, and be called from any goroutine.
type trust struct {
	// Immutable.
	grants *grants.Grants
	files  fs.FS  // the service's directory; nil: none
	caFile string // Config.CAFile

	mu    sync.Mutex        // guards the field below
	pools map[string]caPool // by the name that a service has given; "": caFile's
}

// A caPool are the certificates of a file, as it was.
type caPool struct {
	pool     *x509.CertPool
	modified time.Time
	size     int64
}

func (t *trust) dial(ctx context.Context, address string) (net.Conn, error) {
	return t.grants.Dial(ctx, "tcp", address)
}

// roots are the certificates of a file: of the service's directory, or else of those that
// it is granted. Without one they are the system's with those of Config.CAFile; nil: just
// the system's.
func (t *trust) roots(name string) (*x509.CertPool, error) {
	switch {
	case name != "":
		pool, err := t.read(name, grants.Reader{Dir: t.files, Grants: t.grants}.Open, x509.NewCertPool)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		return pool, nil
	case t.caFile != "":
		pool, err := t.read("", func(string) (fs.File, error) { return openRegular(t.caFile) }, systemPool)
		if err != nil {
			return nil, fmt.Errorf("outgoing.ca_file: %w", err)
		}
		return pool, nil
	}
	return nil, nil
}

// systemPool are the system's authorities, as far as they can be had.
func systemPool() *x509.CertPool {
	if pool, err := x509.SystemCertPool(); err == nil {
		return pool
	}
	return x509.NewCertPool()
}

// read adds a file's certificates to a pool, unless that is known from before.
func (t *trust) read(name string, open func(string) (fs.File, error), pool func() *x509.CertPool) (*x509.CertPool, error) {
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	known, ok := t.pools[name]
	t.mu.Unlock()
	if ok && known.modified.Equal(info.ModTime()) && known.size == info.Size() {
		return known.pool, nil
	}
	all := pool()
	if err := addCertificates(all, f); err != nil {
		return nil, fmt.Errorf("%s: %w", cmp.Or(name, t.caFile), err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pools == nil || len(t.pools) >= maxPools {
		t.pools = make(map[string]caPool)
	}
	t.pools[name] = caPool{all, info.ModTime(), info.Size()}
	return all, nil
}

// addCertificates adds those that r has.
func addCertificates(pool *x509.CertPool, r io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(r, maxCAFile+1))
	if err != nil {
		return err
	}
	if len(text) > maxCAFile || !pool.AppendCertsFromPEM(text) {
		return errors.New("want certificates in PEM, of 1 MiB at most")
	}
	return nil
}

// CheckCAFile returns what is wrong with a file that is to be Config.CAFile.
func CheckCAFile(name string) error {
	f, err := openRegular(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := addCertificates(x509.NewCertPool(), f); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// openRegular opens a file and nothing that could block.
func openRegular(name string) (fs.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	return os.Open(name)
}
