package secure

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
)

// Options say how a listener is encrypted.
type Options struct {
	// Certificates has at least one. Of those that fit the host that a client
	// names and what it can verify the first is taken, or else the first.
	Certificates []Pair

	MinVersion   uint16        // tls.VersionTLS12 or 13; 0 means 1.2
	CipherSuites []uint16      // of TLS 1.2; nil means crypto/tls's choice
	Curves       []tls.CurveID // key exchanges; nil means crypto/tls's choice

	// ClientAuth is tls.NoClientCert, VerifyClientCertIfGiven or
	// RequireAndVerifyClientCert; the latter two need ClientCA.
	ClientAuth tls.ClientAuthType
	ClientCA   string // PEM file of authorities

	// Tickets has clients resume their sessions. The keys of tickets change
	// every day and are good for a week.
	Tickets bool
}

// A Pair names the PEM files of a chain of certificates, leaf first, and of the
// leaf's private key.
type Pair struct{ Cert, Key string }

// Keys are what the files of Options held when they were read last. Their
// methods may be called from any goroutine.
type Keys struct {
	options Options

	era atomic.Pointer[era] // for new connections; nil until the files were read

	mu  sync.Mutex // one Reload at a time; guards the fields below
	sum [sha256.Size]byte
}

// An era is the time in which tickets of sessions are good: as long as clients
// are admitted by the same authorities. Later certificates are served in it, too.
type era struct {
	tickets tls.Config // has the ticket keys, and asks for current
	current atomic.Pointer[tls.Config]
	ca      []byte // what ClientCA held
}

func newEra(c *tls.Config, ca []byte) *era {
	e := &era{ca: ca}
	e.current.Store(c)
	e.tickets.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return e.current.Load(), nil }
	return e
}

// server is the configuration of the next handshake.
func (k *Keys) server() *tls.Config { return &k.era.Load().tickets }

// Load reads the files. An error names the file and says what is wrong.
func Load(o Options) (*Keys, error) {
	if len(o.Certificates) == 0 {
		return nil, errors.New("secure: a certificate is needed")
	}
	k := &Keys{options: o}
	_, err := k.Reload()
	return k, err
}

// Reload reads the files again. changed says that they hold something new,
// which new connections get from now on. With an error nothing has changed.
func (k *Keys) Reload() (changed bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	files, err := readAll(k.Files())
	if err != nil {
		return false, fmt.Errorf("secure: %w", err)
	}
	sum := sumOf(files)
	now := k.era.Load()
	if now != nil && sum == k.sum {
		return false, nil
	}
	cfg, err := k.options.config(files)
	if err != nil {
		return false, fmt.Errorf("secure: %w", err)
	}
	if ca := files[k.options.ClientCA]; now == nil || !bytes.Equal(ca, now.ca) {
		k.era.Store(newEra(cfg, ca)) // whoever was admitted by other authorities is asked anew
	} else {
		now.current.Store(cfg)
	}
	k.sum = sum
	return true, nil
}

// Files are the names of all files that Reload reads.
func (k *Keys) Files() []string { return k.options.files() }

func (o *Options) files() (names []string) {
	for _, p := range o.Certificates {
		names = append(names, p.Cert, p.Key)
	}
	if o.ClientCA != "" {
		names = append(names, o.ClientCA)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Leaves are the certificates in use, in the order of Options.Certificates.
func (k *Keys) Leaves() (leaves []*x509.Certificate) {
	for _, c := range k.era.Load().current.Load().Certificates {
		leaves = append(leaves, c.Leaf)
	}
	return leaves
}

// maxFile is the size of the largest file that is read.
const maxFile = 1 << 20

// readAll reads files, by name.
func readAll(names []string) (map[string][]byte, error) {
	all := make(map[string][]byte, len(names))
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() || info.Size() > maxFile { // a pipe would block
			return nil, fmt.Errorf("%s is not a regular file of at most %d bytes", name, maxFile)
		}
		if all[name], err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// sumOf tells files that hold other things apart.
func sumOf(files map[string][]byte) (sum [sha256.Size]byte) {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	h := sha256.New()
	for _, name := range names {
		one := sha256.Sum256(files[name])
		h.Write(one[:])
	}
	h.Sum(sum[:0])
	return sum
}

// config is what files, by name, make of the options.
func (o *Options) config(files map[string][]byte) (*tls.Config, error) {
	c := &tls.Config{
		MinVersion:       max(o.MinVersion, tls.VersionTLS12),
		CipherSuites:     o.CipherSuites,
		CurvePreferences: o.Curves,
		NextProtos:       []string{"http/1.1"},
		ClientAuth:       o.ClientAuth,

		SessionTicketsDisabled: !o.Tickets,

		// Small records at first are for pages that are read as they load.
		DynamicRecordSizingDisabled: true,
	}
	for _, p := range o.Certificates {
		pair, err := tls.X509KeyPair(files[p.Cert], files[p.Key])
		if err != nil {
			return nil, fmt.Errorf("certificate %s with key %s: %w", p.Cert, p.Key, err)
		}
		c.Certificates = append(c.Certificates, pair)
	}
	if o.ClientAuth != tls.NoClientCert {
		c.ClientCAs = x509.NewCertPool()
		if !c.ClientCAs.AppendCertsFromPEM(files[o.ClientCA]) {
			return nil, fmt.Errorf("authorities %s: there is no certificate (PEM) in it", o.ClientCA)
		}
	}
	return c, nil
}
