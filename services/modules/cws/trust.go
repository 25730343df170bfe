package cws

import (
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
	files  fs.FS // the service's directory; nil: none

	mu    sync.Mutex // guards the field below
	pools map[string]caPool
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
// it is granted; nil, where there is no file: the system's.
func (t *trust) roots(name string) (*x509.CertPool, error) {
	if name == "" {
		return nil, nil
	}
	f, err := t.open(name)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	t.mu.Lock()
	known, ok := t.pools[name]
	t.mu.Unlock()
	if ok && known.modified.Equal(info.ModTime()) && known.size == info.Size() {
		return known.pool, nil
	}
	text, err := io.ReadAll(io.LimitReader(f, maxCAFile+1))
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if len(text) > maxCAFile || !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca_file: %s: want certificates in PEM, of 1 MiB at most", name)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pools == nil || len(t.pools) >= maxPools {
		t.pools = make(map[string]caPool)
	}
	t.pools[name] = caPool{pool, info.ModTime(), info.Size()}
	return pool, nil
}

func (t *trust) open(name string) (fs.File, error) {
	if t.files != nil && fs.ValidPath(name) {
		info, err := fs.Stat(t.files, name)
		switch {
		case err == nil && !info.Mode().IsRegular(): // a pipe would block
			return nil, fmt.Errorf("%s: not a regular file", name)
		case err == nil:
			return t.files.Open(name)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return t.grants.Open(name, os.O_RDONLY)
}
