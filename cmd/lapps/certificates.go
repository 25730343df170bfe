package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	"lapps/config"
	"lapps/server/secure"
	"lapps/services/modules/cws"
)

// loadKeys reads the certificates of all listeners; it has nil for one that is
// not encrypted. The notices are about certificates that are not valid now.
// The error is a *config.Error that names all that cannot be served.
func loadKeys(cfg *config.Config) (all []*secure.Keys, notices []config.Notice, err error) {
	var wrong []config.Mistake
	for i, l := range cfg.Listeners {
		if len(l.TLS.Certificates) == 0 {
			all = append(all, nil)
			continue
		}
		keys, err := secure.Load(tlsOptions(l.TLS))
		if err != nil {
			wrong = append(wrong, keyMistakes(cfg, i, err)...)
			continue
		}
		all = append(all, keys)
		for j, leaf := range keys.Leaves() {
			if msg := invalid(leaf, time.Now()); msg != "" {
				notices = append(notices, config.Notice(cfg.ListenerMistake(i, certificateKey(j), msg)))
			}
		}
	}
	if wrong != nil {
		return nil, notices, &config.Error{Mistakes: wrong}
	}
	return all, notices, nil
}

// checkAuthorities returns what is wrong with the file of authorities that services' own
// connections trust.
func checkAuthorities(cfg *config.Config) error {
	if cfg.Outgoing.CAFile == "" {
		return nil
	}
	if err := cws.CheckCAFile(cfg.Outgoing.CAFile); err != nil {
		return &config.Error{Mistakes: []config.Mistake{cfg.OutgoingMistake("ca_file", err.Error())}}
	}
	return nil
}

// keyMistakes are what is wrong with the certificates of a listener that
// cannot be loaded: those that cannot be loaded alone, or else whatever err
// says, which is then about the authorities of its clients.
func keyMistakes(cfg *config.Config, i int, err error) (wrong []config.Mistake) {
	for j, pair := range tlsOptions(cfg.Listeners[i].TLS).Certificates {
		if _, err := secure.Load(secure.Options{Certificates: []secure.Pair{pair}}); err != nil {
			wrong = append(wrong, cfg.ListenerMistake(i, certificateKey(j), err.Error()))
		}
	}
	if wrong == nil {
		wrong = []config.Mistake{cfg.ListenerMistake(i, "tls.client_ca", err.Error())}
	}
	return wrong
}

func certificateKey(j int) string { return fmt.Sprintf("tls.certificates[%d]", j) }

// invalid says why a certificate is not valid at a time; "": it is.
func invalid(c *x509.Certificate, at time.Time) string {
	switch {
	case at.After(c.NotAfter):
		return fmt.Sprintf("has expired: it was valid until %s", c.NotAfter.Format(time.DateTime))
	case at.Before(c.NotBefore):
		return fmt.Sprintf("is not valid yet: it will be from %s", c.NotBefore.Format(time.DateTime))
	}
	return ""
}

// tlsOptions is what a configuration's words mean.
func tlsOptions(c config.TLS) secure.Options {
	o := secure.Options{
		MinVersion: tlsVersions[c.MinVersion],
		ClientAuth: clientAuths[c.ClientAuth],
		ClientCA:   c.ClientCA,
		Tickets:    c.SessionTickets,
	}
	for _, pair := range c.Certificates {
		o.Certificates = append(o.Certificates, secure.Pair{Cert: pair.Cert, Key: pair.Key})
	}
	for _, name := range c.CipherSuites {
		o.CipherSuites = append(o.CipherSuites, cipherSuite(name))
	}
	for _, name := range c.Curves {
		o.Curves = append(o.Curves, curves[name])
	}
	return o
}

var (
	tlsVersions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

	// A certificate that is shown is verified in any case.
	clientAuths = map[string]tls.ClientAuthType{
		"off":      tls.NoClientCert,
		"optional": tls.VerifyClientCertIfGiven,
		"required": tls.RequireAndVerifyClientCert,
	}

	curves = map[string]tls.CurveID{
		"X25519MLKEM768": tls.X25519MLKEM768,
		"X25519":         tls.X25519,
		"P-256":          tls.CurveP256,
		"P-384":          tls.CurveP384,
		"P-521":          tls.CurveP521,
	}
)

// cipherSuite is the suite of an IANA name; 0: there is none.
func cipherSuite(name string) uint16 {
	for _, s := range tls.CipherSuites() {
		if s.Name == name {
			return s.ID
		}
	}
	return 0
}
