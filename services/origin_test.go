package services

import (
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
)

func TestAdmitsOrigin(t *testing.T) {
	for _, c := range []struct {
		patterns, origin string
		want             bool
	}{
		{"", "https://evil.example", true}, // none is configured
		{"https://example.com", "https://example.com", true},
		{"https://example.com", "HTTPS://Example.COM", true},
		{"HTTPS://Example.COM", "https://example.com", true},
		{"https://example.com", "https://example.com:443", true},
		{"https://example.com:443", "https://example.com", true},
		{"http://example.com:80", "http://example.com", true},
		{"https://example.com", "https://example.com:80", false},
		{"https://example.com", "https://example.com:8443", false},
		{"https://example.com:8443", "https://example.com", false},
		{"https://example.com", "http://example.com", false},
		{"https://example.com", "https://www.example.com", false},
		{"https://example.com", "https://example.com.evil.example", false},
		{"https://example.com", "https://evilexample.com", false},
		{"https://example.com", "https://example.com/", false},
		{"https://example.com", "https://evil.example@example.com", false},
		{"https://example.com", "https://example.com:", false},
		{"https://example.com", "https://example.com:0443", false},
		{"https://example.com", "https://example.com:443:443", false},
		{"https://example.com", "https://example.com https://example.com", false},
		{"https://example.com", "example.com", false},
		{"https://example.com", "", false},
		{"https://kk.example", "https://\u212a\u212a.example", false}, // in lower case that is kk
		{"https://*.example.com", "https://a.example.com", true},
		{"https://*.example.com", "https://a.b.EXAMPLE.com:443", true},
		{"https://*.example.com", "https://example.com", false},
		{"https://*.example.com", "https://.example.com", false},
		{"https://*.example.com", "https://..example.com", false},
		{"https://*.example.com", "https://aexample.com", false},
		{"https://*.example.com", "https://*.example.com", false},
		{"https://*.example.com", "http://a.example.com", false},
		{"https://*.example.com", "https://a.example.com:8443", false},
		{"https://*.example.com:8443", "https://a.example.com:8443", true},
		{"https://*.example.com", "https://a.example.com.evil.example", false},
		{"http://[::1]:3000", "http://[::1]:3000", true},
		{"http://[::1]", "http://[::1]:80", true},
		{"http://[::1]", "http://[::2]", false},
		{"https://a.example null", "null", true},
		{"https://a.example null", "https://a.example", true},
		{"https://a.example", "null", false},
		{"null", "https://a.example", false},
		{"capacitor://localhost", "capacitor://localhost", true},
	} {
		cfg := originConfig(strings.Fields(c.patterns)...)
		if err := cfg.check(nil); err != nil {
			t.Errorf("%q: %v", c.patterns, err)
			continue
		}
		s := newService(cfg, &Registry{log: slog.New(slog.DiscardHandler)})
		if got := s.AdmitsOrigin(c.origin); got != c.want {
			t.Errorf("%q admits %q: %v, want %v", c.patterns, c.origin, got, c.want)
		}
	}
}

func TestOriginMistakes(t *testing.T) {
	for _, pattern := range []string{"", "*", "example.com", "https://", "https://*", "https://*.", "https://*.*.example.com", "https://a.*.example.com",
		"https://*example.com", "https://example.com/", "https://example.com:", "https://example.com:x", "https://*.[::1]", "https://a b", "Null"} {
		cfg := originConfig(pattern)
		want := `services: test: origin "` + pattern + `": want scheme://host[:port], where the host may begin with *., or null`
		if err := cfg.check(nil); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", pattern, err, want)
		}
	}
}

func originConfig(origins ...string) Config {
	return Config{Name: "test", Files: fs.FS(fstest.MapFS{}), RequestTarget: "/test", Instances: 1, Origins: origins}
}

// FuzzOrigin has an origin that is admitted survive being written down, and be
// within the domain that the pattern names.
func FuzzOrigin(f *testing.F) {
	f.Add("https://a.example.com")
	f.Add("https://A.example.com:443")
	f.Add("https://[::1]:1")
	f.Add("null")
	within, _ := parseOriginPattern("https://*.example.com")
	f.Fuzz(func(t *testing.T, s string) {
		o, ok := parseOrigin(s)
		if !ok {
			return
		}
		text := o.scheme + "://" + o.host
		if o.scheme == "" {
			text = o.host
		}
		if o.port != "" {
			text += ":" + o.port
		}
		if again, ok := parseOrigin(text); !ok || again != o {
			t.Errorf("%q is %+v, but %q is %+v, %v", s, o, text, again, ok)
		}
		if within.matches(o) {
			rest, found := strings.CutPrefix(strings.ToLower(s), "https://")
			rest, _ = strings.CutSuffix(rest, ":443")
			if !found || !strings.HasSuffix(rest, ".example.com") || strings.ContainsAny(rest, "/@:*") {
				t.Errorf("%q is taken for a sub-domain", s)
			}
		}
	})
}
