package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// A pair is what lapps cert makes: a self-signed certificate and its key.
type pair struct {
	cert, key string   // files
	hosts     []string // names and addresses
	days      int
	rsa       bool // else ECDSA
	force     bool // replaces files that are there
}

func newCert() *cobra.Command {
	var p pair
	cmd := &cobra.Command{
		Use:   "cert",
		Short: "Make a self-signed certificate and its key, to develop with",
		Long: `Make a self-signed certificate and its key, to develop with.

Nobody trusts it who is not told to. What it prints says how to tell them, and what
belongs into the configuration.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.check(); err != nil {
				return err
			}
			if err := p.write(time.Now()); err != nil {
				return &failure{err}
			}
			return p.explain(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&p.cert, "cert", "cert.pem", "the `FILE` to write the certificate to")
	f.StringVar(&p.key, "key", "key.pem", "the `FILE` to write the key to")
	f.StringSliceVar(&p.hosts, "host", []string{"localhost", "127.0.0.1", "::1"}, "`names` and addresses that the certificate is for, also *.example.com")
	f.IntVar(&p.days, "days", 365, "how long it is valid")
	f.BoolVar(&p.rsa, "rsa", false, "an RSA key of 2048 bits, for old clients, instead of an ECDSA one (P-256)")
	f.BoolVar(&p.force, "force", false, "replace files that are there")
	return cmd
}

// maxDays is a hundred years.
const maxDays = 36500

// check finds what is wrong with the command line.
func (p *pair) check() error {
	switch {
	case p.days < 1 || p.days > maxDays:
		return fmt.Errorf("--days: must be between 1 and %d, not %d", maxDays, p.days)
	case len(p.hosts) == 0:
		return errors.New("--host: a name or an address is needed")
	case place(p.cert) == place(p.key):
		return fmt.Errorf("--cert and --key: must be two files, not both %s", p.cert)
	}
	for _, host := range p.hosts {
		if !isHost(host) {
			return fmt.Errorf("--host: %q is neither an IP address nor a name like localhost, chat.example.com or *.example.com", host)
		}
	}
	return nil
}

// isHost reports whether a certificate can be for host: an address, without
// port or brackets, or a name, its first label perhaps *.
func isHost(host string) bool {
	if net.ParseIP(host) != nil {
		return true
	}
	if len(host) > 253 {
		return false
	}
	labels := strings.Split(strings.TrimPrefix(host, "*."), ".")
	last := labels[len(labels)-1]
	return !slices.ContainsFunc(labels, func(s string) bool { return !isLabel(s) }) &&
		strings.Trim(last, "0123456789") != "" // or it is an address that is none: RFC 1123, 2.1
}

// isLabel reports whether s is a label of a host name (RFC 1123).
func isLabel(s string) bool {
	other := func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	return s != "" && len(s) <= 63 && s[0] != '-' && s[len(s)-1] != '-' && !strings.ContainsFunc(s, other)
}

// write makes the pair and writes its files: both or none, unless the second
// cannot even be renamed.
func (p *pair) write(now time.Time) error {
	if err := p.refuseToOverwrite(); err != nil {
		return err
	}
	cert, key, err := p.make(now)
	if err != nil {
		return err
	}
	newKey, err := writeBeside(p.key, 0o600, "PRIVATE KEY", key)
	if err != nil {
		return err
	}
	defer os.Remove(newKey) // where it was not renamed
	newCert, err := writeBeside(p.cert, 0o644, "CERTIFICATE", cert)
	if err != nil {
		return err
	}
	defer os.Remove(newCert)
	return errors.Join(os.Rename(newKey, p.key), os.Rename(newCert, p.cert))
}

// make makes a key and a certificate that it signs; both are in DER.
func (p *pair) make(now time.Time) (cert, key []byte, err error) {
	signer, err := p.generate()
	if err != nil {
		return nil, nil, err
	}
	if key, err = x509.MarshalPKCS8PrivateKey(signer); err != nil {
		return nil, nil, err
	}
	template := p.template(now)
	cert, err = x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	return cert, key, err
}

// refuseToOverwrite finds a file that is there, unless it may be replaced:
// before either is written, so that a pair is never half a new one.
func (p *pair) refuseToOverwrite() error {
	if p.force {
		return nil
	}
	for _, file := range []string{p.cert, p.key} {
		if _, err := os.Lstat(file); err == nil {
			return fmt.Errorf("%s is there already: --force replaces it", file)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// generate makes the key.
func (p *pair) generate() (crypto.Signer, error) {
	if p.rsa {
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// maxCommonName is ub-common-name of RFC 5280, A.1. Nobody looks for a host there
// any more.
const maxCommonName = 64

// template is what the certificate says. It is no authority: who trusts it
// trusts it for its hosts alone, whoever gets hold of the key. It says nothing
// of key usage: OpenSSL before 3.0 takes a certificate that names uses, and not
// signing certificates, for signed by somebody else.
func (p *pair) template(now time.Time) *x509.Certificate {
	subject := pkix.Name{Organization: []string{"lapps development"}}
	if len(p.hosts[0]) <= maxCommonName {
		subject.CommonName = p.hosts[0]
	}
	c := &x509.Certificate{
		Subject:               subject,
		NotBefore:             now.Add(-time.Hour), // clocks differ
		NotAfter:              now.AddDate(0, 0, p.days),
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, host := range p.hosts {
		if ip := net.ParseIP(host); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, host)
		}
	}
	return c
}

// writeBeside writes a block to a new file, to be renamed to the one beside it:
// a server that reads that one meanwhile sees all of the old one or of the new.
func writeBeside(file string, mode fs.FileMode, kind string, der []byte) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(file), ".lapps-cert-*") // for its owner alone
	if err != nil {
		return "", err
	}
	err = errors.Join(pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Chmod(mode), f.Close())
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// explain says what to do with the pair.
func (p *pair) explain(w io.Writer) error {
	cert, err := filepath.Abs(p.cert)
	if err != nil {
		return &failure{err}
	}
	key, err := filepath.Abs(p.key)
	if err != nil {
		return &failure{err}
	}
	host := p.hosts[0]
	if rest, wild := strings.CutPrefix(host, "*."); wild {
		host = "any." + rest
	}
	url := "https://" + net.JoinHostPort(host, "5083") + "/"
	_, err = fmt.Fprintf(w, `%s is a certificate for %s, valid for %d days; %s is its key.

In the configuration:

    "listeners": [{"address": ":5083", "tls": {"certificates": [{"cert": %q, "key": %q}]}}]

Nobody trusts it who is not told to:

    curl --cacert %[1]s %[7]s           (426, upgrade required: it works)
    NODE_EXTRA_CA_CERTS=%[1]s node client.mjs
    in a browser, open %[7]s and accept the warning; from then on its pages may use wss

It is to develop with. On the internet use one that an authority has signed.
`, p.cert, strings.Join(p.hosts, ", "), p.days, p.key, cert, key, url)
	return err
}

// place is where a file is, or will be, symbolic links of its directory followed.
func place(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		return filepath.Clean(file)
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		return filepath.Join(dir, filepath.Base(abs))
	}
	return abs
}
