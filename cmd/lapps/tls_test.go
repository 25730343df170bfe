package main

import (
	"crypto/tls"
	"encoding/json"
	"testing"

	"lapps/server/servertest"
)

// overTLS returns the configuration doc with a listener that speaks TLS, and
// what a client of it needs to trust. Its certificate is for localhost and
// 127.0.0.1.
func overTLS(t testing.TB, doc string) (config string, trust *tls.Config) {
	t.Helper()
	dir := t.TempDir()
	authority := servertest.NewAuthority(t, "authority")
	cert, key := authority.Issue(t, dir, "server", false, nil, nil, "localhost", "127.0.0.1")
	return withTLS(t, doc, cert, key), &tls.Config{RootCAs: authority.Pool()}
}

// withTLS returns the configuration doc with a listener that has this
// certificate.
func withTLS(t testing.TB, doc, cert, key string) string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(doc), &all); err != nil {
		t.Fatal(err)
	}
	pair := object{"cert": cert, "key": key}
	all["listeners"] = []any{object{"address": "127.0.0.1:0", "tls": object{"certificates": []any{pair}}}}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
