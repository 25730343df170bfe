package config

import (
	"path/filepath"
	"slices"

	"github.com/tailscale/hujson"
)

// Where LAppS looks for what a file does not name.
const (
	lappsCert = "/opt/lapps/etc/ssl/certs/localhost.crt"
	lappsKey  = "/opt/lapps/etc/ssl/certs/localhost.key"
)

// Values of tls_server_version. LAppS takes all others for the second.
const (
	lappsTLS12 = 3
	lappsTLS13 = 4
)

// encryption returns what s, whose tls is true, means.
func (s *lappsServer) encryption() TLS {
	t := defaultListener("").TLS
	t.Certificates = []Certificate{{Cert: s.TLSCertificates.Cert, Key: s.TLSCertificates.Key}}
	if s.TLSServerVersion != lappsTLS12 {
		t.MinVersion = "1.3"
	}
	return t
}

// pruneTLS takes out of ws.json what is about encryption where there is none.
// LAppS loads the certificates all the same.
func (c *checker) pruneTLS(root *hujson.Value) {
	o, ok := root.Value.(*hujson.Object)
	if !ok {
		return
	}
	tls := member(root, "tls")
	if tls != nil && tls.Value.Kind() != 'f' {
		return
	}
	o.Members = slices.DeleteFunc(o.Members, func(m hujson.ObjectMember) bool {
		switch nameOf(&m) {
		case "tls_server_version":
			c.note(m.Name.StartOffset, "tls_server_version", "has no meaning, since tls is not true")
			return true
		case "tls_certificates":
			c.note(m.Name.StartOffset, "tls_certificates", "has no meaning, nor have its members but ca, since tls is not true: no certificate is loaded")
			return !onlyCA(&m.Value)
		}
		return false
	})
}

// onlyCA leaves the member ca of tls_certificates. It reports whether there is one.
func onlyCA(v *hujson.Value) bool {
	o, ok := v.Value.(*hujson.Object)
	if !ok {
		return false
	}
	o.Members = slices.DeleteFunc(o.Members, func(m hujson.ObjectMember) bool { return nameOf(&m) != "ca" })
	return len(o.Members) > 0
}

// noteCA notes whom services trust.
func (c *checker) noteCA(root *hujson.Value) {
	ca := member(member(root, "tls_certificates"), "ca")
	if ca == nil {
		return
	}
	c.note(ca.StartOffset, "tls_certificates.ca", "is trusted besides the system's authorities, not instead of them, by services that connect to others; clients are asked for no certificate")
	c.noteRelative("tls_certificates.ca", ca)
}

// noteTLS notes how encryption is read, where ws.json wants it.
func (c *checker) noteTLS(root *hujson.Value) {
	tls := member(root, "tls")
	if tls == nil || tls.Value.Kind() != 't' {
		return
	}
	version := member(root, "tls_server_version")
	switch {
	case version == nil:
		c.note(tls.StartOffset, "tls_server_version", "is missing, and so read as %d, as in LAppS: TLS 1.3", lappsTLS13)
	case integer(version) == lappsTLS12:
		c.note(version.StartOffset, "tls_server_version", "read as TLS 1.2 and newer; in LAppS it was 1.2 alone")
	case integer(version) != lappsTLS13:
		c.note(version.StartOffset, "tls_server_version", "read as %d, as in LAppS: TLS 1.3", lappsTLS13)
	}
	certificates := member(root, "tls_certificates")
	at := tls.StartOffset
	if certificates != nil {
		at = certificates.StartOffset
	}
	c.noteFile(at, "tls_certificates.cert", member(certificates, "cert"), lappsCert)
	c.noteFile(at, "tls_certificates.key", member(certificates, "key"), lappsKey)
}

// noteFile notes that a file's path, v, has the default of LAppS, or that it is
// relative; at is where it might have been.
func (c *checker) noteFile(at int, path string, v *hujson.Value, def string) {
	if v == nil {
		c.note(at, path, "is missing, and so read as %q, LAppS's default", def)
		return
	}
	c.noteRelative(path, v)
}

// noteRelative notes that a file's path, v, is relative.
func (c *checker) noteRelative(path string, v *hujson.Value) {
	if name, ok := text(v); ok && !filepath.IsAbs(name) {
		c.note(v.StartOffset, path, "read as a path below LAppS's home; in LAppS it was one below the working directory")
	}
}
