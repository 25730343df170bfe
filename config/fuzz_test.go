package config_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lapps/config"
)

// FuzzParse: Parse never panics; a mistake has a line of the file; what is
// accepted, the schema accepts too, and written out it means the same.
func FuzzParse(f *testing.F) {
	for _, m := range mistakes {
		f.Add([]byte(m.text))
	}
	for _, text := range []string{
		"", "\ufeff{} // a", "{", "[[[[", "{\"a", "/*", "{\"a\": \"\\", "\n\n\n{",
		`{"services": {"echo": {"acl": {"policy": "deny", "exclude": ["::1"]}, "extra_headers": {"X-A": "b"}}}}`,
		`{"services": {"a": {"standalone": true, "preload": ["nap"], "depends": ["b"]}, "b": {"protocol": "LAppS"}}, "listeners": [{"address": ":0"}]}`,
		`{"services": {"a": {"standalone": true}}, "listeners": []}`,
		`{"listeners": [{"address": ":1", "tls": {"certificates": [{"cert": "a", "key": "b"}], "min_version": "1.3", "client_auth": "optional", "client_ca": "c", "curves": ["P-256"]}}]}`,
		`{"listeners": [{"address": ":1", "proxy_protocol": "required", "forwarded_hops": 1, "forwarded_header": "Forwarded", "trusted_proxies": ["::1"], "tls": {"certificates": []}}]}`,
		`{"limits": {"connections_per_prefix": 1, "accepts_per_s": 2, "buffered_mb": 3, "dry_run": ["idle_ms"]}}`,
		`{"services": {"a": {"messages_per_s": 1, "messages_burst": 2, "bytes_per_s": 3, "bytes_burst": 4, "max_age_ms": 5, "max_age_jitter_ms": 6}}}`,
		`{"services": {"a": {"outbox_bytes": 1, "slow_consumer": "latest", "origins": ["null", "https://*.example.com:1", "http://[::1]"], "subprotocols": ["a"]}}}`,
		`{"listeners": [{"address": "localhost:1"}], "timeouts": {"ping_ms": 0}, "$schema": "x"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		c, err := config.Parse("lapps.json", text)
		if !bytes.Equal(text, before) {
			t.Fatal("the text was changed")
		}
		if err != nil {
			var e *config.Error
			if !errors.As(err, &e) || len(e.Mistakes) == 0 || c != nil {
				t.Fatalf("got %v, %v", c, err)
			}
			lines, last := 1+bytes.Count(text, []byte("\n")), 1
			for _, m := range e.Mistakes {
				if m.Line < last || m.Line > lines || m.File != "lapps.json" || m.Msg == "" {
					t.Fatalf("a bad mistake: %+v", m)
				}
				last = m.Line
			}
			return
		}
		if err := validate(t, text); err != nil {
			t.Fatalf("accepted, but not by the schema: %v", err)
		}
		makeAbsolute(t, c)
		sameNative(t, c)
	})
}

// FuzzLAppS: LAppS's pair never panics; a mistake and a notice have a line of
// their file; what is accepted is a configuration of the native form.
func FuzzLAppS(f *testing.F) {
	for _, m := range lappsMistakes {
		f.Add([]byte(m.server), []byte(m.services))
	}
	for _, m := range mistakes {
		f.Add([]byte(m.text), []byte(m.text))
	}
	f.Add([]byte(`{"tls": true, "tls_server_version": 3, "tls_certificates": {"cert": "a"}}`), []byte(`{"services": {"a": {"proto_alias": "b"}}}`))
	f.Add(testdata(f, "lapps/ws.json"), testdata(f, "lapps/lapps.json"))
	f.Fuzz(func(t *testing.T, server, services []byte) {
		c, notices, err := config.ParseLAppS(server, services, "/opt/lapps")
		lines := map[string]int{
			"etc/conf/ws.json":    1 + bytes.Count(server, []byte("\n")),
			"etc/conf/lapps.json": 1 + bytes.Count(services, []byte("\n")),
		}
		var e *config.Error
		if err != nil && (!errors.As(err, &e) || len(e.Mistakes) == 0 || c != nil) {
			t.Fatalf("got %v, %v", c, err)
		}
		all := notices
		if e != nil {
			for _, m := range e.Mistakes {
				all = append(all, config.Notice(m))
			}
		}
		for _, n := range all {
			if n.Line < 1 || n.Line > lines[n.File] || n.Msg == "" || strings.Contains(n.String(), "\n") {
				t.Fatalf("a bad line: %+v", n)
			}
		}
		if err == nil {
			sameNative(t, c)
		}
	})
}

// sameNative fails unless the native form of c, whose directories are
// absolute, means c.
func sameNative(t *testing.T, c *config.Config) {
	t.Helper()
	text, err := c.MarshalNative()
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, text); err != nil {
		t.Fatalf("the schema refuses it: %v\n%s", err, text)
	}
	again, err := config.Parse("lapps.json", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	again.ForgetLines()
	c.ForgetLines()
	if !reflect.DeepEqual(again, c) {
		t.Fatalf("\n got %+v\nwant %+v", again, c)
	}
}

// testdata returns a file of testdata.
func testdata(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
