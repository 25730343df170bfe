package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"lapps/benchmarks/generator"
)

// A trust is what the flags say of TLS.
type trust struct {
	insecure bool
	ca       string // a file; empty means the system's roots
	curve    string // empty means what Go offers
}

// apply has t's TLS be as the flags say; they are for wss only.
func (f trust) apply(t *generator.Target) error {
	if t.TLS == nil {
		if f != (trust{}) {
			return errors.New("load: -insecure, -ca, -curve: are for wss, expected a server that speaks it")
		}
		return nil
	}
	t.TLS.InsecureSkipVerify = f.insecure
	switch f.curve {
	case "":
	case "x25519":
		t.TLS.CurvePreferences = []tls.CurveID{tls.X25519}
	case "x25519mlkem768":
		t.TLS.CurvePreferences = []tls.CurveID{tls.X25519MLKEM768}
	default:
		return fmt.Errorf("load: -curve %q: expected x25519 or x25519mlkem768", f.curve)
	}
	if f.ca == "" {
		return nil
	}
	text, err := os.ReadFile(f.ca)
	if err != nil {
		return fmt.Errorf("load: -ca: %w", err)
	}
	t.TLS.RootCAs = x509.NewCertPool()
	if !t.TLS.RootCAs.AppendCertsFromPEM(text) {
		return fmt.Errorf("load: -ca %s: expected certificates in PEM", f.ca)
	}
	return nil
}
