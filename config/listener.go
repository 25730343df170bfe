package config

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/tailscale/hujson"
)

// maxHops bounds how many proxies may stand in a row.
const maxHops = 32

// curveNames are the key exchanges: of NIST's curves and of Curve25519, alone
// and together with ML-KEM.
var curveNames = []string{"X25519MLKEM768", "X25519", "P-256", "P-384", "P-521"}

// suiteNames returns the cipher suites of TLS 1.2 that are not known to be
// weak, by their IANA names.
func suiteNames() (names []string) {
	for _, suite := range tls.CipherSuites() {
		if slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			names = append(names, suite.Name)
		}
	}
	return names
}

func constrainListener(s *jsonschema.Schema) {
	p := s.Properties
	s.Required = []string{"address"}
	setDefaults(s, defaultListener(""))
	p["address"].Default = nil
	formatted(p["address"], listenAddress)
	constrainTLS(p["tls"])
	p["proxy_protocol"].Enum = words([]string{"off", "optional", "required"})
	formatted(p["trusted_proxies"].Items, prefix)
	between(p["forwarded_hops"], 0, maxHops)
	p["forwarded_header"].Enum = words([]string{"X-Forwarded-For", "Forwarded"})
	between(p["connections"], 0, maxConnections)

	// proxies checks this.
	s.If = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		given("proxy_protocol", not(constant("off"))),
		given("forwarded_hops", not(constant(0))),
	}}
	s.Then = given("trusted_proxies", some())
	s.Else = where("trusted_proxies", none())
}

func constrainTLS(s *jsonschema.Schema) {
	p := s.Properties
	certificate := p["certificates"].Items
	certificate.Required = []string{"cert", "key"}
	formatted(certificate.Properties["cert"], filePath)
	formatted(certificate.Properties["key"], filePath)
	p["min_version"].Enum = words([]string{"1.2", "1.3"})
	p["cipher_suites"].UniqueItems = true
	p["cipher_suites"].Items.Enum = words(suiteNames())
	p["curves"].UniqueItems = true
	p["curves"].Items.Enum = words(curveNames)
	p["client_auth"].Enum = words([]string{"off", "optional", "required"})
	formatted(p["client_ca"], filePath)

	// encryption checks these.
	s.AllOf = []*jsonschema.Schema{
		{If: given("certificates", some()), Else: atDefaults(s, "certificates")},
		{If: given("client_auth", not(constant("off"))), Then: given("client_ca", new(jsonschema.Schema)), Else: where("client_ca", nothing())},
		{If: given("min_version", constant("1.3")), Then: where("cipher_suites", none())},
	}
}

// atDefaults returns the schema of objects of schema s in which every key but
// one is at its default.
func atDefaults(s *jsonschema.Schema, but string) *jsonschema.Schema {
	at := &jsonschema.Schema{Properties: make(map[string]*jsonschema.Schema)}
	for key, p := range s.Properties {
		switch {
		case key == but:
		case p.Default == nil:
			at.Properties[key] = nothing()
		default:
			var def any
			if err := json.Unmarshal(p.Default, &def); err != nil {
				panic(fmt.Sprintf("config: schema: %v", err)) // defaults are constants
			}
			at.Properties[key] = constant(def)
		}
	}
	return at
}

// listeners finds keys of a listener that do not go together.
func (c *checker) listeners(root *hujson.Value) {
	list, ok := valueOf(root, "listeners").(*hujson.Array)
	if !ok {
		return
	}
	for i := 0; i < len(list.Elements) && !c.full(); i++ {
		path := fmt.Sprintf("listeners[%d]", i)
		c.proxies(path+".trusted_proxies", &list.Elements[i])
		c.encryption(path+".tls", member(&list.Elements[i], "tls"))
	}
}

// proxies finds that a listener l trusts nobody although something depends on
// it, or somebody although nothing does. The proxies are at path.
func (c *checker) proxies(path string, l *hujson.Value) {
	trusted, protocol, hops := member(l, "trusted_proxies"), member(l, "proxy_protocol"), member(l, "forwarded_hops")
	word, n := "off", int64(0)
	if protocol != nil {
		word, _ = text(protocol)
	}
	if hops != nil {
		n = integer(hops)
	}
	switch {
	case word == "optional" || word == "required":
		c.proxiesNeeded(path, trusted, "proxy_protocol", protocol)
	case n > 0:
		c.proxiesNeeded(path, trusted, "forwarded_hops", hops)
	case word == "off" && n == 0 && !isEmpty(trusted):
		c.add(trusted.StartOffset, path, "must be left out or empty, since proxy_protocol is \"off\" and forwarded_hops is 0")
	}
}

// proxiesNeeded finds that nobody is trusted, which key being v needs.
func (c *checker) proxiesNeeded(path string, trusted *hujson.Value, key string, v *hujson.Value) {
	switch {
	case trusted == nil:
		c.add(v.StartOffset, path, "is missing, and %s is %s", key, show(v))
	case isEmpty(trusted):
		c.add(trusted.StartOffset, path, "must have at least 1, since %s is %s", key, show(v))
	}
}

// encryption finds keys of a listener's encryption, t, that have no meaning
// beside the others.
func (c *checker) encryption(path string, t *hujson.Value) {
	if isEmpty(member(t, "certificates")) {
		c.keysOfTLS(path, t)
		return
	}
	c.clientCA(path+".client_ca", t)
	version, _ := text(member(t, "min_version"))
	if suites := member(t, "cipher_suites"); version == "1.3" && !isEmpty(suites) {
		c.add(suites.StartOffset, path+".cipher_suites", "must be left out or empty: they are of TLS 1.2, and min_version is \"1.3\"")
	}
}

// keysOfTLS finds what only makes sense with encryption where there is none.
func (c *checker) keysOfTLS(path string, t *hujson.Value) {
	if t == nil {
		return
	}
	o, ok := t.Value.(*hujson.Object)
	if !ok {
		return
	}
	properties := schema().Properties["listeners"].Items.Properties["tls"].Properties
	for i := 0; i < len(o.Members) && !c.full(); i++ {
		m := &o.Members[i]
		key := nameOf(m)
		if p := properties[key]; p != nil && key != "certificates" && !hasDefault(p, &m.Value) {
			c.add(m.Name.StartOffset, join(path, key), "must be left out: without certificates the listener is plain")
		}
	}
}

// clientCA finds that clients' certificates are wanted and cannot be verified,
// or could be and are not wanted.
func (c *checker) clientCA(path string, t *hujson.Value) {
	auth, ca := member(t, "client_auth"), member(t, "client_ca")
	word := "off"
	if auth != nil {
		word, _ = text(auth)
	}
	switch wanted := word == "optional" || word == "required"; {
	case wanted && ca == nil:
		c.add(auth.StartOffset, path, "is missing, and client_auth is %q", word)
	case word == "off" && ca != nil:
		c.add(ca.StartOffset, path, "must be left out, since client_auth is \"off\"")
	}
}

// isEmpty reports whether v is a list without elements, or not given.
func isEmpty(v *hujson.Value) bool {
	if v == nil {
		return true
	}
	list, ok := v.Value.(*hujson.Array)
	return ok && len(list.Elements) == 0
}

// hasDefault reports whether v is the default that s notes.
func hasDefault(s *jsonschema.Schema, v *hujson.Value) bool {
	plain := v.Clone()
	plain.Minimize()
	return s.Default != nil && bytes.Equal(plain.Pack(), s.Default)
}
